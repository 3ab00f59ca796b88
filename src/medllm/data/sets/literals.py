"""Python literals in the cells of a CSV: what `str` made of a list or a dict."""

from __future__ import annotations

import ast
from typing import Any

from medllm.data.reading import BadInputError

_MAX_CHARACTERS = 1_000_000  # the questions and answers of a discharge note have 5,000


def parse_literal(text: str, field: str) -> Any:
    """Give the list, dict, number or text that a literal stands for; nothing in it is run.

    Raises `BadInputError` where it is none, or longer than any cell of a data set.
    """
    if len(text) > _MAX_CHARACTERS:
        raise BadInputError(f"field {field} is longer than a record's can be")
    try:
        return ast.literal_eval(text.strip())
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        # From None: the error carries the text.
        raise BadInputError(f"field {field} is not a Python literal") from None

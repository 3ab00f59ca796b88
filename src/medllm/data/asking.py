"""Asking a model for one text after the other, for hours, and noticing when it has gone."""

from __future__ import annotations

import re
from typing import Any

from medllm.errors import ModelError
from medllm.models.chat import Message, Model

_THOUGHT = re.compile(r"^\s*<think>.*?</think>", re.DOTALL)
"""What some models write before their answer, where their server leaves it in."""
MAX_TOKENS = 1024
MOST_FAILURES = 5
"""So many in a row are no accident: the server is gone."""


def ask_text(
    model: Model,
    system: str,
    text: str,
    *,
    schema: dict[str, Any] | None = None,
    max_tokens: int = MAX_TOKENS,
) -> str:
    """Give the model's whole answer, stripped; "" where it is cut off or gives none.

    To a model on another machine the text goes without the identifiers that rules find. Raises
    `ModelError` where the model does not answer as it should.
    """
    messages = [Message("system", system), Message("user", sent_to(model, text))]
    stream = model.stream(messages, schema=schema, max_tokens=max_tokens)
    parts: list[str] = []
    finish = ""
    try:
        for chunk in stream:
            parts.append(chunk.text)
            finish = chunk.finish or finish
    finally:
        stream.close()
    return "" if finish == "length" else _THOUGHT.sub("", "".join(parts)).strip()


def sent_to(model: Model, text: str) -> str:
    """Give what is sent of a text: on another machine there are no identifiers in it."""
    if model.spec.is_local:
        return text
    from medllm.clinical.deidentify.deidentifier import without_identifiers  # slow to import

    return without_identifiers(text).text


class Failures:
    """Counts failures in a row; the very first call must not fail, nor too many after it."""

    def __init__(self) -> None:
        self._in_a_row = MOST_FAILURES - 1

    def add(self, failure: ModelError) -> None:
        """Take note of a failure; raise it where it is one too many."""
        self._in_a_row += 1
        if self._in_a_row >= MOST_FAILURES:
            raise failure

    def clear(self) -> None:
        """Take note of a success."""
        self._in_a_row = 0

"""A sentence cut into clauses that each say something, so that each can be checked alone."""

from __future__ import annotations

import re

from medllm.ask.check.wording import content_keys, read_words

_BORDER = re.compile(
    r";|,(?!\d)|\b(?:and|but|while|whereas|although|though|which|who|then|thereafter|followed by|"
    r"after which|led to|with|when|had|underwent|received|developed|taking)\b"
    r"|(?=\b(?:without|after|before|because)\b)",
    re.IGNORECASE,
)
_BORDER_AT_END = re.compile(rf"(?:{_BORDER.pattern})$", re.IGNORECASE)
_MARKS = " \t\n,;."


def split_clauses(text: str) -> list[str]:
    """Cut a sentence into clauses that each say something; "for 14 days" stays with its verb."""
    borders = [0, *(match.end() for match in _BORDER.finditer(text)), len(text)]
    clauses: list[str] = []
    for start, end in zip(borders, borders[1:], strict=False):
        piece = text[start:end]
        if clauses and not (_says_something(piece) and _says_something(clauses[-1])):
            clauses[-1] += piece
        else:
            clauses.append(piece)
    return [_without_border(clause) for clause in clauses]


def _says_something(text: str) -> bool:
    return bool(content_keys(read_words(text)))


def _without_border(clause: str) -> str:
    """Take the marks and the "and" off the ends of a clause."""
    clause = clause.strip(_MARKS)
    while match := _BORDER_AT_END.search(clause):
        if match.start() == match.end():
            break
        clause = clause[: match.start()].rstrip(_MARKS)
    return clause

"""The answer that a model meant, out of what it wrote; what cannot be read is not guessed."""

from __future__ import annotations

import re
import string
from collections.abc import Sequence

_SAID = r"(?:answer|option|choice|decision)\s*(?:is|:|=)*\s*"
_REFUSAL = re.compile(
    r"\b(?:i(?:'m| am) (?:sorry|unable|not able)|i (?:can(?:no|')t|cannot|won't|will not) "
    r"(?:help|assist|answer|provide|give|offer|advise|diagnose|recommend)|as an ai|as a language "
    r"model|i(?:'m| am) (?:only |just )?an ai)\b",
    re.IGNORECASE,
)
_OPENING = 200
"""Characters: a refusal stands at the beginning."""
_ARTICLES = re.compile(r"\b(a|an|the)\b")


def read_choice(text: str, options: Sequence[str]) -> str:
    """Give the letter that an answer chose among as many options, "" where it cannot be read.

    In this order: a letter that is named as the answer, the last one counts; a letter that stands
    at the beginning; the one option whose text is in the answer.
    """
    letters = string.ascii_uppercase[: len(options)]
    plain = text.replace("*", "").strip()
    named = re.findall(rf"(?i:{_SAID})[\(\[\"']?([{letters}])(?![\w'])", plain)
    if named:
        return str(named[-1])
    if first := re.match(rf"[\(\[\"']?([{letters}])(?:[\)\]\.:,\"']|\s*$|\s*\n)", plain):
        return first[1]
    lower = plain.lower()
    there = [at for at, option in enumerate(options) if option and option.lower() in lower]
    longest = [
        at
        for at in there
        if not any(at != other and options[at].lower() in options[other].lower() for other in there)
    ]
    return letters[longest[0]] if len(longest) == 1 else ""


def read_word(text: str, words: Sequence[str]) -> str:
    """Give the one of these words that an answer decides for, "" where it cannot be read."""
    any_word = "|".join(map(re.escape, words))
    plain = text.replace("*", "").strip().lower()
    named = re.findall(rf"{_SAID}[\"'(]?({any_word})\b", plain)
    if named:
        return str(named[-1])
    first = re.match(rf"[\"'(]?({any_word})\b", plain)
    return first[1] if first else ""


def is_refusal(text: str) -> bool:
    """Whether an answer refuses at its beginning to answer."""
    return bool(_REFUSAL.search(text[:_OPENING]))


def normalised(text: str) -> list[str]:
    """Give the words of an answer without case, punctuation and articles, as SQuAD has them."""
    kept = "".join(" " if letter in string.punctuation else letter for letter in text.lower())
    return _ARTICLES.sub(" ", kept).split()

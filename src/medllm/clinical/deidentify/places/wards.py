"""What names a part of an institution, or one that has no other name: wards, saints, prisons."""

from __future__ import annotations

import re
from collections.abc import Iterator

from medllm.clinical.deidentify.places.towns import read_place
from medllm.clinical.deidentify.text import Found, Words
from medllm.clinical.deidentify.vocabulary import vocabulary

_RANK = 9
_WARD = re.compile(
    r"\bWard\s(?:no\.?\s)?(\d{1,2}(?:\s?(?:[A-Z]\b|North|South|East|West))?|[A-Z]\d{1,2}[A-Z]?|[A-Z][a-zà-ÿ]{2,15})\b"
    r"(?!\s(?:round|sister|clerk|manager|nurse))"
)
_SAINT = re.compile(
    r"\b(?:at|to|from|in|via|of)\s(St\.?\s[A-Z]\w+['’]s?)(?!\w|\s(?:wort|dance|fire|Wort|Dance))"
)


def find_wards(words: Words) -> Iterator[Found]:
    """Give the "7B" of "Ward 7B", the name of "Ward Jenner", saints, and the names of prisons."""
    yield from _find_saints(words)
    yield from _find_prisons(words)
    if "Ward " in words.text:
        for match in _WARD.finditer(words.text):
            if match[1][0].isdigit() or not vocabulary().is_plain(match[1].lower()):
                yield Found(*match.span(1), "geographic", _RANK, "ward")


def _find_saints(words: Words) -> Iterator[Found]:
    """Give a house that has only its saint: "sent to St. Luke's"."""
    for match in _SAINT.finditer(words.text):
        yield Found(*match.span(1), "geographic", _RANK, "place")


def _find_prisons(words: Words) -> Iterator[Found]:
    """Give the name behind "HMP" and "HMYOI", as British notes call a prison."""
    for at in words.where(("hmp", "hmyoi", "yoi", "hmpps")):
        if words.gap(at) == " " and words.is_capital(at + 1):
            end = read_place(words, at + 1)
            yield Found(words.starts[at + 1], words.ends[end - 1], "geographic", _RANK, "place")

"""Names in a text that is written in small letters, as machines write down what they hear."""

from __future__ import annotations

import re
from collections.abc import Iterator

from medllm.clinical.deidentify.names.eponyms import is_eponym_use
from medllm.clinical.deidentify.names.reader import Span
from medllm.clinical.deidentify.text import Words
from medllm.clinical.deidentify.vocabulary import Vocabulary, vocabulary

_WRITTEN = ("dictated", "signed", "typed", "written", "referred", "seen", "transcribed")
_PEOPLE_IN_SMALL = frozenset(
    """saw met pt patient husband wife mother father mom mum dad son daughter brother
    sister aunt uncle partner friend neighbor neighbour cousin nephew niece signed nurse
    roommate caregiver""".split()
)
_INFLECTED = re.compile(r"(?:ed|ing|ly|s|[^a-z'’-].*)$", re.ASCII)
_COMMON = frozenset("will may mark so do an in on long sue hope art bill can see don pat".split())


def find_uncapitalised_names(words: Words) -> Iterator[Span]:
    """Give listed given names and what may be a family name behind, of a text in small letters."""
    known = vocabulary()
    if not words.is_without_capitals:
        return
    for at in words.where(known.given):
        low, follows = words.lowers[at], words.lowers[at + 1]
        joined = words.gap(at) == " " and _may_be_surname(follows, known)
        sure = not known.is_plain(low) and len(low) > 2 and not is_eponym_use(words, at)
        listed = joined and follows in known.surnames and not known.is_plain(follows)
        if sure or (listed and low not in _COMMON):
            yield Span(at, at + 1 + joined)
    written = [at for at in words.where(("by",)) if words.lowers[at - 1] in _WRITTEN]
    for at in [*words.where(_PEOPLE_IN_SMALL), *written]:
        gap, low = words.gap(at), words.lowers[at + 1]
        start = at + 1 + (low in ("is", "was"))
        if gap not in (" ", ", ") or not words.surfaces[start].islower():
            continue
        if not _may_be_surname(words.lowers[start], known) or known.is_city(words.lowers[start]):
            continue
        behind = words.gap(start) == " " and _may_be_surname(words.lowers[start + 1], known)
        yield Span(start, start + 1 + behind)
    for at in words.where(("name", "names", "surname")):
        if words.gap(at) in (" ", ": ", " is ", " - ") and _may_be_surname(
            words.lowers[at + 1], known
        ):
            behind = words.gap(at + 1) == " " and _may_be_surname(words.lowers[at + 2], known)
            yield Span(at + 1, at + 2 + behind)


def _may_be_surname(low: str, known: Vocabulary) -> bool:
    """Whether a small word is a family name by the list, or no word that is known."""
    if low in known.surnames and low not in _COMMON:
        return True
    return len(low) > 2 and not known.is_plain(low) and _INFLECTED.search(low) is None

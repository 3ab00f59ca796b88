"""Results in words: "chest X-ray was normal", "elevated CRP", "Coombs test: negative"."""

from __future__ import annotations

from typing import NamedTuple

from medllm.clinical.matching import Match
from medllm.clinical.tokens import Tokens, word_set
from medllm.records import Flag

_QUALITIES: dict[str, tuple[str, Flag]] = {
    **dict.fromkeys("normal unremarkable unrevealing noncontributory".split(), ("normal", "")),
    **dict.fromkeys("abnormal pathological deranged".split(), ("abnormal", "")),
    **dict.fromkeys("positive reactive".split(), ("positive", "")),
    **dict.fromkeys("negative nonreactive sterile".split(), ("negative", "")),
    **dict.fromkeys("elevated raised high increased".split(), ("elevated", "high")),
    **dict.fromkeys("low decreased reduced diminished lowered".split(), ("low", "low")),
    **dict.fromkeys("equivocal inconclusive indeterminate".split(), ("inconclusive", "")),
}
"""Canonical word -> how the result is named, and its flag."""

_LINKS = word_set(
    """was were is are be been remained remain : came returned resulted tested proved turned found
    within appeared reported considered"""
)
_SKIPPED = word_set(
    """the a an all also both entirely slightly mildly markedly significantly highly strongly
    persistently very within otherwise completely essentially largely totally found to be back
    out as normal for still only weakly moderately severely extremely grossly again always
    repeatedly , and which of reported in"""
)
_BEFORE_NAME = word_set("level of serum plasma the for blood value urinary test titer urine")
_NOUNS = word_set(
    """test examination exam result finding level culture serology antibody titer smear screening
    screen panel profile function scan radiograph ultrasound workup investigation marker assay
    study studies count analysis cytology swab stain parameter staining electrolyte enzyme value csf
    cell tumor immunohistochemistry serum blood urine sputum fluid biopsy margin receptor
    antigen assessment evaluation pcr igg igm"""
)
_SURELY_TESTS = word_set("positive negative elevated raised nonreactive")
"""Words that make a result of whatever they are said of: "the tumour cells were positive"."""

_AFTER = word_set(
    """and or but for in on at with except to by as while whereas although apart range limit
    throughout both bilaterally during after before from without other aside which when until
    than so yet too again respectively"""
)
_SPECIMENS = word_set("cell tumor serum blood urine sputum fluid biopsy margin csf")
_SIGNS = word_set("positive negative")
_NO_PART = _LINKS | word_set("the a an his her and of , . ( ) or in on with all both")
_NO_TEST = word_set(
    """history course period he she they it patient which that there past symptom rest who we
    outcome attitude mother father family effect response and or"""
)
_MEASURED = word_set("level titer count value concentration activity")
_MAX_GAP = 9
_LIMITS = (["range"], ["limit"])


_Said = tuple[int, int, str]
"""First token, end (not included), and name of what is said to be so."""


class Quality(NamedTuple):
    """Tokens `first` to `last` (not included) say how a result is."""

    first: int
    last: int
    name: str
    word: str
    flag: Flag


def find_qualities(
    tokens: Tokens, names: list[Match], others: frozenset[int], first: int, last: int
) -> list[Quality]:
    """Give the results in words of the sentence from `first` to `last`.

    `names` are the names of analyses, procedures and images in it, `others` the tokens of other
    findings: "syphilis was negative" is the denial of a disorder and not a result.
    """
    words = tokens.words
    found: list[Quality] = []
    reached = first
    for at in range(first, last):
        quality = _QUALITIES.get(words[at])
        if quality is not None and at >= reached:
            span = (
                _attribute(tokens, names, at, last)
                or _postponed(tokens, names, at, reached)
                or _predicate(tokens, names, at, reached, last)
            )
            if span is not None and others.isdisjoint(range(span[0], span[1])):
                found.append(Quality(*span, *quality))
                reached = span[1]
    return found


def _attribute(tokens: Tokens, names: list[Match], at: int, last: int) -> _Said | None:
    """Give "elevated serum CRP", "positive for S-100", "negative results"."""
    words = tokens.words
    name = _ahead(words, names, at, last)
    if name is not None:
        if words[name.last : name.last + 1] == ["field"]:
            return None  # "per high-power field": muscle power is not meant
        is_value = name.concept.kind in ("result", "vital")
        return (at, name.last, name.concept.name) if is_value else None
    end = _noun_ahead(words, at, last, is_change=bool(_QUALITIES[words[at]][1]))
    if not end:
        return None
    return at, end, " ".join(word.lower() for word in tokens.surface[at + 1 : end])


def _postponed(tokens: Tokens, names: list[Match], at: int, floor: int) -> _Said | None:
    """Give "HER2-positive", "CD20 negative"."""
    if tokens.words[at] not in _SIGNS or at <= floor:
        return None
    if tokens.words[at - 1] == "tested":
        return at - 1, at + 1, "test"
    for name in names:
        if name.last == at and name.first >= floor and name.concept.kind == "result":
            return name.first, at + 1, name.concept.name
    start = at - 1 if not tokens.surface[at - 1].isdigit() else at - 2
    if start < floor or len(tokens.surface[start]) < 2 or not tokens.surface[start].isupper():
        return None
    return start, at + 1, "".join(tokens.surface[start:at]).lower()


def _predicate(tokens: Tokens, names: list[Match], at: int, floor: int, last: int) -> _Said | None:
    """Give "chest X-ray was normal", "all tests were within normal limits"."""
    if not _ends_phrase(tokens.words, at, last):
        return None
    subject = _behind(tokens, names, at, floor)
    if subject is None:
        return None
    end = at + 2 if tokens.words[at + 1 : at + 2] in _LIMITS else at + 1
    return subject[0], end, subject[1]


def _ahead(words: list[str], names: list[Match], at: int, last: int) -> Match | None:
    """Give the name in "elevated serum CRP", "positive for S-100"."""
    ahead = at + 1
    while ahead < min(last, at + 4) and words[ahead] in _BEFORE_NAME:
        ahead += 1
    return next((name for name in names if name.first == ahead), None)


def _ends_phrase(words: list[str], at: int, last: int) -> bool:
    """Whether the word is said of something before it, not of the noun behind it."""
    return at + 1 >= last or not words[at + 1].isalpha() or words[at + 1] in _AFTER


def _noun_ahead(words: list[str], at: int, last: int, *, is_change: bool) -> int:
    """Give the end of "negative results", "elevated tryptase levels"; 0 where it is none."""
    nouns = _MEASURED if is_change else _NOUNS - _SPECIMENS
    for ahead in range(at + 1, min(at + 4, last)):
        if words[ahead] in nouns:
            return ahead + 1 if ahead > at + 1 or not is_change else 0
        if not words[ahead].isalpha() or words[ahead] in _LINKS or words[ahead] in _SKIPPED:
            return 0
    return 0


def _behind(tokens: Tokens, names: list[Match], at: int, floor: int) -> tuple[int, str] | None:
    """Give where the subject of "... was normal" begins, and its name."""
    words = tokens.words
    back = at - 1
    links = 0
    while back >= floor and back > at - _MAX_GAP:
        if words[back] in _LINKS:
            links += 1
        elif words[back] not in _SKIPPED:
            break
        back -= 1
    if not links or back < floor:
        return None
    for name in reversed(names):
        if name.first <= back <= name.last and name.first >= floor:
            return _with_long_form(words, names, name), name.concept.name
    is_test = words[at] in _SURELY_TESTS and words[back].isalpha() and words[back] not in _NO_TEST
    if words[back] in _NOUNS or is_test:
        start = back
        while start > floor and back - start < 2 and words[start - 1] not in _NO_PART:
            start -= 1
        return start, " ".join(word.lower() for word in tokens.surface[start : back + 1])
    return _of_something(words, names, back, floor)


def _with_long_form(words: list[str], names: list[Match], name: Match) -> int:
    """Give where "thyroid stimulating hormone (TSH)" begins, or its brackets do."""
    if not name.first or words[name.first - 1] != "(":
        return name.first
    bracket = name.first - 1
    return next((other.first for other in names if other.last == bracket), bracket)


def _of_something(
    words: list[str], names: list[Match], back: int, floor: int
) -> tuple[int, str] | None:
    """Give the subject of "the radiograph of the right humerus was normal"."""
    for at in range(back - 1, max(floor, back - 5), -1):
        if words[at] in ("of", "on"):
            name = next((name for name in names if name.last == at), None)
            return (name.first, name.concept.name) if name is not None else None
        if not words[at].isalpha():
            return None
    return None

"""Names without a cue: listed given and family names, and what only a person does or has."""

from __future__ import annotations

import re
from collections.abc import Iterator

from medllm.clinical.deidentify.names.eponyms import is_eponym_use, is_firm
from medllm.clinical.deidentify.names.pairs import (
    BE_FOLLOWED,
    BE_VERBS,
    FIRM_NEAR,
    HEAD_OF_LINE,
    PERSON_VERBS,
    SHOUTED_BEHIND,
    THINGS_DO,
    unlisted_pair,
)
from medllm.clinical.deidentify.names.reader import (
    Span,
    begins_land,
    is_initial,
    is_namelike,
    read_name,
)
from medllm.clinical.deidentify.places.towns import city_end
from medllm.clinical.deidentify.text import Words
from medllm.clinical.deidentify.vocabulary import Vocabulary, vocabulary

_BODILY_VERBS = frozenset(
    "denies slept complains smokes drinks lives weighs endorses denied".split()
)
_NUMBER_OR_END = re.compile(r"\s?[(|#]\s?(?:MRN\s?)?\d|\s{2}|\n|$|\s(?:DOB|MRN)")
_AGED = re.compile(
    r"(?:\s[A-Z]\.?)?\s?\|?(?:\s\(?\d{1,3}\s?(?:[yY]/?o|yrs?|[MF])\b|\s\(\d{6,10}\)|[,;]?\s\(?(?:DOB|MRN)\b)"
)


def find_listed_names(words: Words) -> Iterator[Span]:
    """Give listed given names with what follows, initials with a listed surname, "ROE, Jane"."""
    known = vocabulary()
    done = -1
    for at in words.capitals:
        if at < done:
            continue
        low = words.lowers[at]
        span = _last_and_first(words, at, known)
        if span and is_initial(words, span.last) and words.gap(span.last - 1) == " ":
            span = Span(span.first, span.last + 1)  # "ROE, Jane A"
        if span is None and (low in known.given or low.split("-")[0] in known.given):
            span = _given_and_more(words, at, known)
        elif span is None and is_initial(words, at):
            span = _initial_and_surname(words, at, known)
        if span is None and words.gap(at) == " ":
            span = unlisted_pair(words, at)
        if span is None and _is_shouted_first(words, at):
            span = Span(at, at + 2)  # "GEBRE Aviendra."
        if span is None and low in known.surnames and _is_lone_surname(words, at, known):
            span = Span(at, at + 1)
        if span:
            yield span
            done = span.last


def _is_shouted_first(words: Words, at: int) -> bool:
    """Whether a family name in capitals has a given name behind it and then an end."""
    surface = words.surfaces[at]
    if not surface.isupper() or len(surface) < 4 or words.gap(at) != " ":
        return False
    behind = words.gap(at + 1)[:1]
    if words.surfaces[at + 1].isupper() or behind not in (".", ",", ";", "\n", "(", "|", ""):
        return False
    if not (is_namelike(words, at, capitals=True) and is_namelike(words, at + 1)):
        return False
    known, low = vocabulary(), words.lowers[at]
    return known.is_listed_name(low) or (low not in known.eponyms and not known.is_plain(low))


def _is_lone_surname(words: Words, at: int, known: Vocabulary) -> bool:
    """Whether a listed family name alone is a person's: no other word, eponym, place or firm."""
    low, surface, gap = words.lowers[at], words.surfaces[at], words.gap(at)
    if surface.isupper() or len(low) < 3 or known.is_plain(low) or known.is_land(low):
        return False
    if low in known.eponyms or known.is_city(low) or is_eponym_use(words, at) or is_firm(words, at):
        return False
    start, end = words.starts[at], words.ends[at]
    if words.text[end : end + 1] in ("®", "™", "-", "–", "_", "/") or (
        start and words.text[start - 1] in '-–/_(“"'
    ):
        return False
    if gap == " " and words.is_capital(at + 1) and words.surfaces[at + 1] not in ("RN", "MD"):
        return False
    if at and words.gap(at - 1) == " " and words.is_capital(at - 1):
        return False
    return not FIRM_NEAR.search(words.text[max(0, start - 15) : end + 40])


def _given_and_more(words: Words, at: int, known: Vocabulary) -> Span | None:
    if is_eponym_use(words, at) or begins_land(words, at) or begins_land(words, at - 1):
        return None
    if city_end(words, at) > at + 1:  # "Ann Arbor"
        return None
    if "-" in words.lowers[at] and not known.eponyms.isdisjoint(words.lowers[at].split("-")):
        return None
    span = read_name(words, at, trusted=False)
    low, surface = words.lowers[at], words.surfaces[at]
    doubtful = low in known.ordinary or low in known.eponyms or known.is_city(low) or len(low) < 3
    doubtful = doubtful or known.is_land(low)
    if span and span.last - span.first > 1:
        rest = words.lowers[span.first + 1 : span.last]
        if any(is_eponym_use(words, i, by_head=True) for i in range(at + 1, span.last)):
            return None
        listed = any(map(known.is_listed_name, rest))
        if doubtful and not listed:
            return span if _is_bracketed(words, span) or _is_of_city(words, at, span) else None
        return span
    if (
        words.surfaces[at + 1].isupper()
        and is_namelike(words, at + 1, capitals=True)
        and words.gap(at) == " "
        and SHOUTED_BEHIND.match(words.text, words.ends[at + 1])
    ):
        return Span(at, at + 2)  # "Ann ROE 78F"
    behind = words.text[words.ends[at] : words.ends[at] + 1]
    if doubtful or surface.isupper() or behind.isdigit() or behind in ("®", "™"):
        return None
    return Span(at, at + 1)


def _is_bracketed(words: Words, span: Span) -> bool:
    """Whether two words that look like a name fill a bracket: "participant 12 (Tyler Roe)"."""
    start, end = words.starts[span.first], words.ends[span.last - 1]
    return words.text[start - 1 : start] == "(" and words.text[end : end + 1] == ")"


def _is_of_city(words: Words, at: int, span: Span) -> bool:
    """Whether a given name that is a city too, and no other word, has an unlisted name behind."""
    known, low = vocabulary(), words.lowers[at]
    if not known.is_city(low) or low in known.ordinary or low in known.eponyms:
        return False
    return not any(known.is_plain(words.lowers[i]) for i in range(at + 1, span.last))


def _last_and_first(words: Words, at: int, known: Vocabulary) -> Span | None:
    """Give "ROE, Jane": a family name in capitals, or a listed one, with a given name behind it."""
    if words.gap(at) not in (", ", ",") or not words.is_capital(at + 1):
        return None
    low, follows, surface = words.lowers[at], words.lowers[at + 1], words.surfaces[at]
    if known.is_land(follows) or known.is_land(low):
        return None
    if low in known.eponyms and is_eponym_use(words, at + 1):  # "Foley, Addison's disease"
        return None
    both = surface.isupper() and len(surface) > 2 and words.surfaces[at + 1].isupper()
    both = both and _NUMBER_OR_END.match(words.text, words.ends[at + 1]) is not None
    if both and all(is_namelike(words, here, capitals=True) for here in (at, at + 1)):
        return Span(at, at + 2)
    if _is_shouted_last(words, at, known):
        return Span(at, at + 2)
    initial = is_initial(words, at + 2) and words.gap(at + 1) == " "
    if (
        initial
        and is_namelike(words, at)
        and is_namelike(words, at + 1)
        and (follows in known.given or low in known.surnames)
    ):
        return Span(at, at + 3)
    if (
        is_namelike(words, at)
        and is_namelike(words, at + 1)
        and _AGED.match(words.text, words.ends[at + 1])
    ):
        return Span(at, at + 2)
    sure = low in known.surnames and low not in known.ordinary and not known.is_city(follows)
    if (
        sure
        and follows in known.given
        and (follows not in known.ordinary or not words.gap(at + 1).startswith(" "))
    ):
        return Span(at, at + 2)
    return None


def _is_shouted_last(words: Words, at: int, known: Vocabulary) -> bool:
    """Whether a family name in capitals stands before a comma and a given name: "ROE, Jane"."""
    low, follows, surface = words.lowers[at], words.lowers[at + 1], words.surfaces[at]
    if not surface.isupper() or len(surface) < 3 or words.surfaces[at + 1].isupper():
        return False
    known_name = low in known.surnames or low in known.eponyms
    if low in known.ordinary and not known.is_clinical(low):
        known_name = known_name or words.gap(at + 1)[:1] in (",", ".", "(", ";")
    if not known_name and not is_namelike(words, at, capitals=True):
        return False
    if known_name and (follows in known.given or is_namelike(words, at + 1)):
        return True
    opens = HEAD_OF_LINE.search(words.text[max(0, words.starts[at] - 6) : words.starts[at]])
    closed = words.gap(at + 1)[:2] in ("  ", ". ", "; ", " (", "\n", "")
    closed = closed and words.text[words.starts[at] - 1 : words.starts[at]] != "("
    sure = (opens or closed or follows in known.given) and not known.is_city(follows)
    return bool(sure) and is_namelike(words, at + 1)


def _initial_and_surname(words: Words, at: int, known: Vocabulary) -> Span | None:
    if words.text[words.ends[at] : words.ends[at] + 1] != ".":
        return None
    span = read_name(words, at, trusted=False)
    if span is None or span.last - span.first < 2:
        return None
    last = words.lowers[span.last - 1]
    if last not in known.surnames or last in known.ordinary or is_eponym_use(words, span.last - 1):
        return None
    return span


_AGED_BEHIND = re.compile(r" (?:is|was) an? \d{1,3}[- ]?(?:y|m|w|d)")
_PERSONAL_STATES = frozenset(
    """alert oriented tearful calm cooperative cheerful doing married single retired unwell keen
    happy comfortable pleasant homeless pregnant""".split()
)


def find_subjects(words: Words) -> Iterator[Span]:
    """Give single words that do what only a person does: "Okafore denies fever"."""
    known = vocabulary()
    for follows in words.where(PERSON_VERBS | BE_VERBS):
        at = follows - 1
        if at < 0 or words.gap(at) != " " or words.surfaces[at].isupper():
            continue
        low, verb = words.lowers[at], words.lowers[follows]
        if not is_namelike(words, at) and low not in known.eponyms:
            continue
        if verb in BE_VERBS and words.lowers[follows + 1] not in BE_FOLLOWED:
            continue
        if not words.is_capital(at) or not _could_be_person(words, at, verb, known):
            continue
        yield Span(at, at + 1)


def _could_be_person(words: Words, at: int, verb: str, known: Vocabulary) -> bool:
    low = words.lowers[at]
    if known.is_land(low) or words.has_possessive(at):
        return False
    if known.is_city(low) and low not in known.surnames:
        return False
    if low in known.eponyms and low in known.surnames:
        return True
    doing = verb in ("is", "was") and words.lowers[at + 2] == "doing"
    if doing and low in known.given:
        return True
    aged = _AGED_BEHIND.match(words.text, words.ends[at]) is not None
    if aged and known.is_listed_name(low):
        return True
    if low in known.eponyms or low in known.ordinary:
        return verb in _BODILY_VERBS and (low in known.eponyms or known.is_listed_name(low))
    if verb in THINGS_DO:
        articled = at and words.lowers[at - 1] in ("the", "a", "an", "this")
        personal = (
            not articled and words.lowers[at + 2] in _PERSONAL_STATES and verb in ("is", "was")
        )
        return low in known.surnames or aged or personal
    return len(low) > 2 or low in known.surnames

"""Names in a text that is written in small letters, typed in haste or by a machine that listens."""

from __future__ import annotations

import re
from collections.abc import Iterator

from medllm.clinical.deidentify.names.eponyms import is_eponym_use
from medllm.clinical.deidentify.names.reader import Span
from medllm.clinical.deidentify.text import Words
from medllm.clinical.deidentify.vocabulary import Vocabulary, vocabulary

_WRITTEN = frozenset(
    """dictated signed typed written referred seen transcribed reviewed entered performed witnessed
    accompanied driven brought accepted read""".split()
)
_HANDED = re.compile(
    r"(?:(?:pass|passed|hand|handed|handoff|handover|report|signout|care)(?:ed)?(?:\s(?:given|on|off|over|called))?"
    r"\sto|(?:spoke|discussed|met|lives)\swith|[ds]/w|report\sfrom|message\sfrom|call\sfrom)$"
)
_TITLES = frozenset("dr doctor mr mister mrs missus ms miss prof professor".split())
_PEOPLE = frozenset(
    """saw met pt patient husband wife mother father mom mum dad son daughter brother
    sister aunt uncle partner friend neighbor neighbour cousin nephew niece signed nurse
    roommate caregiver girlfriend boyfriend fiance fiancee grandson granddaughter grandmother
    grandfather stepson stepdaughter pcp gp np cna midwife attending interpreter pharmacist
    chaplain daddy mommy named surgeon assistant anesthesiologist anaesthetist resident fellow
    consultant volunteer""".split()
)
_DEGREES = frozenset(
    "rn md np lpn lvn cna dnp crna fnp aprn pharmd lcsw msw rrt emt mbbs phd rmn rgn cnp".split()
)
_INFLECTED = re.compile(r"(?:ed|ing|ly|s|[^a-z'’-].*)$", re.ASCII)
_COMMON = frozenset(
    """will may mark so do an in on long sue hope art bill can see don pat to said states still no
    was is has had did does call called came come saw told asked ask""".split()
)
_AT_WORK = re.compile(
    r"(?:works?|worked|working|drives?|drove|employed|job)\s(?:for|at|by|with)\s$"
)
_FIRM = re.compile(r"([a-z][a-z'&-]{1,20}(?:\s[a-z][a-z'&-]{2,20}){0,2})(?=\s?(?:[,.;)\n]|$))")
_JOINED = (" ", ". ")


def find_uncapitalised_names(words: Words) -> Iterator[Span]:
    """Give what titles, roles, lists and degrees show to be names, in a text in small letters."""
    small = words.in_small_letters
    if small is None:
        return
    words = small
    known = vocabulary()
    spans = {span for span in _find_spans(words, known) if span.last > span.first}
    yield from spans
    said = {words.lowers[at] for span in spans for at in range(span.first, span.last)}
    said = {low for low in said if len(low) > 2 and not known.is_plain(low)}
    for at in words.where(said):  # wherever a name that is no other word stands again
        if not is_eponym_use(words, at):
            yield Span(at, at + 1)


def find_firms_in_small_letters(words: Words) -> Iterator[tuple[int, int]]:
    """Give where an employer stands: "drives for conway transport,"."""
    small = words.in_small_letters
    if small is None:
        return
    words = small
    for at in words.where(("for", "at", "by", "with")):
        end = words.ends[at] + 1
        if _AT_WORK.search(words.text[max(0, end - 20) : end]):
            firm = _FIRM.match(words.text, end)
            if firm and not all(map(vocabulary().is_plain, firm[1].split())):
                yield firm.span(1)


def _find_spans(words: Words, known: Vocabulary) -> Iterator[Span]:
    for at in words.where(known.given):
        yield from _given(words, at, known)
    for at in words.where(_TITLES):
        if words.gap(at) in (" ", ". ", "."):
            yield _read(words, at + 1, known, titled=True)
    for at in words.where(("by", "to", "with", "w", "from")):
        before = words.text[max(0, words.starts[at] - 30) : words.ends[at]]
        if words.lowers[at - 1] in _WRITTEN or _HANDED.search(before):
            yield _read(words, at + 1, known, titled=False)
    for at in words.where(_PEOPLE):
        start = at + 1 + (words.lowers[at + 1] in ("named", "called"))
        if words.gap(at) in (" ", ", ") and words.surfaces[start].islower():
            span = _read(words, start, known, titled=False)
            if span.first == span.last or not known.is_city(words.lowers[span.first]):
                yield span
    for at in words.where(("name", "names", "surname")):
        if words.gap(at) in (" ", ": ", " is ", " - "):
            yield _read(words, at + 1, known, titled=False)
    for at in words.where(_DEGREES):
        yield _read_back(words, at, known)


def _given(words: Words, at: int, known: Vocabulary) -> Iterator[Span]:
    """Give a listed given name, with an initial and what may be a family name behind."""
    low = words.lowers[at]
    initial = len(words.surfaces[at + 1]) == 1 and words.gap(at) == " "
    initial = (
        initial and words.lowers[at + 1] not in ("a", "i", "y") and words.gap(at + 1) in _JOINED
    )
    last = at + 1 + initial
    follows = words.lowers[last]
    joined = words.gap(last - 1) in _JOINED[: 1 + initial] and _may_be_surname(follows, known)
    sure = not known.is_plain(low) and len(low) > 2 and not is_eponym_use(words, at)
    listed = joined and follows in known.surnames and not known.is_plain(follows)
    if sure or (listed and low not in _COMMON):
        yield Span(at, last + 1 if joined else at + 1)


def _read(words: Words, at: int, known: Vocabulary, *, titled: bool) -> Span:
    """Give initials and one or two words that may be a name, from `at`; empty if there are none."""
    here = at
    while len(words.surfaces[here]) == 1 and words.gap(here) in _JOINED and here - at < 2:
        if words.lowers[here] in ("a", "i"):
            break
        here += 1
    first = here
    while here - first < 2 and words.surfaces[here].islower():
        low = words.lowers[here]
        unknown = titled and len(low) > 2 and not known.is_plain(low)
        listed = low in known.given and low not in known.ordinary
        plain = known.is_plain(low) and not (titled and low in known.surnames - _COMMON)
        if plain or not (unknown or listed or _may_be_surname(low, known)):
            break
        here += 1
        if words.gap(here - 1) != " ":
            break
    return Span(at, here) if here > first else Span(at, at)


def _read_back(words: Words, at: int, known: Vocabulary) -> Span:
    """Give the name in front of a degree: "m okafor rn", "hal p. eccles md"; empty if none."""
    first = at
    while first and at - first < 3 and words.gap(first - 1) in (" ", ", ", ". "):
        low = words.lowers[first - 1]
        initial = len(low) == 1 and low not in ("a", "i")
        if not initial and (known.is_plain(low) and low not in known.given or len(low) < 2):
            break
        if first < at and not initial and words.gap(first - 1) != " ":
            break
        first -= 1
    named = any(len(words.lowers[here]) > 1 for here in range(first, at))
    return Span(first, at) if named else Span(at, at)


def _may_be_surname(low: str, known: Vocabulary) -> bool:
    """Whether a small word is a family name by the list, or no word that is known."""
    if low in known.surnames and low not in _COMMON:
        return True
    return len(low) > 2 and not known.is_plain(low) and _INFLECTED.search(low) is None

"""Names of persons: by cues, lists and headers, from the caller, and wherever they recur."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import chain

from medllm.clinical.deidentify.messages import is_message
from medllm.clinical.deidentify.names.charts import find_unknown_names
from medllm.clinical.deidentify.names.eponyms import is_eponym_use, is_firm
from medllm.clinical.deidentify.names.frames import find_framed_names
from medllm.clinical.deidentify.names.initials import NAME_RANK, find_initials
from medllm.clinical.deidentify.names.labels import find_titled_names
from medllm.clinical.deidentify.names.letters import find_letter_names
from medllm.clinical.deidentify.names.listed import (
    find_listed_names,
    find_subjects,
)
from medllm.clinical.deidentify.names.pairs import BE_VERBS, PERSON_VERBS, find_free_pairs
from medllm.clinical.deidentify.names.people import find_people
from medllm.clinical.deidentify.names.reader import Span
from medllm.clinical.deidentify.names.small_letters import find_uncapitalised_names
from medllm.clinical.deidentify.text import Found, Words
from medllm.clinical.deidentify.vocabulary import fold, vocabulary

_LONE_RANK = 15
"""Of a given name by itself, behind places: the Francisco of "South San Francisco"."""
_FREE_RANK = 16
"""Of two unlisted words, behind everything else."""
KNOWN_RANK = 12
"""Behind the other rules: whatever they found around a known name is replaced with it."""
_NAME_PART = r"(?:(?:van|von|de|der|la|le|du|di|da|el|al|bin)\s)?[^\W\d_][\w'’-]{1,30}"
_HEADER = re.compile(
    rf"(?:^|(?<=[|;\t\x22]))[ \t>*|#\d.)-]{{0,12}}"
    rf"({_NAME_PART},[ \t]?{_NAME_PART}(?:[ \t][A-Z]\b\.?)?)"
    r"(?=[ \t]{2,}|[ \t]*[|;(\d\n\x22]|[ \t]*$|,? (?:DOB|MRN|M\b|F\b))",
    re.MULTILINE,
)
_CARET = re.compile(
    r"[A-Z](?<![\w].)[A-Za-z'-]{1,30}\^[A-Z][A-Za-z'-]{1,30}(?:\^[A-Z][A-Za-z]{0,20})?"
)
_VOCATIVE = re.compile(
    r"^[ \t>]{0,8}([A-Z][a-zà-ÿ]{1,20}(?:-[A-Za-zà-ÿ]{2,20})?),\s(?=can |could |please|thank"
    r"|would |I "
    r"|I'|just |any |hope |do |is |are )",
    re.MULTILINE,
)
_SALUTATION = re.compile(r"(?:^|(?<=\n\n))([A-Z][a-zà-ÿ]{1,20}(?:-[A-Za-zà-ÿ]{2,20})?),[ \t]*\n")
_FIELD = re.compile(
    r"(?<=[|—\t])[ \t]{0,8}"
    r"((?:[A-Z]\.?\s)?[A-Z][\w'’-]{1,20}(?:\s[A-Z]\.?)?(?:\s[A-Z][\w'’-]{1,20})?)"
    r"[ \t]*(?=[|—\t])"
)
_SPEAKER = re.compile(
    r"^[ \t]*\[?\d{1,2}:\d\d(?::\d\d)?\]?\s+([A-Z][a-zà-ÿ]{1,20}(?:[\s-][A-Za-z][a-zà-ÿ]{1,20})?):",
    re.MULTILINE,
)
_HANDLE = re.compile(
    r"^[ \t]*\[[\d :/.-]{4,22}\]\s{0,2}((?:[a-z]{3,20}[._])?[a-z]{1,20})(?:[._][a-z]{2,5})?:", re.M
)
"""Who speaks in a chat, by the name of an account: "[08:12] a.roe.rn:"."""
_BEFORE_EXTENSION = re.compile(
    r"([A-Z][a-zà-ÿ]{1,20}(?:[-'][A-Za-zà-ÿ]{2,20})?)\s(?=x\d{3,5}\b|ext\.?\s?\d)"
)
_NUMBER_BEHIND = re.compile(
    r"(?:\s[A-Z]\.?)?(?:,?\s\d{1,3}\s?[yMF]{1,2},)?\s{0,4}[|—#(]?\s{0,4}(\d{6,8})(?!\d|[/.,]\d|[%-])"
)
_BEFORE_EMAIL = re.compile(
    r"((?:[A-Z][\w.'’-]{0,20} (?:van |de |von )?){1,3}[A-Z][\w'’-]{1,20}) ?"
    r"(?=[<(\[][\w.+-]{1,40}@)"
)
_MIN_PROPAGATED = 2
_TITLED = ("dr", "mr", "mrs", "ms", "prof", "miss", "doctor", "mister")
_AUTHOR_BEHIND = re.compile(r"(?:\sand\s[A-Z]\w+)?,?\s(?:et\.? al|and (?:colleagues|co-?workers))")


def find_names(words: Words, known_names: Sequence[str] = ()) -> Iterator[Found]:
    """Give the names of persons; `known_names` are found wherever they stand."""
    cued = {
        *find_titled_names(words),
        *find_people(words),
        *find_letter_names(words),
        *find_subjects(words),
        *find_framed_names(words),
    }
    listed = chain(find_listed_names(words), find_uncapitalised_names(words))
    spans = {span for span in chain(cued, listed) if not _is_no_person(words, span)}
    spans = {_grown(words, span) for span in spans if not _is_title(words, span)}
    cued = {_grown(words, span) for span in cued}
    for span in spans:
        alone = span.last - span.first == 1 and span not in cued
        start, end = words.starts[span.first], words.ends[span.last - 1]
        yield Found(start, end, "name", _LONE_RANK if alone else NAME_RANK, "person")
        number = None if alone else _NUMBER_BEHIND.match(words.text, end)
        if number:
            yield Found(*number.span(1), "medical_record", NAME_RANK + 20, "id")
    unknown = find_unknown_names(words, has_names=bool(cued))
    for span in chain(find_free_pairs(words), unknown):
        if span not in spans and not _is_no_person(words, span):
            start, end = words.starts[span.first], words.ends[span.last - 1]
            yield Found(start, end, "name", _FREE_RANK, "person")
            spans.add(span)
    headers = list(_find_headers(words.text))
    yield from headers
    spans |= {_as_span(words, found) for found in headers}
    yield from _find_again(words, spans)
    yield from find_initials(words.text)
    yield from _find_known(words, known_names)


_CLOSED = re.compile(r"\.?(?:\s{2}|\s*[/|\n,;)]|$)")
_CLOSED_FIRST = re.compile(r"\s{1,3}(?:\d|[A-Z]?\d{4}|\(|$)|\s{2}|[,;)\n]|$")
_SECOND_NAMES = frozenset("ni nic mac mc van von de la el al bin ibn".split())


def _grown(words: Words, span: Span) -> Span:
    """Give a name with what still belongs to it: "ROE, I", "ROE, JANE ANN", "Ann  Ní Roe"."""
    last = span.last
    for _ in range(2):
        gap, surface = words.gap(last - 1), words.surfaces[last]
        behind = words.text[words.ends[last] : words.ends[last] + 3]
        if len(surface) == 1 and surface.isupper() and gap in (" ", ", ") and _CLOSED.match(behind):
            last += 1
        elif gap in (" ", ", ") and surface.isupper() and words.surfaces[last - 1].isupper():
            known, low = vocabulary(), words.lowers[last]
            first = gap == ", " and last - span.first == 1 and _CLOSED_FIRST.match(behind)
            listed = known.is_listed_name(low) and gap == " "
            if not (listed or first) or known.is_plain(low) or len(low) < 3:
                break
            last += 1
        elif gap.isspace() and "\n" not in gap and words.lowers[last] in _SECOND_NAMES:
            if not (words.is_capital(last) and words.is_capital(last + 1)):
                break
            last += 2
        else:
            break
    return Span(span.first, last)


def _is_title(words: Words, span: Span) -> bool:
    """Whether the word is only a title in front of a name: "Smt.", "Fr."."""
    alone = span.last - span.first == 1 and words.is_capital(span.last)
    return (
        alone and words.lowers[span.first] in _FOREIGN_TITLES and words.gap(span.first)[:1] in " ."
    )


_FOREIGN_TITLES = frozenset("smt shri sri fr dona don sra srta encik puan ustadh haji".split())


def _as_span(words: Words, found: Found) -> Span:
    """Give the words of a found name, so that it is looked for in the rest of the text."""
    return Span(words.at_or_after(found.start), words.at_or_after(found.end - 1) + 1)


def _is_no_person(words: Words, span: Span) -> bool:
    """Whether the name is a cited author's, a firm's or a disease's."""
    behind = words.text[words.ends[span.last - 1] :][:22]
    if _AUTHOR_BEHIND.match(behind) or is_firm(words, span.first):
        return True
    titled = span.first and words.lowers[span.first - 1] in _TITLED
    if span.last - span.first == 1 and words.lowers[span.last] == "of":
        return words.lowers[span.last + 1] in vocabulary().eponyms  # "Circle of Willis"
    return span.last - span.first == 1 and not titled and is_eponym_use(words, span.first)


def _find_again(words: Words, spans: set[Span]) -> Iterator[Found]:
    """Give the later and earlier mentions of names that were found."""
    known = vocabulary()
    taken = {at for span in spans for at in range(span.first, span.last)}
    names = {
        words.lowers[at]
        for at in taken
        if len(words.surfaces[at]) > _MIN_PROPAGATED and words.is_capital(at)
    }
    for at in words.where(names):
        owned = words.has_possessive(at)  # "Davis's wound", though "Davis wound" is an eponym's
        if at in taken or not words.is_capital(at) or is_eponym_use(words, at, by_head=owned):
            continue
        if known.is_plain(words.lowers[at]) and not _is_name_again(words, at):
            continue
        end = words.ends[_grown(words, Span(at, at + 1)).last - 1]
        yield Found(words.starts[at], end, "name", NAME_RANK + 1, "person")


def _is_name_again(words: Words, at: int) -> bool:
    """Whether a word that also means something else is the name: "Young denies", not "Young"."""
    if words.surfaces[at].isupper() and len(words.surfaces[at]) > 1:
        return False
    if words.lowers[at + 1] in PERSON_VERBS | BE_VERBS or words.has_possessive(at):
        return True
    if words.lowers[at + 1] == "who" or words.gap(at) == ":":
        return True
    before = words.text[max(0, words.starts[at] - 2) : words.starts[at]]
    return before[-1:] == " " and before[:1].isalpha()


def _find_headers(text: str) -> Iterator[Found]:
    """Give "ROE, JANE A" at the head of a line or a field, "ROE^JANE", "Jane Roe <jane@..."."""
    known = vocabulary()
    for match in _HEADER.finditer(text):
        parts = re.findall(r"[^\W\d_][\w'’-]+", match[1])
        lows = [part.lower() for part in parts]
        listed = any(map(known.is_listed_name, lows))
        plain = any(known.is_plain(low) and not known.is_listed_name(low) for low in lows)
        capital = parts[-1][0].isupper() and any(part[0].isupper() for part in parts[:-1])
        if (
            (capital and not plain and (listed or match[1].split(",")[0].isupper()))
            and not known.is_land(lows[-1])
            and not (known.is_city(lows[0]) and len(lows[-1]) < 3)
        ):
            yield Found(*match.span(1), "name", NAME_RANK, "person")
    for match in _FIELD.finditer(text):
        parts = re.findall(r"[^\W\d_][\w'’-]*", match[1])
        names = [part for part in parts if len(part) > 1]
        lows = [part.lower() for part in names]
        initialled = len(parts) == 2 and len(parts[0]) == 1 and "." in match[1]
        if (
            initialled
            or (
                len(parts) > 1
                and not any(known.is_plain(low) or known.is_city(low) for low in lows)
            )
            and not all(name.isupper() for name in names)
        ):
            yield Found(*match.span(1), "name", NAME_RANK, "person")
    for match in _HANDLE.finditer(text):
        if not known.is_plain(match[1].lower()):
            yield Found(*match.span(1), "name", NAME_RANK, "person")
    for match in chain(_BEFORE_EXTENSION.finditer(text), _SPEAKER.finditer(text)):
        if not known.is_plain(match[1].lower().split()[0]):
            yield Found(*match.span(1), "name", NAME_RANK, "person")
    for match in chain(_VOCATIVE.finditer(text), _SALUTATION.finditer(text)):
        if match[1].lower() in known.given or not known.is_plain(match[1].lower()):
            yield Found(*match.span(1), "name", NAME_RANK, "person")
    if "@" in text:
        for match in _BEFORE_EMAIL.finditer(text):
            yield Found(*match.span(1), "name", NAME_RANK, "person")
    for match in _CARET.finditer(text) if "^" in text and not is_message(text) else ():
        yield Found(*match.span(), "name", NAME_RANK, "person")


def _find_known(words: Words, known_names: Sequence[str]) -> Iterator[Found]:
    """Give every mention of the names that the caller knows, in any case, with or without accents.

    Parts count by themselves, also the halves of "Roe-Doe", and an initial in front of one goes
    with it. A known name that is an ordinary word too ("Young") is left where it stands in small
    letters, unless a title or another known name stands beside it.
    """
    parts = _known_parts(known_names)
    if not parts:
        return
    known, initials = vocabulary(), {part[0] for part in parts}
    for at, low in enumerate(words.lowers[: len(words)]):
        if len(low) < 2 or parts.isdisjoint(_pieces(low)):
            continue
        if words.is_capital(at) or not known.is_plain(low) or _is_beside(words, at, parts):
            first = at
            while first and words.lowers[first - 1] in initials and words.gap(first - 1) in _DOTS:
                first -= 1
            yield Found(words.starts[first], words.ends[at], "name", KNOWN_RANK, "known")


_DOTS = (". ", ".", " ")
_HYPHENS = re.compile("[-‐]")
_APOSTROPHES = re.compile("['’]")


def _pieces(word: str) -> set[str]:
    """Give a word, folded, without apostrophes, and what stands before and behind its hyphens."""
    plain = _APOSTROPHES.sub("", word)
    return {plain, _HYPHENS.sub("", plain), *_HYPHENS.split(plain)}


def _known_parts(known_names: Sequence[str]) -> set[str]:
    """Give all parts of the known names of two letters and more, as `_pieces` writes them."""
    said = (fold(part) for name in known_names for part in re.findall(r"[^\W\d_][\w'’‐-]*", name))
    parts = {piece for part in said for piece in _pieces(part)}
    return {part for part in parts if len(part) > 1 and part not in _PARTICLES}


_PARTICLES = frozenset("van von de der den del della di da dos du la le el al bin ibn y".split())


def _is_beside(words: Words, at: int, parts: set[str]) -> bool:
    """Whether a title or another known name stands directly in front, or a known name behind."""
    before, behind = words.lowers[at - 1] if at else "", words.lowers[at + 1]
    near = {before} if len(words.gap(at - 1)) <= 3 else set()
    if len(words.gap(at)) <= 2:
        near.add(behind)
    return before in near & {*_TITLED, "doctor"} or not near.isdisjoint(parts - {words.lowers[at]})

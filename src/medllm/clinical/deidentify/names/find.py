"""Names of persons: by cues, lists and headers, from the caller, and wherever they recur."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import chain

from medllm.clinical.deidentify.names.charts import find_unknown_names
from medllm.clinical.deidentify.names.eponyms import is_eponym_use, is_firm
from medllm.clinical.deidentify.names.frames import find_framed_names
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

NAME_RANK = 10
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
_BEFORE_EXTENSION = re.compile(
    r"([A-Z][a-zà-ÿ]{1,20}(?:[-'][A-Za-zà-ÿ]{2,20})?)\s(?=x\d{3,5}\b|ext\.?\s?\d)"
)
_NUMBER_BEHIND = re.compile(
    r"(?:\s[A-Z]\.?)?(?:,?\s\d{1,3}\s?[yMF]{1,2},)?\s{0,4}[|—#(]?\s{0,4}(\d{6,8})(?!\d|[/.,]\d|[%-])"
)
_PARTICIPANT = re.compile(
    r"\b(?:[Pp]articipant|[Ss]ubject|[Pp]atient|[Vv]olunteer)\s(?:no\.?\s|number\s"
    r"|ID\s)?[\w-]{2,12}\s"
    r"\(([A-ZÀ-Þ]{2,3})\)"
)
_BEFORE_EMAIL = re.compile(
    r"((?:[A-Z][\w.'’-]{0,20} (?:van |de |von )?){1,3}[A-Z][\w'’-]{1,20}) ?"
    r"(?=[<(\[][\w.+-]{1,40}@)"
)
_FOOTER = re.compile(
    r"[A-Z](?<![\w/].)[A-Z]{1,2}([/:])([a-z]{2,3})(?=\s*$|\s*\n|\s+[DT][:/ ]|\s+\d{1,2}/\d)",
    re.MULTILINE,
)
_DOTTED = re.compile(
    r"(?<![\w.@/-])(?!(?:U\.S|U\.K|I\.V|I\.M|P\.O|S\.C|E\.R|E\.D|O\.R|B\.C|A\.D|Q\.D|C\.T|E\.G|I\.E|A\.M"
    r"|P\.M|N\.S|M\.D|D\.O|R\.N|P\.R|O\.D|O\.S|O\.U|D\.C|L\.A|N\.Y|H\.R|B\.P|R\.R|N\.B|P\.S|P\.T|O\.T|G\.I"
    r"|G\.U|B\.A|B\.S|M\.A|M\.S|P\.A|J\.R|S\.A|N\.P|I\.D|D\.T|S\.P|E\.N|T\.B|V\.A|N\.A|Q\.I)\.)"
    r"[A-Z]\.\s?[A-Z]\.(?:\s?[A-Z]\.)?(?=['’]s\b|,?\s(?:and|is|was|has|had|denies|reports|says|said"
    r"|states|who|presented|came|lives|attended|complains|will|does|did|feels|walked|remains)\b)"
)
"""Initials that do what a person does: "J.T. denies"; not "I.V. and oral"."""
_INITIALS = re.compile(r"\b[Ii]nitials\b\s?[:=]?\s?\(?([A-Z](?:\.?\s?[A-Z]){1,2})\b\.?")
_MIDDLE = re.compile(r"\b(?:MI|M\.I\.|[Mm]iddle [Ii]nitial)\s?[:|]\s?([A-Z])\b")
_WITH_INITIALS = re.compile(
    r"\b(([A-ZÀ-Þ])[\w'’-]{1,30}(?: [A-ZÀ-Þ][\w'’-]{1,30}){1,2}) \(([A-Z]{2,3})\)"
    r"(?= (?:is|was|has|had|presented|came)|,|\.)"
)
"""A name with its initials behind it: "Ann Roe (AR) is"."""
_MIN_PROPAGATED = 2
_TITLED = ("dr", "mr", "mrs", "ms", "prof", "miss")
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
    yield from _find_initials(words.text)
    yield from _find_known(words, known_names)


def _as_span(words: Words, found: Found) -> Span:
    """Give the words of a found name, so that it is looked for in the rest of the text."""
    return Span(words.at_or_after(found.start), words.at_or_after(found.end - 1) + 1)


def _is_no_person(words: Words, span: Span) -> bool:
    """Whether the name is a cited author's, a firm's or a disease's."""
    behind = words.text[words.ends[span.last - 1] :][:22]
    if _AUTHOR_BEHIND.match(behind) or is_firm(words, span.first):
        return True
    titled = span.first and words.lowers[span.first - 1] in _TITLED
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
        yield Found(words.starts[at], words.ends[at], "name", NAME_RANK + 1, "person")


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
    for match in chain(_BEFORE_EXTENSION.finditer(text), _SPEAKER.finditer(text)):
        if not known.is_plain(match[1].lower().split()[0]):
            yield Found(*match.span(1), "name", NAME_RANK, "person")
    for match in chain(_VOCATIVE.finditer(text), _SALUTATION.finditer(text)):
        if match[1].lower() in known.given or not known.is_plain(match[1].lower()):
            yield Found(*match.span(1), "name", NAME_RANK, "person")
    if "@" in text:
        for match in _BEFORE_EMAIL.finditer(text):
            yield Found(*match.span(1), "name", NAME_RANK, "person")
    for match in _CARET.finditer(text) if "^" in text else ():
        yield Found(*match.span(), "name", NAME_RANK, "person")


def _find_initials(text: str) -> Iterator[Found]:
    """Give the initials at the foot of a dictation ("JR/mk") and those a label announces."""
    for match in _FOOTER.finditer(text):
        yield Found(match.start(), match.start(1), "name", NAME_RANK, "initials")
        yield Found(*match.span(2), "name", NAME_RANK, "initials")
    for match in chain(_INITIALS.finditer(text), _PARTICIPANT.finditer(text)):
        yield Found(*match.span(1), "name", NAME_RANK - 1, "initials")
    for match in _MIDDLE.finditer(text):
        yield Found(*match.span(1), "name", NAME_RANK, "initials")
    for match in _WITH_INITIALS.finditer(text):
        parts = match[1].split()
        same = match[3][0] == parts[0][0] and match[3][-1] == parts[-1][0]
        if same and not any(map(_is_word, parts)):
            yield Found(*match.span(1), "name", NAME_RANK - 1, "person")
            yield Found(*match.span(3), "name", NAME_RANK - 1, "initials")
    for match in _DOTTED.finditer(text):
        yield Found(*match.span(), "name", NAME_RANK - 1, "initials")


def _is_word(part: str) -> bool:
    """Whether a part of what may be a name is a word and no listed name: "Intensive Care Unit"."""
    known, low = vocabulary(), fold(part)
    if known.is_clinical(low) or (low in known.eponyms and not known.is_listed_name(low)):
        return True
    return (known.is_plain(low) or not part[1:].islower()) and not known.is_listed_name(low)


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

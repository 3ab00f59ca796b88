"""Places that a patient's own text names by its layout: behind a label or "at", before a code."""

from __future__ import annotations

import re
from collections.abc import Iterator

from medllm.clinical.deidentify.names.eponyms import is_eponym_use
from medllm.clinical.deidentify.places.houses import GENERIC, HEADS, PRACTICES
from medllm.clinical.deidentify.places.towns import PLACE_WORDS, city_end, region_end
from medllm.clinical.deidentify.text import Found, Words, is_chart
from medllm.clinical.deidentify.vocabulary import vocabulary

_RANK, _WEAK_RANK = 9, 14
_LABELS = frozenset(
    """home pharmacy chemist school nursery daycare college university church parish unit facility
    hospital clinic centre center practice surgery snf site location campus hometown birthplace
    birth town village city suburb district county taluk tehsil neighborhood neighbourhood gym hotel
    shelter""".split()
)
_ONLY_BEHIND = {
    "home": frozenset("funeral nursing care group residential".split()),
    "unit": frozenset("dialysis transferring referring receiving outside admitting".split()),
    "birth": frozenset(("of",)),
}
_LABEL_GAP = re.compile(r"\s{0,3}[:|=]\s{0,3}")
_RUN = re.compile(
    r"(?:St\.?\s)?[^\W\d_a-z][\w'’&-]{1,30}"
    r"(?:[ -](?:(?:of|the|de|la|upon|&)\s){0,2}[^\W\d_a-z][\w'’&-]{1,30}){0,5}"
)
_ZIP = re.compile(r"(?<=[a-z.]),\s((?:[A-Z][a-z'’-]{2,20}\s){1,3})(\d{5}(?:-\d{4})?)(?=[.,;)\n]|$)")
_UNITS = re.compile(
    r"\b(?:(?:Lot|Unit|Flat|Apt|Apartment|Suite|Plot|House|Door|Block|Shop|Room)\s(?:No\.?\s)?#?(?=[\w/-]{0,5}\d)[\w/-]{1,7}"
    r"(?=,?\s[\dA-Z])|[HD]\.?\s?No\.?:?\s?\d[\w/-]{0,7}(?:,\s(?:Phase|Sector|Block|Ward)\s[\w-]{1,5})?|(?:Rural\s)?(?:Route|Rte|RR|HC|RD)\s\d{1,4},?\sBox\s\d{1,6}[A-Z]?|Box\s\d{1,6}(?=,\s[A-Z]))"
)
_UNIT_BEHIND = re.compile(
    r",?\s(?:app|apt|appt|unit|flat|suite|ste|no|bât|bat|étage|esc|piso)\.?\s?#?\d[\w-]{0,4}\b",
    re.IGNORECASE,
)
_ROAD = re.compile(
    r"(?:(?<=\bon )|(?<=\boff )|(?<=near )|(?<=from ))(?:Route|Rte|Highway|Hwy|State Road)"
    r"[ -]?\d{1,3}[A-Z]?\b"
)
_LIVES = re.compile(r"\b(?:[Ll]ives|[Ss]tays|[Rr]esides|[Ll]iving)\s(?=[A-Z])")
_AT = re.compile(r"\b(?:at|@)\s(?=[A-Z])")


_HOUSE = re.compile(
    r"\bThe\s(?:[A-Z][a-z]+\s){0,2}(?:Rectory|Vicarage|Manse|Parsonage|Barn|Mill|Forge|Lodge|Grange|House|Cottage"
    r"|Hall|Croft|Farmhouse|Stables|Bungalow|Willows|Laurels|Firs|Oaks|Elms|Beeches|Poplars|Hollies|Paddock)(?=,\s)"
)
_LOCALITY = re.compile(
    r"\b(?:(?:[A-Z]\.){1,3}\s?|(?:[A-Z][A-Za-z]{2,20}\s){1,2})(?:Road|ROAD|Nagar|NAGAR|Marg|MARG|Salai|SALAI"
    r"|Colony|COLONY|Chowk|CHOWK|Vihar|VIHAR|Bhavan|BHAVAN|Nivas|NIVAS|Veedu|VEEDU|Illam|ILLAM|Sadan|Manzil"
    r"|(?:House|HOUSE)(?=,))\b"
)
"""Streets, quarters and houses as India names them: "M.G. Road", "Anna Nagar", "Zamboro House,"."""
_BLOCK = re.compile(
    r"\b(?:Blk|Block)\s\d{1,4}[A-Z]?,?\s(?:[A-Z][a-z]+\s){1,4}(?:\d{1,3}\s)?#\d{1,2}-\d{1,4}"
)
_UNIT_OF = re.compile(
    r"\b([A-Z][a-zà-ÿ]{3,20}|(?<=at )[A-Z]{4,12})"
    r"(?=\s(?:ED|ER|ICU|A&E|CHC|PHC|UPHC|VAMC|ASC|SNF|ALF|LTAC|CCU|OPD|MAU)\b"
    r"|(?<=[A-Z]{4})[.,;)])"
)
_UNITS_OF = frozenset("ed er icu ccu opd a&e snf alf mau nicu or".split())
_TOWN_BEHIND = re.compile(r"(?<=[a-z]),\s(?=[A-Z][a-z]+(?:\s[A-Z][a-z]+)?[.,;)\n])")


_GATED = (
    (
        _UNITS,
        frozenset(
            "lot unit flat apt apartment suite plot house door block shop room box h d".split()
        ),
    ),
    (
        _HOUSE,
        frozenset(
            """rectory vicarage manse parsonage barn mill forge lodge grange house cottage hall
    croft farmhouse stables bungalow willows laurels firs oaks elms beeches poplars hollies
    paddock""".split()
        ),
    ),
    (_BLOCK, frozenset(("blk", "block"))),
    (
        _LOCALITY,
        frozenset(
            """road nagar marg salai colony chowk vihar bhavan nivas veedu illam sadan manzil
    house""".split()
        ),
    ),
    (_ROAD, frozenset("route rte highway hwy road".split())),
)
"""Patterns, each with the words without one of which it cannot match."""


def find_places_of_charts(words: Words) -> Iterator[Found]:
    """Give the places that only a patient's text is likely to name so; other texts have firms."""
    text = words.text
    if not is_chart(text):
        return
    yield from _find_labelled(words)
    for match in _LIVES.finditer(text):
        run = _RUN.match(text, match.end())
        if run and not any(map(vocabulary().is_plain, _parts(run.group()))):
            yield _of_run(text, *run.span(), _RANK)
    for match in _ZIP.finditer(text):
        if region_end(words, words.at_or_after(match.start(1))):
            continue
        yield Found(match.start(1), match.end(1) - 1, "geographic", _RANK, "place")
        yield Found(*match.span(2), "geographic", _RANK, "code")
    for pattern, gate in _GATED:
        for match in pattern.finditer(text) if words.where(gate) else ():
            yield Found(*match.span(), "geographic", _RANK, "street")
    for match in _UNIT_OF.finditer(text) if words.where(_UNITS_OF | {"at"}) else ():
        at = words.at_or_after(match.start())
        if not vocabulary().is_plain(words.lowers[at]) and not is_eponym_use(words, at):
            yield Found(*match.span(1), "geographic", _RANK, "place")
    for match in _TOWN_BEHIND.finditer(text):
        at = words.at_or_after(match.end())
        end = city_end(words, at)
        if end and words.lowers[at] not in vocabulary().ordinary:
            yield Found(words.starts[at], words.ends[end - 1], "geographic", _WEAK_RANK, "place")
    yield from _find_at(words)
    yield from _find_before_lands(words)


def _find_labelled(words: Words) -> Iterator[Found]:
    """Give what a label announces: "Funeral home: Zamboro", "Dialysis unit | Mesa"."""
    text = words.text
    for at in words.where(_LABELS):
        low = words.lowers[at]
        gap = _LABEL_GAP.match(text, words.ends[at])
        if not gap or (low in _ONLY_BEHIND and words.lowers[at - 1] not in _ONLY_BEHIND[low]):
            continue
        run = _RUN.match(text, gap.end())
        if run and not all(map(vocabulary().is_plain, _parts(run.group()))):
            yield _of_run(text, *run.span(), _RANK)


def unit_end(text: str, at: int) -> int:
    """Give where the flat ends that follows a street which ends at `at`: ", app. 7"; else `at`."""
    unit = _UNIT_BEHIND.match(text, at)
    return unit.end() if unit else at


def _parts(said: str) -> list[str]:
    return [part.lower() for part in re.findall(r"[^\W\d_]{2,}", said)]


def _of_run(text: str, start: int, end: int, rank: int) -> Found:
    """Give a place without the words that say what house it is: "Roe" of "Roe Clinic"."""
    while True:
        last = text.rfind(" ", start, end) + 1
        sort = text[last:end].lower().strip(".")
        if last <= start or sort not in HEADS | GENERIC | PRACTICES | _UNITS_OF:
            return Found(start, end - text[:end].endswith("."), "geographic", rank, "place")
        end = last - 1


def _find_at(words: Words) -> Iterator[Found]:
    """Give "at Zamboro Natural Gas", "at Bedford": two words with capitals, or a listed town."""
    for match in _AT.finditer(words.text):
        at = words.at_or_after(match.end())
        known, low = vocabulary(), words.lowers[at]
        end = city_end(words, at)
        if end and not is_eponym_use(words, at) and low not in known.ordinary:
            yield Found(words.starts[at], words.ends[end - 1], "geographic", _WEAK_RANK, "place")
        elif words.gap(at) == " " and words.is_capital(at + 1) and not words.surfaces[at].isupper():
            run = _RUN.match(words.text, match.end())
            plain = known.is_plain(low) and low not in PLACE_WORDS
            if run and not plain and not is_eponym_use(words, at) and not region_end(words, at):
                yield _of_run(words.text, *run.span(), _WEAK_RANK)


def _find_before_lands(words: Words) -> Iterator[Found]:
    """Give the unlisted town of "Saint-Lô, France": one or two unknown words between commas."""
    known = vocabulary()
    for at in words.where(known.regions):
        if not words.is_capital(at) or not at or words.gap(at - 1) != ", ":
            continue
        first = at - 1
        if first and words.gap(first - 1) == " " and words.is_capital(first - 1):
            first -= 1
        lows = words.lowers[first:at]
        plain = any(known.is_plain(low) and low not in PLACE_WORDS for low in lows)
        land = any(region_end(words, here) for here in (first, at - 1))
        if region_end(words, at) and words.is_capital(first) and not (plain or land):
            yield Found(words.starts[first], words.ends[at - 1], "geographic", _WEAK_RANK, "place")

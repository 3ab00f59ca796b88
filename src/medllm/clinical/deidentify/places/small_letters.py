"""Streets, towns and houses in a text that is written in small letters."""

from __future__ import annotations

import re
from collections.abc import Iterator

from medllm.clinical.deidentify.places.towns import PLACE_WORDS, city_end, place
from medllm.clinical.deidentify.text import Found, Words
from medllm.clinical.deidentify.vocabulary import vocabulary

_NO_STREET = frozenset(
    """the a an his her my their our this that same right left other dirt gravel country busy main
    long hard of to by in on at for down up along across off and or is was back public rough bumpy
    open icy wet major""".split()
)
_STREET = re.compile(
    r"(?:(?P<house>\d{1,5}[a-z]?\s)(?:[nsew]\.?\s)?(?P<named>(?:[a-z][a-z'’]{1,15}\s){1,3}?)"
    r"(?:st|street|ave|avenue|rd|road|ln|lane|dr|drive|blvd|boulevard|ct|court|cir|circle|way|pl|place|hwy|terrace|trail|close"
    r"|grove|gardens|crescent|mews|parade)"
    r"|\b(?:on|at|off|near|along|from|by)\s(?P<lone>(?:[a-z][a-z'’]{1,15}\s){1,3}?(?:street|ave|avenue|rd|road|lane|blvd|boulevard|hwy)))"
    r"\b(?:\.?,?\s(?:apt|unit|suite|ste|lot|#)\.?\s?#?[\w-]{1,6})?"
)
_TOWN = re.compile(r",\s([a-z'’-]{3,20}(?:\s[a-z'’-]{3,20})?)(?=[.,;\n])")
_HOUSES = frozenset(
    """hospital clinic pharmacy school university college church hospice rehab snf elementary
    middle nursing medical dialysis urgent""".split()
)
_STAYS = frozenset(
    """the a an this that his her my their our at to from in of for via by with local outside home
    same another any old new retail community county state private public general nursing
    catholic medical hospital clinic dental eye pain wound day high middle elementary primary
    outpatient inpatient emergency urgent care specialty closest nearest called uses no""".split()
)
_SEEN_AT = re.compile(
    r"(?:\b(?:seen|admitted|treated|hospitali[sz]ed|dialysis|hd|surgery|done|stent|cath|delivered|born"
    r"|followed|follows|appt|appointment|referred by (?:dr|doctor) \w+|works)\sat"
    r"|\b(?:transferred|moved|sent|admitted|go(?:es|ing)? back|returned)\sto"
    r"|\b(?:lives|living|out)(?:\sout)?\s(?:in|by|near)"
    r"|\b(?:home|house|farm|apartment)\sin|\b(?:lady|man|woman|boy|girl|[a-z]{4,12}(?:er|or|ee|ist|ian)"
    r"|originally|comes|came|moved|transferred|drove(?: him| her)?)"
    r"\sfrom)\s$"
)
_NO_ENDING = re.compile(r"(?:ing|ed|ly|ize|ise|sided|al|ive|ous|ary|ent)$")
_FEWEST_LETTERS = 5


def find_places_in_small_letters(words: Words) -> Iterator[Found]:
    """Give streets, and unknown words behind "seen at" or in front of "hospital" and "city"."""
    small = words.in_small_letters
    if small is None:
        return
    words = small
    text = words.text
    for match in _STREET.finditer(text):
        named = (match["named"] or match["lone"]).split()
        if not _NO_STREET.intersection(named) and not _is_measure(named, match):
            start = match.start("house") if match["house"] else match.start("lone")
            yield place(start, match.end())._replace(kind="street")
            town = _TOWN.match(text, match.end())
            if town and not all(map(vocabulary().is_plain, town[1].split())):
                yield place(*town.span(1))
    for at in words.where(_HOUSES):
        yield from _house(words, at)
    for at in words.where(("at", "to", "in", "by", "near", "from")):
        if words.gap(at) == " " and _SEEN_AT.search(
            text[max(0, words.starts[at] - 40) : words.ends[at] + 1]
        ):
            yield from _behind(words, at + 1)


def _is_measure(named: list[str], match: re.Match[str]) -> bool:
    """Whether "2 more ct" is no street: behind a number the words must not all be clinical."""
    known = vocabulary()
    if match["house"] is None:
        return False
    named = [low for low in named if low not in PLACE_WORDS]
    return not named or all(map(known.is_clinical, named))


def _house(words: Words, at: int) -> Iterator[Found]:
    """Give the words in front of "hospital" up to the first that names no house."""
    first = at
    while first and at - first < 3 and words.gap(first - 1) == " ":
        low = words.lowers[first - 1]
        if low in _STAYS or not words.surfaces[first - 1].islower():
            break
        if not _may_be_place(low):
            break
        first -= 1
    lows = words.lowers[first:at]
    unknown = [low for low in lows if not vocabulary().is_plain(low)]
    if unknown and not any(map(_NO_ENDING.search, unknown)):
        yield place(words.starts[first], words.ends[at - 1])


def _may_be_place(low: str) -> bool:
    known = vocabulary()
    return low in PLACE_WORDS or low in ("st", "saint") or not known.is_plain(low)


def _behind(words: Words, at: int) -> Iterator[Found]:
    """Give one or two words behind "seen at" that are a place by a list or no known words."""
    end = city_end(words, at)
    if not end:
        end = at
        while end - at < 2 and words.surfaces[end].islower() and _may_be_place(words.lowers[end]):
            end += 1
            if words.gap(end - 1) != " ":
                break
        if words.lowers[end] == "city" and words.gap(end - 1) == " ":
            end += 1
    lows = words.lowers[at:end]
    known = vocabulary()
    unknown = [low for low in lows if not known.is_plain(low) and low not in PLACE_WORDS]
    if any(_NO_ENDING.search(low) and not known.is_city(low) for low in unknown):
        return
    if any(len(low) >= _FEWEST_LETTERS for low in unknown):
        yield place(words.starts[at], words.ends[end - 1])

"""ZIP and post codes, the towns in front of them, and "City, ST"."""

from __future__ import annotations

import re
from collections.abc import Iterator

from medllm.clinical.deidentify.places.addresses import STATES, geographic
from medllm.clinical.deidentify.places.towns import PLACE_WORDS, city_end, region_end
from medllm.clinical.deidentify.text import Found, Words, is_chart
from medllm.clinical.deidentify.vocabulary import vocabulary

_UK_AREA = re.compile(
    r"(?<![A-Za-z\d])(?:A[BL]|B[ABDHLNRST]?|C[ABFHMORTVW]|D[ADEGHLNTY]|E[CHNX]?|F[KY]|G[LUY]?"
    r"|H[ADGPRSUX]"
    r"|I[GMPV]|JE|K[ATWY]|L[ADELNSU]?|M[EKL]?|N[EGNPRW]?|O[LX]|P[AEHLOR]|R[GHM]|S[AEGKLMNOPRSTWY]?"
    r"|T[ADFNQRSW]|UB|W[ACDFNRSV]?|YO|ZE|ZZ)\d[\dA-Z]?\s$"
)
_UK_INWARD = re.compile(r"\d(?<=\s.)[ABD-HJLNP-UW-Z]{2}(?![\w])")
_CANADA = re.compile(r"\d(?<=[A-Z].)(?<![\w]..)[A-Z][ -]\d[A-Z]\d(?!\w)")
_EIRCODE = re.compile(
    r"\d(?<=[AC-FHKNPRTV-Y].)(?<![\w]..)[\dW]\s?(?=[\dACDEFHKNPRTV-Y]{0,3}\d)(?=[\dACDEFHKNPRTV-Y]{0,3}[A-Z])"
    r"[\dACDEFHKNPRTV-Y]{4}(?!\w)"
)
_LABEL_WORDS = frozenset("zip zipcode post postcode postal eircode pin pincode".split())
_LABELLED = re.compile(
    r"(?:zip(?:\s?code)?|post\s?code|postal\scode|eircode|pin\s?code)\s?[:=#|]?\s?"
    r"([A-Z\d][A-Z\d]{2,5}(?:[ -][A-Z\d]{3,4})?)\b",
    re.IGNORECASE,
)
_INDIAN = re.compile(r"(?<=[a-z])\s?[-–]\s?([1-8]\d{5})(?!\d|[.,]\d)")
"""An Indian PIN code behind a town: "Kochi - 682001"."""
_INDIAN_BARE = re.compile(r"\b([A-Z][A-Za-z]{3,20}) ([1-8]\d{5})(?!\d|[.,]\d|\s?[a-z%/])")
_STATE_CODE = re.compile(r"\.?,?\s(\d{5}(?:-\d{4})?|\d{4})(?!\d|\.\d|\s?(?:mg|ml|m[lL]|units))")
_REGION_CODE = re.compile(
    r",?\s?[-–]?\s?(\d{5,6}(?:-\d{4})?|[A-Z]\d[A-Z] ?\d[A-Z]\d)(?!\d|[.,]\d|\s?(?:mg|ml|/|%))"
)
_FIELD_ENDS = re.compile(r"\.?(?:[,;)\n]|$|\.\s|\s\d{5})")
_AMERICAN = frozenset(
    """alabama alaska arizona arkansas california colorado connecticut delaware florida georgia
    hawaii idaho illinois indiana iowa kansas kentucky louisiana maine maryland massachusetts
    michigan minnesota mississippi missouri montana nebraska nevada new north ohio oklahoma oregon
    pennsylvania rhode south tennessee texas utah vermont virginia west wisconsin wyoming""".split()
)
_DEGREES = ("MD", "PA", "DC", "MA", "OD", "DO")
"""States that are degrees too: "R. Roe, MD" lives nowhere."""
_CITY_BEFORE = ("in", "from", "of", "near", "to", "at", "outside")
_LOW_PARTS = ("upon", "on", "de", "la", "the", "of", "le", "or")
_NO_TOWN = frozenset(
    """tel phone fax email dob mrn nhs date dear patient gp dr mr mrs ms re hx ward seen mob mobile
    ref address zip postcode lives in from at""".split()
)
_SEGMENT = re.compile(
    r"(?:^|(?<=[\s:(]))((?:\d{1,5}[A-Za-z]?(?:[-/]\d{1,5})?\s)?(?:[A-Z][\w'’.-]{0,20}"
    r"|\d{1,5}(?:st|nd|rd|th)?)"
    r"(?:\s(?:[A-Z][\w'’.-]{0,20}|de|la|des|of|the|or|upon|on|le|y|yr|an|na)){0,4})$"
)


def find_codes(words: Words) -> Iterator[Found]:
    """Give post codes, the address in front of them, and the cities in front of states."""
    text = words.text
    for match in _UK_INWARD.finditer(text):
        outward = _UK_AREA.search(text, max(0, match.start() - 6), match.start())
        if outward:
            yield from _code(words, outward.start(), match.end())
    for match in _CANADA.finditer(text):
        if not (text[match.start() - 1] == "T" and match.group()[1] == "N"):  # a stage: "T4N 1M0"
            yield from _code(words, match.start() - 1, match.end())
    for match in _EIRCODE.finditer(text):
        yield from _code(words, match.start() - 1, match.end())
    for at in words.where(_LABEL_WORDS):
        labelled = _LABELLED.match(text, words.starts[at])
        if labelled and any(letter.isdigit() for letter in labelled[1]):
            yield geographic(*labelled.span(1), "code")
    for match in _INDIAN_BARE.finditer(text) if is_chart(text) else ():
        low = match[1].lower()
        if not (vocabulary().is_clinical(low) or match[2].endswith("000")):
            yield from _code(words, *match.span(2))
            yield geographic(*match.span(1))
    for match in _INDIAN.finditer(text):
        first = first_of_town(words, words.at_or_after(match.start()) - 1)
        if words.starts[first] < match.start():
            yield from _code(words, *match.span(1))
            yield geographic(words.starts[first], match.start())
    yield from _find_before_states(words)


def _code(words: Words, start: int, end: int) -> Iterator[Found]:
    yield geographic(start, end, "code")
    yield from _address_before(words, start)


def _find_before_states(words: Words) -> Iterator[Found]:
    """Give "Walla Walla" of "Walla Walla, WA" and "Walla Walla WA 99362"; also of whole names."""
    known, text = vocabulary(), words.text
    states = frozenset(state.lower() for state in STATES)
    for at in words.where(states | known.regions.keys()):
        short = words.surfaces[at] in STATES
        end = at + 1 if short else region_end(words, at)
        if not end or not words.is_capital(at):
            continue
        pattern = _STATE_CODE if short else _REGION_CODE
        code = pattern.match(text, words.ends[end - 1])
        gap = words.gap(at - 1) if at else ""
        if gap not in (", ", " ", ",", ",\n") or (gap == " " and not (short and code)):
            continue
        first = first_of_town(words, at - 1)
        ends = _FIELD_ENDS.match(text, words.ends[end - 1]) is not None
        ends = (
            ends and (short or words.lowers[at] in _AMERICAN) and words.surfaces[at] not in _DEGREES
        )
        town = _is_town(words, first, at - 1, alone=ends)
        land = region_end(words, first) and not city_end(words, first)
        if first < at and not land and (code or town):
            yield geographic(words.starts[first], words.ends[at - 1])
            if code:
                yield geographic(*code.span(1), "code")
                yield from _address_before(words, words.starts[first], only_numbered=True)


def _address_before(words: Words, start: int, *, only_numbered: bool = False) -> Iterator[Found]:
    """Give the parts in front of a code, each with a comma behind it, back to the house number.

    Without a house number only the nearest part is believed: the town.
    """
    text = words.text
    parts: list[tuple[int, int]] = []
    at = start
    for _ in range(5):
        stripped = len(text[max(0, at - 4) : at]) - len(text[max(0, at - 4) : at].rstrip(" ,\n\t"))
        if not stripped and parts:
            break
        at -= stripped
        line = max(text.rfind(",", max(0, at - 60), at), text.rfind("\n", max(0, at - 60), at))
        begin = max(line + 1, at - 60)
        segment = _SEGMENT.search(text[begin:at])
        if not segment:
            break
        low = segment[1].split()[0].lower()
        region = region_end(words, words.at_or_after(begin + segment.start(1)))
        if low in _NO_TOWN and not vocabulary().is_city(low):
            break
        if not region and segment[1] not in STATES:
            parts.append((begin + segment.start(1), begin + segment.end(1)))
        at = begin + segment.start(1)
        if segment[1][0].isdigit():
            break
    numbered = bool(parts) and text[parts[-1][0]].isdigit()
    for number, (first, last) in enumerate(parts):
        if numbered:
            yield geographic(first, last, "street" if text[first].isdigit() else "place")
        elif not number and not only_numbered:
            town = first_of_town(words, words.at_or_after(last - 1))
            if words.starts[town] < last:
                yield geographic(words.starts[town], last)


def first_of_town(words: Words, at: int) -> int:
    """Give the first word of the run of capital words that ends at `at`; `at` + 1 if none."""
    known = vocabulary()
    for longest in range(4, 0, -1):
        if at >= longest and city_end(words, at - longest + 1) == at + 1:
            return at - longest + 1
    first = at + 1
    while first and at - first < 4:
        low = words.lowers[first - 1]
        if first <= at and words.gap(first - 1) not in (" ", "-", ". ", "'s ", "’s "):
            break
        elided = words.surfaces[first - 1][1:2] in ("'", "’")
        if not words.is_capital(first - 1) and low not in _LOW_PARTS and not elided:
            break
        city = known.is_city(low) or low in PLACE_WORDS
        if (known.is_clinical(low) and not city) or low in _CITY_BEFORE[:2]:
            break
        if ((low in known.ordinary and first <= at) or low in _NO_TOWN) and not city:
            break
        first -= 1
    while first <= at and not words.is_capital(first):
        first += 1
    return first


def _is_town(words: Words, first: int, last: int, *, alone: bool) -> bool:
    """Whether capital words in front of a state name a town: listed, or behind "in" or "from".

    Where the state's two letters stand `alone`, any unknown word is believed to be a town.
    """
    known = vocabulary()
    if city_end(words, first) > last:
        return True
    lows = words.lowers[first : last + 1]
    if any(known.is_plain(low) and low not in PLACE_WORDS | {*_LOW_PARTS} for low in lows):
        return False
    before = words.lowers[first - 1] if first and words.gap(first - 1) == " " else ""
    return alone or before in _CITY_BEFORE

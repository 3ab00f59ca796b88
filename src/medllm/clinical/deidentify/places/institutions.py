"""What names an institution: "St. Mary's" of its Hospital, "Golden Years" of its Nursing Home.

Only the name is replaced; "General Hospital" stays, and with it what sort of house it was.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from medllm.clinical.deidentify.names.reader import is_namelike
from medllm.clinical.deidentify.places.houses import GENERIC, HEADS, NEEDS_BEFORE, PRACTICES
from medllm.clinical.deidentify.places.towns import PLACE_WORDS, city_end, read_place, region_end
from medllm.clinical.deidentify.places.wards import find_wards
from medllm.clinical.deidentify.text import Found, Words
from medllm.clinical.deidentify.vocabulary import vocabulary

_INSTITUTION_RANK = 9
"""Before names: the Mary of "St. Mary's Hospital" is no person."""
_NEEDS_PREPOSITION = frozenset("memorial general regional rehab medical".split())
"""Not followed by "Hospital" these head a name only in "at Boston General"."""
_PREPOSITIONS = frozenset("at to from via in and or".split())
_SURGERY_NAME = re.compile(
    r"(?:hill|field|fields|house|wood|woods|brook|view|side|bridge|lane|park|green|gate|well|ford"
    r"|ham"
    r"|ton|ley|bury|road|street|avenue|church|mill|dale|bourne|worth|wick|stone|cross|way)$"
)
"""Ends of what British practices are called: "Larkhill Surgery", not "Thoracic Surgery"."""
_HALF_NAMES = frozenset(
    """north south east west red green blue white black silver golden old new upper lower great
    big little""".split()
)
"""By themselves no name: in "Red Maple Clinic" the clinical-looking word behind is the name too."""
_OF_THE_NAME = frozenset("regional memorial general district community city county".split())
_PROPER = frozenset(
    "methodist baptist presbyterian lutheran adventist lady queen king mercy".split()
)
"""By themselves the name of a house."""
_ROYAL = frozenset("prince princess queen king duke duchess earl".split())
_JOINERS = frozenset("of the and de la del di du & at in".split())
_STOPS = frozenset(
    """the at in from to by dr mr mrs ms seen admitted transferred attended visited our my his her
    their a an pt patient dear and or with for on""".split()
)
_OPENERS = frozenset(
    """attends attended attending admitted admit transferred transfer referred discharged discharge
    seen visited visits presented lives lived moved resident previously currently originally
    initially subsequently then also however former local located works worked follow following via
    per under after before when while during since until church school address workplace facility
    site provider source hospital clinic pharmacy location transported brought""".split()
)
_MAX_WORDS = 6
_KEPT_WITH_NAME = frozenset("memorial general regional".split())


def find_institutions(words: Words) -> Iterator[Found]:
    """Give the names in front of "Hospital", "Nursing Home", "School", "Church"."""
    for at in words.where(HEADS | PRACTICES):
        if words.is_capital(at) and _heads_a_name(words, at):
            first, last = _name_before(words, at)
            if first < last:
                if words.lowers[at] in _KEPT_WITH_NAME or _is_building(words, at):
                    last = at + 1
                end = words.ends[last - 1] + _possessive_length(words, last - 1)
                start = words.starts[first]
                yield Found(start, end, "geographic", _INSTITUTION_RANK, "place")
                yield from _town_behind(words, at)
                yield from _town_in_brackets(words, at)
    yield from find_wards(words)


def _town_behind(words: Words, at: int) -> Iterator[Found]:
    """Give the town in "Brookfield Nursing Facility, Ballymena."."""
    if words.gap(at) == ", " and is_namelike(words, at + 1) and not region_end(words, at + 1):
        end = read_place(words, at + 1)
        if words.text[words.ends[end - 1] : words.ends[end - 1] + 1] in (
            ".",
            ",",
            ";",
            ")",
            "\n",
            "",
        ):
            yield Found(words.starts[at + 1], words.ends[end - 1], "geographic", 16, "place")


def _town_in_brackets(words: Words, at: int) -> Iterator[Found]:
    """Give the town in "Sinai Hospital (Whitby)"."""
    if words.gap(at) == " (" and words.is_capital(at + 1):
        end = city_end(words, at + 1) or (at + 2 if is_namelike(words, at + 1) else 0)
        if end and words.text[words.ends[end - 1] : words.ends[end - 1] + 1] == ")":
            yield Found(words.starts[at + 1], words.ends[end - 1], "geographic", 9, "place")


def _is_building(words: Words, at: int) -> bool:
    """Whether "Lodge" is part of the name of a ward: "Cedar Lodge Unit"."""
    if words.lowers[at] not in ("lodge", "house", "manor", "court", "grange", "hall"):
        return False
    return words.lowers[at + 1] in ("unit", "ward", "hospital", "surgery", "clinic", "practice")


def _possessive_length(words: Words, at: int) -> int:
    return 2 * words.has_possessive(at)


def _heads_a_name(words: Words, at: int) -> bool:
    low, before = words.lowers[at], words.lowers[at - 1] if at else ""
    if low in ("elementary", "primary"):
        return words.gap(at) != " " or not words.is_capital(at + 1)
    if low in PRACTICES:
        return words.gap(at) != " " or not words.is_capital(at + 1)
    if low in ("center", "centre") and words.is_capital(at - 1) and words.is_capital(at - 2):
        return before in NEEDS_BEFORE[low] or is_namelike(words, at - 2)
    if _is_building(words, at):
        return True
    if low in NEEDS_BEFORE:
        return before in NEEDS_BEFORE[low]
    if low == "surgery":
        two = at > 1 and words.is_capital(at - 2) and is_namelike(words, at - 1)
        informed = at > 1 and words.lowers[at - 2] in ("at", "from", "to", "of", "with")
        lone = informed and (is_namelike(words, at - 1) or before in PLACE_WORDS)
        return _SURGERY_NAME.search(before) is not None or two or lone
    if low in _NEEDS_PREPOSITION:
        return words.gap(at) != " " or not words.is_capital(at + 1)
    return True


def _name_before(words: Words, at: int) -> tuple[int, int]:
    """Give the words of the name, without the sentence's opening and the sort of house."""
    first = at
    while first and at - first < _MAX_WORDS and _is_joined(words, first - 1):
        low = words.lowers[first - 1]
        named = (low == "our" and words.lowers[first] == "lady") or (
            low == "the" and words.is_capital(first - 2) and not words.is_capital(first - 1)
        )
        named = named or (
            low == "and" and city_end(words, first) > 0 and city_end(words, first - 2) == first - 1
        )
        if not named and (low in _STOPS or not (words.is_capital(first - 1) or low in _JOINERS)):
            break
        first -= 1
    if words.lowers[at] in PRACTICES:
        return _practice_before(words, first, at)
    if words.lowers[at] in _NEEDS_PREPOSITION and words.lowers[first - 1] not in _PREPOSITIONS:
        return at, at
    while first < at and (words.lowers[first] in _JOINERS or _is_sort(words, first)):
        first += 1
    while first < at - 1 and words.lowers[first] in _OPENERS:
        first += 1
    for here in range(at - 1, first, -1):  # "Ethics Committee of X Hospital": X alone
        lady = words.lowers[first : first + 2] == ["our", "lady"]
        lady = lady or words.lowers[here - 1] in _ROYAL
        if not lady and words.lowers[here] in _JOINERS and _is_no_name(words, first, here):
            first = here + 1
            break
    last = at
    while last > first and _is_trimmed(words, last - 1):
        if last - first == 2 and words.lowers[first] in _HALF_NAMES:
            break
        last -= 1
    proper = at - 2 if words.lowers[at - 1] == "medical" else at - 1
    if proper >= 0 and words.lowers[proper] in _PROPER and words.is_capital(proper):
        ladies = proper > 0 and words.lowers[proper - 1] == "our"
        return proper - ladies, proper + 1  # "Methodist Hospital", "Our Lady's Hospital"
    if words.lowers[first] == "royal" and first < at and last <= first + 1:
        return first, at  # "Royal Free"
    return (first, last) if not _is_no_name(words, first, last) else (at, at)


def _practice_before(words: Words, first: int, at: int) -> tuple[int, int]:
    """Give the name in front of "Pediatrics" or "Family Medicine", of unlisted words only."""
    while first < at and (words.lowers[first] in _JOINERS | _OPENERS):
        first += 1
    last = at
    while last > first and _is_trimmed(words, last - 1):
        last -= 1
    known = vocabulary()
    named = any(
        is_namelike(words, i) or city_end(words, i) or words.lowers[i] in PLACE_WORDS
        for i in range(first, last)
    )
    plain = all(known.is_plain(words.lowers[i]) for i in range(first, last))
    return (first, last) if named and not plain else (at, at)


def _is_joined(words: Words, at: int) -> bool:
    gap = words.gap(at)
    return gap in (" ", "'s ", "’s ", "' ", "’ ", "-") or (
        gap == ". " and words.lowers[at] in ("st", "mt", "ste", "ft")
    )


def _is_sort(words: Words, at: int) -> bool:
    """Whether a word at the beginning belongs to the sort of house: "General District Hospital"."""
    return words.lowers[at] in GENERIC and words.lowers[at + 1] in GENERIC | HEADS


def _is_trimmed(words: Words, at: int) -> bool:
    """Whether a word at the end of the name only says what sort of house it is."""
    low, known = words.lowers[at], vocabulary()
    if at and words.lowers[at - 1] in ("sacred", "holy", "immaculate", "good"):
        return False
    if low in _OF_THE_NAME and last_of_name(words, at):
        return False
    if low in GENERIC or low in _JOINERS or low == "royal":
        return True
    if low in PLACE_WORDS or low in known.ordinary or known.is_listed_name(low):
        return False
    return known.is_clinical(low)


def last_of_name(words: Words, at: int) -> bool:
    """Whether the word in front is the name itself: "Faith Regional" goes as a whole."""
    before = words.lowers[at - 1] if at else ""
    return before not in GENERIC and before not in _STOPS and words.is_capital(at - 1)


def _is_no_name(words: Words, first: int, last: int) -> bool:
    """Whether all the words say the sort of house, an opening of the sentence or a speciality."""
    known = vocabulary()
    if last - first > 1 and words.lowers[first] in ("st", "saint"):
        return False
    plain, clinical = 0, False
    for at in range(first, last):
        low, surface = words.lowers[at], words.surfaces[at]
        sure_name = known.is_listed_name(low) and not known.is_plain(low)
        if city_end(words, at) or low in PLACE_WORDS or sure_name:
            return False
        if low in GENERIC or low in _JOINERS or low in _OPENERS:
            continue
        if known.is_clinical(low):
            clinical = True
            continue
        if "-" in low and surface.split("-")[-1].islower():
            continue
        if surface.isupper() and len(surface) <= 3:
            continue
        if low in known.ordinary:
            plain += 1
            continue
        if region_end(words, at) and last - first == 1:
            return False
        return False
    return (
        plain < 2 or clinical
    )  # "Golden Years": two plain words in capitals are a name, one may open

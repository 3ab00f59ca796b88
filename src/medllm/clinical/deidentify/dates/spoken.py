"""Days and years in words, as they are dictated: "april ninth two thousand nineteen"."""

from __future__ import annotations

import re
from typing import NamedTuple

ORDINALS = """first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth
thirteenth fourteenth fifteenth sixteenth seventeenth eighteenth nineteenth twentieth twenty-first
twenty-second twenty-third twenty-fourth twenty-fifth twenty-sixth twenty-seventh twenty-eighth
twenty-ninth thirtieth thirty-first""".split()
_UNITS = "one two three four five six seven eight nine".split()
_TEENS = "ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen".split()
_TENS = "twenty thirty forty fifty sixty seventy eighty ninety".split()
_NUMBERS = {
    **{word: number for number, word in enumerate(_UNITS, start=1)},
    **{word: number for number, word in enumerate(_TEENS, start=10)},
    **{word: 10 * number for number, word in enumerate(_TENS, start=2)},
}
_ANY_TWO = (
    rf"(?:(?:{'|'.join(_TENS)})(?:[ -](?:{'|'.join(_UNITS)}))?|{'|'.join(_TEENS)}"
    rf"|(?:oh[ -])?(?:{'|'.join(_UNITS)}))"
)
_ORDINAL_AFTER = re.compile(
    rf"\s(?:the\s)?({'|'.join(said.replace('-', '[ -]') for said in ORDINALS[::-1])})\b",
    re.IGNORECASE,
)
_YEAR_AFTER = re.compile(
    rf",?\s(?:of\s)?((?P<century>two\sthousand|twenty|nineteen)(?:\s(?:and\s)?(?P<rest>{_ANY_TWO}))?)\b",
    re.IGNORECASE,
)
_CENTURIES = {"two thousand": 2000, "twenty": 2000, "nineteen": 1900}


class Spoken(NamedTuple):
    """A number in words and where it stands."""

    start: int
    end: int
    number: int


def read_ordinal(text: str, at: int) -> Spoken | None:
    """Give the day behind a month that ends at `at`: " ninth", " the twenty first"."""
    match = _ORDINAL_AFTER.match(text, at)
    if match is None:
        return None
    number = ORDINALS.index(match[1].lower().replace(" ", "-")) + 1
    return Spoken(*match.span(1), number)


def read_year(text: str, at: int) -> Spoken | None:
    """Give the year behind a day that ends at `at`: " two thousand and four", " twenty ten"."""
    match = _YEAR_AFTER.match(text, at)
    if match is None:
        return None
    century = match["century"].lower()
    rest = re.findall(r"[a-z]+", (match["rest"] or "").lower())
    if not rest and century != "two thousand":
        return None  # "april twenty" and no more
    number = sum(_NUMBERS.get(word, 0) for word in rest)
    if century in ("twenty", "nineteen") and number < 10 and "oh" not in rest:
        return None
    return Spoken(*match.span(1), _CENTURIES[century] + number)

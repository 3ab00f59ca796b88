"""What the rules for dates in figures share: what a day can be, and how a date is given."""

from __future__ import annotations

import re
from calendar import monthrange
from typing import NamedTuple

from medllm.clinical.deidentify.text import DateField, DateValue, Found

DATE_RANK = 20
UNIT = (
    r"(?!\s?(?:%|°|mg|mcg|µg|ug|g\b|kg|ml|mL|L\b|dl|mm|cm|units?\b|iu\b|IU\b|mmol|meq|mEq|bpm|/\d"
    r"|tab|drops|puffs|times|x\d))"
)


class Numbers(NamedTuple):
    """A date of figures with two numbers that are day and month in an order yet unknown."""

    start: int
    end: int
    first: tuple[int, int]
    second: tuple[int, int]
    year: tuple[int, int] | None
    weekday: tuple[int, int] | None = None


_MISREAD = re.compile(
    r"(?<![\w/.-])[\dOolI|]{1,2} ?[/.-] ?[\dOolI|]{1,2} ?[/.-] ?[\dOolI|]{2,4}(?![\w/-])"
)
_LETTERS_FOR_FIGURES = str.maketrans("OolI|", "00111")
_FEWEST_FIGURES = 3


def mend_figures(text: str) -> str:
    """Give the text, as long as before, with letters that a scan put for figures of a date."""
    return _MISREAD.sub(_mended, text)


def _mended(match: re.Match[str]) -> str:
    said = match.group()
    if said.isascii() and sum(letter.isdigit() for letter in said) >= _FEWEST_FIGURES:
        return said.translate(_LETTERS_FOR_FIGURES)
    return said


def is_possible(day: int, month: int) -> bool:
    """Whether a month has such a day in some year."""
    return 1 <= month <= 12 and 1 <= day <= monthrange(2024, month)[1]


def date_field(start: int, end: int, code: str) -> DateField:
    """Give a part of a date as it stands in the text."""
    return DateField(start, end, code)


def found_date(text: str, fields: tuple[DateField, ...]) -> Found:
    """Give a date with the values its fields say; 0 stands for what they leave open."""
    said = {f.code: int(text[f.start : f.end]) for f in fields if f.code != "w"}
    year = said.get("Y", 0)
    if "y" in said:
        year = expand_year(said["y"])
    value = DateValue(year, said.get("m", 0), said.get("d", 0))
    return Found(fields[0].start, fields[-1].end, "date", DATE_RANK, "date", fields, value)


def expand_year(short: int) -> int:
    """Give the year that two digits mean: 00 to 39 are of this century."""
    return 2000 + short if short < 40 else 1900 + short

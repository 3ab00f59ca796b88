"""Shifting dates: the same number of days for all, each written back in its own format."""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Sequence
from datetime import date, timedelta

from medllm.clinical.deidentify.dates.spoken import ORDINALS
from medllm.clinical.deidentify.dates.worded import MONTHS, SEASONS, WEEKDAYS
from medllm.clinical.deidentify.text import DateValue, Found

ANY_YEAR = 2023
"""The year that a day and month have where the whole text names none; no leap year."""
_MIDDLE_OF_MONTH = 15
_RECENT_YEARS = 5
_OLDEST_NOTE = 1990
"""A text whose newest date lies before was not written then: it names a birth and nothing else."""
_THIS_YEAR = 2026
"""Of this list of rules: a fixed number, so that a text gives the same result every year."""


def fill_years(found: Sequence[Found]) -> list[Found]:
    """Give the spans with each open year filled in, and births of long ago made less exact.

    An open year is that of the nearest date before which is not much older than the text, else
    the newest: "3 May 2024 ... 12 March" lie right apart only if both have one year. A date of 90
    years before the newest or more tells an age over 89; its year becomes that limit.
    """
    years = [item.value.year for item in found if item.value and item.value.year]
    newest = max(years, default=ANY_YEAR)
    limit = (newest if newest >= _OLDEST_NOTE else _THIS_YEAR) - 90
    known = newest
    filled = []
    for item in found:
        if item.value and item.value.year:
            if newest - item.value.year <= _RECENT_YEARS:
                known = item.value.year
            if item.value.year < limit:
                item = item._replace(value=item.value._replace(year=limit))
        elif item.value:
            item = item._replace(value=item.value._replace(year=known))
            if item.near:
                item = item._replace(near=item.near._replace(year=known))
        filled.append(item)
    return filled


def shifted_text(text: str, item: Found, days: int) -> str:
    """Give a date moved by so many days, in the format in which it was written."""
    moved = _moved(item.value or DateValue(0, 0, 0), days)
    digits = [text[f.start : f.end] for f in item.fields if f.code in ("d", "m")]
    in_words = any(field.code == "b" for field in item.fields)
    padded = any(d[0] == "0" for d in digits) or not (in_words or any(len(d) == 1 for d in digits))
    parts: list[str] = []
    at = item.start
    for field in item.fields:
        parts.append(text[at : field.start])
        old = text[field.start : field.end]
        if field.code in ("d", "m"):
            number = moved.day if field.code == "d" else moved.month
            parts.append(f"{number:02d}" if padded else str(number))
        else:
            parts.append(_write(old, field.code, moved, days))
        at = field.end
    parts.append(text[at : item.end])
    if item.near and _moved(item.near, days).month != moved.month:
        parts.append(f" {MONTHS[moved.month - 1].capitalize()}")
    return "".join(parts)


def year_only(text: str, item: Found) -> str:
    """Give what HIPAA lets stay of a date: its year where it was written, else "[date]"."""
    for field in item.fields:
        if field.code == "Y" and item.value:
            return f"[date {item.value.year}]"
    return "[date]"


def _moved(value: DateValue, days: int) -> date:
    """Give the day so many days later; a month counts from its middle."""
    year, month, day = value.year or ANY_YEAR, value.month or 6, value.day or _MIDDLE_OF_MONTH
    last = monthrange(year, month)[1]  # 29 February without a year, in a year that has none
    return date(year, month, min(day, last)) + timedelta(days=days)


def _write(old: str, code: str, moved: date, days: int) -> str:
    """Give one field of the moved date in the form of the old one."""
    if code == "Y":
        return f"{moved.year:04d}"
    if code == "y":
        return f"{moved.year % 100:02d}"
    if code == "q":
        return str((moved.month - 1) // 3 + 1)
    if code == "o":
        return _as_cased(_suffix(moved.day), old)
    if code == "b":
        return _as_cased(_as_long(MONTHS[moved.month - 1], old, MONTHS), old)
    if code == "D":
        return _as_cased(ORDINALS[moved.day - 1], old)
    if code == "w":
        index = next(at for at, day in enumerate(WEEKDAYS) if day.startswith(old[:3].lower()))
        return _as_cased(_as_long(WEEKDAYS[(index + days) % 7], old, WEEKDAYS), old)
    return _as_cased(SEASONS[moved.month % 12 // 3], old)


def _suffix(day: int) -> str:
    if 10 <= day % 100 <= 20:
        return "th"
    return {1: "st", 2: "nd", 3: "rd"}.get(day % 10, "th")


def _as_long(new: str, old: str, names: Sequence[str]) -> str:
    """Abbreviate as the old name is: "Sept" and "Tues" become three letters."""
    return new if old.lower() in names else new[:3]


def _as_cased(new: str, old: str) -> str:
    if old.isupper():
        return new.upper()
    return new.capitalize() if old[0].isupper() else new

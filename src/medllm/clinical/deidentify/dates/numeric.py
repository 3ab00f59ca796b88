"""Dates with figures: "12/03/2024", "2024-03-12", "3/12/24", "03/2024", "on 3/12", "20240312".

What looks like a date and is a measurement stays: "120/80", "5/5", "for 3/12" (three months),
"10-20 mg". A day and a month without a year count only where the words before say so.
"""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Iterator
from typing import NamedTuple

from medllm.clinical.deidentify.text import DateField, DateValue, Found

DATE_RANK = 20
_UNIT = (
    r"(?!\s?(?:%|°|mg|mcg|µg|ug|g\b|kg|ml|mL|L\b|dl|mm|cm|units?\b|iu\b|IU\b|mmol|meq|mEq|bpm|/\d"
    r"|tab|drops|puffs|times|x\d))"
)
_FULL = re.compile(
    r"\d(?<!\d\d)(?<!\d[./-].)(?<![A-Za-z].)\d?([/.-])(\d{1,2})\1(\d{4}|\d{2})(?!\d)"
)
_ISO = re.compile(r"(?:19|20)(?<!\d\d\d)\d\d([-/.])(\d{1,2})\1(\d{1,2})(?!\d)")
_MONTH_YEAR = re.compile(r"\d(?<!\d\d)(?<!\d[./-].)\d?([/-])((?:19|20)\d\d)(?![\d/-])")
_YEAR_MONTH = re.compile(r"(?:19|20)(?<!\d\d\d)(?<![\d./-]\d\d)\d\d([-/])(0[1-9]|1[0-2])(?![\d/-])")
_SOLID = re.compile(
    r"(?:19|20)(?<!\d\d\d)\d\d(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])(?=(?:T?\d{4}|T?\d{6})?(?!\d))"
)
_LABELLED_SOLID = re.compile(
    r"\b(?:dob|d\.o\.b\.?|birth|born|date)\b[\s:=#-]{1,4}(\d{2})(\d{2})(\d{4}|\d{2})(?!\d)", re.I
)
_SHORT_MONTH = re.compile(r"\d(?<!\d\d)(?<![\w./-].)\d?/\d\d(?![\d/]|\.\d)" + _UNIT)
_MONTH_BEFORE = re.compile(
    r"\b(?:in|since|until|till|from|thr(?:u|ough)|by|during|last|early|late|mid|on|dated|dx"
    r"|diagnosed"
    r"|before|after|around|circa|approximately|cabg|surgery|s/p|mi)\s\(?$|\d/\d\d (?:to|and|-"
    r"|through) $",
    re.IGNORECASE,
)
_PART = re.compile(r"\d(?<!\d\d)(?<![\w./-].)\d?/\d{1,2}(?![\d/]|\.\d)" + _UNIT)
_PART_BEFORE = re.compile(
    r"(?:\b(?:on|since|dated?|until|till?|thru|w/c|w/e|of admission|as of|due|exp(?:iry|ires)?|by"
    r"|rtc|planning|meeting|conference|assessment|evaluation|handover|rounds|update|seen|admit(?:ted|s)?|admission|discharged?|d/c'?d?|dc'?d?|labs?|cultures?|cx|bcx|ucx|ct|mri|cxr|x-?ray|echo|ekg|ecg"
    r"|egd|us"
    r"|(?:next|review|recall|rtc|return)(?=:)|(?:labs?|cultures?|cx|films?|photos?|pictures?|images?"
    r"|scan|bloods|ct|mri|cxr|xr|echo|results?|note|visit|report) (?:from|of)|drawn|collected|sent"
    r"|starts?|began|ends?|stop|received|repeat"
    r"|poa"
    r"|read|placed|done|started|stopped|given|last(?: \w+)?|visit|surgery|lmp|appt"
    r"|appointment"
    r"|f/u|follow-?up|doa|dos|dod|adm|transferred|intubated|extubated|born|today)\s?[:(]?\s?"
    r"|^\s*)$",
    re.IGNORECASE,
)
_WEEKDAY_BEFORE = re.compile(
    r"\b((?:mon|tues?|wed(?:nes)?|thu(?:rs)?|fri|sat(?:ur)?|sun)(?:day)?),?\s?$", re.IGNORECASE
)
_OPERATION_BEFORE = re.compile(
    r"\b(?:CABG|DHS|THR|TKR|TKA|THA|ORIF|EGD|ERCP|TEE|TTE|LP|MRA|USS|XR|PET|EEG|EMG|LHC|RHC|PCI"
    r"|AVR|MVR"
    r"|TURP|TURBT|LSCS|[Bb]iopsy|[Cc]olonoscopy|[Cc]olo|bx|WR|[Hh]andoff|[Ww]ard round)\s\(?$"
)
_TIME_AFTER = re.compile(r"\s(?:at\s|@\s?)?(?:\d{1,2}:\d\d|\d{1,2}\s?[ap]\.?m\b)")
_FROM_TO = re.compile(r"\s(?:to|until|through|thru|-)\s\d{1,2}/\d{1,2}(?![\d/])")
_RATED = re.compile(
    r"\b(?:pain|scores?|went|improved|increased|decreased|reduced|strength|power|acuity|vision|murmur)\b",
    re.I,
)
_TIME_BEFORE = re.compile(r"\b(?:[01]\d|2[0-3]):?[0-5]\d(?:h|hrs)?\s$")
_PART_JOINED = re.compile(r"^\s?(?:-|–|,|&|and|to|or|through|thru|until)\s?$", re.IGNORECASE)
_DURATION = re.compile(
    r"\s?(?:ago|later|duration|history|hx|time\b|strength|power|acuity|vision|murmur|systolic"
    r"|on the|of\b|leads"
    r"|bottles?|NiTi|(?:hand )?files?\b|vodka|gin\b|whisk|wine|beer|tabs?\b|points?\b|score)",
    re.IGNORECASE,
)
_SCORE_BEFORE = re.compile(
    r"\b(?:apgars?|scores?|rom|bp|acuity|va)\b\W*(?:\w+\W+)?$", re.IGNORECASE
)
_HEAD_OF_LINE = re.compile(r"\s?(?::|-\s|–\s)")


class _Numbers(NamedTuple):
    """A date of figures with two numbers that are day and month in an order yet unknown."""

    start: int
    end: int
    first: tuple[int, int]
    second: tuple[int, int]
    year: tuple[int, int] | None
    weekday: tuple[int, int] | None = None


def find_numeric_dates(text: str, *, day_first: bool | None) -> Iterator[Found]:
    """Give dates that are written in figures only; `day_first` None means: from the text."""
    yield from _find_year_first(text)
    pairs = [*_find_full(text), *_find_labelled(text), *_find_parts(text)]
    pairs = [_with_weekday(text, pair) for pair in pairs]
    if day_first is None:
        day_first = _is_day_first(text, pairs)
    for pair in pairs:
        yield _as_found(text, pair, day_first)
    yield from _find_short_months(text)
    for match in _MONTH_YEAR.finditer(text):
        if 1 <= int(text[match.start() : match.start(1)]) <= 12:
            fields = (_field(match.start(), match.start(1), "m"), _field(*match.span(2), "Y"))
            yield _found(text, fields)


def _with_weekday(text: str, pair: _Numbers) -> _Numbers:
    """Give the date with a weekday that stands in front of it: "Thu 5/18"."""
    before = text[max(0, pair.start - 12) : pair.start]
    match = _WEEKDAY_BEFORE.search(before)
    if not match:
        return pair
    start = pair.start - len(before) + match.start(1)
    return pair._replace(start=start, weekday=(start, start + len(match[1])))


def _find_year_first(text: str) -> Iterator[Found]:
    for match in _ISO.finditer(text):
        year, month, day = match.start(), match.span(2), match.span(3)
        fields = (_field(year, year + 4, "Y"), _field(*month, "m"), _field(*day, "d"))
        if _is_possible(int(match[3]), int(match[2])):
            yield _found(text, fields)
        elif _is_possible(int(match[2]), int(match[3])):
            yield _found(text, (fields[0], _field(*month, "d"), _field(*day, "m")))
    for match in _SOLID.finditer(text):
        year = match.start()
        year_and_month = (_field(year, year + 4, "Y"), _field(*match.span(1), "m"))
        if _is_possible(int(match[2]), int(match[1])):
            yield _found(text, (*year_and_month, _field(*match.span(2), "d")))
    for match in _YEAR_MONTH.finditer(text):
        first = match.start()
        yield _found(text, (_field(first, first + 4, "Y"), _field(*match.span(2), "m")))


def _find_full(text: str) -> Iterator[_Numbers]:
    for match in _FULL.finditer(text):
        first, second = (match.start(), match.start(1)), match.span(2)
        a, b = int(text[first[0] : first[1]]), int(match[2])
        long_year = len(match[3]) == 4
        if long_year and not 1880 <= int(match[3]) <= 2150:
            continue
        if not (_is_possible(a, b) or _is_possible(b, a)):
            if not (long_year and a <= 39 and b <= 39):
                continue
        elif not long_year and not _is_short_date(text, match, first, second):
            continue
        yield _Numbers(match.start(), match.end(), first, second, match.span(3))


def _is_short_date(
    text: str, match: re.Match[str], first: tuple[int, int], second: tuple[int, int]
) -> bool:
    """Whether figures with a year of two digits are a date and not a score, a dose or a section."""
    if re.match(_UNIT, text[match.end() : match.end() + 8]) is None:
        return False
    before = text[max(0, match.start() - 24) : match.start()]
    if _SCORE_BEFORE.search(before):
        return False
    if match[1] == "/":
        return True
    both_long = first[1] - first[0] == 2 and second[1] - second[0] == 2
    return both_long or _PART_BEFORE.search(before) is not None


def _find_labelled(text: str) -> Iterator[_Numbers]:
    for match in _LABELLED_SOLID.finditer(text):
        if not _is_possible(int(match[1]), int(match[2])) and not _is_possible(
            int(match[2]), int(match[1])
        ):
            continue
        yield _Numbers(match.start(1), match.end(3), match.span(1), match.span(2), match.span(3))


def _find_short_months(text: str) -> Iterator[Found]:
    """Give "since 11/94" and "in 07/06": a month and a year of two digits behind such a word.

    Where the second number could be a day it is one, but for "in", behind which no day stands.
    """
    for match in _SHORT_MONTH.finditer(text):
        middle = text.index("/", match.start())
        month, year = int(text[match.start() : middle]), int(text[middle + 1 : match.end()])
        before = text[max(0, match.start() - 16) : match.start()]
        if not 1 <= month <= 12 or not _MONTH_BEFORE.search(before):
            continue
        padded = text[match.start()] == "0" or middle - match.start() == 2
        in_behind = before.endswith((" in ", "In ")) and padded
        if (year > 31 or in_behind) and year != 52 and not _DURATION.match(text, match.end()):
            yield _found(
                text, (_field(match.start(), middle, "m"), _field(middle + 1, match.end(), "y"))
            )


def _find_parts(text: str) -> Iterator[_Numbers]:
    """Give days and months without a year where the words before or a date beside tell it."""
    last_end, n_told = -1, 0
    for match in _PART.finditer(text):
        middle = text.index("/", match.start())
        a, b = int(text[match.start() : middle]), int(text[middle + 1 : match.end()])
        if not (_is_possible(a, b) or _is_possible(b, a)):
            continue
        joined = last_end >= 0 and _PART_JOINED.match(text[last_end : match.start()])
        if not joined and not _is_told(text, match) and not _is_among_dates(text, match, n_told):
            continue
        if _DURATION.match(text, match.end()):
            continue
        last_end, n_told = match.end(), n_told + 1
        first, second = (match.start(), middle), (middle + 1, match.end())
        yield _Numbers(match.start(), match.end(), first, second, None)


def _is_told(text: str, match: re.Match[str]) -> bool:
    """Whether what stands around "3/12" says that it is a day: "CXR 3/12", "0700 3/12", "03/12"."""
    start, end = match.span()
    before = text[max(0, start - 20) : start]
    line = before.rfind("\n")
    before = before[line + 1 :]
    padded = len(match.group()) == 5 and "0" in (match.group()[0], match.group()[3])
    if _is_fraction(text, match):
        return False
    if padded or _OPERATION_BEFORE.search(before) or _TIME_BEFORE.search(before):
        return True
    if _TIME_AFTER.match(text, end):
        return True
    other = _FROM_TO.match(text, end) if before.endswith("from ") else None
    if other:
        rated = _RATED.search(text[max(0, start - 40) : start])
        below = match.group().rpartition("/")[2]
        same = below in ("5", "6", "10") and other.group().endswith(f"/{below}")
        if not (rated or same):
            return True
    return _is_announced(before, text[end : end + 12], line >= 0 or start < 20)


_COUNTED_BEHIND = re.compile(
    r"\s?(?:nodes?|lymph|patients|cases|points?|bottles|cores|fields|biops|sites|\(|samples|of\b|sets)"
)
_ONE_OF = frozenset("12 15 20 24 25 27 28 30".split())
"""What scores go up to, and what sight is a part of: "MMSE 9/30", "6/12", "GCS 3/15"."""


def _is_fraction(text: str, match: re.Match[str]) -> bool:
    """Whether a pair counts something: "2/18 nodes"."""
    return _COUNTED_BEHIND.match(text, match.end()) is not None


def _is_among_dates(text: str, match: re.Match[str], n_dates: int) -> bool:
    """Whether "2/18" can only be a date beside others: no score goes up to its second number."""
    below = match.group().rpartition("/")[2]
    if not n_dates or int(below) < 13 or below in _ONE_OF or _is_fraction(text, match):
        return False
    before = text[max(0, match.start() - 12) : match.start()]
    return _RATED.search(before) is None


def _is_announced(before: str, after: str, whole_line: bool) -> bool:
    """Whether "3/12" follows a word such as "on", or opens a line as its date: "3/12: afebrile"."""
    told = _PART_BEFORE.search(before) or _WEEKDAY_BEFORE.search(before)
    if told is None:
        return False
    if told.group().strip():
        return True
    return whole_line and _HEAD_OF_LINE.match(after) is not None


def _is_possible(day: int, month: int) -> bool:
    return 1 <= month <= 12 and 1 <= day <= monthrange(2024, month)[1]


_BRITISH = re.compile(
    r"\bNHS\b|\bGMC\b|\bpostcode|\bconsultant\b|\bSurgery\b|haem|oedema|paed|anaes|oesoph"
    r"|\bMobile\b"
    r"|\bbd\b|\btds\b|\bEircode|\bUHID\b|\bAadhaar|\bNSW\b"
    r"|\b[A-Z]{1,2}\d[A-Z\d]? \d[ABD-HJLNP-UW-Z]{2}\b"
)


def _is_day_first(text: str, pairs: list[_Numbers]) -> bool:
    """Tell from dates that fit only one way, else from signs of British English."""
    votes = 0
    for pair in pairs:
        a, b = int(text[slice(*pair.first)]), int(text[slice(*pair.second)])
        if a > 12 >= b:
            votes += 1
        elif b > 12 >= a:
            votes -= 1
    if votes:
        return votes > 0
    return any(pair.year for pair in pairs) and _BRITISH.search(text) is not None


def _as_found(text: str, pair: _Numbers, day_first: bool) -> Found:
    a, b = int(text[slice(*pair.first)]), int(text[slice(*pair.second)])
    day, month = (pair.first, pair.second) if day_first else (pair.second, pair.first)
    if not (_is_possible(a, b) if day_first else _is_possible(b, a)):
        day, month = month, day
    fields = [_field(*day, "d"), _field(*month, "m")]
    if pair.year:
        fields.append(_field(*pair.year, "Y" if pair.year[1] - pair.year[0] == 4 else "y"))
    if pair.weekday:
        fields.append(_field(*pair.weekday, "w"))
    if not (_is_possible(a, b) or _is_possible(b, a)):
        return Found(pair.start, pair.end, "date", DATE_RANK, "no date")
    return _found(text, tuple(sorted(fields)))


def _field(start: int, end: int, code: str) -> DateField:
    return DateField(start, end, code)


def _found(text: str, fields: tuple[DateField, ...]) -> Found:
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

"""Dates with figures: "12/03/2024", "2024-03-12", "3/12/24", "03/2024", "on 3/12", "20240312".

What looks like a date and is a measurement stays: "120/80", "5/5", "for 3/12" (three months),
"10-20 mg". A day and a month without a year count only where the words before say so.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from medllm.clinical.deidentify.dates.figures import (
    DATE_RANK,
    UNIT,
    Numbers,
    date_field,
    found_date,
    is_possible,
    mend_figures,
)
from medllm.clinical.deidentify.dates.parts import (
    PART_BEFORE,
    WEEKDAY_BEFORE,
    find_parts,
    find_short_months,
)
from medllm.clinical.deidentify.text import Found, is_chart

_FULL = re.compile(
    r"\d(?<!\d\d)(?<!\d[./-].)(?<![A-Za-z].)\d?([/.-])(\d{1,2})\1(\d{4}|\d{2})(?!\d)"
)
_SPACED = re.compile(
    r"\d(?<!\d\d)(?<!\d[./-].)(?<![A-Za-z].)\d?\s?(?:([/.])\s?(\d{1,2})\s?\1|([-–])\s(\d{1,2})\s?\3)\s?"
    r"((?:18|19|20)\d\d|\d\d(?=\s?(?:$|[\n,;|)–-]|\.\s|\s[A-Za-z])))(?![\d/])"
)
"""With blanks around the marks, as forms and scans have them: "22 / 05 / 2014"."""
_ISO = re.compile(r"(?:19|20)(?<!\d\d\d)\d\d([-/.])(\d{1,2})\1(\d{1,2})(?!\d)")
_MONTH_YEAR = re.compile(r"\d(?<!\d\d)(?<!\d[./-].)\d?([/-])((?:19|20)\d\d)(?![\d/-])")
_YEAR_MONTH = re.compile(r"(?:19|20)(?<!\d\d\d)(?<![\d./-]\d\d)\d\d([-/])(0[1-9]|1[0-2])(?![\d/-])")
_SOLID = re.compile(
    r"(?:19|20)(?<!\d\d\d)\d\d(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])(?=(?:T?\d{4}|T?\d{6})?(?!\d))"
)
_LABELLED_SOLID = re.compile(
    r"\b(?:dob|d\.o\.b\.?|birth|born|date)\b[\s:=#-]{1,4}(\d{2})(\d{2})(\d{4}|\d{2})(?!\d)", re.I
)
_SCORE_BEFORE = re.compile(
    r"\b(?:apgars?|scores?|rom|bp|acuity|va)\b\W*(?:\w+\W+)?$", re.IGNORECASE
)


_VERSION_BEFORE = re.compile(
    r"\b(?:v|ver|version|release|section|chapter|table|figure|fig|step|no|item|software)\.?\s?$",
    re.IGNORECASE,
)


def find_numeric_dates(text: str, *, day_first: bool | None) -> Iterator[Found]:
    """Give dates that are written in figures only; `day_first` None means: from the text."""
    text, chart = mend_figures(text), is_chart(text)
    yield from _find_year_first(text)
    pairs = [*_find_full(text, chart=chart), *_find_spaced(text), *_find_labelled(text)]
    pairs += find_parts(text, chart=chart, n_dates=len(pairs))
    pairs = [_with_weekday(text, pair) for pair in pairs]
    if day_first is None:
        day_first = _is_day_first(text, pairs)
    for pair in pairs:
        yield _as_found(text, pair, day_first)
    yield from find_short_months(text)
    for match in _MONTH_YEAR.finditer(text):
        if 1 <= int(text[match.start() : match.start(1)]) <= 12:
            fields = (
                date_field(match.start(), match.start(1), "m"),
                date_field(*match.span(2), "Y"),
            )
            yield found_date(text, fields)


def _with_weekday(text: str, pair: Numbers) -> Numbers:
    """Give the date with a weekday that stands in front of it: "Thu 5/18"."""
    before = text[max(0, pair.start - 12) : pair.start]
    match = WEEKDAY_BEFORE.search(before)
    if not match:
        return pair
    start = pair.start - len(before) + match.start(1)
    return pair._replace(start=start, weekday=(start, start + len(match[1])))


def _find_year_first(text: str) -> Iterator[Found]:
    for match in _ISO.finditer(text):
        year, month, day = match.start(), match.span(2), match.span(3)
        fields = (date_field(year, year + 4, "Y"), date_field(*month, "m"), date_field(*day, "d"))
        if is_possible(int(match[3]), int(match[2])):
            yield found_date(text, fields)
        elif is_possible(int(match[2]), int(match[3])):
            yield found_date(text, (fields[0], date_field(*month, "d"), date_field(*day, "m")))
    for match in _SOLID.finditer(text):
        year = match.start()
        year_and_month = (date_field(year, year + 4, "Y"), date_field(*match.span(1), "m"))
        if is_possible(int(match[2]), int(match[1])):
            yield found_date(text, (*year_and_month, date_field(*match.span(2), "d")))
    for match in _YEAR_MONTH.finditer(text):
        first = match.start()
        yield found_date(text, (date_field(first, first + 4, "Y"), date_field(*match.span(2), "m")))


def _find_full(text: str, *, chart: bool) -> Iterator[Numbers]:
    for match in _FULL.finditer(text):
        first, second = (match.start(), match.start(1)), match.span(2)
        a, b = int(text[first[0] : first[1]]), int(match[2])
        long_year = len(match[3]) == 4
        if long_year and not 1880 <= int(match[3]) <= 2150:
            continue
        if not (is_possible(a, b) or is_possible(b, a)):
            if not (long_year and a <= 39 and b <= 39):
                continue
        elif not long_year and not _is_short_date(text, match, first, second, chart=chart):
            continue
        yield Numbers(match.start(), match.end(), first, second, match.span(3))


def _is_short_date(
    text: str,
    match: re.Match[str],
    first: tuple[int, int],
    second: tuple[int, int],
    *,
    chart: bool,
) -> bool:
    """Whether figures with a year of two digits are a date and not a score, a dose or a section."""
    if re.match(UNIT, text[match.end() : match.end() + 8]) is None:
        return False
    before = text[max(0, match.start() - 24) : match.start()]
    if _SCORE_BEFORE.search(before):
        return False
    if match[1] == "/":
        return True
    if chart and match[1] in ".-" and not _VERSION_BEFORE.search(before):
        return True
    both_long = first[1] - first[0] == 2 and second[1] - second[0] == 2
    return both_long or PART_BEFORE.search(before) is not None


def _find_spaced(text: str) -> Iterator[Numbers]:
    for match in _SPACED.finditer(text):
        if " " not in match.group() and "\n" not in match.group():
            continue
        second = match.span(2) if match[1] else match.span(4)
        first = re.match(r"\d+", match.group())
        assert first is not None  # the pattern begins with a digit
        a, b = int(first.group()), int(text[slice(*second)])
        if is_possible(a, b) or is_possible(b, a):
            span = (match.start(), match.start() + first.end())
            yield Numbers(match.start(), match.end(5), span, second, match.span(5))


def _find_labelled(text: str) -> Iterator[Numbers]:
    for match in _LABELLED_SOLID.finditer(text):
        if not is_possible(int(match[1]), int(match[2])) and not is_possible(
            int(match[2]), int(match[1])
        ):
            continue
        yield Numbers(match.start(1), match.end(3), match.span(1), match.span(2), match.span(3))


_BRITISH = re.compile(
    r"\bNHS\b|\bGMC\b|\bpostcode|\bconsultant\b|\bSurgery\b|haem|oedema|paed|anaes|oesoph"
    r"|\bMobile\b"
    r"|\bbd\b|\btds\b|\bEircode|\bUHID\b|\bAadhaar|\bNSW\b"
    r"|\b[A-Z]{1,2}\d[A-Z\d]? \d[ABD-HJLNP-UW-Z]{2}\b"
)


def _is_day_first(text: str, pairs: list[Numbers]) -> bool:
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


def _as_found(text: str, pair: Numbers, day_first: bool) -> Found:
    a, b = int(text[slice(*pair.first)]), int(text[slice(*pair.second)])
    day, month = (pair.first, pair.second) if day_first else (pair.second, pair.first)
    if not (is_possible(a, b) if day_first else is_possible(b, a)):
        day, month = month, day
    fields = [date_field(*day, "d"), date_field(*month, "m")]
    if pair.year:
        fields.append(date_field(*pair.year, "Y" if pair.year[1] - pair.year[0] == 4 else "y"))
    if pair.weekday:
        fields.append(date_field(*pair.weekday, "w"))
    if not (is_possible(a, b) or is_possible(b, a)):
        return Found(pair.start, pair.end, "date", DATE_RANK, "no date")
    return found_date(text, tuple(sorted(fields)))

"""Dates in words: "12th of March, 2024", "Mar 3", "since May", "Tuesday", "spring 2019", Easter."""

from __future__ import annotations

import re
from collections.abc import Iterator

from medllm.clinical.deidentify.dates.figures import DATE_RANK, expand_year
from medllm.clinical.deidentify.dates.spoken import ORDINALS, read_ordinal, read_year
from medllm.clinical.deidentify.text import DateField, DateValue, Found

MONTHS = (
    "january february march april may june july august september october november december".split()
)
WEEKDAYS = "monday tuesday wednesday thursday friday saturday sunday".split()
SEASONS = ("winter", "spring", "summer", "autumn")
_MONTH = re.compile(
    r"(?<![^\W\d_])(?:jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?"
    r"|sept?(?:ember)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)(?![^\W\d_])",
    re.IGNORECASE,
)
_WEEKDAY_NAME = r"(?:mon|tues?|wed(?:nes)?|thu(?:rs?)?|fri|sat(?:ur)?|sun)(?:day)?"
_DAY_LIST = (
    r"(?:(?:\d{1,2}(?:st|nd|rd|th)?,\s?){0,6}(?=\d{1,2}(?:st|nd|rd|th)?,?\s(?:and|&|or)\s))?"
    r"(?:\d{1,2}(?:st|nd|rd|th)?(?:\s?(?:-|–|to|,?\sand|&|or|through|until)\s?)){0,2}"
)
_DAYS_BEFORE = re.compile(
    rf"(?<![\d./:-])(?:({_WEEKDAY_NAME})\b[,.]?\s(?:the\s)?)?({_DAY_LIST}\d{{1,2}}(?:st|nd|rd|th)?)"
    r"(?:\s?[-/.,]?\s?|\s(?:day\s)?(?:of|in)\s)$",
    re.IGNORECASE,
)
_ORDINAL_BEFORE = re.compile(
    rf"\b({'|'.join(ORDINALS[::-1])})(?:\s(?:day\s)?of)?\s$", re.IGNORECASE
)
_WEEKDAY_BEFORE = re.compile(rf"\b({_WEEKDAY_NAME})[,.]?\s(?:the\s)?$", re.IGNORECASE)
_NO_UNIT = (
    r"(?!\d|[.,:]\d|\s?(?:%|°|mg|mcg|µg|g\b|kg|ml\b|cm|mm|hours?|hrs?|days?|weeks?|months?|years?"
    r"|patients|cases|times|units?|am\b|pm\b|a\.m|p\.m))"
)
_YEAR_AFTER = re.compile(
    r"\.?(?:\s?(?:,|of|-|/|\.|–)\s?|\s)?(?:((?:19|20)\d\d)(?!\d|[-/]\d)|(?<=[-/ .,])'?(\d\d)"
    + _NO_UNIT
    + r"(?![/-]\d)|'(\d\d)(?!\d))"
)
_GLUED_YEAR = re.compile(r"(\d\d)(?![\d.,/-])")
"""Of "14Dec23"."""
_MONTH_YEAR_AFTER = re.compile(
    r"\.?(?:\s?(?:,|of|-|/|\.|–)?\s?)((?:19|20)\d\d)(?!\d)|[-/\s]?['’](\d\d)(?!\d)|-(\d\d)(?![\d-])"
)
_DAYS_AFTER = re.compile(
    r"\.?(?:\s|\sthe\s|-)?(\d{1,2})(?:st|nd|rd|th)?" + _NO_UNIT + r"(?!/\d)"
    r"((?:\s?(?:,|-|–|to|and|&|or|through|until)\s?\d{1,2}(?:st|nd|rd|th)?(?!\d|[.,:/]\d|\s?(?:mg|"
    r"patients|cases|days|weeks|months|years|times|[ap]m\b|%)|\s?(?:[A-Za-z]{3,9}\s)?\d{4})){0,6})",
    re.IGNORECASE,
)
_YEAR_BEFORE = re.compile(r"(?<!\d)((?:19|20)\d\d)[-/ .]$")
_DAY_LAST = re.compile(r"[-/ .](\d{1,2})(?![\d.:])")
"""Of "2021-Sep-02"."""
_SLASHED_AFTER = re.compile(r"([/.-])(\d{1,2})\1((?:19|20)\d\d|\d\d)(?!\d)")
"""Of "Aug/13/2019"."""
_ALONE_BEFORE = re.compile(
    r"\b(?:in|since|during|until|till|by|from|of|last|next|this|early|late|mid|through|before|after"
    r"|around|about|between|end of|past|previous|following|every|each|middle of|beginning of)"
    r"[\s-](?:early\s|late\s|mid[\s-])?$",
    re.IGNORECASE,
)
_NUMBER = re.compile(r"\d{1,2}")
_VERBS_AND_SHORT = frozenset("may march mar dec sep jan jun oct".split())
"""In lower case these are other words, or too short to be trusted without a year."""


def find_worded_dates(text: str) -> Iterator[Found]:
    """Give dates with a month in words, also a month alone where the words before tell it."""
    last_end = 0
    for match in _MONTH.finditer(text):
        found = _read_around(text, match, last_end)
        if found:
            yield from found
            last_end = max(item.end for item in found)


def _read_around(text: str, match: re.Match[str], last_end: int) -> list[Found]:
    before = text[max(last_end, match.start() - 60) : match.start()]
    name = DateField(match.start(), match.end(), "b")
    month = MONTHS.index(next(m for m in MONTHS if m.startswith(match.group().lower()[:3]))) + 1
    days = _DAYS_BEFORE.search(before)
    if days and _is_calendar_days(days[2]):
        return _day_first(text, match.start() - len(before), days, name, month)
    ordinal = _ORDINAL_BEFORE.search(before)
    if ordinal:
        start = match.start() - len(before) + ordinal.start(1)
        day = DateField(start, start + len(ordinal[1]), "D")
        value = ORDINALS.index(ordinal[1].lower()) + 1
        return [_with_year(text, [day, name], value, month)]
    return _month_first(text, match, before, name, month)


def _is_calendar_days(listed: str) -> bool:
    return all(1 <= int(number) <= 31 for number in _NUMBER.findall(listed))


def _day_first(
    text: str, offset: int, days: re.Match[str], name: DateField, month: int
) -> list[Found]:
    """Read "12 March 2024", "Tue 12th of March", "12-15 March" and "12, 15 and 18 March"."""
    if not _is_written_as_month(text, name):
        return []
    numbers = list(_NUMBER.finditer(days[2]))
    begin = offset + days.start(2)
    fields = _day_fields(text, begin + numbers[-1].start(), numbers[-1].group())
    if days[1]:
        fields.insert(0, DateField(offset + days.start(1), offset + days.end(1), "w"))
    main = _with_year(text, [*fields, name], int(numbers[-1].group()), month)
    extra = [(begin + number.start(), number.group()) for number in numbers[:-1]]
    return [*_lent(text, extra, main), main]


def _day_fields(text: str, start: int, digits: str) -> list[DateField]:
    """Give the field of a day and that of its "th"."""
    end = start + len(digits)
    fields = [DateField(start, end, "d")]
    if text[end : end + 2].lower() in ("st", "nd", "rd", "th"):
        fields.append(DateField(end, end + 2, "o"))
    return fields


def _lent(text: str, days: list[tuple[int, str]], main: Found) -> list[Found]:
    """Give the further days of a list, which take month and year from the main date."""
    value = main.value or DateValue(0, 0, 0)
    return [
        _date(_day_fields(text, start, digits), value._replace(day=int(digits)), near=value)
        for start, digits in days
    ]


def _month_first(
    text: str, match: re.Match[str], before: str, name: DateField, month: int
) -> list[Found]:
    """Read "March 12, 2024", "March 12-15", "March the twelfth", "March 2024" and "in March"."""
    if not _is_written_as_month(text, name):
        return []
    year_first = _YEAR_BEFORE.search(before)
    day_last = _DAY_LAST.match(text, name.end)
    if year_first and day_last and 1 <= int(day_last[1]) <= 31:
        start = match.start() - len(before) + year_first.start(1)
        parts = [DateField(start, start + 4, "Y"), name, DateField(*day_last.span(1), "d")]
        return [_date(parts, DateValue(int(year_first[1]), month, int(day_last[1])))]
    year = _MONTH_YEAR_AFTER.match(text, name.end)
    if year:
        number, field = _as_year(year)
        return [_date([name, field], DateValue(number, month, 0))]
    said = read_year(text, name.end)
    if said:
        return [
            _date([name, DateField(said.start, said.end, "Y")], DateValue(said.number, month, 0))
        ]
    slashed = _SLASHED_AFTER.match(text, name.end)
    if slashed and 1 <= int(slashed[2]) <= 31:
        day = DateField(*slashed.span(2), "d")
        return [_with_year(text, [name, day], int(slashed[2]), month)]
    fields = [name]
    weekday = _WEEKDAY_BEFORE.search(before)
    if weekday:
        start = match.start() - len(before) + weekday.start(1)
        fields.insert(0, DateField(start, start + len(weekday[1]), "w"))
    days = _DAYS_AFTER.match(text, name.end)
    if days and 1 <= int(days[1]) <= 31:
        return _days_after(text, fields, days, month)
    spoken = read_ordinal(text, name.end)
    if spoken:
        day = DateField(spoken.start, spoken.end, "D")
        return [_with_year(text, [*fields, day], spoken.number, month)]
    if _is_month_alone(text, name, before):
        return [_date([name], DateValue(0, month, 0))]
    return []


def _days_after(text: str, fields: list[DateField], days: re.Match[str], month: int) -> list[Found]:
    """Read "March 12, 2024" and "March 12-15, 2024", where the year stands behind the last day."""
    fields = [*fields, *_day_fields(text, days.start(1), days[1])]
    extra = [
        (days.start(2) + number.start(), number.group())
        for number in _NUMBER.finditer(days[2])
        if 1 <= int(number.group()) <= 31
    ]
    if not extra:
        return [_with_year(text, fields, int(days[1]), month)]
    last = _day_fields(text, *extra[-1])[-1].end
    year = _YEAR_AFTER.match(text, last)
    number, field = _as_year(year) if year else (0, None)
    main = _date(fields, DateValue(number, month, int(days[1])))
    lent = _lent(text, extra, main)
    if field:
        lent[-1] = lent[-1]._replace(end=field.end, fields=(*lent[-1].fields, field))
    return [main, *lent]


def _is_written_as_month(text: str, name: DateField) -> bool:
    """Whether the word is a month as it is written: "may" and "march" are verbs in lower case."""
    word = text[name.start : name.end]
    if word[0].isupper() or word not in _VERBS_AND_SHORT:
        return True
    if read_year(text, name.end):
        return True
    days = _DAYS_AFTER.match(text, name.end)
    spoken = read_ordinal(text, name.end)
    if spoken:  # "may first" is rather a verb
        return word != "may" or read_year(text, spoken.end) is not None
    return bool(days and _YEAR_AFTER.match(text, days.end()))


def _is_month_alone(text: str, name: DateField, before: str) -> bool:
    """Whether a month without day and year is meant: by the words before it or by its form."""
    word = text[name.start : name.end]
    told = _ALONE_BEFORE.search(before) is not None
    if word.islower():
        return told and word in MONTHS and word != "may"
    if len(word) < 4 and word.isupper():
        return False
    if len(word) <= 4 and word.lower() not in ("june", "july"):
        return told and text[name.end : name.end + 1] not in ("-", "'", "’")
    if word.lower() in ("march", "april", "june", "august"):
        return told or text[name.end : name.end + 1] in (".", ",", ";", ":", ")", "?")
    return True


def _with_year(text: str, fields: list[DateField], day: int, month: int) -> Found:
    """Give the date of `fields`, with the year that follows it where there is one."""
    end = max(field.end for field in fields)
    year = _YEAR_AFTER.match(text, end)
    if year is None and text[min(field.start for field in fields) :][:3][:2].isdigit():
        year = _GLUED_YEAR.match(text, end)
    if year is None:
        spoken = read_year(text, end)
        if spoken is None:
            return _date(fields, DateValue(0, month, day))
        said = DateField(spoken.start, spoken.end, "Y")
        return _date([*fields, said], DateValue(spoken.number, month, day))
    number, field = _as_year(year)
    return _date([*fields, field], DateValue(number, month, day))


def _as_year(year: re.Match[str]) -> tuple[int, DateField]:
    """Give a year's number and its field."""
    group = next(at for at, said in enumerate(year.groups(), start=1) if said)
    if len(year[group]) == 4:
        return int(year[group]), DateField(*year.span(group), "Y")
    return expand_year(int(year[group])), DateField(*year.span(group), "y")


def _date(fields: list[DateField], value: DateValue, near: DateValue | None = None) -> Found:
    ordered = tuple(sorted(fields))
    start, end = ordered[0].start, ordered[-1].end
    return Found(start, end, "date", DATE_RANK, "date", ordered, value, near)

"""The age of the patient, in every form that notes and case reports use."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

_WORDS = {
    word: number
    for number, word in enumerate(
        """zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen
        fifteen sixteen seventeen eighteen nineteen""".split()
    )
}
_TENS = {
    word: 10 * number
    for number, word in enumerate(
        "twenty thirty forty fifty sixty seventy eighty ninety".split(), start=2
    )
}
_WORDS.update({"a": 1, "an": 1})
_SPELT = (
    rf"(?:(?:{'|'.join(_TENS)})(?:[\s-](?:one|two|three|four|five|six|seven|eight|nine))?"
    rf"|{'|'.join(word for word in _WORDS if len(word) > 2)})"
)
_NUMBER = rf"(?:\d{{1,3}}(?:[.,]\d{{1,2}})?\s?[½¼¾]?|{_SPELT})"
_UNIT = r"(?:years?|yrs?|yr\.|y\b|months?|mos?\b|mths?|weeks?|wks?|wk|days?|hours?|hrs?)"
_HALF = r"(?:[\s-]+and[\s-]+(?:a|one)[\s-]half)"
_MORE = rf"(?:[\s,-]*(?:and[\s-]*)?(?P<more>{_NUMBER})[\s-]*(?P<more_unit>months?|mo|weeks?|days?))"
_PERSON = (
    r"(?:male|female|man|woman|boy|girl|lady|gentleman|infant|child|neonate|newborn|baby|patient)"
)
_FORMS = re.compile(
    rf"""(?<![\d.,/])(?<!\d-)(?<![b-z])(?:
      (?P<number>{_NUMBER})(?P<half>{_HALF})?(?:[\s-]+|(?=[a-z]))(?P<unit>{_UNIT})(?P<half2>{_HALF})?
        {_MORE}?
        (?:[\s,-]*(?:old\b|of\s+age\b|aged\b|age\b)
          |(?=[\s-]+(?:\w+\s+){{0,2}}?{_PERSON}\b))
    | (?P<short>\d{{1,3}})[\s-]?(?:y[./]?\s?o\b\.?|yo\b|y/?o(?=[MF]\b))
    | (?:aged?\b|age\s+of|age\s+was|age\s+is)(?:\s*:)?\s*(?P<aged>{_NUMBER})\b
        (?![.,]\d)(?:\s*-?\s*(?P<aged_unit>{_UNIT}))?
        (?:[\s,]*(?:and\s+)?(?P<aged_more>{_NUMBER})[\s-]*(?P<aged_more_unit>months?|weeks?|days?))?
    )""",
    re.IGNORECASE | re.VERBOSE,
)
_OPENING = re.compile(
    rf"\W*(?:\w+\s+)?{_PERSON}\W{{1,3}}(?P<number>{_NUMBER})[\s-]*(?P<unit>{_UNIT}){_MORE}?",
    re.IGNORECASE,
)
_LETTER = re.compile(r"(?<![\w.])(?:(\d{1,3})\s?/?\s?[MF]|[MF]\s?/\s?(\d{1,3}))(?![\w/])")
_DAY_OF_LIFE = re.compile(r"\b(?:day\s(\d{1,2})\sof\slife|DOL\s?#?(\d{1,2})\b)", re.IGNORECASE)
_PART_OLD = re.compile(
    r"(?<![\d/.])(\d{1,2})/(12|52|7)(?:\sold|(?=\s(?:boy|girl|infant|baby|male|female)\b))",
    re.IGNORECASE,
)
"""Of "5/12 old", as British notes write months, weeks and days."""
_STATED = re.compile(
    r"\b(?:[Ss]he|[Hh]e|[Pp]atient|[Pp]t)\s(?:is|was)\s(?:now\s)?(\d{1,3})(?=,|\.\s|\s(?:and|with|who)\b)(?!,\d)"
)
"""Of "she is 31 and 20 weeks pregnant"."""
_DECADE = re.compile(
    r"\bin\s+(?:his|her|their|the)\s+(early|mid|middle|late)?[\s-]*"
    r"(teens|twenties|thirties|forties|fifties|sixties|seventies|eighties|nineties"
    r"|[2-9]0(?:'|’)?s)\b",
    re.IGNORECASE,
)
_WORD_AGES = {
    "neonate": 0.02,
    "newborn": 0.01,
    "infant": 0.5,
    "toddler": 2.0,
    "teenager": 16.0,
    "teenage": 16.0,
    "sexagenarian": 65.0,
    "septuagenarian": 75.0,
    "octogenarian": 85.0,
    "nonagenarian": 95.0,
    "centenarian": 100.0,
}
"""Years, the middle of what the word covers."""

_KEYWORD = re.compile(rf"\b({'|'.join(_WORD_AGES)})\b", re.IGNORECASE)
_RELATIVE = (
    r"(?:mother|father|sister|brother|wife|husband|son|daughter|aunt|uncle|cousin|grand\w+|parents?"
    r"|sibling|donor|niece|nephew|partner|twin\s+(?:sister|brother))"
)
_OF_RELATIVE = re.compile(rf"[\s,]+(?:[a-z-]+\s+)?{_RELATIVE}\b", re.IGNORECASE)
_BEFORE_RELATIVE = re.compile(
    rf"\b(?:(?:his|her|whose|their|the patient[’']?s)\s+(?:\w+\s+)?"
    rf"|{_RELATIVE}\b\W*(?:(?!(?:the|this|a|an|our)\b)\w+\W+)?)$",
    re.IGNORECASE,
)
_EARLIER = re.compile(
    r"(?:at|since|from|until|before|by|after)\s+(?:the\s+|an?\s+)?(?:age\s+(?:of\s+)?)?$",
    re.IGNORECASE,
)
_PER_YEAR = {"y": 1.0, "m": 12.0, "w": 52.1775, "d": 365.25, "h": 8766.0}
_MOST_YEARS = 125
_HEAD = 100_000


class Age(NamedTuple):
    """An age in years and where the text says it, end not included."""

    years: float
    start: int
    end: int


def find_age(text: str) -> Age | None:
    """Give the patient's age: the first that is no relative's and not of an earlier time."""
    head = text[:_HEAD]
    earlier: Age | None = None
    for age in _ages(head):
        if _is_relative(head, age):
            continue
        if not _EARLIER.search(head[max(0, age.start - 25) : age.start]) and not re.match(
            r"age\s+of|age\s+was", head[age.start : age.end], re.IGNORECASE
        ):
            return age
        earlier = earlier or age
    return (
        _by_opening(head)
        or _by_letter(head)
        or _by_statement(head)
        or _by_decade(head)
        or earlier
        or _by_word(head)
    )


def _ages(text: str) -> Iterator[Age]:
    """Give the ages that stand as a number with a unit, in order."""
    for match in _FORMS.finditer(text):
        if match["number"]:
            years = _years(match["number"], match["unit"])
            if match["half"] or match["half2"]:
                years += 0.5 / _PER_YEAR[match["unit"][0].lower()]
            if match["more"]:
                years += _years(match["more"], match["more_unit"])
        elif match["short"]:
            years = float(match["short"])
        else:
            years = _years(match["aged"], match["aged_unit"] or "y")
            if match["aged_more"]:
                years += _years(match["aged_more"], match["aged_more_unit"])
        if years <= _MOST_YEARS:
            yield Age(years, match.start(), match.end())


def _years(number: str, unit: str) -> float:
    return _number(number) / _PER_YEAR[unit[0].lower()]


def _number(written: str) -> float:
    """Give 21.0 for "21" and "twenty-one", 2.5 for "2½"."""
    plain = written.strip().lower()
    fraction = {"½": 0.5, "¼": 0.25, "¾": 0.75}.get(plain[-1], 0.0)
    if fraction:
        plain = plain[:-1].strip()
    if plain[0].isdigit():
        return float(plain.replace(",", ".")) + fraction
    return float(sum(_TENS.get(word, _WORDS.get(word, 0)) for word in re.split(r"[\s-]", plain)))


def _is_relative(text: str, age: Age) -> bool:
    """Whether the age is of somebody else: "to a 32-year-old mother", "his 50-year-old wife"."""
    return bool(
        _OF_RELATIVE.match(text, age.end)
        or _BEFORE_RELATIVE.search(text[max(0, age.start - 30) : age.start])
    )


def _by_opening(text: str) -> Age | None:
    """Give the age of a note that begins "Boy, 2 years 8 months."."""
    match = _OPENING.match(text)
    if match is None:
        return None
    years = _years(match["number"], match["unit"])
    if match["more"]:
        years += _years(match["more"], match["more_unit"])
    return Age(years, match.start("number"), match.end()) if years <= _MOST_YEARS else None


def _by_letter(text: str) -> Age | None:
    """Give the age of "45M" or "F/62" in the first line."""
    match = _LETTER.search(text[:80])
    if match is None:
        return None
    years = float(match[1] or match[2])
    group = 1 if match[1] else 2
    return Age(years, *match.span(group)) if years <= _MOST_YEARS else None


def _by_statement(text: str) -> Age | None:
    """Give the age of "day 3 of life", and of "she is 31 and"."""
    day = _DAY_OF_LIFE.search(text)
    if day:
        return Age(float(day[1] or day[2]) / _PER_YEAR["d"], *day.span())
    part = _PART_OLD.search(text[:300])
    if part:
        unit = {"12": "m", "52": "w", "7": "d"}[part[2]]
        return Age(float(part[1]) / _PER_YEAR[unit], *part.span())
    stated = _STATED.search(text[:1000])
    return Age(float(stated[1]), *stated.span(1)) if stated else None


def _by_decade(text: str) -> Age | None:
    """Give the middle of "in his sixties", "in her late 70s"."""
    match = _DECADE.search(text)
    if match is None:
        return None
    part, decade = (match[1] or "").lower(), match[2].lower()
    if decade == "teens":
        return Age(16.0, *match.span())
    begin = float(decade[0]) * 10 if decade[0].isdigit() else _decade(decade)
    years = begin + {"early": 2.5, "late": 7.5}.get(part, 5.0)
    return Age(years, *match.span())


def _decade(word: str) -> float:
    return float(next(number for tens, number in _TENS.items() if word.startswith(tens[:-1])))


def _by_word(text: str) -> Age | None:
    """Give the usual age of a neonate, a toddler, an octogenarian in the first lines."""
    match = _KEYWORD.search(text[:300])
    return Age(_WORD_AGES[match[1].lower()], *match.span()) if match else None

"""Dates without a month: weekdays, "on the 12th", seasons with a year, quarters, holidays."""

from __future__ import annotations

import re
from collections.abc import Iterator

from medllm.clinical.deidentify.dates.figures import DATE_RANK
from medllm.clinical.deidentify.text import DateField, DateValue, Found, Words

_WEEKDAYS = frozenset("monday tuesday wednesday thursday friday saturday sunday".split())
_SHORT_WEEKDAYS = frozenset("mon tue tues wed weds thu thur thurs fri sat sun".split())
_TIME_AFTER = re.compile(r"\.?,?\s(?:at\s)?\d{1,2}(?::\d\d)?\s?[ap]\.?m\b", re.IGNORECASE)
_TELL_WEEKDAY = frozenset(
    """next last this on since until till by from til through thru before after
    mon tue tues wed thu thur thurs fri sat sun""".split()
)
_BEHIND_WEEKDAY = frozenset(
    """night morning afternoon evening noon eve am pm clinic wk week next last
    mon tue tues wed thu thur thurs fri sat sun""".split()
)
_JOINTS = (" ", "/", "-", ", ", " + ", " & ")
_SURE_SHORT = frozenset("tues thur thurs weds".split())
_ORDINAL_AFTER = re.compile(r",?\s(?:the\s)?(?:\d{1,2}(?:st|nd|rd|th)\b|\d{1,2}[/.]\d{1,2}\b)")
_OPENS = re.compile(r"(?:^|[.!?:\n])[ \t]*$")
_RECURRING = re.compile(
    r"\b(?:every|each|alternate|other|second|third|weekly on)\s(?:other\s|\w+day(?:,| and|/)\s?)*$",
    re.IGNORECASE,
)
_ORDINAL = re.compile(r"\d(?<!\w.)\d?(?:st|nd|rd|th)\b")
_THE_BEFORE = re.compile(
    r"\b(?:on|by|until|till|since|before|after|from|to|and|the|\w+day,?)\sthe\s$"
    r"|\b(?:mon|tues?|weds?|thu(?:rs?)?|fri|sat|sun|\w+day),?\s$|\b[ap]m\s$",
    re.IGNORECASE,
)
_DAY_AFTER = re.compile(
    r"\s?(?:[.,;:)?!\n]|$)|\s(?:at|and|of (?:this|last|the|next) month|she|he|they|we|for|with|in"
    r"|to"
    r"|but|when|after|before|because|until|till|through)\b",
    re.IGNORECASE,
)
_NOT_A_DAY = re.compile(
    r"\s(?:and|or|to)\s(?:the\s)?\d{0,2}(?:st|nd|rd|th)?\s?(?:rib|digit|finger|toe|metatars"
    r"|metacarp"
    r"|intercostal|nerve|week|month|day|centile|percentile|vertebra|thoracic|lumbar)"
    r"|\sin\s(?:order)",
    re.IGNORECASE,
)
_SEASON = re.compile(
    r"(spring|summer|autumn|fall|winter)(?:\sof|,)?\s((?:19|20)\d\d)(?:\s?[/-]\s?\d{2,4})?(?!\d)",
    re.IGNORECASE,
)
_MID_SEASON = {"winter": 1, "spring": 4, "summer": 7, "autumn": 10, "fall": 10}
_QUARTER = re.compile(r"Q([1-4])(?<!\w..)[ /-]?((?:19|20)\d\d)\b")
_HOLIDAY = re.compile(
    r"(?:(?:Christmas|Xmas|X-mas)(?: Eve| Day)?"
    r"(?!\s(?:disease|factor|tree|carrier|deficien))"
    r"|Thanksgiving(?: Day)?"
    r"|Easter(?: Sunday| Monday)?|Good Friday|New Year(?:['’]?s)?(?: Eve| Day)"
    r"|Hallowe['’]?en"
    r"|Boxing Day|(?:Labou?r|Memorial|Independence|Veterans|Columbus|Presidents['’]?) Day|Valentine"
    r"['’]?s Day|(?:Mother|Father)['’]?s Day|St\.? Patrick['’]?s Day|Fourth of July|Hanukkah|Diwali"
    r"|Passover|Yom Kippur|Rosh Hashanah|Eid(?: al-\w+)?|Bank Holiday|Pancake Day|Guy Fawkes Night"
    r"|Bonfire Night|Canada Day|Australia Day|Anzac Day|Lunar New Year|Chinese New Year"
    r"|CNY|Three Kings(?: Day)?|Deepavali"
    r"|Hari Raya(?: \w+)?|Mardi Gras|Burns Night|Juneteenth|Epiphany|Ash Wednesday|Maundy Thursday"
    r"|Shrove Tuesday"
    r"|Whitsun"
    r"|Pentecost|Candlemas|Michaelmas|Hogmanay|Ramadan|Holi|Navratri|Pongal|Onam|Dussehra"
    r"|Raksha Bandhan"
    r"|Republic Day|Nowruz|Songkran|Vesak|Purim|Sukkot|Shavuot|Waitangi Day|Melbourne Cup Day"
    r"|Martin Luther King(?: Jr\.?)? Day|MLK Day|Remembrance (?:Day|Sunday)|Cinco de Mayo"
    r"|Day of the Dead|All (?:Saints|Souls)['’]? Day|St\.? (?:George|Andrew|David)['’]?s Day)\b",
    re.IGNORECASE,
)
_HOLIDAY_STARTS = frozenset(
    """three cny deepavali hari
    xmas x-mas burns juneteenth epiphany ash maundy shrove whitsun pentecost candlemas michaelmas
    hogmanay ramadan holi navratri pongal onam dussehra raksha republic nowruz songkran vesak purim
    sukkot shavuot waitangi melbourne martin mlk remembrance cinco day all christmas
    thanksgiving easter good new halloween hallowe'en boxing labor labour
    memorial independence veterans columbus presidents valentine mother father st fourth
    hanukkah diwali passover yom rosh eid bank pancake guy bonfire canada australia
    anzac lunar chinese mardi""".split()
)


_SURE_HOLIDAYS = frozenset("christmas xmas thanksgiving halloween hanukkah diwali ramadan".split())
"""Also in small letters."""


def find_calendar_words(words: Words) -> Iterator[Found]:
    """Give weekdays, bare days, seasons, quarters and holidays.

    A weekday that comes back ("every Tuesday", "on Mondays") is no date.
    """
    text = words.text
    for at in words.where(_WEEKDAYS):
        start = words.starts[at]
        if not _RECURRING.search(text[max(0, start - 40) : start]):
            yield _found((DateField(start, words.ends[at], "w"),), DateValue(0, 0, 0))
    for at in words.where(_SHORT_WEEKDAYS):
        start, end = words.starts[at], words.ends[at]
        if words.is_capital(at) and _is_short_weekday(words, at):
            yield _found((DateField(start, end, "w"),), DateValue(0, 0, 0))
    for match in _ORDINAL.finditer(text):
        if _is_bare_day(text, match):
            middle = match.end() - 2
            fields = (DateField(match.start(), middle, "d"), DateField(middle, match.end(), "o"))
            yield _found(fields, DateValue(0, 0, int(match.group()[:-2])))
    for at in words.where(_MID_SEASON):
        season = _SEASON.match(text, words.starts[at])
        if season:
            fields = (DateField(*season.span(1), "s"), DateField(*season.span(2), "Y"))
            yield _found(fields, DateValue(int(season[2]), _MID_SEASON[season[1].lower()], 0))
    for quarter in _QUARTER.finditer(text):
        fields = (DateField(*quarter.span(1), "q"), DateField(*quarter.span(2), "Y"))
        value = DateValue(int(quarter[2]), int(quarter[1]) * 3 - 1, 0)
        yield _found(fields, value)._replace(start=quarter.start())
    for at in words.where(_HOLIDAY_STARTS):
        holiday = _HOLIDAY.match(text, words.starts[at])
        if holiday and (words.is_capital(at) or words.lowers[at] in _SURE_HOLIDAYS):
            rank = 1 if " " in holiday.group() else DATE_RANK  # "Christmas Eve" is nobody's name
            yield Found(*holiday.span(), "date", rank, "holiday")


def _is_short_weekday(words: Words, at: int) -> bool:
    """Whether "Fri" is the day: by what stands beside it, or because it is no other word.

    "Sat" is also a saturation and "Sun" the sun; a run such as "MWF" is no single day.
    """
    if words.text.startswith("%", words.ends[at]) or _RECURRING.search(
        words.text[max(0, words.starts[at] - 40) : words.starts[at]]
    ):
        return False
    before = words.lowers[at - 1] if at and words.gap(at - 1) in _JOINTS else ""
    behind = words.lowers[at + 1] if words.gap(at) in _JOINTS else ""
    if before in _TELL_WEEKDAY or behind in _BEHIND_WEEKDAY:
        return True
    if _TIME_AFTER.match(words.text, words.ends[at]) or _ORDINAL_AFTER.match(
        words.text, words.ends[at]
    ):
        return True
    if words.surfaces[at].isupper():
        return False
    if words.lowers[at] in _SURE_SHORT:
        return True
    opens = _OPENS.search(words.text[max(0, words.starts[at] - 4) : words.starts[at]]) is not None
    return words.lowers[at] in ("fri", "mon") and not opens


def _is_bare_day(text: str, match: re.Match[str]) -> bool:
    return (
        1 <= int(match.group()[:-2]) <= 31
        and _THE_BEFORE.search(text[max(0, match.start() - 16) : match.start()]) is not None
        and _DAY_AFTER.match(text, match.end()) is not None
        and _NOT_A_DAY.match(text, match.end()) is None
    )


def _found(fields: tuple[DateField, ...], value: DateValue) -> Found:
    start, end = fields[0].start, fields[-1].end
    return Found(start, end, "date", DATE_RANK + 1, "date", fields, value)

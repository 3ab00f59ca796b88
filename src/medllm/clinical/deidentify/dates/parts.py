"""Dates in figures that lack a part: "on 3/12", "since 11/94"; the words around tell them."""

from __future__ import annotations

import re
from collections.abc import Iterator

from medllm.clinical.deidentify.dates.figures import (
    UNIT,
    Numbers,
    date_field,
    found_date,
    is_possible,
)
from medllm.clinical.deidentify.text import Found
from medllm.clinical.deidentify.vocabulary import vocabulary

_SHORT_MONTH = re.compile(r"\d(?<!\d\d)(?<![\w./-].)\d?/\d\d(?![\d/]|\.\d)" + UNIT)
_MONTH_BEFORE = re.compile(
    r"\b(?:in|since|until|till|from|thr(?:u|ough)|by|during|last|early|late|mid|on|dated|dx"
    r"|diagnosed"
    r"|before|after|around|circa|approximately|cabg|surgery|s/p|mi)\s\(?$|\d/\d\d (?:to|and|-"
    r"|through) $",
    re.IGNORECASE,
)
_PART = re.compile(
    r"\d(?<!\d\d)(?<![\w./-].)\d?(?:/\d{1,2}(?![\d/]|\.\d)"
    r"|-\d{1,2}(?=\s?(?:[,;)(\n]|$|\.(?:\s|$)))|\.\d{1,2}(?:\.(?=[,;)])|(?=\s[A-Z])))" + UNIT
)
_MIDDLE = re.compile(r"\d+([/.-])(\d+)")
PART_BEFORE = re.compile(
    r"(?:\b(?:on|since|dated?|until|till?|thru|w/c|w/e|of admission|as of|due|exp(?:iry|ires)?|by"
    r"|rtc|planning|meeting|conference|assessment|evaluation|handover|rounds|update|seen|admit(?:ted|s)?|admission|discharged?|d/c'?d?|dc'?d?|labs?|cultures?|cx|bcx|ucx|ct|mri|cxr|x-?ray|echo|ekg|ecg"
    r"|egd|us"
    r"|(?:next|review|recall|rtc|return)(?=:)|(?:labs?|cultures?|cx|films?|photos?|pictures?|images?"
    r"|scan|bloods|ct|mri|cxr|xr|echo|results?|note|visit|report) (?:from|of)|drawn|collected|sent"
    r"|starts?|next|mtg|rv|r/v"
    r"|cancel(?:led)?|recheck(?:ed)?|(?:night|week|wk|day) of|began|ends?|stop|received|repeat"
    r"|poa"
    r"|read|placed|done|started|stopped|given|last(?: \w+)?|visit|surgery|lmp|appt"
    r"|appointment"
    r"|f/u|follow-?up|shift|out|off|doa|dos|dod|adm|transferred|intubated|extubated|born|today)\s?[:(]?\s?"
    r"|^\s*)$",
    re.IGNORECASE,
)
WEEKDAY_BEFORE = re.compile(
    r"\b((?:mon|tues?|wed(?:nes)?|thu(?:rs)?|fri|sat(?:ur)?|sun)(?:day)?),?\s?$", re.IGNORECASE
)
_DAY_BEFORE = re.compile(r"\b(?:Mon|Tues?|Weds?|Thu(?:rs?)?|Fri|Sat|Sun)\s$")
_OPERATION_BEFORE = re.compile(
    r"\b(?:CABG|DHS|THR|TKR|TKA|THA|ORIF|EGD|ERCP|TEE|TTE|LP|MRA|USS|XR|PET|EEG|EMG|LHC|RHC|PCI"
    r"|AVR|MVR"
    r"|TURP|TURBT|LSCS|[Bb]iopsy|[Cc]olonoscopy|[Cc]olo|bx|WR|[Hh]andoff|[Ww]ard round)\s\(?$"
)
_TIME_AFTER = re.compile(r"\s(?:at\s|@\s?)?(?:\d{1,2}:\d\d|\d{1,2}\s?[ap]\.?m\b)")
_FROM_TO = re.compile(r"\s(?:to|until|through|thru|-)\s\d{1,2}/\d{1,2}(?![\d/])")
_COUNT_BEFORE = re.compile(r"(?:\b(?:x|ratio|every|of|took|BP|bp)\s?|[×=<>~])$")
_WORD_BEFORE = re.compile(r"([^\W\d_]{3,})\s$")
_RATED = re.compile(
    r"\b(?:pain|scores?|went|improved|increased|decreased|reduced|strength|power|acuity|vision|murmur|pulses?"
    r"|gcs|va|bp|apgars?|reflex(?:es)?|dtrs?|grade|mmse|moca|amts?|bpe|rated?|level|tone)\b",
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
_HEAD_OF_LINE = re.compile(r"\s?(?::|-\s|–\s)")
_COUNTED_BEHIND = re.compile(
    r"\s?(?:nodes?|lymph|patients|cases|points?|bottles|cores|fields|biops|sites|\(|samples|of\b|sets)"
)
_ONE_OF = frozenset("12 15 20 24 25 27 28 30".split())
"""What scores go up to, and what sight is a part of: "MMSE 9/30", "6/12", "GCS 3/15"."""


def find_short_months(text: str) -> Iterator[Found]:
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
            yield found_date(
                text,
                (date_field(match.start(), middle, "m"), date_field(middle + 1, match.end(), "y")),
            )


def find_parts(text: str, *, chart: bool, n_dates: int) -> Iterator[Numbers]:
    """Give days and months without a year where the words before or a date beside tell it.

    In a `chart` the figures tell it too: of a score the first is not the larger one.
    """
    last_end, n_told = -1, 0
    for match in _PART.finditer(text):
        mark = _MIDDLE.match(text, match.start())
        assert mark is not None  # _PART begins with it
        middle, end = mark.start(1), mark.end(2)
        a, b = int(text[match.start() : middle]), int(mark[2])
        if not (is_possible(a, b) or is_possible(b, a)):
            continue
        joined = last_end >= 0 and _PART_JOINED.match(text[last_end : match.start()])
        told = joined or (mark[1] == "." and _is_dotted(text, match)) or _is_told(text, match)
        if mark[1] == "/" and not told:
            told = _is_among_dates(text, match, n_told) or (
                chart and _is_no_score(text, match, a, b, n_told + n_dates)
            )
        if not told or _DURATION.match(text, match.end()):
            continue
        last_end, n_told = end, n_told + 1
        yield Numbers(match.start(), end, (match.start(), middle), (middle + 1, end), None)


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


def _is_dotted(text: str, match: re.Match[str]) -> bool:
    """Whether "26.1.," ends in a dot of its own, or a weekday stands before "6.8"."""
    if match.group().endswith("."):
        return True
    return _DAY_BEFORE.search(text[max(0, match.start() - 6) : match.start()]) is not None


def _is_no_score(text: str, match: re.Match[str], a: int, b: int, n_dates: int) -> bool:
    """Whether a pair is no score, part, acuity or duration: "3/1", "18/9", "1/22", beside others.

    British notes write days, weeks and months as /7, /52 and /12; sight may be 6/5 or 6/4.
    """
    start = match.start()
    if _RATED.search(text[max(0, start - 30) : start]) or _is_fraction(text, match):
        return False
    before = text[max(0, start - 12) : start]
    if _COUNT_BEFORE.search(before) or (a < b and before.endswith("for ")):
        return False
    if a > b:
        if b == 7:
            return a > 14 and a % 7 != 0
        if b == 12:
            return a > 24
        word = _WORD_BEFORE.search(text[max(0, start - 30) : start])
        if word and word[1].lower() in vocabulary().drugs:
            return False  # "buprenorphine 16/4"
        return (a, b) not in ((6, 5), (6, 4))
    return b > 12 and (str(b) not in _ONE_OF or (n_dates > 0 and b not in (15, 20, 30)))


def _is_announced(before: str, after: str, whole_line: bool) -> bool:
    """Whether "3/12" follows a word such as "on", or opens a line as its date: "3/12: afebrile"."""
    told = PART_BEFORE.search(before) or WEEKDAY_BEFORE.search(before)
    if told is None:
        return False
    if told.group().strip():
        return True
    return whole_line and _HEAD_OF_LINE.match(after) is not None

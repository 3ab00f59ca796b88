"""Ages over 89, in figures and in words; HIPAA lets only "90 or over" stay."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from medllm.clinical.deidentify.text import Found, Words

AGE_RANK = 15
_OLD = re.compile(r"[19](?<!\d.)(?<![.,]\d)\d{1,2}(?!\d|[.,]\d)")
_AFTER = re.compile(
    r"[\s-]{0,2}(?:(?:years?|yrs?\.?|y)[\s-]{0,2}(?:old|of\sage)|y\.?\s?/?\s?o\b|yo\b|years\syoung)"
    r"|\s?(?:y|yr|yrs|years?)\s?/?\s?(?:[MFmf]|male|female|woman|man|lady|gentleman)\b"
    r"|(?:st|nd|rd|th)\s(?:birthday|year\sof\slife)|\s?(?:y|yrs?|yo)?\)(?<=[yorsd]\))",
    re.IGNORECASE,
)
_YEARS = re.compile(
    r"\s(?:years|yrs)\b(?!\s(?:ago|later|earlier|before|after|since|from|of|prior|back|in))"
)
_SPAN_BEFORE = re.compile(
    r"\b(?:over|than|last|past|for|every|within|first|about|nearly|next|the|of|to|and|under|almost|per)\s$",
    re.IGNORECASE,
)
"""What makes "100 years" a span: "for over 100 years", "the past 90 years"."""
_WHO = re.compile(r",? (?:she|he|they)\b")
_NAME_BEFORE = re.compile(r"[A-Z][^\W\d_]{1,20},\s$")
_NAME_AFTER = re.compile(r",\s(?:of|from|a|an|who|was|is|presented|admitted|died|has|had)\s")
"""On both sides of an age behind a name: "Ann Roe, 93, of Wick"."""
_SEX_AFTER = re.compile(r"\s?/?\s?(?:[MF]\b(?![./]\w)|male\b|female\b)")
_SEX_BEFORE = re.compile(r"(?:^|[.;:|(]\s?|\n\s*|\b(?:[Aa]n?|[Pp]t|[Pp]atient|[Tt]his)\s)$")
"""A sex behind a number is an age only where a note begins to speak: "T 98 F" is a temperature."""
_BEFORE = re.compile(
    r"\b(?:age[ds]?(?:\s?(?:at|of|/\s?sex|\(years?\)|is|was|on|in\syears)\b(?:\s(?:admission|death"
    r"|diagnosis|presentation|onset))?)?\s?[:=|]?\s?(?:of\s)?|turn(?:s|ed|ing)\s"
    r"|will\sbe\s|'ll\sbe\s|d\.\s|reached\s(?:the\sage\sof\s)?|lived\sto(?:\sbe)?\s|died\sat\s(?:the\sage\sof\s)?|nearly\s|almost\s)$",
    re.IGNORECASE,
)
_NOT_AN_AGE = re.compile(
    r"\s?(?:[%°/]|mg|mm|cm|kg|bpm|min|days|weeks|months|beats|target|goal|lb|pounds|beats|\d)",
    re.IGNORECASE,
)
_SUBJECT_BEFORE = re.compile(
    r"\b(?:patient|pt|she|he|mother|father|who|i'll be|i am|i'm|grandmother|grandfather|wife"
    r"|husband"
    r"|lady|gentleman|woman|man|sister|brother|aunt|uncle|(?:mr|mrs|ms|miss"
    r"|dr)\.?\s[\w'’-]{2,20})\s?(?:['’]s\s|is\s|was\s|be\s|,\s)?(?:now\s"
    r"|already\s|currently\s|aged\s)?$",
    re.IGNORECASE,
)
_RELATIVE_LABEL = re.compile(
    r"\b(?:mother|father|brother|sister|parents?|grand(?:mother|father)|aunt|uncle|twin|patient|pt):\s$",
    re.IGNORECASE,
)
_SUBJECT_AFTER = re.compile(
    r"\s?(?:[.,;)](?!\d)|$|and\b|years?\b|in\s|with\b|who\b|when\b|next\b|this\b|on\b)(?!\s?%)"
)
_BEHIND_NAME = re.compile(
    r"(?:,\s|\s\()([19]\d{1,2})(?=[,;)]|\.(?:\s|$)|\s(?:and|who|still|is|was|of)\b)"
)
_WORD_STARTS = frozenset(
    "ninety nineties hundreds centenarian supercentenarian nonagenarian hundred".split()
)
_WORDS = re.compile(
    r"(?:ninety(?:[\s-](?:one|two|three|four|five|six|seven|eight|nine))?|hundred(?:\sand\s\w+)?)"
    r"(?=[\s-]years?[\s-](?:old|of\sage)|[\s-]year[\s-])|(?:super)?centenarian|nonagenarian",
    re.IGNORECASE,
)
_STATE_BEFORE = re.compile(
    r"\b(?:alive|living|well|died|dead|deceased|death|killed|passed\saway|now|until|till|reached"
    r"|aged?)\s(?:aged?\s)?$",
    re.IGNORECASE,
)
_FAMILY = re.compile(
    r"\b(?:mother|father|mom|mum|dad|grand\w+|aunt|uncle|sister|brother|sibling|parents?|fhx?|family"
    r"|wife|husband|he|she|age|twin)\b",
    re.IGNORECASE,
)
"""In front of "MI at 94", which without a relative could be a pulse."""
_AGE_ENDS = re.compile(r"\s?(?:[,.;)](?!\d)|$|\n|and\b|of\b|with\b|from\b|in\s\d{4})")
_DECADE = re.compile(
    r"(?:in|into)\s(?:her|his|their|the)\s(?:early\s|mid[\s-]?|late\s)?(nineties|90['’]?s"
    r"|hundreds)\b",
    re.IGNORECASE,
)


def find_old_ages(words: Words) -> Iterator[Found]:
    """Give ages of 90 and over; the number alone, without "years old"."""
    text = words.text
    for match in _OLD.finditer(text):
        if 90 <= int(match.group()) <= 129 and _is_age(text, match.start(), match.end()):
            yield Found(*match.span(), "date", AGE_RANK, "age")
    yield from _find_said(words)
    compounds = {*words.found_with("ninety-"), *words.found_with("hundred-")}
    for at in words.where(_WORD_STARTS | compounds):
        said = _WORDS.match(text, words.starts[at])
        if said:
            start = said.start()
            if words.lowers[at].startswith("hundred") and words.lowers[at - 1] in ("one", "a"):
                start = words.starts[at - 1]
            yield Found(start, said.end(), "date", AGE_RANK, "age")
    for at in words.where(("in", "into")):
        decade = _DECADE.match(text, words.starts[at])
        if decade:
            yield Found(*decade.span(1), "date", AGE_RANK, "age")


_SAID = re.compile(
    r"(?:ninety(?:[\s-](?:one|two|three|four|five|six|seven|eight|nine))?"
    r"|(?:a|one)\shundred(?:\sand\s(?:one|two|three|four|five|six|seven|eight|nine|ten))?)"
    r"(?!\s?(?:per\s?cent|percent|%|degrees?|minutes?|seconds?|hours?|days?|weeks?|months?|times|mg|mcg"
    r"|milli\w+|micro\w+|units?|beats|over|metres|meters|feet|pounds|kilo\w+|dollars))",
    re.IGNORECASE,
)
_SAID_BEFORE = re.compile(
    r"\b(?:age\sof|aged?|at|turn(?:s|ed|ing)|reach(?:ed|es|ing)|nearly|almost|over|to\sbe|lived\sto|now"
    r"|i\sam|i'm|he's|she's|(?:he|she|who|mother|father|patient)\s(?:is|was)|is\snow|past|until)\s$",
    re.IGNORECASE,
)


def _find_said(words: Words) -> Iterator[Found]:
    """Give "died at ninety-six" and "turned ninety": in words, without "years"."""
    for start in ("ninety", "hundred"):
        for word in words.found_with(start):
            for at in words.where((word,)):
                begin = words.starts[at]
                if start == "hundred" and words.lowers[at - 1] in ("one", "a"):
                    begin = words.starts[at - 1]
                said = _SAID.match(words.text, begin)
                if said and _SAID_BEFORE.search(words.text[max(0, begin - 20) : begin]):
                    yield Found(*said.span(), "date", AGE_RANK, "age")


def find_ages_behind_names(text: str, names: Iterable[Found]) -> Iterator[Found]:
    """Give ages right behind a name that was found: "Ann Roe, 97." and "Ann Roe (97)"."""
    for name in names:
        age = _BEHIND_NAME.match(text, name.end)
        if age and name.category == "name" and 90 <= int(age[1]) <= 129:
            yield Found(*age.span(1), "date", AGE_RANK, "age")


def _is_age(text: str, start: int, end: int) -> bool:
    if text[start - 1 : start] in ("/", "-", "%", "+") and start:
        return False
    if _AFTER.match(text, end):
        return True
    if _YEARS.match(text, end) and not _SPAN_BEFORE.search(text[max(0, start - 24) : start]):
        return True
    if re.match(r"/[MF]\b", text[end : end + 3]) and not text[max(0, start - 2) : start].strip(
        " .\n"
    ):
        return True
    if text[max(0, start - 3) : start] == "At " and _WHO.match(text, end):
        return True
    if start and text[start - 1].isalpha() or _NOT_AN_AGE.match(text, end):
        return False
    before = text[max(0, start - 40) : start]
    if _BEFORE.search(before):
        return True
    line = text[max(0, start - 70) : start]
    told = before.endswith(" at ") or _STATE_BEFORE.search(before)
    if told and _FAMILY.search(line) and _AGE_ENDS.match(text, end):
        return True
    if _NAME_BEFORE.search(before) and _NAME_AFTER.match(text, end):
        return True
    if _RELATIVE_LABEL.search(before) and _AGE_ENDS.match(text, end):
        return True
    if text[max(0, start - 2) : start] == ", " and re.match(r"[MF],", text[end : end + 2]):
        return True
    if text[start - 1 : start] == "(" and re.match(r"\s?[MF]\)", text[end : end + 3]):
        return True
    if _SEX_AFTER.match(text, end) and _SEX_BEFORE.search(before):
        return True
    return bool(_SUBJECT_BEFORE.search(before) and _SUBJECT_AFTER.match(text, end))

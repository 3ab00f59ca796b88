"""Age, sex and pregnancy of the patient a text describes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from medllm.clinical.ages import find_age
from medllm.records import Finding, FindingKind, Sex

_HEAD = 20_000
"""Characters that are read for pronouns; a note says who it is about long before that."""

_FEMALE = """woman women female girl lady housewife mother-to-be primigravida multigravida
    primipara primiparous multipara multiparous nullipara nulliparous nulligravida parturient
    mrs miss ms madam gravida para schoolgirl nun postmenopausal menopausal perimenopausal
    pregnant"""
_MALE = """man men male boy gentleman mr schoolboy policeman fisherman businessman salesman"""
_SEX_BY_WORD: dict[str, Sex] = {
    **dict.fromkeys(_FEMALE.split(), "F"),
    **dict.fromkeys(_MALE.split(), "M"),
}
_STATES = frozenset("pregnant postmenopausal menopausal perimenopausal gravida para".split())
_TITLES = frozenset({"mr", "mrs", "ms", "miss"})
_WORD = re.compile(rf"\b(?:({'|'.join(_SEX_BY_WORD)})\b|G\d{{1,2}}\s?P\d)", re.IGNORECASE)
_SHORT = re.compile(
    r"\d\s?(?:[-/ ]?y/?o"
    r"|\s?(?:years?|yrs?|months?|mos?|weeks?|wks?|wk|days?)\s?(?:old)?)?\s?/?\s?([MF])\b|\b([MF])\s?/\s?\d"
)
_PRONOUN = re.compile(r"\b(he|him|his|himself|she|her|hers|herself)\b", re.IGNORECASE)
_ORGAN = re.compile(
    r"\b(?:(prostat\w+|testic\w+|testis|scrot\w+|penile|penis)"
    r"|(vagin\w+|uter(?:us|ine)|ovar\w+|cervical smear|menstru\w+|hysterectomy))\b",
    re.IGNORECASE,
)
_SOMEBODY_ELSE = re.compile(
    r"(?:\b(?:mother|father|wife|husband|sister|brother|donor|cousin|aunt|uncle)\b[\s,]*"
    r"|\b(?:unrelated|another|other)\s+)$",
    re.IGNORECASE,
)
_PREGNANT = re.compile(
    r"\b(?:pregnant|primigravida|gravid|(?:\d{1,2}(?:\s?[+&]\s?\d|\s\d/7)?|weeks?)"
    r"(?:th|st|nd|rd)?[\s-]+(?:completed[\s-]+)?weeks?(?:'|’)?(?:\s+and\s+\d\s+days?)?"
    r"(?:\s+of|'s|\s+into\s+her)?\s+(?:gestation|pregnancy|amenorrh?o?ea)"
    r"|(?:this|current|her\s+present)\s+pregnancy|G\d{1,2}\s?P\d[\w\s]{0,4},?\s+at\s+\d{1,2}"
    r"(?:\s?\+\s?\d)?\s+weeks?|G\d{1,2}\s?P\d[\w\s+]{0,5},?\s+(?:at\s+)?\d{1,2}\s?\+\s?\d\b"
    r"|[1-4]\d(?:\+\d)?/40|(?:first|second|third)\s+trimester|gestational\s+week"
    r"|\d{1,2}(?:st|nd|rd|th)\s+week\s+of\s+(?:her\s+)?(?:gestation|pregnancy)"
    r"|in\s+(?:her|the)\s+\w+\s+(?:week|month)\s+of\s+(?:her\s+)?pregnancy)\b",
    re.IGNORECASE,
)
_NOT_PREGNANT = re.compile(
    r"(?:\b(?:not|non|never|denied|denies|become|becoming|was born|born|delivered|birth|when"
    r"|previous\w*|mother\W?s?|if|after|test)\b[\w\s,'’-]{0,25}|\bnon-?)$",
    re.IGNORECASE,
)


class Span(NamedTuple):
    """Where a text says something, end not included."""

    start: int
    end: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Demographics:
    """Age in years, sex and pregnancy; `None` is unknown, which is not "no"."""

    age_years: float | None = None
    sex: Sex | None = None
    pregnant: bool | None = None
    age_span: Span | None = None
    sex_span: Span | None = None
    pregnant_span: Span | None = None


def find_demographics(text: str) -> Demographics:
    """Give age, sex and pregnancy of the patient, each with the words that say so.

    Of several patients it is the first. The ages and the sex of relatives are passed over.
    """
    age = find_age(text)
    age_span = Span(age.start, age.end) if age else None
    age_years = age.years if age else None
    sex, sex_span = _find_sex(text, age_span)
    pregnant = _find_pregnancy(text, sex, age_years)
    return Demographics(
        age_years=age_years,
        sex=sex,
        pregnant=True if pregnant else None,
        age_span=age_span,
        sex_span=sex_span,
        pregnant_span=pregnant,
    )


def _find_sex(text: str, age_span: Span | None) -> tuple[Sex | None, Span | None]:
    """Look near the age, then in the first lines, then at pronouns, then at organs."""
    head = text[:_HEAD]
    if age_span:
        short = _SHORT.search(head, max(0, age_span.start - 3), age_span.end + 6)
        near = _first_word(head, age_span.start - 60, age_span.end + 110)
        if near and (not short or near.start() < short.start()):
            return _sex_of(near), Span(*near.span())
        if short:
            at = 1 if short[1] else 2
            return ("F" if short[at] == "F" else "M"), Span(*short.span(at))
    word = _first_word(head, 0, 250)
    if word:
        return _sex_of(word), Span(*word.span())
    return _by_pronouns(head) or _by_organ(head) or (None, None)


def _first_word(text: str, start: int, end: int) -> re.Match[str] | None:
    """Give the first noun for a man or a woman, else the first word for a woman's state."""
    words = list(_words(text, start, end))
    nouns = (word for word in words if word[0].lower() not in _STATES)
    return next(nouns, words[0] if words else None)


def _words(text: str, start: int, end: int) -> Iterator[re.Match[str]]:
    """Give the words for a man or a woman from `start` to `end` that mean the patient."""
    for match in _WORD.finditer(text, max(0, start), end):
        if match[0].lower() in _TITLES and match[0] not in ("Mr", "Mrs", "Ms", "Miss"):
            continue  # "MS" and "MR" have other meanings
        if not _SOMEBODY_ELSE.search(text[max(0, match.start() - 25) : match.start()]):
            yield match


def _sex_of(match: re.Match[str]) -> Sex:
    return _SEX_BY_WORD[match[1].lower()] if match[1] else "F"


def _by_pronouns(text: str) -> tuple[Sex, Span] | None:
    """Give the sex that most pronouns speak for."""
    found = list(_PRONOUN.finditer(text))
    if not found:
        return None
    males = [m for m in found if m[1].lower().startswith("hi") or m[1].lower() == "he"]
    sex: Sex = "M" if 2 * len(males) > len(found) else "F"
    first = next(m for m in found if (m in males) == (sex == "M"))
    return sex, Span(*first.span())


def _by_organ(text: str) -> tuple[Sex, Span] | None:
    match = _ORGAN.search(text)
    if match is None:
        return None
    return ("M" if match[1] else "F"), Span(*match.span())


def _find_pregnancy(text: str, sex: Sex | None, age_years: float | None) -> Span | None:
    """Give where the text says that the patient is pregnant: not of a man, not of an infant."""
    if sex == "M" or (age_years is not None and not 9 <= age_years <= 60):
        return None
    for match in _PREGNANT.finditer(text[:_HEAD]):
        if not _NOT_PREGNANT.search(text[max(0, match.start() - 40) : match.start()]):
            return Span(*match.span())
    return None


def demographic_findings(text: str, who: Demographics) -> list[Finding]:
    """Give age (in years), sex and pregnancy as findings."""
    findings: list[Finding] = []
    if who.age_span and who.age_years is not None:
        years = round(who.age_years, 3)
        findings.append(_finding(text, who.age_span, "age", "age", value=years))
    if who.sex_span and who.sex:
        name = "female" if who.sex == "F" else "male"
        findings.append(_finding(text, who.sex_span, "sex", name))
    if who.pregnant_span:
        findings.append(_finding(text, who.pregnant_span, "pregnancy", "pregnancy"))
    return findings


def _finding(
    text: str, span: Span, kind: FindingKind, name: str, *, value: float | None = None
) -> Finding:
    return Finding(
        text=text[span.start : span.end],
        start=span.start,
        end=span.end,
        kind=kind,
        normalised=name,
        value=value,
        unit="years" if value is not None else "",
    )

"""Dose, route and frequency behind the name of a drug."""

from __future__ import annotations

import re
from typing import NamedTuple

from medllm.clinical.numbers import parse_number

_AMOUNT = r"(?P<dose>\d+(?:[.,]\d+)*)(?:\s?(?:-|–|to)\s?\d+(?:[.,]\d+)?)?"
_PER = (
    r"(?:\s?(?:/|per)\s?(?:kg|m2|m²|day|d\b|hours?|hr?\b|min(?:ute)?\b|dose|week"
    r"|24\s?h\w*|\d*\s?mL))*"
)
_UNIT = (
    rf"(?P<unit>(?:mg|grams?|gm?|mcg|[µμu]g|ng|mL|IU|MIU|MU|units?|U|mEq|mmol|%|tablets?|capsules?"
    rf"|puffs?|drops?|ampoules?|vials?|cycles?)\b{_PER}|%)"
)
_ROUTE = (
    r"(?:orally|oral|by\s+mouth|p\.?o\.?|i\.?v\.?|intravenous(?:ly)?|i\.?m\.?|intramuscular(?:ly)?"
    r"|s\.?c\.?|subcutaneous(?:ly)?|sublingual(?:ly)?|topical(?:ly)?|inhaled|rectal(?:ly)?"
    r"|intravitreal(?:ly)?|intrathecal(?:ly)?|nebuli[sz]ed|transdermal(?:ly)?)(?![a-z])"
)
_OFTEN = (
    r"(?:(?:once|twice|thrice|(?:one|two|three|four|five|six|\d)\s+times)(?:\s+(?:a|per|every)?\s*"
    r"(?:day|daily|week|weekly|month))?|daily|nightly|weekly|monthly|every\s+(?:other\s+|\d+\s*)?"
    r"(?:day|hours?|hrs?|h|weeks?|months?|morning|night)|(?:a|per|each)\s+(?:day|week)"
    r"|b\.?i\.?d|t\.?i\.?d|q\.?i\.?d|q\.?d|b\.?d|o\.?d|t\.?d\.?s|q\s?\d+\s?h(?:rs?)?|qhs|prn"
    r"|at\s+bedtime|at\s+night|on\s+alternate\s+days)(?![a-z])\.?"
)
_BEHIND = re.compile(
    rf"(?:\s*(?:[,(:]|at|in|{_ROUTE}|tablets?|injection|infusion|(?:an?\s+)?(?:\w+\s+)?dos(?:e|age)"
    rf"\s+of|doses?)){{0,3}}\s*{_AMOUNT}\s?{_UNIT}"
    rf"(?:\s*(?:{_ROUTE}|{_OFTEN}|/day))*",
    re.IGNORECASE,
)
_ALONE = re.compile(rf"(?:\s+(?:{_ROUTE}|{_OFTEN}))+", re.IGNORECASE)


class Dose(NamedTuple):
    """How much of a drug, and where that ends in the text."""

    value: float | None
    unit: str
    end: int


def find_dose(text: str, end: int) -> Dose | None:
    """Give dose, route and frequency that follow the drug's name, which ends at `end`."""
    match = _BEHIND.match(text, end)
    if match:
        unit = re.sub(r"\s+|\bper\b", lambda m: "/" if m[0] == "per" else "", match["unit"])
        return Dose(parse_number(match["dose"]), unit.replace("//", "/"), _trim(text, end, match))
    match = _ALONE.match(text, end)
    return Dose(None, "", _trim(text, end, match)) if match else None


def _trim(text: str, end: int, match: re.Match[str]) -> int:
    """Give the end without a full stop that closes the sentence, nor blanks and commas."""
    said = text[end : match.end()].rstrip(" ,.\n\t")
    is_open = "(" in said and ")" not in said and text[end + len(said) : end + len(said) + 1] == ")"
    return end + len(said) + is_open

"""Early-warning scores from the vital signs of a note: NEWS2 and MEWS.

Both are counted only where every part is there; else they say what is missing. They are bedside
scores of one moment: in a note the first value of each sign is taken, which the reader must judge.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from medllm.clinical.reference import convert
from medllm.records import Finding

NEWS2_SOURCE = "Royal College of Physicians, National Early Warning Score (NEWS) 2, London 2017"
MEWS_SOURCE = "Subbe et al., Validation of a modified Early Warning Score, QJM 2001;94:521-6"

_Bands = tuple[tuple[float, int], ...]
"""Upper limit of a band (included) and its points; the last band has no limit."""

_INFINITY = float("inf")
_NEWS2: dict[str, _Bands] = {
    "respiratory rate": ((8, 3), (11, 1), (20, 0), (24, 2), (_INFINITY, 3)),
    "oxygen saturation": ((91, 3), (93, 2), (95, 1), (_INFINITY, 0)),
    "systolic blood pressure": ((90, 3), (100, 2), (110, 1), (219, 0), (_INFINITY, 3)),
    "heart rate": ((40, 3), (50, 1), (90, 0), (110, 1), (130, 2), (_INFINITY, 3)),
    "body temperature": ((35.0, 3), (36.0, 1), (38.0, 0), (39.0, 1), (_INFINITY, 2)),
}
_MEWS: dict[str, _Bands] = {
    "systolic blood pressure": ((70, 3), (80, 2), (100, 1), (199, 0), (_INFINITY, 2)),
    "heart rate": ((40, 2), (50, 1), (100, 0), (110, 1), (129, 2), (_INFINITY, 3)),
    "respiratory rate": ((8, 2), (14, 0), (20, 1), (29, 2), (_INFINITY, 3)),
    "body temperature": ((34.9, 2), (38.4, 0), (_INFINITY, 2)),
}
_ALERT = re.compile(
    r"\b(?:alert|fully\s+conscious|well[- ]oriented|conscious\s+and\s+oriented|awake"
    r"|GCS\s*(?:of|was|:|=)?\s*15|A\s?&\s?O\s?x\s?[34])\b",
    re.IGNORECASE,
)
_NOT_ALERT = re.compile(r"\b(?:not|no\s+longer|less|un)\s*$", re.IGNORECASE)
_ON_AIR = re.compile(r"\b(?:room|ambient)\s+air\b|\bon\s+(?:RA|air)\b", re.IGNORECASE)
_ON_OXYGEN = re.compile(
    r"\b(?:supplemental|nasal|mask|on|with|of)\s+oxygen\b|\b\d+(?:\.\d+)?\s?L(?:it(?:er|re)s?)?"
    r"(?:\s?/\s?min|\s+per\s+minute|\s+of\s+oxygen)|\bnasal\s+cannula\b|\bnon-?rebreather\b",
    re.IGNORECASE,
)
_CONFUSED = frozenset(
    {"confusion", "altered consciousness", "altered mental status", "delirium", "drowsiness"}
)
_UNRESPONSIVE = frozenset({"loss of consciousness", "coma"})
_LEAST_YEARS = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """A score with its parts; `total` is `None` where a part is missing or it does not apply."""

    name: str
    total: int | None
    parts: Mapping[str, int]
    """Points by vital sign, as far as it is known."""
    missing: tuple[str, ...]
    not_applicable: str
    """Why the score is not made for this patient, empty where it is."""
    source: str


def early_warning_scores(text: str, findings: Sequence[Finding]) -> tuple[Score, Score]:
    """Give NEWS2 and MEWS of the note, from its own findings (see `find_findings`).

    NEWS2 uses its oxygen scale 1, and is not made for children under 16 or for pregnancy.
    """
    values = _first_values(findings)
    consciousness = _consciousness(text, findings)
    news2 = {name: _points(bands, values[name]) for name, bands in _NEWS2.items() if name in values}
    mews = {name: _points(bands, values[name]) for name, bands in _MEWS.items() if name in values}
    oxygen = _oxygen(text)
    if oxygen is not None:
        news2["air or oxygen"] = 2 if oxygen else 0
    if consciousness is not None:
        news2["consciousness"] = 3 if consciousness else 0
        mews["consciousness"] = consciousness
    reason = _not_applicable(findings)
    return (
        _score("NEWS2", news2, (*_NEWS2, "air or oxygen", "consciousness"), reason, NEWS2_SOURCE),
        _score("MEWS", mews, (*_MEWS, "consciousness"), reason, MEWS_SOURCE),
    )


def _score(
    name: str, parts: dict[str, int], needed: tuple[str, ...], reason: str, source: str
) -> Score:
    missing = tuple(part for part in needed if part not in parts)
    total = None if missing or reason else sum(parts.values())
    return Score(
        name=name,
        total=total,
        parts=parts,
        missing=missing,
        not_applicable=reason,
        source=source,
    )


def _points(bands: _Bands, value: float) -> int:
    return next(points for limit, points in bands if value <= limit)


def _first_values(findings: Sequence[Finding]) -> dict[str, float]:
    """Give the first plausible value of each vital sign of the patient, in the scores' units."""
    values: dict[str, float] = {}
    for finding in findings:
        if finding.kind != "vital" or finding.value is None or finding.flag == "implausible":
            continue
        if finding.experiencer != "patient":
            continue
        name = finding.normalised
        if name == "blood pressure":
            name = "systolic blood pressure"
        converted = convert(name, finding.value, finding.unit)
        if converted is not None and name not in values:
            values[name] = round(converted.value, 1)
    return values


def _consciousness(text: str, findings: Sequence[Finding]) -> int | None:
    """Give AVPU as MEWS counts it: 0 alert, 1 voice or confused, 2 pain, 3 unresponsive."""
    names = {finding.normalised for finding in findings if finding.is_own}
    coma_scale = next(
        (f.value for f in findings if f.normalised == "glasgow coma scale" and f.value), None
    )
    if coma_scale is not None:
        return 0 if coma_scale >= 15 else 1 if coma_scale >= 12 else 2 if coma_scale >= 9 else 3
    if names & _UNRESPONSIVE:
        return 3
    if names & _CONFUSED:
        return 1
    for match in _ALERT.finditer(text):
        if not _NOT_ALERT.search(text[max(0, match.start() - 12) : match.start()]):
            return 0
    return None


def _oxygen(text: str) -> bool | None:
    """Whether the patient breathes oxygen; `None` where the note does not say."""
    air, oxygen = _ON_AIR.search(text), _ON_OXYGEN.search(text)
    if air and oxygen:
        return oxygen.start() < air.start()
    return bool(oxygen) if air or oxygen else None


def _not_applicable(findings: Sequence[Finding]) -> str:
    ages = [f.value for f in findings if f.kind == "age" and f.value is not None]
    if ages and ages[0] < _LEAST_YEARS:
        return f"not made for patients under {_LEAST_YEARS} years"
    if any(finding.kind == "pregnancy" for finding in findings):
        return "not made for pregnancy"
    return ""

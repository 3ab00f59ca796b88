"""Vital signs and laboratory results: which number belongs to which name, unit and flag."""

from __future__ import annotations

import re
from bisect import bisect_left
from typing import NamedTuple

from medllm.clinical.matching import Match
from medllm.clinical.measurements import VOLUME, Measurement
from medllm.clinical.reference import (
    find_references,
    flag,
    has_unit,
    normalise_unit,
    unit_spellings,
)
from medllm.clinical.tokens import Tokens, word_set
from medllm.records import Finding, FindingKind, Sex

_RANGE_WORDS = word_set("normal range reference ref nr limit uln nv vn rv cutoff threshold")
_RANGE_MARKS = frozenset("≤≥<>:")
_FILLERS = word_set(
    """of was is were are at to : = ( ) [ , level count value measured found be around about
    approximately up from a an the and in on with as serum blood total initial peak maximum
    mean only nearly decreased increased elevated reduced raised dropped rose fell remained low
    high then being reached had his her showed reading concentration titer result ~ < > ≥ ≤ - ;
    admission arrival presentation oral axillary rectal tympanic body room air ra did not order
    just even estimated calculated markedly significantly slightly mildly severely regular
    irregular baseline maximal lowest highest stable bilaterally “ ” ' left right"""
)
_WEAK_UNITS = frozenset(
    "% cm mm m kg g s mg ug mL ° lb in mg/mL mL/min mL/day L/day g/day mg/day /L /mL".split()
)
"""Units that doses, sizes and times have too: they need a name to be a result."""

_AMOUNTS = frozenset("mL g kg cm mm m s lb in mg/mL mL/min".split())
"""Units of doses and sizes: with a name that is not measured in them they are no result."""

_MAX_GAP = 8
_BEFORE_NAME = word_set("level of serum plasma blood the a his her count in")
_JUDGED = word_set("high elevated raised increased low decreased reduced normal abnormal positive")
_TOOLS = word_set(
    """trocar needle stent suture catheter port incision graft screw plate tube drain margin scope
    endoscope probe section slice balloon sheath wire implant lens above below from away
    proximal distal pin nail cannula blade punch"""
)
"""A length next to one of these is no finding."""

_NO_ANGLES = word_set("head bed scope endoscope telescope position positioned lens camera")
_CHAIN = word_set(", and to or / then")
_SCORES = frozenset(
    (
        "visual acuity|muscle strength|pain intensity|pain score|performance status"
        "|modified rankin scale|national institutes of health stroke scale"
        "|mini-mental state examination|ankle-brachial index|ki-67|viral load|pao2/fio2 ratio"
        "|urine specific gravity|vdrl|forced expiratory volume in one second"
        "|forced vital capacity|antinuclear antibody|rheumatoid factor"
        "|beta-human chorionic gonadotropin|pulmonary artery pressure"
    ).split("|")
)
"""Names, besides those with a reference range, after which a bare number makes sense."""

_SMALLEST = {("body temperature", ""): 20.0, ("body height", "cm"): 20.0}
"""Below it something else is meant: a T2 image, vertebra T4, stage T1, a specimen's length."""
_BREATHS = re.compile(r"breath|cycle|resp|^c", re.IGNORECASE)
_PER_VOLUME = re.compile(rf"\s?(/\s?{VOLUME})", re.IGNORECASE)


class Patient(NamedTuple):
    """Whose results they are, as far as ranges depend on it."""

    sex: Sex | None
    age_years: float | None


def find_values(
    text: str,
    tokens: Tokens,
    names: list[Match],
    measurements: list[Measurement],
    patient: Patient,
) -> list[Finding]:
    """Give the vital signs and results of one sentence.

    `names` are the lexicon's names of vital signs and analyses in it, `measurements` its numbers.
    """
    findings: list[Finding] = []
    owners = _respectively(tokens, names, measurements)
    inside = {at for name in names for at in range(name.first, name.last)}
    previous, owner = -1, None
    for number, measured in enumerate(measurements):
        if measured.token in inside or _is_range(tokens, measured):
            continue
        if _repeats_range(tokens, measured, previous):
            continue
        name = owners.get(number) or _name_before(tokens, names, measured, previous)
        start = measured.start
        if name is not None and number not in owners:
            start = tokens.starts[_begin(tokens, names, name)]
        if name is None and owner is not None and _continues(tokens, previous, measured):
            name = owner
        if name is None:
            name = _name_behind(names, measured, tokens)
        previous, owner = measured.token, name
        finding = _make(text, tokens, measured, name, start, patient)
        if finding is not None:
            findings.append(finding)
    return findings


def _respectively(
    tokens: Tokens, names: list[Match], measurements: list[Measurement]
) -> dict[int, Match]:
    """Give the names of "ESR and CRP were 7 mm/h and 3 mg/L, respectively" by number."""
    if len(names) < 2 or len(names) != len(measurements):
        return {}
    last = measurements[-1].token
    if "respectively" not in tokens.words[last : last + 8]:
        return {}
    if names[-1].first > measurements[0].token:
        return {}
    return dict(enumerate(names))


def _continues(tokens: Tokens, previous: int, measured: Measurement) -> bool:
    """Whether a bare number goes on with the list of the one before: "Apgar 8 and 9"."""
    between = tokens.words[previous + 1 : measured.token]
    return not measured.unit and 0 < len(between) <= 2 and _CHAIN.issuperset(between)


def _begin(tokens: Tokens, names: list[Match], name: Match) -> int:
    """Give the first token of "high ALP", "raised levels of FDP", "C-reactive protein (CRP)"."""
    first = name.first
    if first > 1 and tokens.words[first - 1] == "(":
        first = next((other.first for other in names if other.last == first - 1), first)
    at = first
    while at > 0 and tokens.words[at - 1] in _BEFORE_NAME:
        at -= 1
    return at - 1 if at > 0 and tokens.words[at - 1] in _JUDGED else first


def _is_range(tokens: Tokens, measured: Measurement) -> bool:
    """Whether the number is the laboratory's range: "(normal 12-16 g/dL)"."""
    back = tokens.words[max(0, measured.token - 5) : measured.token]
    if not _RANGE_WORDS.isdisjoint(back[-2:]) and (_RANGE_MARKS & set(back[-2:]) or "(" in back):
        return True
    if "(" not in back and "[" not in back and "range" not in back:
        return False
    tail = back[len(back) - 1 - back[::-1].index("(") :] if "(" in back else back
    return any(word in _RANGE_WORDS or word == "n" for word in tail)


def _repeats_range(tokens: Tokens, measured: Measurement, previous: int) -> bool:
    """Whether a range in brackets follows a value: "20.8 (4-10.5 x 10³/µL)"."""
    is_near = 0 <= measured.token - previous <= 6 and previous >= 0
    return is_near and measured.is_range and tokens.words[measured.token - 1] == "("


def _name_before(
    tokens: Tokens, names: list[Match], measured: Measurement, previous: int
) -> Match | None:
    """Give the last name before the number, if nothing but linking words stands between."""
    before = [name for name in names if name.last <= measured.token and name.last > previous]
    if not before:
        return None
    name = before[-1]
    gap = tokens.words[name.last : measured.token]
    if len(gap) > _MAX_GAP or ";" in gap[1:]:
        return None
    is_linked = all(word in _FILLERS for word in gap)
    fits = has_unit(name.concept.name, measured.unit)
    if measured.unit and not fits and (measured.unit in _AMOUNTS or len(gap) > 3):
        return None
    if not measured.unit and (not is_linked or len(gap) > 6 or not _is_numeric(name)):
        return None
    return name if is_linked or (measured.unit not in _WEAK_UNITS) or len(gap) <= 2 else None


def _is_numeric(name: Match) -> bool:
    """Whether a bare number makes sense for this name: "pH 7.2", but not "culture 3"."""
    return name.concept.name in _SCORES or bool(find_references(name.concept.name, None))


def _name_behind(names: list[Match], measured: Measurement, tokens: Tokens) -> Match | None:
    """Give the name of "2900 white blood cells/mm3"."""
    ahead = bisect_left(tokens.starts, measured.end)
    for name in names:
        if ahead <= name.first <= ahead + 1 and not measured.unit:
            return name
    return None


def _make(
    text: str,
    tokens: Tokens,
    measured: Measurement,
    name: Match | None,
    start: int,
    patient: Patient,
) -> Finding | None:
    end, unit = measured.end, measured.unit
    kind: FindingKind = "result"
    if name is not None:
        label, kind = name.concept.name, name.concept.kind
        if measured.value < _SMALLEST.get((label, unit), 0):
            return None
        if tokens.starts[name.first] >= measured.end:
            end = tokens.ends[name.last - 1]
            behind = _PER_VOLUME.match(text, end)
            if behind is None:
                return None
            end, unit = behind.end(), normalise_unit(behind[1])
    else:
        guessed = _guess(tokens, measured)
        if guessed is None:
            return None
        label, kind = guessed
        if text[start:end].strip().startswith("(") and measured.token > 0:
            start = tokens.starts[measured.token - 1]  # "CD20 (+)"
    if "(" in text[start:end] and text[end : end + 1] == ")" and ")" not in text[start:end]:
        end += 1
    if text[start - 1 : start] == "(" and ")" in text[start:end].partition("(")[0]:
        start -= 1  # "alanine transaminase (ALT) of 204"
    said = text[start:end].rstrip()
    return Finding(
        text=said,
        start=start,
        end=start + len(said),
        kind=kind,
        normalised=label,
        value=measured.value,
        unit=unit,
        flag=flag(label, measured.value, unit, sex=patient.sex, age_years=patient.age_years),
    )


def _guess(tokens: Tokens, measured: Measurement) -> tuple[str, FindingKind] | None:
    """Give name and kind of a number without a name, by its unit or the words around it."""
    near = tokens.words[max(0, measured.token - 4) : measured.token]
    if measured.unit in ("cm", "mm"):
        behind = tokens.words[measured.token + 1 : measured.token + 5]
        return None if not _TOOLS.isdisjoint(near + behind) else ("size", "result")
    if measured.unit == "°C" and "degree" in measured.written_unit.lower()[:6]:
        is_angle = measured.written_unit.strip().lower() in ("deg", "degree", "degrees")
        if is_angle and _NO_ANGLES.isdisjoint(near) and measured.value < 180:
            return "angle", "result"
    if not measured.unit or measured.unit in _WEAK_UNITS:
        return None
    if measured.unit in ("°C", "°F"):
        low, high = (30, 45) if measured.unit == "°C" else (86, 113)
        return ("body temperature", "vital") if low <= measured.value <= high else None
    if measured.unit == "/min":
        is_breath = _BREATHS.match(measured.written_unit.strip())
        return ("respiratory rate" if is_breath else "heart rate"), "vital"
    if measured.unit == "mmHg" and measured.is_pair:
        return "blood pressure", "vital"
    words = [
        word
        for word in near
        if word.isalpha() and word not in _FILLERS and word not in unit_spellings()
    ]
    return (words[-1] if words else "measurement"), "result"

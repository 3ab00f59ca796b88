"""Units, conversions, and what is low, high or implausible, by adult reference ranges.

The ranges with their sources are in `reference.tsv`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from medllm.records import Flag, Sex

_PATH = Path(__file__).parent / "reference.tsv"
_UNITS_PATH = Path(__file__).parent / "units.tsv"
_ADULT_YEARS = 18.0


class Reference(NamedTuple):
    """What is usual and what is possible for one analysis, in `unit`."""

    unit: str
    low: float | None
    high: float | None
    least: float | None
    most: float | None
    is_for_all_ages: bool
    factors: Mapping[str, tuple[float, float, float]]
    """Other unit -> (add before, factor, add behind) that lead to `unit`."""
    source: str


class Quantity(NamedTuple):
    """A number with its unit."""

    value: float
    unit: str


@lru_cache(maxsize=1)
def unit_spellings() -> dict[str, str]:
    """Give the units by their spellings in lower case without blanks."""
    lines = _UNITS_PATH.read_text(encoding="utf-8").splitlines()
    rows = (line.split("\t") for line in lines if not line.startswith("#"))
    return {spelling: unit for unit, spellings in rows for spelling in spellings.split()}


@lru_cache(maxsize=4096)
def normalise_unit(written: str) -> str:
    """Give the unit for a spelling of it ("gm/dl", "x 10³/μL", "mm Hg"); as written if unknown."""
    compact = re.sub(r"[\s()]", "", written).lower()
    for odd, plain in (("µ", "u"), ("μ", "u"), ("³", "3"), ("²", "2"), ("⁹", "^9"), ("×", "x")):
        compact = compact.replace(odd, plain)
    compact = re.sub(r"^[x*.]?10(?:\^|e)?(\d{1,2})(?=/)", r"10^\1", compact)
    return unit_spellings().get(compact, written.strip())


@lru_cache(maxsize=1)
def _known_units() -> frozenset[str]:
    return frozenset(unit_spellings().values())


def is_unit(written: str) -> bool:
    """Whether this is a spelling of a unit that is known here."""
    return normalise_unit(written) in _known_units()


@lru_cache(maxsize=1)
def references() -> dict[tuple[str, Sex | None], Reference]:
    """Give the reference ranges by preferred name and sex (`None` where it does not matter)."""
    table: dict[tuple[str, Sex | None], Reference] = {}
    for line in _PATH.read_text(encoding="utf-8").splitlines():
        if line.startswith("#"):
            continue
        name, sex, unit, low, high, least, most, ages, factors, source = line.split("\t")
        key: Sex | None = "F" if sex == "F" else "M" if sex == "M" else None
        table[name, key] = Reference(
            unit=unit,
            low=_bound(low),
            high=_bound(high),
            least=_bound(least),
            most=_bound(most),
            is_for_all_ages=ages == "all",
            factors=dict(_factor(part) for part in factors.split(";") if part),
            source=source,
        )
    return table


def _bound(written: str) -> float | None:
    return float(written) if written else None


def _factor(part: str) -> tuple[str, tuple[float, float, float]]:
    unit, rule = part.split(":")
    before, _, rest = rule.rpartition("*")
    factor, _, behind = rest.partition("+")
    return unit, (float(before or 0), float(factor), float(behind or 0))


def find_references(name: str, sex: Sex | None) -> list[Reference]:
    """Give the ranges that may hold: one where the sex is known or does not matter, else both."""
    table = references()
    exact = table.get((name, None)) or (table.get((name, sex)) if sex else None)
    if exact:
        return [exact]
    return [table[name, key] for key in ("F", "M") if (name, key) in table]


def convert(name: str, value: float, unit: str) -> Quantity | None:
    """Give the value in the unit of the reference range; `None` where the unit is not known there.

    Without a unit the first unit is taken in which the value is plausible: haemoglobin 9.8 is in
    g/dL, 98 in g/L.
    """
    found = find_references(name, None)
    if not found:
        return None
    reference = found[0]
    if unit == reference.unit:
        return Quantity(value, unit)
    if unit in reference.factors:
        return Quantity(_apply(reference.factors[unit], value), reference.unit)
    if unit:
        return None
    for rule in ((0.0, 1.0, 0.0), *reference.factors.values()):
        converted = _apply(rule, value)
        if _is_plausible(reference, converted):
            return Quantity(converted, reference.unit)
    return Quantity(value, reference.unit)


def has_unit(name: str, unit: str) -> bool:
    """Whether this analysis is measured in this unit; true where nothing is known about it."""
    found = find_references(name, None)
    return not found or unit == found[0].unit or unit in found[0].factors


def flag(
    name: str, value: float, unit: str, *, sex: Sex | None = None, age_years: float | None = None
) -> Flag:
    """Give "low", "high" or "implausible", empty where it is usual or cannot be told.

    Adult ranges are not applied to children. Where the sex matters and is unknown, only what is
    low or high for both is flagged.
    """
    quantity = convert(name, value, unit)
    if quantity is None:
        return ""
    flags = {_flag_by(found, quantity.value, age_years) for found in find_references(name, sex)}
    return flags.pop() if len(flags) == 1 else ""


def _flag_by(reference: Reference, value: float, age_years: float | None) -> Flag:
    if not _is_plausible(reference, value):
        return "implausible"
    is_child = age_years is not None and age_years < _ADULT_YEARS
    if is_child and not reference.is_for_all_ages:
        return ""
    if reference.low is not None and value < reference.low:
        return "low"
    if reference.high is not None and value > reference.high:
        return "high"
    return ""


def _is_plausible(reference: Reference, value: float) -> bool:
    least, most = reference.least, reference.most
    return (least is None or value >= least) and (most is None or value <= most)


def _apply(rule: tuple[float, float, float], value: float) -> float:
    before, factor, behind = rule
    return (value + before) * factor + behind

"""Whether a source holds the numbers of a claim, with their units."""

from __future__ import annotations

from collections import Counter

from medllm.ask.check.numerals import Quantity, read_quantities
from medllm.ask.check.units import TIMES

_OFTEN_LEFT_OUT = {"day", "week", "month"}
""" "40 mg" and "40 mg daily" are one dose; "40 mg" and "40 mg/kg" are not."""


_SHOWN = {
    "l": "L", "dl": "dL", "ml": "mL", "µl": "µL", "u": "units", "meq": "mEq", "mmhg": "mmHg",
    "kpa": "kPa", "°c": "°C", "°f": "°F", "gy": "Gy", "m2": "m²", "mm3": "mm³",
}  # fmt: skip
"""How units are written that are not all lower case."""


def missing_numbers(claim: str, source: str) -> list[str]:
    """Give the numbers of the claim, with their units, that the source does not hold as often."""
    held = read_quantities(source)
    values = Counter(quantity.value for quantity in held)
    missing: list[str] = []
    wanted: Counter[Quantity] = Counter()
    wanted_values: Counter[str] = Counter()
    for quantity in read_quantities(claim):
        if not quantity.is_claimed:
            continue
        wanted[quantity] += 1
        wanted_values[quantity.value] += 1
        n_borne = sum(_is_borne(quantity, other) for other in held)
        if wanted[quantity] > n_borne or wanted_values[quantity.value] > values[quantity.value]:
            missing.append(in_words(quantity))
    return list(dict.fromkeys(missing))


def in_words(quantity: Quantity) -> str:
    """Give the number as a reader would write it: "5 mg/kg"."""
    unit = "" if quantity.unit == "?" else quantity.unit
    if unit.startswith("e"):  # of "x 10^9"
        unit = f"x 10^{unit.removeprefix('e')}"
    elif unit in TIMES and quantity.value != "1":
        unit += "s"
    per = "".join(f"/{_SHOWN.get(one, one)}" for one in sorted(quantity.per))
    gap = " " if unit and unit not in "%‰" else ""
    return f"{quantity.bound}{quantity.value}{gap}{_SHOWN.get(unit, unit)}{per}"


def _is_borne(claimed: Quantity, held: Quantity) -> bool:
    """Whether a number of the source says what one of the claim says.

    A number without a unit, as in a table, is taken to agree.
    """
    if claimed.value != held.value or {claimed.bound, held.bound} == {"<", ">"}:
        return False
    if claimed.unit in ("", "?") and not claimed.per:
        return True
    if held.unit == "" and not held.per:
        return True
    return claimed.unit == held.unit and _is_same_rate(claimed.per, held.per)


def _is_same_rate(claimed: frozenset[str], held: frozenset[str]) -> bool:
    is_one_timeless = not (claimed & TIMES and held & TIMES)
    return claimed == held or (is_one_timeless and claimed ^ held <= _OFTEN_LEFT_OUT)

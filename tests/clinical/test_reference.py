"""Units, conversions and reference ranges."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from medllm.clinical.reference import (
    convert,
    find_references,
    flag,
    normalise_unit,
    references,
    unit_spellings,
)


@pytest.mark.parametrize(
    ("name", "value", "unit", "converted"),
    [
        ("body temperature", 98.6, "°F", 37.0),
        ("body temperature", 104.0, "°F", 40.0),
        ("glucose", 5.0, "mmol/L", 90.08),
        ("creatinine", 88.4, "umol/L", 1.0),
        ("haemoglobin", 120.0, "g/L", 12.0),
        ("total cholesterol", 5.0, "mmol/L", 193.35),
        ("triglycerides", 2.0, "mmol/L", 177.14),
        ("calcium", 2.5, "mmol/L", 10.02),
        ("total bilirubin", 17.1, "umol/L", 1.0),
        ("uric acid", 0.42, "mmol/L", 7.06),
        ("glycated haemoglobin", 53.0, "mmol/mol", 7.0),
        ("blood urea nitrogen", 10.0, "mmol/L", 28.01),
        ("white cell count", 17580.0, "/uL", 17.58),
    ],
)
def test_common_units_are_converted(name, value, unit, converted):
    quantity = convert(name, value, unit)
    assert quantity is not None
    assert quantity.value == pytest.approx(converted, rel=0.005)
    assert quantity.unit == find_references(name, None)[0].unit


def test_a_unit_that_does_not_belong_to_the_analysis_is_not_converted():
    assert convert("sodium", 137.0, "mg/dL") is None
    assert convert("no such analysis", 1.0, "mg/dL") is None
    assert flag("sodium", 137.0, "mg/dL") == ""


def test_without_a_unit_the_plausible_one_is_taken():
    assert convert("haemoglobin", 9.8, "") == (9.8, "g/dL")
    quantity = convert("haemoglobin", 98.0, "")
    assert quantity is not None
    assert quantity.value == pytest.approx(9.8)


@pytest.mark.parametrize(
    ("written", "unit"),
    [
        ("gm/dl", "g/dL"), ("mm Hg", "mmHg"), ("x 10³/μL", "10^3/uL"), ("× 10⁹/L", "10^9/L"),
        ("x109/L", "10^9/L"), ("/mm 3", "/uL"), ("µmol/L", "umol/L"), ("beats per minute", "/min"),
        ("º C", "°C"), ("furlongs", "furlongs"),
    ],
)  # fmt: skip
def test_spellings_of_units_are_one(written, unit):
    assert normalise_unit(written) == unit


def test_every_reference_is_sound():
    known = set(unit_spellings().values()) | {"1", "10^12/L", "mL/min/1.73m2"}
    for (name, _), reference in references().items():
        bounds = [reference.least, reference.low, reference.high, reference.most]
        given_bounds = [bound for bound in bounds if bound is not None]
        assert given_bounds == sorted(given_bounds), name
        assert reference.source or reference.low is None, name
        assert reference.unit in known, name


@given(st.floats(allow_nan=False, allow_infinity=False, width=32))
def test_a_flag_is_one_of_four_whatever_the_number(value):
    assert flag("potassium", value, "mmol/L") in ("", "low", "high", "implausible")

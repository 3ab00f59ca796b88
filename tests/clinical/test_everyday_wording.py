"""Wording of everyday notes that was once read wrongly; the sentences are invented."""

from __future__ import annotations

import pytest

from medllm.clinical.findings import find_findings


def read(text: str) -> dict[str, str]:
    """Give text -> usual name of the findings that are the patient's own and present."""
    return {f.text: f.normalised for f in find_findings(text) if f.is_own}


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("A non-palpable purpura covered both shins.", "purpura"),
        ("He has had no appetite for a week.", "loss of appetite"),
        ("The abdomen was rigid and there were no bowel sounds.", "absent bowel sounds"),
        ("Relatives noticed a decrease in her level of consciousness.", "altered consciousness"),
        ("Since spring he has lost a total of 14 pounds.", "weight loss"),
        ("She gained 6.5 kg within a month.", "weight gain"),
        ("She reports a change in her voice.", "hoarseness"),
        ("His partner notices pauses in breathing at night.", "apnoea"),
        ("He was evaluated for progressive dyspnoea.", "dyspnoea"),
    ],
)
def test_it_is_found_under_its_usual_name(text: str, name: str) -> None:
    assert name in read(text).values()


@pytest.mark.parametrize(
    "text",
    [
        "Malaria chemoprophylaxis was advised.",
        "She asked about osteoporosis prevention.",
        "He denies having lost 5 kg.",
        "There were 3 red cells per high-power field.",
    ],
)
def test_nothing_is_claimed_of_the_patient(text: str) -> None:
    assert not {name for name in read(text).values() if name not in ("male", "female")}


def test_a_blood_pressure_before_the_heart_rate_is_read() -> None:
    found = find_findings("T 38.4 C, BP: 96/58 HR: 118/min RR: 24/min.")
    values = {f.normalised: f.value for f in found}
    assert values["blood pressure"] == 96
    assert values["heart rate"] == 118


def test_a_result_is_told_with_its_long_name_and_both_brackets() -> None:
    found = find_findings("Thyroid stimulating hormone (TSH) is normal but prolactin is elevated.")
    assert "Thyroid stimulating hormone (TSH) is normal" in {f.text for f in found}


def test_an_excretion_is_not_a_concentration() -> None:
    found = find_findings("The fractional excretion of sodium is 2.9%.")
    assert [f.normalised for f in found] == ["fractional excretion of sodium"]

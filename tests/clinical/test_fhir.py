"""FHIR resources in words: what is refuted, past, wrong or unknown stays what it is."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from medllm.clinical.fhir import write_note
from medllm.clinical.findings import find_findings

TODAY = date(2026, 11, 20)


def coded(text: str) -> dict[str, Any]:
    return {"text": text}


def status(code: str) -> dict[str, Any]:
    return {"coding": [{"code": code}]}


def condition(name: str, verified: str = "confirmed", clinical: str = "active") -> dict[str, Any]:
    return {
        "resourceType": "Condition",
        "code": coded(name),
        "verificationStatus": status(verified),
        "clinicalStatus": status(clinical),
    }


def said(*resources: Any) -> str:
    return write_note(resources, today=TODAY).text


@pytest.mark.parametrize(
    ("born", "words"),
    [("1962-11-20", "64-year-old"), ("1962-11-21", "63-year-old"), ("2025-10-30", "12-month-old")],
)
def test_an_age_is_that_of_today(born: str, words: str) -> None:
    patient = {"resourceType": "Patient", "gender": "female", "birthDate": born}
    assert said(patient) == f"{words} woman."


@pytest.mark.parametrize(
    ("resource", "words"),
    [
        (condition("asthma"), "asthma."),
        (condition("asthma", verified="refuted"), "No asthma."),
        (condition("asthma", verified="entered-in-error"), ""),
        (condition("asthma", verified="provisional"), "Possible asthma."),
        (condition("asthma", clinical="resolved"), "Past history: asthma, resolved."),
        ({"resourceType": "Observation", "status": "final", "code": coded("Heart rate"),
          "valueQuantity": {"value": 116, "unit": "/min"}, "interpretation": [status("H")]},
         "Heart rate 116 /min (high)."),
        ({"resourceType": "Observation", "status": "final", "code": coded("Sodium"),
          "dataAbsentReason": status("unknown")}, ""),
        ({"resourceType": "Observation", "status": "entered-in-error", "code": coded("Sodium"),
          "valueQuantity": {"value": 200, "unit": "mmol/L"}}, ""),
        ({"resourceType": "AllergyIntolerance", "code": coded("penicillin"),
          "verificationStatus": status("refuted")}, "No allergy to penicillin."),
        ({"resourceType": "MedicationRequest", "status": "active",
          "medicationCodeableConcept": coded("ramipril 5 mg")}, "Takes ramipril 5 mg."),
        ({"resourceType": "MedicationStatement", "status": "completed",
          "medicationCodeableConcept": coded("warfarin")}, "Took warfarin in the past."),
        ({"resourceType": "MedicationStatement", "status": "not-taken",
          "medicationCodeableConcept": coded("warfarin")}, ""),
        ({"resourceType": "Procedure", "status": "not-done", "code": coded("Appendectomy")},
         "Appendectomy was not done."),
        ({"resourceType": "FamilyMemberHistory", "status": "completed",
          "relationship": coded("mother"), "condition": [{"code": coded("breast cancer")}]},
         "Family history: mother had breast cancer."),
        ({"resourceType": "Encounter", "status": "in-progress",
          "reasonCode": [coded("chest pain")]}, "Comes because of chest pain."),
        ({"resourceType": "DiagnosticReport", "status": "final", "conclusion": "Clear lungs."},
         "Clear lungs."),
        ({"resourceType": "Basic", "code": coded("anything")}, ""),
    ],
)  # fmt: skip
def test_a_resource_is_said_as_what_it_is(resource: dict[str, Any], words: str) -> None:
    assert said(resource) == words


def test_what_is_said_is_read_as_it_was_meant() -> None:
    text = said(
        condition("asthma", verified="refuted"),
        condition("migraine", clinical="resolved"),
        {"resourceType": "FamilyMemberHistory", "relationship": coded("mother"),
         "condition": [{"code": coded("breast cancer")}]},
        {"resourceType": "Bundle", "entry": [{"resource": condition("hypertension")}]},
    )  # fmt: skip
    found = {finding.normalised: finding for finding in find_findings(text)}
    assert found["asthma"].negated
    assert found["migraine"].temporality in ("past", "resolved")
    assert found["breast cancer"].experiencer == "family"
    assert found["hypertension"].is_own


@pytest.mark.parametrize("odd", [None, 5, "x", [], {}, {"resourceType": "Condition", "code": 7}])
def test_what_is_no_resource_says_nothing(odd: Any) -> None:
    assert said(odd) == ""


def test_what_was_left_out_is_counted() -> None:
    note = write_note([condition("asthma"), {"resourceType": "Basic"}], today=TODAY)
    assert dict(note.taken) == {"Condition": 1}
    assert dict(note.left_out) == {"Basic": 1}

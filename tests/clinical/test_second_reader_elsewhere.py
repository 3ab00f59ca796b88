"""The second reader on another machine: what leaves, and what of its answer counts."""

from __future__ import annotations

import json

import pytest

from medllm.clinical.second_reader import read_with_model
from tests.clinical.deidentify.elsewhere import model_elsewhere, sent_to

NOTE = (
    "Ms Marta Quillon (MRN 00412345), 93 years old, of 417 Magnolia Street, Fresno, was seen on "
    "12 March 2024. She has Parkinson's disease and chest pain. Her daughter Priyanka rang (617) "
    "555-0123. No fever."
)
GONE = ("Marta", "Quillon", "00412345", "93 years", "Magnolia", "Fresno", "12 March", "Priyanka",
        "555-0123")  # fmt: skip


def item(text: str) -> dict[str, object]:
    return {
        "text": text,
        "kind": "symptom",
        "negated": False,
        "experiencer": "patient",
        "temporality": "present",
    }


def test_no_identifier_leaves_and_the_findings_stand_in_the_note(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    answer = json.dumps({"findings": [item("chest pain"), item("Parkinson's disease")]})
    with model_elsewhere(monkeypatch, answer) as (model, server):
        reading = read_with_model(NOTE, model)
        sent = sent_to(server)
    assert not [name for name in GONE if name in sent]
    assert "Parkinson's disease and chest pain" in sent
    assert [NOTE[f.start : f.end] for f in reading.findings] == [
        "Parkinson's disease",
        "chest pain",
    ]
    assert [f.text for f in reading.findings] == ["Parkinson's disease", "chest pain"]


def test_what_stands_in_place_of_an_identifier_is_no_finding(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    answer = json.dumps({"findings": [item("[name]"), item("Ms [name]"), item("name")]})
    with model_elsewhere(monkeypatch, answer) as (model, _):
        reading = read_with_model(NOTE, model)
    assert reading.findings == ()
    assert reading.not_in_text == 3

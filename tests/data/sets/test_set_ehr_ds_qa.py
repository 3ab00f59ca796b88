from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from medllm.data.sets.catalogue import CATALOGUE
from medllm.errors import DataError


def test_pairs_are_asked_with_their_note_and_grouped_by_patient(
    read_records: Any, set_files: Path
) -> None:
    result = read_records("ehr-ds-qa", set_files / "ehr_notes_qa_final.json")
    assert result.ids == ["90000001-DS-17/1", "90000001-DS-17/2", "90000001-DS-18/1"]
    assert {record.group for record in result.records} == {"90000001"}
    first = result.records[0]
    assert first.messages[0].content == (
        "Answer the question from this discharge summary.\n\nName: ___ \nAdmitted with an invented "
        "fever after a walk in the rain.\n\nQuestion: Why was the patient admitted?"
    )
    assert first.meta == {"note_id": "90000001-DS-17", "extended_context": True}


def test_the_end_mark_of_the_model_is_taken_off_and_a_pair_may_be_a_list(
    read_records: Any, set_files: Path
) -> None:
    result = read_records("ehr-ds-qa", set_files / "ehr_notes_qa_final.json")
    assert result.answers == ["For a fever.", "A walk in the rain.", "The second."]
    assert result.reasons == [(1, "pair 3: its question or answer is empty")]


def test_the_csv_with_python_literals_gives_the_same_records(
    read_records: Any, set_files: Path
) -> None:
    from_json = read_records("ehr-ds-qa", set_files / "ehr_notes_qa_final.json").records
    from_csv = read_records("ehr-ds-qa", set_files / "ehr_notes_qa_final.csv").records
    assert from_csv == from_json


def test_what_the_physician_judged_wrong_is_left_out(read_records: Any, set_files: Path) -> None:
    result = read_records("ehr-ds-qa", set_files / "ehr_notes_qa_verified.json")
    assert result.answers == ["Yes, it is."]
    assert result.records[0].meta["verified_by"] == "physician"
    assert result.reasons == [(1, "pair 2: was judged wrong by the physician")]


def test_the_set_is_gated_and_marked_as_real_patients() -> None:
    data_set = CATALOGUE["ehr-ds-qa"]
    assert (data_set.access, data_set.may_hold_patients) == ("gated", True)
    assert "PhysioNet" in data_set.licence


@pytest.mark.parametrize(
    ("pairs", "reason"),
    [
        ("[{'question': 'Q', 'answer'", "field qa_pairs is not a Python literal"),
        ("__import__('os').getcwd()", "field qa_pairs is not a Python literal"),
        ("'text'", "field qa_pairs is not a list"),
        (None, "field qa_pairs is not a list"),
        ([], "has no pairs"),
        ([7], "pair 1: is neither an object nor a list of two"),
        ([{"question": "Q", "answer": 3}], "pair 1: its question or answer is not a string"),
        ([["a", "b", "c"]], "pair 1: is neither an object nor a list of two"),
    ],
)
def test_broken_pairs_are_named_without_content(
    read_records: Any, tmp_path: Path, pairs: Any, reason: str
) -> None:
    note = {"note": "Sekret", "note_id": "n", "subject_id": 1}
    good = note | {"qa_pairs": [{"question": "Q?", "answer": "A."}]}
    path = tmp_path / "notes.json"
    path.write_text(json.dumps([note | {"qa_pairs": pairs}, good]))
    result = read_records("ehr-ds-qa", path)
    assert len(result.records) == 1
    assert result.reasons == [(1, reason)]


def test_a_deeply_nested_literal_is_refused_not_crashed(read_records: Any, tmp_path: Path) -> None:
    path = tmp_path / "notes.json"
    path.write_text(json.dumps([{"note": "N", "note_id": "n", "qa_pairs": "[" * 100_000}]))
    with pytest.raises(DataError, match="not a Python literal"):
        read_records("ehr-ds-qa", path)


def test_bytes_that_are_not_utf_8_deep_in_a_record_cost_that_record(
    read_records: Any, tmp_path: Path
) -> None:
    path = tmp_path / "notes.json"
    path.write_bytes(
        b'[{"note": "N", "note_id": "n", "qa_pairs": [{"question": "Q", "answer": "caf\xe9"}]},'
        b' {"note": "N", "note_id": "m", "qa_pairs": [["Q?", "A."]]}]'
    )
    result = read_records("ehr-ds-qa", path)
    assert result.ids == ["m/1"]
    assert result.reasons == [(1, "is not UTF-8")]

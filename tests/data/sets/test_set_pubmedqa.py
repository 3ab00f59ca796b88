from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from medllm.errors import DataError


@pytest.fixture
def alone(set_files: Path, tmp_path: Path) -> Path:
    """The expert-labelled file without the list of test PMIDs beside it."""
    path = tmp_path / "ori_pqal.json"
    path.write_bytes((set_files / "pubmedqa" / "ori_pqal.json").read_bytes())
    return path


def test_pubmedqa_gives_decision_and_conclusion(read_records: Any, alone: Path) -> None:
    first, second = read_records("pubmedqa", alone).records
    assert first.messages[0].content == (
        "BACKGROUND: Colds are common.\n"
        "METHODS: Forty invented adults hummed twice a day; forty did not.\n\n"
        "Question: Does humming shorten a cold?\n"
        "Answer yes, no or maybe, and say what the abstract shows."
    )
    assert first.messages[1].content == (
        "No. Humming did not shorten the cold in this invented trial."
    )
    assert (first.id, first.group, first.label) == ("11111111", "11111111", "no")
    assert (first.task, first.meta) == ("yes-no-maybe", {"year": "2011"})
    assert second.label == "yes"


def test_the_test_split_is_that_of_the_ground_truth(read_records: Any, set_files: Path) -> None:
    path = set_files / "pubmedqa" / "ori_pqal.json"
    assert [r.meta["split"] for r in read_records("pubmedqa", path).records] == ["train", "test"]
    assert read_records("pubmedqa", path, split="test").ids == ["22222222"]
    assert read_records("pubmedqa", path, split="train").ids == ["11111111"]
    assert read_records("pubmedqa", path.parent, split="test").ids == ["22222222"]


def test_a_split_that_nothing_tells_is_an_error_with_a_way_out(
    read_records: Any, alone: Path
) -> None:
    with pytest.raises(DataError, match="known to be of the split test") as caught:
        read_records("pubmedqa", alone, split="test")
    assert "put test_ground_truth.json beside the file" in caught.value.hint


def test_a_damaged_ground_truth_is_an_error(read_records: Any, alone: Path) -> None:
    (alone.parent / "test_ground_truth.json").write_text("{broken")
    with pytest.raises(DataError, match="test_ground_truth.json is damaged"):
        read_records("pubmedqa", alone)


def test_the_unlabelled_set_gives_free_questions(read_records: Any, tmp_path: Path) -> None:
    record = {"QUESTION": "Q?", "CONTEXTS": ["C."], "LABELS": [], "LONG_ANSWER": "A."}
    path = tmp_path / "ori_pqau.json"
    path.write_text(json.dumps({"3": record}))
    (only,) = read_records("pubmedqa", path).records
    assert (only.task, only.label) == ("question", "")
    assert only.messages[0].content == "C.\n\nQuestion: Q?\nAnswer from the abstract."
    assert only.messages[1].content == "A."


def test_the_rows_of_the_hub_give_the_same_records(read_records: Any, tmp_path: Path) -> None:
    row = {
        "pubid": 11111111,
        "question": "Does humming shorten a cold?",
        "context": {"contexts": ["Colds are common."], "labels": ["BACKGROUND"], "meshes": []},
        "long_answer": "It did not.",
        "final_decision": "no",
    }
    path = tmp_path / "rows.jsonl"
    path.write_text(json.dumps(row))
    (record,) = read_records("pubmedqa", path).records
    assert (record.id, record.label) == ("11111111", "no")
    assert record.messages[0].content.startswith("BACKGROUND: Colds are common.\n\nQuestion:")


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"final_decision": "perhaps"}, "field final_decision is not yes, no or maybe"),
        ({"CONTEXTS": "one text"}, "field CONTEXTS is not a list"),
        ({"CONTEXTS": [" "]}, "has no abstract"),
        ({"CONTEXTS": [3]}, "a part of the abstract is not a string"),
        ({"LONG_ANSWER": None}, "has no text: field long_answer is empty or absent"),
    ],
)
def test_a_broken_record_is_left_out(
    read_records: Any, alone: Path, change: dict[str, Any], reason: str
) -> None:
    records = json.loads(alone.read_text())
    records["11111111"] |= change
    alone.write_text(json.dumps(records))
    result = read_records("pubmedqa", alone)
    assert result.ids == ["22222222"]
    assert result.reasons == [(1, reason)]


def test_an_object_that_is_cut_off_keeps_what_came_before(read_records: Any, alone: Path) -> None:
    whole = alone.read_bytes()
    alone.write_bytes(whole[:-40])
    result = read_records("pubmedqa", alone)
    assert result.ids == ["11111111"]
    assert result.reasons[0][0] == 2

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from medllm.errors import DataError


def medmcqa(tmp_path: Path, *answers: Any, name: str = "train.json") -> Path:
    rows = [
        {"question": f"Q{n}?", "cop": cop, "opa": "a", "opb": "b", "opc": "c", "opd": "d"}
        | {"id": f"q{n}", "exp": None, "subject_name": "S", "topic_name": None}
        for n, cop in enumerate(answers)
    ]
    path = tmp_path / name
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def test_medqa_asks_with_its_options_and_answers_with_letter_and_text(
    read_records: Any, set_files: Path
) -> None:
    (record,) = read_records("medqa", set_files / "medqa" / "US" / "train.jsonl").records
    assert record.messages[0].content == (
        "A man of 40 has crushing chest pain. What is done first?\n\n"
        "A. Chest X-ray\nB. Electrocardiogram\nC. Echocardiogram\nD. Stress test\n"
        "E. Troponin in a week\n\nAnswer with the letter and the text of the best option."
    )
    assert record.messages[1].content == "B. Electrocardiogram"
    assert (record.label, record.task, record.meta["split"]) == ("B", "choice", "train")
    assert record.meta["choices"]["E"] == "Troponin in a week"


def test_medqa_with_four_and_five_options_is_one_group_but_two_records(
    read_records: Any, set_files: Path
) -> None:
    folder = set_files / "medqa" / "US"
    (five,) = read_records("medqa", folder / "test.jsonl").records
    (four,) = read_records("medqa", folder / "4_options" / "phrases_no_exclude_test.jsonl").records
    assert five.group == four.group
    assert five.id != four.id
    assert list(four.meta["choices"]) == ["A", "B", "C", "D"]


def test_a_medqa_folder_of_several_variants_is_refused(read_records: Any, set_files: Path) -> None:
    with pytest.raises(DataError, match=r"several variants, name one of the folders: US, 4_opt"):
        read_records("medqa", set_files / "medqa")


def test_the_question_bank_that_repeats_all_splits_is_not_read(
    read_records: Any, set_files: Path, tmp_path: Path
) -> None:
    for name in ("train.jsonl", "test.jsonl", "US_qbank.jsonl"):
        (tmp_path / name).write_bytes((set_files / "medqa" / "US" / name).read_bytes())
    assert len(read_records("medqa", tmp_path).records) == 2
    assert len(read_records("medqa", tmp_path, split="test").records) == 1


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"answer_idx": "F"}, "field answer_idx names none of the options"),
        ({"answer": "Stress test"}, "fields answer and answer_idx do not agree"),
        ({"options": "A B"}, "field options is not an object"),
        ({"options": {"B": "only"}}, "field options is not two or more letters with their texts"),
        (
            {"options": {"AB": "x", "B": "y"}},
            "field options is not two or more letters with their texts",
        ),
        ({"question": 7}, "field question is not a string"),
    ],
)
def test_a_medqa_record_that_contradicts_itself_is_left_out(
    read_records: Any, set_files: Path, tmp_path: Path, change: dict[str, Any], reason: str
) -> None:
    good = json.loads((set_files / "medqa" / "US" / "train.jsonl").read_text())
    path = tmp_path / "train.jsonl"
    path.write_text(f"{json.dumps(good | change)}\n{json.dumps(good)}\n")
    result = read_records("medqa", path)
    assert len(result.records) == 1
    assert result.reasons == [(1, reason)]


def test_an_option_that_a_table_left_empty_is_no_option(read_records: Any, tmp_path: Path) -> None:
    row = {"question": "Q?", "options": {"A": "x", "B": "y", "E": None}, "answer_idx": "B"}
    (tmp_path / "test.jsonl").write_text(json.dumps(row))
    (record,) = read_records("medqa", tmp_path / "test.jsonl").records
    assert record.meta["choices"] == {"A": "x", "B": "y"}


def test_medmcqa_counts_from_one_where_it_holds_a_four(read_records: Any, set_files: Path) -> None:
    first, second = read_records("medmcqa", set_files / "medmcqa_train.json").records
    assert (first.id, first.messages[-1].content, first.label) == ("aaaa-1", "D. Radial", "D")
    assert "explanation" not in first.meta
    assert (second.messages[-1].content, second.meta["topic"]) == ("A. D", "Vitamins")


def test_medmcqa_counts_from_zero_where_it_holds_a_zero(read_records: Any, tmp_path: Path) -> None:
    result = read_records("medmcqa", medmcqa(tmp_path, 3, 1, 0, 2))
    assert [record.label for record in result.records] == ["D", "B", "A", "C"]


def test_medmcqa_that_could_count_either_way_is_refused(read_records: Any, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="does not tell whether it counts from 0 or from 1"):
        read_records("medmcqa", medmcqa(tmp_path, 1, 2, 3, 3))


def test_medmcqa_that_counts_both_ways_is_refused(read_records: Any, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="holds both 0 and 4"):
        read_records("medmcqa", medmcqa(tmp_path, 1, 4, 0))


def test_letters_settle_a_medmcqa_file_that_could_count_either_way(
    read_records: Any, tmp_path: Path
) -> None:
    result = read_records("medmcqa", medmcqa(tmp_path, "B", "c", "D"))
    assert [record.label for record in result.records] == ["B", "C", "D"]


def test_the_test_split_of_medmcqa_without_answers_is_left_out(
    read_records: Any, tmp_path: Path
) -> None:
    result = read_records("medmcqa", medmcqa(tmp_path, 0, -1, None, "", 9, 1.5, True))
    assert [record.label for record in result.records] == ["A"]
    no_answer = "has no answer: field cop is empty, as in the test split"
    assert [reason for _, reason in result.reasons] == [
        no_answer,
        no_answer,
        no_answer,
        "field cop names none of the four options",
        no_answer,
        no_answer,
    ]

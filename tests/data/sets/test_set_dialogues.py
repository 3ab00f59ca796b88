from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from medllm.errors import DataError
from medllm.records import Turn

SYSTEM = "You are a doctor, please answer the patient's question."


def test_genmedgpt_gives_its_instruction_as_the_system_turn(
    read_records: Any, set_files: Path
) -> None:
    result = read_records("genmedgpt-5k", set_files / "chatdoctor5k.json")
    first = result.records[0]
    assert first.messages == (
        Turn(role="system", content=SYSTEM),
        Turn(
            role="user",
            content="Doctor, my left knee has been swollen since I fell off a ladder on Sunday.",
        ),
        Turn(
            role="assistant",
            content="A fall like that can leave blood or fluid in the joint. "
            "I would like to examine the knee and take an X-ray.",
        ),
    )
    assert (first.task, first.source, first.meta) == ("dialogue", "genmedgpt-5k", {})
    assert "research only" in first.licence
    assert len(set(result.ids)) == 2
    assert result.reading.n_problems == 0


def test_ids_do_not_change_when_records_are_added_or_moved(
    read_records: Any, set_files: Path, tmp_path: Path
) -> None:
    records = json.loads((set_files / "chatdoctor5k.json").read_text())
    before = read_records("genmedgpt-5k", set_files / "chatdoctor5k.json")
    more = {"instruction": SYSTEM, "input": "A new question?", "output": "A new answer."}
    (tmp_path / "GenMedGPT-5k.json").write_text(json.dumps([more, *reversed(records)]))
    after = read_records("genmedgpt-5k", tmp_path / "GenMedGPT-5k.json")
    assert set(before.ids) < set(after.ids)
    assert {r.id: r.group for r in before.records}.items() <= {
        r.id: r.group for r in after.records
    }.items()


def test_the_same_question_is_one_group_whatever_its_case_spacing_and_answer(
    read_records: Any, tmp_path: Path
) -> None:
    rows = [
        {"instruction": SYSTEM, "input": "Is gout painful?", "output": "Yes."},
        {"instruction": SYSTEM, "input": "is  GOUT\npainful?", "output": "Very."},
        {"instruction": SYSTEM, "input": "Is gout rare?", "output": "No."},
    ]
    (tmp_path / "chatdoctor5k.json").write_text(json.dumps(rows))
    groups = [r.group for r in read_records("genmedgpt-5k", tmp_path / "chatdoctor5k.json").records]
    assert groups[0] == groups[1] != groups[2]


def test_the_same_record_twice_keeps_both_with_ids_of_their_own(
    read_records: Any, tmp_path: Path
) -> None:
    row = {"instruction": SYSTEM, "input": "Is gout painful?", "output": "Yes."}
    (tmp_path / "HealthCareMagic-100k.json").write_text(json.dumps([row, row, row]))
    result = read_records("healthcaremagic-100k", tmp_path / "HealthCareMagic-100k.json")
    first = result.ids[0]
    assert result.ids == [first, f"{first}-2", f"{first}-3"]
    assert result.reading.duplicates == 2


@pytest.mark.parametrize("name", ["iCliniq.json", "iCliniq-10k.jsonl"])
def test_icliniq_is_read_as_a_list_or_as_lines(
    read_records: Any, set_files: Path, name: str
) -> None:
    result = read_records("icliniq", set_files / name)
    assert result.answers[0].startswith("Hello. A cough at night may be asthma.")
    assert result.records[0].meta["other_answers"] == {
        "chatgpt": "It could be asthma or a cold.",
        "chatdoctor": "Hi, it may be viral.",
    }
    assert result.records[1].meta == {}
    assert [turn.role for turn in result.records[0].messages] == ["system", "user", "assistant"]


def test_bad_records_are_named_and_hold_no_content(read_records: Any, tmp_path: Path) -> None:
    rows: list[Any] = [
        {"instruction": SYSTEM, "input": "Sekret pain", "output": "  "},
        {"instruction": SYSTEM, "output": "Sekret answer"},
        {"instruction": SYSTEM, "input": ["Sekret"], "output": "Sekret"},
        "Sekret",
        {"instruction": SYSTEM, "input": "Fine?", "output": "Fine."},
    ]
    (tmp_path / "chatdoctor5k.json").write_text(json.dumps(rows))
    result = read_records("genmedgpt-5k", tmp_path / "chatdoctor5k.json")
    assert result.answers == ["Fine."]
    assert result.reasons == [
        (1, "has no text: field output is empty or absent"),
        (2, "has no text: field input is empty or absent"),
        (3, "field input is not a string"),
        (4, "is not a JSON object"),
    ]
    assert result.reading.left_out == 4


def test_a_split_of_a_set_that_has_none_is_an_error(read_records: Any, set_files: Path) -> None:
    with pytest.raises(DataError, match="known to be of the split test") as caught:
        read_records("genmedgpt-5k", set_files / "chatdoctor5k.json", split="test")
    assert "leave the split out" in caught.value.hint


def test_a_list_that_is_cut_off_keeps_what_came_before_and_says_so(
    read_records: Any, tmp_path: Path
) -> None:
    rows = [
        {"instruction": SYSTEM, "input": f"Question {n}?", "output": f"Answer {n}."}
        for n in range(2000)
    ]
    whole = json.dumps(rows).encode()
    path = tmp_path / "chatdoctor5k.json"
    path.write_bytes(whole[: len(whole) // 2])
    result = read_records("genmedgpt-5k", path)
    n_read = len(result.records)
    assert 990 < n_read < 1010
    assert result.answers == [f"Answer {n}." for n in range(n_read)]
    reason = "is not JSON from here on, or cut off; nothing after it was read"
    assert result.reasons == [(n_read + 1, reason)]


def test_a_gzipped_list_is_read(read_records: Any, set_files: Path, tmp_path: Path) -> None:
    path = tmp_path / "chatdoctor5k.json.gz"
    path.write_bytes(gzip.compress((set_files / "chatdoctor5k.json").read_bytes()))
    assert len(read_records("genmedgpt-5k", path).records) == 2


def test_a_record_with_bytes_of_another_encoding_is_left_out_alone(
    read_records: Any, tmp_path: Path
) -> None:
    rows = [
        {"instruction": SYSTEM, "input": "Fièvre?", "output": "Oui."},
        {"instruction": SYSTEM, "input": "Fever?", "output": "Yes."},
    ]
    lines = "\n".join(json.dumps(row, ensure_ascii=False) for row in rows)
    path = tmp_path / "chatdoctor5k.json"
    path.write_bytes(f"[{lines.replace(chr(10), ',')}]".encode("latin-1"))
    result = read_records("genmedgpt-5k", path)
    assert result.asked == ["Fever?"]
    assert result.reasons == [(1, "is not UTF-8")]


def test_a_file_in_utf_16_is_named_with_a_way_out(read_records: Any, tmp_path: Path) -> None:
    path = tmp_path / "chatdoctor5k.json"
    path.write_text('[{"instruction": "a", "input": "b", "output": "c"}]', encoding="utf-16")
    with pytest.raises(DataError, match="UTF-16, convert it first"):
        read_records("genmedgpt-5k", path)


def test_medical_o1_keeps_the_thought_out_of_the_answer(read_records: Any, set_files: Path) -> None:
    (record,) = read_records("medical-o1-reasoning-sft", set_files / "medical_o1_sft.json").records
    assert record.reasoning.startswith("A gardener, so soil and thorns.\n\n")
    assert [turn.content for turn in record.messages][1:] == [
        "Most likely Sporothrix, entered through a thorn."
    ]
    assert (record.task, record.label) == ("reasoning", "")


def test_medical_o1_with_its_source_question_gives_the_true_answer_as_label(
    read_records: Any, set_files: Path
) -> None:
    path = set_files / "medical_o1_demo.json"
    (record,) = read_records("medical-o1-reasoning-sft", path).records
    assert (record.label, record.messages[-1].content) == ("Sporothrix", "It is Sporothrix.")
    (problem,) = read_records("medical-o1-verifiable-problem", path).records
    assert (problem.task, problem.messages[-1].content) == ("question", "Sporothrix")
    assert problem.group == record.group

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from medllm.errors import EXTRAS, DataError, MissingExtraError
from medllm.records import SftRecord, Turn

USER, ASSISTANT = {"role": "user", "content": "Q?"}, {"role": "assistant", "content": "A."}


def write(tmp_path: Path, *rows: Any, name: str = "ours.jsonl") -> Path:
    path = tmp_path / name
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def test_messages_keep_every_turn_and_their_own_id_and_group(
    read_records: Any, set_files: Path
) -> None:
    (record,) = read_records("messages", set_files / "own_messages.jsonl").records
    assert [turn.role for turn in record.messages] == [
        "system",
        "user",
        "assistant",
        "user",
        "assistant",
    ]
    assert record.messages[-1] == Turn(role="assistant", content="In a vessel.")
    assert (record.id, record.group, record.task) == ("c1", "p7", "dialogue")
    assert (record.source, record.reasoning) == ("own_messages", "Vessels.")


def test_sharegpt_names_its_speakers_otherwise(read_records: Any, set_files: Path) -> None:
    (record,) = read_records("sharegpt", set_files / "own_sharegpt.json").records
    assert [(turn.role, turn.content) for turn in record.messages] == [
        ("user", "What is a stent?"),
        ("assistant", "A tube."),
    ]


def test_a_table_of_questions_and_answers_is_read(read_records: Any, set_files: Path) -> None:
    (record,) = read_records("question-answer", set_files / "own_table.csv").records
    assert [turn.content for turn in record.messages] == [
        "What is a stent?",
        "A tube, in a vessel.",
    ]
    assert (record.group, record.task) == ("p7", "question")


def test_alpaca_puts_the_input_under_the_instruction(read_records: Any, tmp_path: Path) -> None:
    path = write(
        tmp_path,
        {"instruction": "Explain.", "input": "Stent", "output": "A tube."},
        {"instruction": "Explain a stent.", "input": "", "output": "A tube."},
        name="clinmed_50k.jsonl",
    )
    result = read_records("clinmed", path)
    assert result.asked == ["Explain.\n\nStent", "Explain a stent."]
    assert {record.source for record in result.records} == {"clinmed"}
    assert read_records("alpaca", path).asked == result.asked


def test_what_medllm_writes_it_reads_again(read_records: Any, tmp_path: Path) -> None:
    record = SftRecord(
        id="a/1",
        source="medqa",
        group="g",
        task="choice",
        messages=(Turn(role="user", content="Q?"), Turn(role="assistant", content="B. b")),
        licence="MIT",
        reasoning="Because.",
        label="B",
        meta={"choices": {"A": "a", "B": "b"}, "split": "test"},
    )
    assert read_records("messages", write(tmp_path, asdict(record))).records == [record]


@pytest.mark.parametrize(
    ("messages", "reason"),
    [
        ([USER], "its last turn is not an answer of the assistant's"),
        ([USER, ASSISTANT, USER], "its last turn is not an answer of the assistant's"),
        ([ASSISTANT], "turn 1 is not the user's"),
        ([USER, USER, ASSISTANT], "turn 2 is not the assistant's"),
        ([USER, {"role": "system", "content": "s"}], "turn 2 is not the assistant's"),
        (
            [USER, {"role": "tool", "content": "x"}],
            "turn 2 has a role that is not system, user or assistant",
        ),
        ([USER, {"role": "assistant", "content": " "}], "turn 2 is empty"),
        ([USER, {"role": "assistant", "content": 7}], "turn 2 holds something that is not text"),
        (
            [{"role": "user", "content": [{"type": "image", "url": "x"}]}, ASSISTANT],
            "turn 1 holds something that is not text",
        ),
        ([USER, "A."], "turn 2 is not an object"),
        ([], "field messages is not a list of turns"),
        ("no list", "field messages is not JSON"),
        ([{"role": "system", "content": "s"}], "its last turn is not an answer of the assistant's"),
    ],
)
def test_a_conversation_that_teaches_no_answer_is_left_out(
    read_records: Any, tmp_path: Path, messages: Any, reason: str
) -> None:
    path = write(tmp_path, {"messages": messages}, {"messages": [USER, ASSISTANT]})
    result = read_records("messages", path)
    assert result.answers == ["A."]
    assert result.reasons == [(1, reason)]


def test_an_unknown_task_is_named_with_those_that_are_known(
    read_records: Any, tmp_path: Path
) -> None:
    path = write(tmp_path, {"messages": [USER, ASSISTANT], "task": "chat"})
    with pytest.raises(DataError, match="field task is none of dialogue, question, choice"):
        read_records("messages", path)


def test_lone_surrogates_and_endless_numbers_can_still_be_written(
    read_records: Any, tmp_path: Path
) -> None:
    path = tmp_path / "ours.jsonl"
    path.write_text(
        '{"id": 1e999, "question": "Q\\ud800", "answer": "A", "meta": {"k\\ud800": ["\\udfff"]}}'
    )
    (record,) = read_records("question-answer", path).records
    assert record.id != "inf"
    assert record.meta == {"k\ufffd": ["\ufffd"]}
    json.dumps(asdict(record), ensure_ascii=False).encode("utf-8")


@pytest.mark.parametrize("delimiter", [",", "\t", ";"])
def test_tables_may_be_parted_by_commas_tabs_or_semicolons(
    read_records: Any, tmp_path: Path, delimiter: str
) -> None:
    path = tmp_path / "ours.csv"
    path.write_text(f'prompt{delimiter}response\n"A, B; C\tD?"{delimiter}"Yes, so;\tand\nso"\n')
    result = read_records("question-answer", path)
    assert (result.asked, result.answers) == (["A, B; C\tD?"], ["Yes, so;\tand\nso"])


def test_parquet_gives_the_same_records_as_json_lines(read_records: Any, tmp_path: Path) -> None:
    pyarrow = pytest.importorskip("pyarrow", reason="pyarrow is not installed (extra data)")
    from pyarrow import parquet

    rows = [
        {"messages": [USER, {"role": "assistant", "content": f"A{n}."}], "group": f"g{n}"}
        for n in range(600)
    ]
    parquet.write_table(pyarrow.Table.from_pylist(rows), tmp_path / "ours.parquet")
    packed = read_records("messages", tmp_path / "ours.parquet")
    assert packed.records == read_records("messages", write(tmp_path, *rows)).records
    assert len(packed.records) == 600


def test_parquet_that_is_cut_off_is_named(read_records: Any, tmp_path: Path) -> None:
    pyarrow = pytest.importorskip("pyarrow", reason="pyarrow is not installed (extra data)")
    from pyarrow import parquet

    path = tmp_path / "ours.parquet"
    parquet.write_table(pyarrow.Table.from_pylist([{"question": "Q", "answer": "A"}]), path)
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(DataError, match="is a Parquet file that is cut off or damaged"):
        read_records("question-answer", path)


def test_parquet_without_pyarrow_says_what_to_install(
    read_records: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(EXTRAS, "data", ("pyarrow", "huggingface_hub"))
    monkeypatch.setitem(__import__("sys").modules, "pyarrow", None)
    (tmp_path / "ours.parquet").write_bytes(b"PAR1 and so on")
    with pytest.raises(MissingExtraError, match="pyarrow") as caught:
        read_records("question-answer", tmp_path / "ours.parquet")
    assert "medllm[data]" in caught.value.hint

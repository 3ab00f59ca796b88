from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any, get_args

import pytest

from medllm.data.reading import Reading
from medllm.data.sets.catalogue import (
    CATALOGUE,
    catalogue_rows,
    detect_set,
    find_set,
    read_set,
)
from medllm.data.sets.splits import split_of
from medllm.errors import ConfigError, DataError
from medllm.records import Task

HOLDS = {
    "chatdoctor5k.json": "genmedgpt-5k",
    "iCliniq.json": "icliniq",
    "iCliniq-10k.jsonl": "icliniq",
    "medical_o1_sft.json": "medical-o1-reasoning-sft",
    "medical_o1_demo.json": "medical-o1-reasoning-sft",
    "medqa/US/train.jsonl": "medqa",
    "medmcqa_train.json": "medmcqa",
    "pubmedqa/ori_pqal.json": "pubmedqa",
    "medquad": "medquad",
    "medquad.jsonl": "medquad",
    "medquad/6_NINDS_QA/0000007.xml": "medquad",
    "mts-dialog": "mts-dialog",
    "aci-bench": "aci-bench",
    "bioread": "bioread",
    "bioread/test/xx0000001": "bioread",
    "biomrc_A.json": "biomrc",
    "biomrc_B.jsonl": "biomrc",
    "clicr_dev1.0.json": "clicr",
    "all_train.json": "healthqa",
    "pinfo-mz-train.txt": "healthqa",
    "chexpert": "chexpert",
    "ehr_notes_qa_final.json": "ehr-ds-qa",
    "ehr_notes_qa_final.csv": "ehr-ds-qa",
    "recds-hub": "pmc-patients-recds",
    "own_messages.jsonl": "messages",
    "own_sharegpt.json": "sharegpt",
    "own_table.csv": "question-answer",
}


@pytest.mark.parametrize(("name", "wanted"), HOLDS.items())
def test_a_data_set_is_told_by_its_content(set_files: Path, name: str, wanted: str) -> None:
    assert detect_set(set_files / name) == wanted


@pytest.mark.parametrize("name", [name for name in HOLDS if "." in name and "xx" not in name])
@pytest.mark.parametrize("asked", ["icliniq", "medqa", "pubmedqa", "mts-dialog", "clicr"])
def test_a_file_of_another_data_set_is_named_as_such(
    set_files: Path, name: str, asked: str
) -> None:
    if HOLDS[name] == asked:
        assert list(read_set(asked, set_files / name, reading=Reading()))
        return
    with pytest.raises(DataError, match=f"is not {asked}: it looks like {HOLDS[name]}"):
        read_set(asked, set_files / name, reading=Reading())


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("GenMedGPT-5k.json", "genmedgpt-5k"),
        ("HealthCareMagic-100k.json", "healthcaremagic-100k"),
        ("ClinMED-50k.json", "clinmed"),
        ("ours.json", "alpaca"),
    ],
)
def test_the_alpaca_sets_are_told_by_their_file_names(
    tmp_path: Path, name: str, wanted: str
) -> None:
    (tmp_path / name).write_text('[{"instruction": "I", "input": "Q", "output": "A"}]')
    assert detect_set(tmp_path / name) == wanted


def test_an_alpaca_file_of_no_telling_name_is_read_as_any_of_them(tmp_path: Path) -> None:
    path = tmp_path / "data.json"
    path.write_text('[{"instruction": "I", "input": "Q", "output": "A"}]')
    for name in ("genmedgpt-5k", "healthcaremagic-100k", "clinmed", "alpaca"):
        (record,) = read_set(name, path, reading=Reading())
        assert record.source == ("data" if name == "alpaca" else name)
    other = tmp_path / "HealthCareMagic-100k.json"
    path.rename(other)
    with pytest.raises(DataError, match="it looks like healthcaremagic-100k"):
        read_set("genmedgpt-5k", other, reading=Reading())


def test_a_folder_of_several_data_sets_is_not_guessed(set_files: Path) -> None:
    with pytest.raises(DataError, match="holds several data sets"):
        detect_set(set_files)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.csv", "idx,disease,Symptom\n1,x,y\n", "it is a table of diseases"),
        ("a.json", '[{"foo": 1}]', "its fields are those of no data set"),
        ("a.json", "", "it is empty|its fields are those of no data set"),
        ("a.txt", "some text", "its fields are those of no data set"),
    ],
)
def test_a_file_of_no_data_set_is_said_to_be_none(
    tmp_path: Path, name: str, content: str, message: str
) -> None:
    (tmp_path / name).write_text(content)
    with pytest.raises(DataError, match=message):
        detect_set(tmp_path / name)


def test_every_set_has_what_a_user_must_know() -> None:
    for data_set in CATALOGUE.values():
        assert data_set.title
        assert data_set.size
        assert data_set.licence
        assert data_set.where
        assert set(data_set.tasks) <= set(get_args(Task))
        assert not (data_set.hub_id and data_set.access != "open")
        assert bool(data_set.hub_id) == bool(data_set.hub_files)
    rows = catalogue_rows()
    assert [row["name"] for row in rows] == list(CATALOGUE)
    assert {row["access"] for row in rows} == {"open", "gated", "on request"}
    assert all(isinstance(value, str) for row in rows for value in row.values())


def test_the_page_of_data_sets_names_every_set() -> None:
    page = (Path(__file__).parents[3] / "docs" / "datasets.md").read_text()
    rows = {name: row for row, name in re.findall(r"^(\| `([\w-]+)` .*)$", page, re.MULTILINE)}
    assert list(rows) == list(CATALOGUE)
    for row in catalogue_rows():
        hub = f"`{row['download']}`" if row["download"] else ""
        cells = (f"`{row['name']}`", row["tasks"], row["size"], row["licence"], row["access"], hub)
        assert rows[row["name"]] == f"| {' | '.join(cells)} |"


def test_an_unknown_name_suggests_the_nearest() -> None:
    with pytest.raises(ConfigError, match="unknown data set medqua") as caught:
        find_set("medqua")
    assert caught.value.hint == "did you mean medquad?"


def test_a_retrieval_benchmark_gives_no_training_records(set_files: Path) -> None:
    with pytest.raises(DataError, match="judges retrieval"):
        read_set("pmc-patients-recds", set_files / "recds-hub", reading=Reading())


def test_an_unknown_split_is_an_error(set_files: Path) -> None:
    with pytest.raises(ConfigError, match="unknown split holdout"):
        read_set("medquad", set_files / "medquad", reading=Reading(), split="holdout")


@pytest.mark.parametrize("name", [name for name in CATALOGUE if CATALOGUE[name].tasks])
@pytest.mark.parametrize("kind", ["absent", "empty file", "empty folder", "binary", "null byte"])
def test_what_cannot_be_read_is_an_error_without_a_traceback(
    tmp_path: Path, name: str, kind: str
) -> None:
    path = tmp_path / f"data{CATALOGUE[name].suffixes[0]}"
    if kind == "empty file":
        path.touch()
    elif kind == "empty folder":
        path.mkdir()
    elif kind == "binary":
        path.write_bytes(bytes(range(256)) * 20)
    elif kind == "null byte":
        path = Path("a\x00b")
    with pytest.raises(DataError) as caught:
        list(read_set(name, path, reading=Reading()))
    assert caught.value.hint


@pytest.mark.parametrize("name", [name for name in CATALOGUE if CATALOGUE[name].tasks])
@pytest.mark.parametrize(
    "content",
    [
        b"[1, 2, 3]",
        b"[[]]",
        b'{"a": {"b": [null]}}',
        b'{"data": 3, "paras": {}, "abstracts": 1, "document": 2}',
        b'[{"messages": 1, "instruction": [], "input": {}, "output": 3, "question": null}]',
        b"{not json",
        b'"a string"',
        b"a,b\n1",
        b"<Document><QAPairs/></Document>",
        b"\xff\xfe{\x00}\x00",
        b"[" * 3000,
        b'{"a":' * 3000,
    ],
)
def test_content_of_the_wrong_shape_or_type_never_gives_a_traceback(
    tmp_path: Path, name: str, content: bytes
) -> None:
    path = tmp_path / f"data{CATALOGUE[name].suffixes[0]}"
    path.write_bytes(content)
    with pytest.raises(DataError):
        list(read_set(name, path, reading=Reading()))


@pytest.mark.parametrize(
    ("name", "wanted"),
    [(name, wanted) for name, wanted in HOLDS.items() if "." in name or "/" in name],
)
def test_a_file_cut_off_anywhere_never_gives_a_traceback(
    set_files: Path, tmp_path: Path, name: str, wanted: str
) -> None:
    source = set_files / name
    raw = source.read_bytes()
    path = tmp_path / source.name
    for end in range(1, len(raw), max(1, len(raw) // 60)):
        path.write_bytes(raw[:end])
        try:
            for record in read_set(wanted, path, reading=Reading()):
                assert record.messages[-1].role == "assistant"
        except DataError:
            pass


@pytest.mark.parametrize(
    ("name", "wanted"), [item for item in HOLDS.items() if CATALOGUE[item[1]].tasks]
)
def test_every_record_can_be_written_and_ends_with_an_answer(
    set_files: Path, name: str, wanted: str
) -> None:
    records = list(read_set(wanted, set_files / name, reading=Reading()))
    assert records
    assert len({record.id for record in records}) == len(records)
    for record in records:
        assert record.id
        assert record.group
        assert record.source
        assert record.messages[-1].role == "assistant"
        assert all(turn.content.strip() == turn.content for turn in record.messages)
        assert record.task in CATALOGUE[wanted].tasks
        json.dumps(record.meta, ensure_ascii=False).encode("utf-8")


@pytest.mark.parametrize(
    ("path", "split"),
    [
        ("MTS-Dialog-TestSet-1.csv", "test"),
        ("MTS-Dialog-ValidationSet.csv", "validation"),
        ("clinicalnlp_taskB_test1.csv", "test"),
        ("dataset_val_small_B.json.gz", "validation"),
        ("phrases_no_exclude_dev.jsonl", "validation"),
        ("train1.0.json", "train"),
        ("bioread_lite/test/xx01", "test"),
        ("train_dev.json", ""),
        ("test results/data.json", ""),
        ("contest.json", ""),
        ("chatdoctor5k.json", ""),
    ],
)
def test_the_split_is_told_by_the_name(path: str, split: str) -> None:
    assert split_of(Path(path)) == split


def test_a_file_of_the_hub_tells_its_split_only_beside_those_of_others(tmp_path: Path) -> None:
    first = tmp_path / "train-00000-of-00002-5e7cb295b9cff0bf.parquet"
    for name in (first.name, "train-00001-of-00002-5e7cb295b9cff0bf.parquet"):
        (tmp_path / name).touch()
    assert split_of(first) == ""
    (tmp_path / "test-00000-of-00001.parquet").touch()
    assert split_of(first) == "train"
    assert split_of(tmp_path / "test-00000-of-00001.parquet") == "test"


def test_no_problem_or_error_holds_content(tmp_path: Path) -> None:
    secret = "Sekret Patientname"
    rows: list[dict[str, Any]] = [
        {"instruction": secret, "input": secret, "output": 1},
        {"input": secret, "answer_icliniq": [secret]},
        {"question": secret, "options": {secret: secret}, "answer_idx": secret},
        {"note": secret, "qa_pairs": f"[{secret}"},
        {"messages": [{"role": secret, "content": secret}]},
        {"messages": secret, "task": secret},
    ]
    path = tmp_path / "data.json"
    for row in rows:
        path.write_text(json.dumps([row]))
        for name in ("alpaca", "icliniq", "medqa", "ehr-ds-qa", "messages", "question-answer"):
            reading = Reading()
            with pytest.raises(DataError) as caught:
                list(read_set(name, path, reading=reading))
            said = [str(caught.value), caught.value.hint, *map(str, reading.problems)]
            assert not any("ekret" in text for text in said)

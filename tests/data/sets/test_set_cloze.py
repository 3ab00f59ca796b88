from __future__ import annotations

import io
import json
import tarfile
import tracemalloc
from pathlib import Path
from typing import Any

import pytest

from medllm.data.reading import Reading
from medllm.data.sets.catalogue import read_set
from medllm.data.sets.walk import files_below
from medllm.errors import DataError

LINE = "-" * 30


def instance(
    passage: str = "A passage on @entity1.",
    question: str = "It was XXXXXX .",
    candidates: str = "@entity1 : fever",
    answer: str = "@entity1 : fever",
) -> str:
    return f"{passage}\n{LINE}\n{question}\n{LINE}\n{candidates}\n{LINE}\n{answer}\n"


def test_bioread_gives_passage_gap_candidates_and_the_named_answer(
    read_records: Any, set_files: Path
) -> None:
    result = read_records("bioread", set_files / "bioread")
    assert result.ids == ["test/xx0000001", "train/xx0000002"]
    first = result.records[0]
    assert first.messages[0].content == (
        "An invented passage about @entity1 and @entity2 in mice.\n\n"
        "Sentence with a blank (XXXXXX):\nGiving @entity1 lowered XXXXXX in the mice .\n\n"
        "Candidates:\n@entity1: aspirin\n@entity2: fever\n\n"
        "Which candidate fills the blank? Answer with its number and its name."
    )
    assert (first.messages[1].content, first.label) == ("@entity2: fever", "@entity2")
    assert [record.meta["split"] for record in result.records] == ["test", "train"]
    assert result.records[0].group == result.records[1].group  # one passage
    assert read_records("bioread", set_files / "bioread", split="test").ids == ["test/xx0000001"]


@pytest.mark.parametrize("mode", ["w", "w:gz"])
def test_bioread_is_read_out_of_its_tar(
    read_records: Any, set_files: Path, tmp_path: Path, mode: Any
) -> None:
    path = tmp_path / "bioread_dataset.tar"
    with tarfile.open(path, mode) as archive:
        for name in ("test/xx0000001", "train/xx0000002"):
            archive.add(set_files / "bioread" / name, arcname=name)
    packed = read_records("bioread", path)
    assert packed.records == read_records("bioread", set_files / "bioread").records


def test_a_tar_that_is_cut_off_keeps_what_came_before(read_records: Any, tmp_path: Path) -> None:
    path = tmp_path / "bioread_dataset.tar"
    raw = instance().encode()
    with tarfile.open(path, "w") as archive:
        for number in range(5):
            member = tarfile.TarInfo(f"train/xx{number}")
            member.size = len(raw)
            archive.addfile(member, io.BytesIO(raw))
    whole = path.read_bytes()
    path.write_bytes(whole[: 512 * 4 + 100])
    result = read_records("bioread", path)
    assert result.ids == ["train/xx0", "train/xx1"]
    assert result.reading.problems[-1].reason.startswith("breaks off here")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("just a text", "has 1 of the four parts between lines of 30 hyphens"),
        (instance(question="No gap ."), "has no passage, or its question has no blank XXXXXX"),
        (instance(answer="@entity9 : cough"), "its answer is not among its candidates"),
        (instance(passage=" "), "has no passage, or its question has no blank XXXXXX"),
        (b"\xff" + instance().encode(), "is not UTF-8 at byte 1"),
        (b"x" * ((1 << 20) + 1), "is larger than 1 MiB, which no instance is"),
    ],
)
def test_a_file_that_is_no_instance_is_named(
    read_records: Any, tmp_path: Path, text: Any, reason: str
) -> None:
    (tmp_path / "xx1").write_bytes(text if isinstance(text, bytes) else text.encode())
    (tmp_path / "xx2").write_text(instance())
    (tmp_path / ".hidden").write_text("x")
    result = read_records("bioread", tmp_path)
    assert result.ids == ["xx2"]
    assert [(p.path.name, p.reason) for p in result.reading.problems] == [("xx1", reason)]


def test_windows_line_endings_part_the_sections_too(read_records: Any, tmp_path: Path) -> None:
    (tmp_path / "xx1").write_bytes(instance().replace("\n", "\r\n").encode())
    assert read_records("bioread", tmp_path).ids == ["xx1"]


def test_many_files_are_read_in_order_and_in_constant_memory(tmp_path: Path) -> None:
    first = tmp_path / "xx00000"
    first.write_text(instance(passage="word " * 4000))
    for number in range(1, 1500):
        (tmp_path / f"xx{number:05}").hardlink_to(first)
    n_read = 0
    tracemalloc.start()
    for record in read_set("bioread", tmp_path, reading=Reading()):
        assert record.id == f"xx{n_read:05}"
        n_read += 1
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert n_read == 1500
    assert peak < 5_000_000  # the records together hold 30 MB


def test_the_walk_goes_through_folders_in_order(tmp_path: Path) -> None:
    for name in ("b/2", "b/1", "a/c/x", "z", ".h/y", "ä"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    names = [p.relative_to(tmp_path).as_posix() for p in files_below(tmp_path, Reading())]
    assert names == ["z", "ä", "a/c/x", "b/1", "b/2"]


def test_biomrc_is_read_from_its_parallel_lists(read_records: Any, set_files: Path) -> None:
    result = read_records("biomrc", set_files / "biomrc_A.json")
    first = result.records[0]
    assert (first.messages[1].content, first.label) == ("@entity7: willow bark", "@entity7")
    assert first.meta["choices"] == {
        "@entity7": "willow bark",
        "@entity1": "fever",
        "@entity9": "patients",
    }
    assert "Sentence with a blank (XXXX):\nXXXX against @entity1" in first.messages[0].content
    assert len(result.records) == 2


def test_both_settings_of_biomrc_put_a_question_in_one_group(
    read_records: Any, set_files: Path
) -> None:
    first = read_records("biomrc", set_files / "biomrc_A.json").records[0]
    (renumbered,) = read_records("biomrc", set_files / "biomrc_B.jsonl").records
    assert renumbered.group == first.group
    assert renumbered.messages[1].content == "@entity0"
    assert "Candidates:\n@entity0\n@entity1\n@entity2" in renumbered.messages[0].content


def test_parallel_lists_of_different_lengths_are_named(
    read_records: Any, set_files: Path, tmp_path: Path
) -> None:
    lists = json.loads((set_files / "biomrc_A.json").read_text())
    lists["answers"].pop()
    path = tmp_path / "dataset_train.json"
    path.write_text(json.dumps(lists))
    result = read_records("biomrc", path)
    assert len(result.records) == 1
    assert result.reasons == [
        (2, "the list abstracts goes on where another ends; its rest was not read")
    ]


def test_parallel_lists_that_are_cut_off_are_an_error(
    read_records: Any, set_files: Path, tmp_path: Path
) -> None:
    raw = (set_files / "biomrc_A.json").read_bytes()
    path = tmp_path / "dataset_train.json"
    path.write_bytes(raw[: len(raw) // 2])
    with pytest.raises(DataError, match="is not JSON from here on, or cut off"):
        read_records("biomrc", path)


def test_clicr_finds_the_queries_inside_the_document(read_records: Any, set_files: Path) -> None:
    result = read_records("clicr", set_files / "clicr_dev1.0.json")
    (record,) = result.records
    assert (record.id, record.group, record.task) == ("case.1.1", "case.1", "cloze")
    assert record.messages[0].content == (
        "An invented case of chest pain\n\n"
        "A woman of 70 had chest pain for two days . An ECG was normal .\n\n"
        "What belongs in place of @placeholder?\nAspirin was given for her @placeholder ."
    )
    assert (record.label, record.messages[1].content) == ("chest pain", "chest pain")
    assert record.meta["accepted"] == ["chest pain", "thoracic pain"]
    assert (record.meta["cui"], record.meta["semantic_type"]) == ("C0000001", "problem")
    assert record.meta["split"] == "validation"
    assert result.reasons == [
        (1, "query 2: has no @placeholder"),
        (1, "query 3: has 0 answers of the origin dataset, not one"),
    ]


def test_clicr_with_queries_beside_the_document_says_what_is_missing(
    read_records: Any, tmp_path: Path
) -> None:
    path = tmp_path / "train1.0.json"
    case = {"source": "c", "document": {"title": "T", "context": "C"}, "qas": []}
    path.write_text(json.dumps({"version": "1.0", "data": [case]}))
    with pytest.raises(DataError, match="record 1: has no field qas"):
        read_records("clicr", path)

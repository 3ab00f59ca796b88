from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from medllm.data.statistics.describe import describe_records
from medllm.data.statistics.topics import sample_of
from medllm.errors import DataError
from tests.data.prepare.making import dialogues, record, write_records
from tests.data.prepare.test_duplicates import edit


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    base = dialogues(60)
    copies = [edit(base[at], f"copy-{at}", "swap") for at in range(4)]
    other = [
        record(f"o{n}", f"I take {drug} for fever. Is {n} days long?", f"It is, {drug} helps.",
               source="other", task="question", licence="CC0", meta={"augmented": {}})
        for n, drug in enumerate(["aspirin", "ibuprofen", "aspirin"])
    ]  # fmt: skip
    return [
        write_records(tmp_path / "train.jsonl", [*base, *copies]),
        write_records(tmp_path / "test.jsonl", other),
    ]


def test_the_report_counts_by_source(files: list[Path]) -> None:
    report = describe_records(files)
    assert report["records"] == 67
    invented, other = report["sources"]
    assert (invented["source"], invented["records"], invented["groups"]) == ("invented", 64, 64)
    assert other["tasks"] == {"question": 3}
    assert other["licences"] == {"CC0": 3}
    assert other["augmented"] == 3
    assert report["topics"]["kinds"]["medication"] == {"aspirin": 2, "ibuprofen": 1}
    assert report["duplicates"]["near"] >= 4
    assert report == json.loads(json.dumps(report))


def test_the_report_is_the_same_twice_and_holds_no_text(files: list[Path]) -> None:
    report = describe_records(files)
    assert report == describe_records(files)
    assert "leaflets" not in json.dumps(report)


def test_a_file_without_records_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no record"):
        describe_records([write_records(tmp_path / "a.jsonl", [])])
    with pytest.raises(DataError, match="not-there"):
        describe_records([tmp_path / "not-there.jsonl"])
    foreign = tmp_path / "foreign.jsonl"
    foreign.write_text('{"question": "Why?"}\n', encoding="utf-8")
    with pytest.raises(DataError, match="foreign.jsonl, line 1"):
        describe_records([foreign])
    packed = write_records(tmp_path / "a.jsonl.gz", dialogues(2))
    with pytest.raises(DataError, match="is packed"):
        describe_records([packed])
    gaps = write_records(tmp_path / "gaps.jsonl", dialogues(2))
    gaps.write_text("\n" + gaps.read_text(), encoding="utf-8")
    with pytest.raises(DataError, match="empty lines"):
        describe_records([gaps])


def test_a_sample_is_the_same_each_time_and_of_the_whole() -> None:
    records = dialogues(300)
    chosen = sample_of(records, most=50)
    assert len(chosen) == len(set(chosen.tolist())) == 50
    assert chosen.tolist() == sample_of(records, most=50).tolist()
    assert chosen.min() < 60
    assert chosen.max() > 240
    assert sample_of(records, most=300).tolist() == list(range(300))


def test_duplicates_are_counted_by_source_and_apart_from_augmented_copies(tmp_path: Path) -> None:
    base = dialogues(30)
    near = edit(base[0], "near", "swap")
    made = replace(edit(base[1], "made", "swap"), meta={"augmented": {"method": "synonyms"}})
    same = replace(base[2], id="same", source="other")
    path = write_records(tmp_path / "a.jsonl", [*base, near, made, same])
    report = describe_records([path])
    assert report["duplicates"] == {"exact": 1, "near": 2, "near_and_augmented": 1}
    invented, other = report["sources"]
    assert (invented["exact_duplicates"], invented["near_duplicates"]) == (0, 2)
    assert (other["exact_duplicates"], invented["augmented"]) == (1, 1)
    exact = describe_records([path], near=False)
    assert exact["duplicates"] == {"exact": 1, "near": None, "near_and_augmented": None}

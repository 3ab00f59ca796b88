from __future__ import annotations

import csv
import gzip
import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from medllm.data.sets.catalogue import detect_set

DATA = Path(__file__).resolve().parents[3].parent / "shared" / "data"

pytestmark = [
    pytest.mark.real_data,
    pytest.mark.skipif(not DATA.is_dir(), reason="the folder ../shared/data is absent"),
]


@pytest.mark.parametrize(
    ("name", "path", "taken", "left_out"),
    [
        ("pmc-patients", "pmc-patients-sample", 1000, 0),
        ("genmedgpt-5k", "genmedgpt", 4906, 0),
        ("medical-o1-reasoning-sft", "medical-o1", 198, 0),
        ("medical-o1-verifiable-problem", "medical-o1", 198, 0),
        ("pubmedqa", "pubmedqa", 500, 0),
        ("medquad", "medquad/raw-samples", 136, 44),
        ("medquad", "medquad/medquad_answered.jsonl.gz", 15485, 0),
        ("mts-dialog", "mts-dialog", 1301, 0),
        ("aci-bench", "aci-bench", 87, 0),
        ("chexpert", "chexpert-labeler", 4, 1),  # the labeler's input has no labels
    ],
)
def test_real_files_are_read_whole(
    read_records: Any, name: str, path: str, taken: int, left_out: int
) -> None:
    result = read_records(name, DATA / path)
    assert (len(result.records), result.reading.left_out) == (taken, left_out)
    assert len(set(result.ids)) == taken
    if name != "medical-o1-verifiable-problem":
        assert detect_set(DATA / path) == name


def test_every_real_dialogue_is_what_the_file_says(read_records: Any) -> None:
    rows = json.loads((DATA / "genmedgpt" / "genmedgpt-first-90.json").read_text())
    result = read_records("genmedgpt-5k", DATA / "genmedgpt" / "genmedgpt-first-90.json")
    assert [(a, b) for a, b in zip(result.asked, result.answers, strict=True)] == [
        (row["input"].strip(), row["output"].strip()) for row in rows
    ]


def test_every_real_conversation_row_is_what_csv_reads(read_records: Any) -> None:
    path = DATA / "mts-dialog" / "MTS-Dialog-TrainingSet.csv"
    with path.open(newline="", encoding="utf-8-sig") as handle:
        rows = list(csv.DictReader(handle))
    result = read_records("mts-dialog", path)
    assert [a.split() for a in result.answers] == [row["section_text"].split() for row in rows]
    assert all(
        asked.split()[-5:] == row["dialogue"].split()[-5:]
        for asked, row in zip(result.asked, rows, strict=True)
    )


def test_real_decisions_are_those_of_the_file(read_records: Any) -> None:
    path = DATA / "pubmedqa" / "ori_pqal-dev500.json"
    truth = {pmid: r["final_decision"] for pmid, r in json.loads(path.read_text()).items()}
    result = read_records("pubmedqa", path)
    assert {record.id: record.label for record in result.records} == truth
    assert all(r.messages[1].content.lower().startswith(r.label) for r in result.records)


def test_real_xml_and_its_flattened_form_agree(read_records: Any) -> None:
    flat = {r.id: r for r in read_records("medquad", DATA / "medquad").records}
    raw = read_records("medquad", DATA / "medquad" / "raw-samples").records
    with gzip.open(DATA / "medquad" / "medquad_answered.jsonl.gz", "rt", encoding="utf-8") as lines:
        held = {(r["source"] or "NINDS", r["qid"]) for r in map(json.loads, lines)}
    both = [r for r in raw if tuple(r.id.split("/")[:2]) in held]
    assert len(both) > 100
    for record in both:
        other = flat[record.id]
        assert (record.group, record.meta) == (other.group, other.meta)
        assert [t.content.split() for t in record.messages] == [
            t.content.split() for t in other.messages
        ]


def test_real_groups_are_small_enough_to_split(read_records: Any) -> None:
    result = read_records("medquad", DATA / "medquad" / "medquad_answered.jsonl.gz")
    sizes = Counter(record.group for record in result.records)
    assert max(sizes.values()) < len(result.records) / 100

from __future__ import annotations

import json
from pathlib import Path

import pytest

from medllm.data.file_steps import (
    augment_file_with_model,
    augment_file_with_synonyms,
    build_queue,
    describe_files,
    release_queue,
)
from medllm.data.review.queue import Decision
from medllm.data.sft_files import load_records
from medllm.errors import DataError, ModelError
from tests.data.prepare.making import dialogues, ids, read_lines, record, write_records
from tests.data.augment.test_augment import QUESTION, Parrot, write_wordnet
from tests.data.review.test_build import ACCEPT, GOOD, QUESTIONS


def test_statistics_are_written_as_json_and_as_a_page(tmp_path: Path) -> None:
    source = write_records(tmp_path / "a.jsonl", dialogues(10))
    report = describe_files(
        [source], to_json=tmp_path / "s.json", to_page=tmp_path / "s.html", near=False
    )
    assert json.loads((tmp_path / "s.json").read_text()) == report
    assert "<svg" in (tmp_path / "s.html").read_text()


def test_synonyms_are_written_behind_the_originals(tmp_path: Path) -> None:
    source = write_records(tmp_path / "a.jsonl", [record("a", QUESTION)])
    wordnet = write_wordnet(tmp_path / "oewn", zipped=False)
    counts = augment_file_with_synonyms(source, tmp_path / "b.jsonl", wordnet)
    assert counts.copies == 1
    assert ids(tmp_path / "b.jsonl") == ["a", "a~synonyms"]
    with pytest.raises(DataError, match="own source"):
        augment_file_with_synonyms(source, source, wordnet)


def test_a_model_that_fails_leaves_its_journal_and_the_next_run_goes_on(tmp_path: Path) -> None:
    source = write_records(
        tmp_path / "a.jsonl", [record("a", "My knee hurts."), record("b", "My hip hurts.")]
    )
    to = tmp_path / "b.jsonl"
    augment_file_with_model(source, to, Parrot("My knee is sore.", ModelError("gone")))  # type: ignore[arg-type]
    assert ids(to) == ["a", "a~paraphrase", "b"]
    again = Parrot("My hip is sore.")
    assert augment_file_with_model(source, to, again).copies == 2  # type: ignore[arg-type]
    assert again.asked == ["My hip hurts."]
    assert {file.name for file in tmp_path.iterdir()} == {"a.jsonl", "b.jsonl"}


def test_questions_become_a_queue_and_only_what_is_verified_is_released(tmp_path: Path) -> None:
    questions = write_records(tmp_path / "q.jsonl", QUESTIONS)
    folder = tmp_path / "queue"
    made = build_queue(questions, folder, Parrot(GOOD, "No.", GOOD), Parrot(ACCEPT, ACCEPT))  # type: ignore[arg-type]
    assert made.built.queued == 2
    assert [entry["id"] for entry in read_lines(folder / "left_out.jsonl")] == ["q1"]
    with pytest.raises(DataError, match="verified yet"):
        release_queue(folder, tmp_path / "out.jsonl")
    item = made.queue.items()[0]
    for reviewer in ("r1", "r2"):
        made.queue.decide(
            [Decision(item=item.key, digest=item.digest, reviewer=reviewer, verdict="accept",
                      when="2026-01-02")]
        )  # fmt: skip
    assert release_queue(folder, tmp_path / "out.jsonl") == 1
    (released,) = load_records(tmp_path / "out.jsonl")
    steps = [entry["step"] for entry in released.meta["history"]]
    assert steps == ["answered", "checked", "judged", "reviewed", "reviewed"]


def test_a_damaged_record_file_is_named_by_line(tmp_path: Path) -> None:
    path = write_records(tmp_path / "a.jsonl", dialogues(2))
    path.write_text(path.read_text() + "{", encoding="utf-8")
    with pytest.raises(DataError, match="a.jsonl, line 3"):
        list(load_records(path))

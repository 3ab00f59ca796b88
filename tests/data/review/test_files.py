from __future__ import annotations

from pathlib import Path

import pytest

from medllm.data.review.files import build_queue, load_questions, release_queue
from medllm.data.sft_files import load_records
from medllm.errors import DataError
from tests.data.parrot import Parrot
from tests.data.prepare.making import read_lines, write_records
from tests.data.review.making import decide
from tests.data.review.test_build import ACCEPT, GOOD, QUESTIONS


def test_questions_become_a_queue_and_only_what_is_verified_is_released(tmp_path: Path) -> None:
    questions = write_records(tmp_path / "q.jsonl", QUESTIONS)
    folder = tmp_path / "queue"
    made = build_queue(questions, folder, Parrot(GOOD, "No.", GOOD), Parrot(ACCEPT, ACCEPT))  # type: ignore[arg-type]
    assert made.built.queued == 2
    assert [entry["id"] for entry in read_lines(folder / "left_out.jsonl")] == ["q1"]
    with pytest.raises(DataError, match="verified yet"):
        release_queue(folder, tmp_path / "out.jsonl")
    for reviewer in ("r1", "r2"):
        decide(made.queue, 0, reviewer)
    assert release_queue(folder, tmp_path / "out.jsonl") == 1
    (released,) = load_records(tmp_path / "out.jsonl")
    steps = [entry["step"] for entry in released.meta["history"]]
    assert steps == ["answered", "checked", "judged", "reviewed", "reviewed"]


def test_questions_can_be_lines_of_text_and_keep_their_ids(tmp_path: Path) -> None:
    path = tmp_path / "asked.txt"
    path.write_text("\ufeffWhy is it so?\n\n  Why   is it so?\nHow long?\n", encoding="utf-8")
    first, second = load_questions(path)
    assert (first.messages[0].content, first.source) == ("Why is it so?", "asked")
    path.write_text("How long?\n", encoding="utf-8")
    assert next(load_questions(path)).id == second.id
    path.write_bytes(b"\xff")
    with pytest.raises(DataError, match="not UTF-8"):
        list(load_questions(path))

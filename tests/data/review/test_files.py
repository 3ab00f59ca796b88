from __future__ import annotations

from pathlib import Path

import pytest

from medllm.data.review.files import build_queue, release_queue
from medllm.data.review.queue import Decision
from medllm.data.sft_files import load_records
from medllm.errors import DataError
from tests.data.parrot import Parrot
from tests.data.prepare.making import read_lines, write_records
from tests.data.review.test_build import ACCEPT, GOOD, QUESTIONS


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

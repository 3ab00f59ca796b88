"""Queues made from files and released to files."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from medllm.data.journal import Journal
from medllm.data.progress import Progress, no_progress, told
from medllm.data.review.build import PROMPT, Built, build_records
from medllm.data.review.queue import ReviewQueue, make_queue
from medllm.data.sft_files import load_records, to_line, write_lines
from medllm.errors import DataError
from medllm.files import sha256_file
from medllm.models.chat import Model


@dataclass(frozen=True, slots=True)
class BuiltQueue:
    """A queue that was built, and what fell out on the way."""

    queue: ReviewQueue
    built: Built


def build_queue(
    questions: Path,
    folder: Path,
    model: Model,
    judge: Model,
    *,
    n_reviewers: int = 2,
    progress: Progress = no_progress,
) -> BuiltQueue:
    """Answer, check and judge the questions of a record file and queue what passes for review.

    What fell out is in `left_out.jsonl` beside the queue. Killed and run again, it goes on.
    """
    if (folder / "queue.json").exists():
        raise DataError(f"{folder} holds a queue already", hint="name another folder")
    folder.mkdir(parents=True, exist_ok=True)
    built = Built()
    made_of = f"{PROMPT} {model.spec} {judge.spec} {sha256_file(questions)}"
    with Journal(folder / "build.journal", made_of) as journal:
        records = told(load_records(questions), "answering", progress)
        answered = build_records(records, model, judge, journal=journal, built=built)
        queue = make_queue(answered, folder, n_reviewers=n_reviewers)
    with write_lines(folder / "left_out.jsonl") as lines:
        for entry in built.left_out:
            lines.write(to_line(entry))
    (folder / "build.journal").unlink()
    return BuiltQueue(queue, built)


def release_queue(folder: Path, to: Path) -> int:
    """Write the verified records of a queue, and no others; give how many."""
    verified = ReviewQueue(folder).verified()
    if not verified:
        raise DataError(f"no record in {folder} is verified yet", hint="medllm data review")
    with write_lines(to) as lines:
        for record in verified:
            lines.write_record(record)
    return len(verified)

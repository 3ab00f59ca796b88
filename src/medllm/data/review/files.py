"""Queues made from files and released to files."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from medllm.data.journal import Journal
from medllm.data.progress import Progress, no_progress, told
from medllm.data.review.build import PROMPT, Built, build_records
from medllm.data.review.queue import ReviewQueue, check_new, make_queue
from medllm.data.sft_files import count_lines, load_records, to_line, write_lines
from medllm.errors import DataError
from medllm.files import disk_errors, sha256_file, sha256_text
from medllm.models.chat import Model
from medllm.records import SftRecord, Turn

LEFT_OUT = "left_out.jsonl"


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
    """Answer, check and judge the questions of a file and queue what passes for review.

    What fell out is in `left_out.jsonl` beside the queue. Killed and run again, it goes on.
    """
    check_new(folder, n_reviewers)
    asked = told(load_questions(questions), "answering", progress, count_lines(questions), every=1)
    first = next(asked, None)
    if first is None:
        raise DataError(f"{questions} holds no question", hint="one a line, or records")
    with disk_errors(str(folder)):
        folder.mkdir(parents=True, exist_ok=True)
    built = Built()
    made_of = f"{PROMPT} {model.spec} {judge.spec} {sha256_file(questions)}"

    def write_left_out() -> None:
        with write_lines(folder / LEFT_OUT) as lines:
            for entry in built.left_out:
                lines.write(to_line(entry))

    with Journal(folder / "build.journal", made_of) as journal:
        answered = build_records(
            _with_first(first, asked), model, judge, journal=journal, built=built
        )
        queue = make_queue(answered, folder, n_reviewers=n_reviewers, finish=write_left_out)
        journal.delete()
    return BuiltQueue(queue, built)


def _with_first(first: SftRecord, others: Iterator[SftRecord]) -> Iterator[SftRecord]:
    yield first
    yield from others


def load_questions(path: Path) -> Iterator[SftRecord]:
    """Give the questions of a file of records, or of a text file with one a line.

    A line's id is made of its text, so that it stays the same wherever the line stands.
    """
    if path.suffix.lower() not in (".txt", ".text"):
        yield from load_records(path)
        return
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except UnicodeDecodeError as exc:
        raise DataError(f"{path} is not UTF-8", hint="convert it: iconv -t UTF-8") from exc
    except OSError as exc:
        raise DataError(f"cannot read {path}", hint="name a file of questions") from exc
    for question in dict.fromkeys(" ".join(line.split()) for line in lines):
        if question:
            name = sha256_text(question)[:12]
            turn = Turn(role="user", content=question)
            yield SftRecord(
                id=f"q{name}", source=path.stem, group=f"q{name}", task="question", messages=(turn,)
            )


def queue_records(
    source: Path, folder: Path, *, n_reviewers: int = 2, progress: Progress = no_progress
) -> ReviewQueue:
    """Queue the records of a file for review as they are."""
    records = told(load_records(source), "queueing", progress, count_lines(source))
    return make_queue(records, folder, n_reviewers=n_reviewers)


def release_queue(folder: Path, to: Path) -> int:
    """Write the verified records of a queue, and no others; give how many."""
    verified = ReviewQueue(folder).verified()
    if not verified:
        raise DataError(
            f"no record in {folder} is verified yet", hint=f"medllm data review {folder}"
        )
    with write_lines(to) as lines:
        for record in verified:
            lines.write_record(record)
    return len(verified)

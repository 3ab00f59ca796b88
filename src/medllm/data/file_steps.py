"""The steps on whole files, as the commands call them: paths in, files out, counts back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from medllm.data.augment.synonyms import Augmented, augment_with_synonyms
from medllm.data.review.build import PROMPT as BUILD_PROMPT
from medllm.data.review.build import Built, build_records
from medllm.data.journal import Journal
from medllm.data.statistics.lengths import TokenCounter
from medllm.data.progress import Progress, no_progress, told
from medllm.data.review.queue import ReviewQueue, make_queue
from medllm.data.augment.rewrite import PROMPT as REWRITE_PROMPT
from medllm.data.augment.rewrite import Method, augment_with_model
from medllm.data.sft_files import load_records, refuse_same, to_line, write_lines
from medllm.data.statistics.describe import describe_records
from medllm.data.statistics.page import write_page
from medllm.data.augment.wordnet import load_synonyms
from medllm.errors import DataError
from medllm.files import sha256_file, write_atomically, write_json
from medllm.models.chat import Model


def describe_files(
    paths: Sequence[Path],
    *,
    to_json: Path,
    to_page: Path | None = None,
    counter: TokenCounter | None = None,
    near: bool = True,
    progress: Progress = no_progress,
) -> dict[str, object]:
    """Write the statistics of record files as JSON and, if named, as a page; give them."""
    report = describe_records(paths, counter=counter, near=near, progress=progress)
    write_json(to_json, report)
    if to_page:
        write_atomically(to_page, write_page(report))
    return report


def augment_file_with_synonyms(
    source: Path,
    to: Path,
    wordnet: Path,
    *,
    share: float = 1.0,
    key: str = "medllm",
    progress: Progress = no_progress,
) -> Augmented:
    """Write the records of a file, each with its copy behind it; give the counts."""
    refuse_same(source, to)
    counts = Augmented()
    synonyms = load_synonyms(wordnet)
    records = told(load_records(source), "augmenting", progress)
    with write_lines(to) as lines:
        copies = augment_with_synonyms(records, synonyms, share=share, key=key, counts=counts)
        for record in copies:
            lines.write_record(record)
    return counts


def augment_file_with_model(
    source: Path,
    to: Path,
    model: Model,
    *,
    method: Method = "paraphrase",
    language: str = "German",
    progress: Progress = no_progress,
) -> Augmented:
    """Write the records of a file, each with a copy that a model worded anew; give the counts.

    What the model said stands in a journal beside the output until all is done: killed and run
    again, it goes on.
    """
    refuse_same(source, to)
    counts = Augmented()
    made_of = f"{REWRITE_PROMPT} {model.spec} {method} {language} {sha256_file(source)}"
    with Journal(_journal_of(to), made_of) as journal:
        records = told(load_records(source), "augmenting", progress)
        with write_lines(to) as lines:
            for record in augment_with_model(
                records, model, method=method, language=language, journal=journal, counts=counts
            ):
                lines.write_record(record)
    if not counts.failed:
        _journal_of(to).unlink()
    return counts


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
    made_of = f"{BUILD_PROMPT} {model.spec} {judge.spec} {sha256_file(questions)}"
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


def _journal_of(path: Path) -> Path:
    return path.with_name(f".{path.name}.journal")

"""The overlap of files of any known form, with the texts of what was found."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

from medllm.data.prepare.overlap import Overlap, Quoted, find_overlap, quote_matches
from medllm.data.prepare.sources import nothing_read
from medllm.data.progress import Progress, no_progress, told
from medllm.data.reading import Reading
from medllm.data.sets.catalogue import detect_set, read_set
from medllm.errors import DataError
from medllm.records import SftRecord


@dataclass(frozen=True, slots=True)
class FilesOverlap:
    """What was found, and where in the text."""

    found: Overlap
    examples: tuple[Quoted, ...]
    """The texts of the first matches, leaks first. Holds content."""
    n_without_answer: int
    """Evaluation records that were not looked at, since they have no answer or no question."""
    empty: tuple[str, ...]
    """The names of the files without a single byte, as `prepare` writes a split of no record."""

    def to_json(self) -> dict[str, Any]:
        """Give it as plain dicts and lists; no text but that of the examples."""
        return {
            **self.found.to_json(),
            "n_without_answer": self.n_without_answer,
            "empty": list(self.empty),
            "examples": [
                {
                    "kind": one.match.kind,
                    "evaluation": one.evaluation,
                    "training": one.training,
                    "is_leak": one.match.is_leak,
                }
                for one in self.examples
            ],
        }


def overlap_of_files(
    train: Path,
    evaluation: Sequence[Path],
    *,
    n_examples: int = 0,
    progress: Progress = no_progress,
) -> FilesOverlap:
    """Give what of the evaluation files stands in the training file.

    Each is a file of records or of any data set whose form tells which it is. The evaluation is
    held in memory, the training is streamed.

    Raises `DataError` where a file cannot be read, or one of its records is broken: what was not
    read was not looked at either.
    """
    reading = Reading()

    for path in (train, *evaluation):  # before hours are spent on the training
        _is_empty(path) or detect_set(path)

    def evaluated(reading: Reading) -> Iterator[SftRecord]:
        return chain.from_iterable(_open(path, reading) for path in evaluation)

    records = told(_open(train, Reading()), "looking for overlap", progress)
    found = find_overlap(records, evaluated(reading))
    examples = (
        quote_matches(found, _open(train, Reading()), evaluated(Reading()), most=n_examples)
        if n_examples and found.matches
        else []
    )
    empty = tuple(path.name for path in (train, *evaluation) if _is_empty(path))
    return FilesOverlap(found, tuple(examples), reading.left_out, empty)


def _open(path: Path, reading: Reading) -> Iterator[SftRecord]:
    """Give the records; raise `DataError` at the end where one was broken, or there was none."""
    if _is_empty(path):
        return
    n_broken, n_taken = reading.broken, reading.taken
    yield from read_set(detect_set(path), path, reading=reading)
    if reading.taken == n_taken:
        raise nothing_read(path, reading)
    if reading.broken > n_broken:
        raise DataError(
            f"{path}: {reading.broken - n_broken:,} records are broken and were not looked at, "
            f"{reading.problems[0] if reading.problems else ''}",
            hint="mend the file, or `medllm data read` it into records without them",
        )


def _is_empty(path: Path) -> bool:
    return path.is_file() and not path.stat().st_size

"""The first step of `prepare`: each source read, cleaned and de-identified into parts on disk.

A part is finished when its counts are there; a run that was killed goes on behind the last one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from medllm.data.prepare.clean import CleanRules, clean_record
from medllm.data.prepare.config import DeidentifyConfig, SourceConfig
from medllm.data.prepare.identifiers import deidentify_record
from medllm.data.prepare.split import SPLITS, hash_of
from medllm.data.progress import Progress
from medllm.data.reading import Place, Reading
from medllm.data.sft_files import (
    TASKS,
    LineWriter,
    read_records,
    record_to_line,
    to_line,
    write_lines,
)
from medllm.errors import DataError
from medllm.files import read_json, write_json
from medllm.records import SftRecord

PART_RECORDS = 20_000
RECORDS = "records"
"""The name of a source of files that medllm wrote."""


@dataclass
class SourceCounts:
    """What became of the records of a source before duplicates were looked for."""

    name: str
    read: int = 0
    not_read: int = 0
    """Left out by the reader: broken, or without what a record needs."""
    kept: int = 0
    changed: int = 0
    """Records in which cleaning changed something."""
    identifiers: int = 0
    """Identifiers that were replaced."""
    reasons: dict[str, int] = field(default_factory=dict)
    """Why cleaning left records out."""

    def add(self, part: dict[str, Any]) -> None:
        """Add the counts of a part."""
        self.read += part["read"]
        self.kept += part["kept"]
        self.changed += part["changed"]
        self.identifiers += part["identifiers"]
        for reason, n in part["reasons"].items():
            self.reasons[reason] = self.reasons.get(reason, 0) + n


class Rows(NamedTuple):
    """What the later steps need to know of each record, as parallel arrays."""

    group: NDArray[np.uint64]
    """Where the keyed hash puts its group, of 2**64 places."""
    identity: NDArray[np.uint64]
    """A hash of source and id."""
    split: NDArray[np.int8]
    """The number of its own split in `SPLITS`, or -1."""
    task: NDArray[np.int8]


class LoggedReading(Reading):
    """A reading that writes down every record that is left out, not only the first thousand."""

    def __init__(self, log: LineWriter, source: str) -> None:
        super().__init__()
        self._log = log
        self._source = source

    def leave_out(self, place: Place, reason: str) -> None:
        """Count, name and write down a record or a file that gives none."""
        super().leave_out(place, reason)
        where = {"file": place.path.name, "line": place.line, "record": place.record}
        entry: dict[str, Any] = {"source": self._source, "step": "read"}
        entry |= {name: value for name, value in where.items() if value is not None}
        self._log.write(to_line({**entry, "reason": reason}))


def open_source(source: SourceConfig, reading: Reading) -> Iterator[SftRecord]:
    """Give the records of a source, as its reader gives them.

    Raises `ConfigError` for an unknown name and `DataError` for what cannot be read.
    """
    if source.name == RECORDS:
        records = _read_files(source.path, reading)
    else:
        from medllm.data.sets.catalogue import read_set

        records = read_set(source.name, source.path, reading=reading, split=source.split or None)
    return islice(records, source.limit) if source.limit else records


def _read_files(path: Path, reading: Reading) -> Iterator[SftRecord]:
    """Give the records of a file, or of all `.jsonl` files of a folder."""
    files = sorted([*path.glob("*.jsonl"), *path.glob("*.jsonl.gz")]) if path.is_dir() else [path]
    for file in files:
        yield from read_records(file, reading)
    if not reading.taken:
        raise DataError(f"no record could be read from {path}", hint="see docs/data.md")


@dataclass(frozen=True, slots=True, kw_only=True)
class PartMaker:
    """How the records of a source are made fit."""

    rules: CleanRules
    deidentify: DeidentifyConfig
    secret: str
    """Of de-identification; empty where it is off."""
    key: str
    """Of the split."""

    def read_source(self, source: SourceConfig, folder: Path, progress: Progress) -> SourceCounts:
        """Write the parts of a source into `folder`, but for those that are there; give the counts.

        `progress` is told the source's name and how many records were read; 0 in all: not known.
        """
        done = folder / "done.json"
        if done.exists():
            return SourceCounts(**read_json(done))
        folder.mkdir(parents=True, exist_ok=True)
        counts = SourceCounts(source.name)
        with write_lines(folder / "not-read.jsonl") as log:
            reading = LoggedReading(log, source.name)
            records = open_source(source, reading)
            number = 0
            while part := self._part(records, folder, number):
                counts.add(part)
                number += 1
                progress(f"reading {source.name}", counts.read, 0)
            counts.not_read = reading.left_out
        write_json(done, asdict(counts))
        return counts

    def _part(
        self, records: Iterator[SftRecord], folder: Path, number: int
    ) -> dict[str, Any] | None:
        """Write one part, or skip the records of one that is there; None where none is left."""
        path = folder / f"part-{number:05d}.jsonl"
        finished = path.with_suffix(".json")
        if finished.exists():
            counts: dict[str, Any] = read_json(finished)
            for _ in islice(records, counts["read"]):
                pass
            return counts
        counts = self._write_part(islice(records, PART_RECORDS), path)
        if not counts["read"]:
            path.unlink()
            return None
        write_json(finished, counts)
        return counts

    def _write_part(self, records: Iterable[SftRecord], path: Path) -> dict[str, Any]:
        rows: list[tuple[int, int, int, int]] = []
        reasons: Counter[str] = Counter()
        n_read = n_changed = n_identifiers = 0
        with write_lines(path) as kept, write_lines(path.with_suffix(".left")) as left:
            for record in records:
                n_read += 1
                cleaned = clean_record(record, self.rules)
                if isinstance(cleaned, str):
                    reasons[cleaned] += 1
                    left.write(to_line(left_out(record, "clean", cleaned)))
                    continue
                n_changed += cleaned is not record
                if self.secret:
                    style = self.deidentify.style
                    cleaned, n = deidentify_record(cleaned, self.secret, style=style)
                    n_identifiers += n
                kept.write(record_to_line(cleaned))
                rows.append(self._row(cleaned))
        columns = np.array(rows, dtype=object).reshape(-1, 4).T
        _save_rows(path.with_suffix(".npz"), Rows(*_typed(columns)))
        return {
            "read": n_read,
            "kept": len(rows),
            "changed": n_changed,
            "identifiers": n_identifiers,
            "reasons": dict(sorted(reasons.items())),
        }

    def _row(self, record: SftRecord) -> tuple[int, int, int, int]:
        own = record.meta.get("split")
        split = SPLITS.index(own) if own in SPLITS else -1
        return (
            hash_of(record.group, self.key),
            hash_of(f"{record.source}\x1f{record.id}"),
            split,
            TASKS.index(record.task),
        )


def left_out(record: SftRecord, step: str, reason: str) -> dict[str, Any]:
    """Give the entry of a record that is left out: its id and the reason, never its text."""
    return {"source": record.source, "step": step, "id": record.id, "reason": reason}


def _typed(columns: NDArray[np.object_]) -> list[NDArray[Any]]:
    kinds = (np.uint64, np.uint64, np.int8, np.int8)
    return [column.astype(kind) for column, kind in zip(columns, kinds, strict=True)]


def _save_rows(path: Path, rows: Rows) -> None:
    # Before the counts, which say that the part is whole: so it need not be atomic.
    np.savez(path, **rows._asdict())


def part_files(folder: Path) -> list[Path]:
    """Give the finished parts of a source, in order."""
    return [path.with_suffix(".jsonl") for path in sorted(folder.glob("part-*.json"))]


def load_rows(folders: Iterable[Path]) -> Rows:
    """Give the rows of all parts of these sources, in order."""
    parts = []
    for folder in folders:
        for path in part_files(folder):
            with np.load(path.with_suffix(".npz")) as arrays:
                parts.append([arrays[name] for name in Rows._fields])
    if not parts:
        return Rows(*_typed(np.zeros((4, 0), dtype=object)))
    return Rows(*(np.concatenate(column) for column in zip(*parts, strict=True)))

"""The first step of `prepare`: each source read, cleaned and de-identified into parts on disk.

A part is finished when its counts are there; a run that was killed goes on behind the last one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from medllm.data.prepare.clean import CleanRules, clean_record
from medllm.data.prepare.config import DeidentifyConfig, SourceConfig
from medllm.data.prepare.identifiers import deidentify_record
from medllm.data.prepare.rows import Row, Rows, row_of, to_rows
from medllm.data.prepare.sources import LoggedReading, open_source
from medllm.data.progress import Progress
from medllm.data.sft_files import (
    record_to_line,
    to_line,
    write_lines,
)
from medllm.files import read_json, write_json
from medllm.records import SftRecord

PART_RECORDS = 20_000
NOT_READ = "not-read.jsonl"


@dataclass
class SourceCounts:
    """What became of the records of a source before duplicates were looked for."""

    name: str
    read: int = 0
    not_read: int = 0
    """Left out by the reader: broken, or without what a record needs."""
    broken: int = 0
    """Those of them that are damaged."""
    broken_places: list[str] = field(default_factory=list)
    """Where the first of these stand, and what is wrong with them."""
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


@dataclass(frozen=True, slots=True, kw_only=True)
class PartMaker:
    """How the records of a source are made fit."""

    rules: CleanRules
    deidentify: DeidentifyConfig
    secret: str
    """Of de-identification; empty where it is off."""
    key: str
    """Of the split."""
    keeps_text: bool = True
    """Whether the text of what is left out is written beside the reason."""

    def read_source(self, source: SourceConfig, folder: Path, progress: Progress) -> SourceCounts:
        """Write the parts of a source into `folder`, but for those that are there; give the counts.

        `progress` is told the source's name and how many records were read; 0 in all: not known.
        """
        done = folder / "done.json"
        if done.exists():
            return SourceCounts(**read_json(done))
        folder.mkdir(parents=True, exist_ok=True)
        counts = SourceCounts(source.name)
        with write_lines(folder / NOT_READ) as log:
            reading = LoggedReading(log, source.name)
            records = open_source(source, reading)
            number = 0
            while part := self._part(records, folder, number):
                counts.add(part)
                number += 1
                progress(f"reading {source.name}", counts.read, 0)
            counts.not_read, counts.broken = reading.left_out, reading.broken
            counts.broken_places = reading.broken_places
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
        rows: list[Row] = []
        reasons: Counter[str] = Counter()
        n_read = n_changed = n_identifiers = 0
        with write_lines(path) as kept, write_lines(path.with_suffix(".left")) as left:
            for record in records:
                n_read += 1
                cleaned = clean_record(record, self.rules)
                if isinstance(cleaned, str):
                    reasons[cleaned] += 1
                    entry = left_out(
                        self._hidden(record)[0], "clean", cleaned, text=self.keeps_text
                    )
                    left.write(to_line(entry))
                    continue
                n_changed += cleaned is not record
                cleaned, n = self._hidden(cleaned)
                n_identifiers += n
                kept.write(record_to_line(cleaned))
                rows.append(row_of(cleaned, self.key))
        _save_rows(path.with_suffix(".npz"), to_rows(rows))
        return {
            "read": n_read,
            "kept": len(rows),
            "changed": n_changed,
            "identifiers": n_identifiers,
            "reasons": dict(sorted(reasons.items())),
        }

    def _hidden(self, record: SftRecord) -> tuple[SftRecord, int]:
        """Give the record without identifiers, where that is wanted, and how many it had."""
        if not self.secret:
            return record, 0
        return deidentify_record(record, self.secret, style=self.deidentify.style)


def left_out(record: SftRecord, step: str, reason: str, *, text: bool) -> dict[str, Any]:
    """Give the entry of a record that is left out: its id and the reason, its text if wanted."""
    entry: dict[str, Any] = {
        "source": record.source,
        "step": step,
        "id": record.id,
        "reason": reason,
    }
    if text:
        entry["messages"] = [asdict(turn) for turn in record.messages]
    return entry


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
        return to_rows([])
    return Rows(*(np.concatenate(column) for column in zip(*parts, strict=True)))

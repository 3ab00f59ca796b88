"""A source of `prepare`, opened: its records, and by place what its reader leaves out."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

from medllm.data.prepare.config import SourceConfig
from medllm.data.prepare.split import SPLITS
from medllm.data.reading import BadInputError, Place, Problem, Reading
from medllm.data.sets.splits import split_named
from medllm.data.sft_files import LineWriter, read_records, to_line
from medllm.errors import ConfigError, DataError
from medllm.records import SftRecord

RECORDS = "records"
"""The name of a source of files that medllm wrote."""
_MAX_NAMED = 5


class LoggedReading(Reading):
    """A reading that writes down every record that is left out, not only the first thousand."""

    def __init__(self, log: LineWriter, source: str) -> None:
        super().__init__()
        self._log = log
        self._source = source
        self.broken_places: list[str] = []

    def leave_out(self, place: Place, reason: str | BadInputError) -> None:
        """Count, name and write down a record or a file that gives none."""
        n_broken = self.broken
        super().leave_out(place, reason)
        if self.broken > n_broken and len(self.broken_places) < _MAX_NAMED:
            problem = Problem(Path(place.path.name), str(reason), place.line, place.record)
            self.broken_places.append(str(problem))
        where = {"file": place.path.name, "line": place.line, "record": place.record}
        entry: dict[str, Any] = {"source": self._source, "step": "read"}
        entry |= {name: value for name, value in where.items() if value is not None}
        self._log.write(to_line({**entry, "reason": str(reason)}))


def open_source(source: SourceConfig, reading: Reading) -> Iterator[SftRecord]:
    """Give the records of a source, as its reader gives them.

    Raises `ConfigError` for an unknown name and `DataError` for what cannot be read.
    """
    if source.name == RECORDS:
        records = _read_files(_record_files(source.path), source.path, reading)
        if wanted := _split_of(source):
            records = (record for record in records if record.meta.get("split") == wanted)
    else:
        from medllm.data.sets.catalogue import read_set

        records = read_set(source.name, source.path, reading=reading, split=source.split or None)
    return islice(records, source.limit) if source.limit else records


def _split_of(source: SourceConfig) -> str:
    if source.split and not split_named(source.split):
        raise ConfigError(f"unknown split {source.split}", hint=f"one of {', '.join(SPLITS)}")
    return split_named(source.split)


def _record_files(path: Path) -> list[Path]:
    """Give a file, or all `.jsonl` files of a folder; raise `DataError` where there is none."""
    files = sorted([*path.glob("*.jsonl"), *path.glob("*.jsonl.gz")]) if path.is_dir() else [path]
    if not files or not files[0].is_file():
        said = "holds no .jsonl file" if path.is_dir() else "is no file"
        raise DataError(f"cannot read {path}: it {said}", hint="name a file of records")
    return files


def _read_files(files: list[Path], path: Path, reading: Reading) -> Iterator[SftRecord]:
    for file in files:
        yield from read_records(file, reading)
    if not reading.taken:
        raise nothing_read(path, reading)


def nothing_read(path: Path, reading: Reading) -> DataError:
    """Give the error for a source without a single record."""
    why = f": {reading.problems[0]}" if reading.problems else ""
    return DataError(
        f"no record could be read from {path}{why}",
        hint="`records` are files that medllm wrote; other files are read by the name of their "
        "form, see `medllm data list`",
    )

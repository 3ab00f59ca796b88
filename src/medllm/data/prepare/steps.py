"""The steps of `prepare` one by one, on files: paths in, a file of records out, counts back.

Each result is a file of JSON Lines, one `SftRecord` a line, that the next step takes. What a step
leaves out stands beside it, in NAME.left_out.jsonl, with its reason and its text.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from medllm.data.prepare.assign import assign_splits, own_splits
from medllm.data.prepare.clean import CleanRules, clean_record
from medllm.data.prepare.config import MixConfig, PrepareConfig, SourceConfig, SplitConfig
from medllm.data.prepare.duplicates import find_duplicates
from medllm.data.prepare.mix import mix_by, numbered
from medllm.data.prepare.near import MIN_ANSWER
from medllm.data.prepare.parts import left_out
from medllm.data.prepare.rows import row_of, to_rows
from medllm.data.prepare.sources import RECORDS, LoggedReading, open_source
from medllm.data.prepare.split import SPLITS
from medllm.data.progress import Progress, no_progress, told
from medllm.data.sft_files import LineWriter, load_records, refuse_same, to_line, write_lines
from medllm.data.store import RecordStore
from medllm.errors import ConfigError, DataError
from medllm.files import disk_errors


@dataclass
class StepCounts:
    """What a step took, gave and left out, and why."""

    read: int = 0
    written: int = 0
    left_out: int = 0
    broken: int = 0
    """Of what was left out by a reader: damaged, or of another form."""
    broken_places: list[str] = field(default_factory=list)
    """Where the first of these stand."""
    reasons: dict[str, int] = field(default_factory=dict)


def read_file(
    name: str,
    path: Path,
    to: Path,
    *,
    split: str = "",
    limit: int = 0,
    progress: Progress = no_progress,
) -> StepCounts:
    """Write a data set as records, as its reader gives them; `limit` reads the first so many.

    Raises `ConfigError` for an unknown data set, `DataError` for what cannot be read.
    """
    refuse_same(path, to)
    source = SourceConfig(name=name, path=path, split=split, limit=limit)
    counts = StepCounts()
    with _two_files(to) as (lines, left):
        reading = LoggedReading(left, name)
        for record in told(open_source(source, reading), f"reading {name}", progress):
            lines.write_record(record)
        counts.written, counts.left_out = lines.n_lines, left.n_lines
        counts.read = counts.written + counts.left_out
        counts.broken, counts.broken_places = reading.broken, reading.broken_places
    return counts


def clean_file(
    source: Path, to: Path, rules: CleanRules, *, progress: Progress = no_progress
) -> StepCounts:
    """Write the records of a file cleaned, without those that `rules` leave out."""
    refuse_same(source, to)
    counts = StepCounts()
    reasons: Counter[str] = Counter()
    with _two_files(to) as (lines, left):
        for record in told(load_records(source), "cleaning", progress):
            counts.read += 1
            cleaned = clean_record(record, rules)
            if isinstance(cleaned, str):
                reasons[cleaned] += 1
                left.write(to_line(left_out(record, "clean", cleaned, text=True)))
            else:
                lines.write_record(cleaned)
        counts.written, counts.left_out = lines.n_lines, left.n_lines
    counts.reasons = dict(sorted(reasons.items()))
    return counts


def dedupe_files(
    sources: Sequence[Path],
    to: Path,
    *,
    near: bool = True,
    agreement: float = MIN_ANSWER,
    progress: Progress = no_progress,
) -> StepCounts:
    """Write the records of several files without duplicates; of two the earlier is kept.

    `agreement` is that of `find_duplicates`.
    """
    for source in sources:
        refuse_same(source, to)
        _check(source, progress)
    counts = StepCounts()
    store = RecordStore(sources)
    with TemporaryDirectory(dir=to.parent, prefix=f".{to.name}.") as folder:
        found = find_duplicates(
            store, near=near, agreement=agreement, folder=Path(folder), progress=progress
        )
        with _two_files(to) as (lines, left):
            for record, of, is_near in zip(store, found.of, found.near, strict=True):
                if of < 0:
                    lines.write_record(record)
                    continue
                reason = f"is a{' near' if is_near else 'n exact'} duplicate"
                kept = store[int(of)]
                entry = left_out(record, "duplicates", reason, text=True)
                left.write(to_line({**entry, "of": {"source": kept.source, "id": kept.id}}))
            counts.written, counts.left_out = lines.n_lines, left.n_lines
    store.close()
    counts.read = len(store)
    exact, copies = found.n_exact, found.n_near
    counts.reasons = {"is an exact duplicate": exact, "is a near duplicate": copies}
    return counts


def split_file(
    source: Path,
    folder: Path,
    split: SplitConfig,
    *,
    held_out: int = 0,
    keep_held_out: Path | None = None,
    progress: Progress = no_progress,
) -> dict[str, int]:
    """Write train.jsonl, validation.jsonl and test.jsonl into a folder; give their counts.

    Raises `ConfigError` where there are not more groups than are to be held out.
    """
    if folder.exists() and not folder.is_dir():
        raise DataError(f"{folder} is not a folder", hint="name another place")
    config = SourceConfig(name=RECORDS, path=source, held_out=held_out, keep_held_out=keep_held_out)
    settings = PrepareConfig(sources=[config], split=split)
    rows = to_rows(
        row_of(record, split.key) for record in told(load_records(source), "splitting", progress)
    )
    source_of = np.zeros(len(rows.group), dtype=np.int64)
    own = own_splits(settings, rows, source_of)
    splits = assign_splits(settings, rows, source_of, own, np.ones(len(own), dtype=np.bool_))
    with disk_errors(str(folder)):
        folder.mkdir(parents=True, exist_ok=True)
    counts: dict[str, int] = {}
    for number, name in enumerate(SPLITS):
        to = folder / f"{name}.jsonl"
        refuse_same(source, to)
        with write_lines(to) as lines:
            for record, its in zip(load_records(source), splits, strict=True):
                if its == number:
                    lines.write_record(record)
            counts[name] = lines.n_lines
    return counts


def mix_files(
    sources: Sequence[Path],
    to: Path,
    mix: MixConfig,
    *,
    weights: Sequence[float] = (),
    key: str = "medllm",
    progress: Progress = no_progress,
) -> dict[str, int]:
    """Write the records of several files as one mix; give how many came from each.

    Another `key` gives another order.
    """
    if weights and len(weights) != len(sources):
        raise ConfigError(
            f"there are {len(sources)} files and {len(weights)} weights", hint="give one for each"
        )
    for source in sources:
        refuse_same(source, to)
        _check(source, progress)
    store = RecordStore(sources)
    rows = to_rows(row_of(record, "") for record in told(store, "mixing", progress, len(store)))
    sizes = [len(RecordStore([source])) for source in sources]
    source_of = np.repeat(np.arange(len(sources)), sizes)
    taken, copies = mix_by(
        mix, weights or [1.0] * len(sources), np.arange(len(store)), rows, source_of, key=key
    )
    with write_lines(to) as lines:
        for at, copy in zip(taken, copies, strict=True):
            lines.write_record(numbered(store[int(at)], int(copy)))
    store.close()
    found = np.bincount(source_of[taken], minlength=len(sources))
    return {str(source): int(n) for source, n in zip(sources, found, strict=True)}


@contextmanager
def _two_files(to: Path) -> Iterator[tuple[LineWriter, LineWriter]]:
    """Open the result and, beside it, the file of what is left out; the result appears last."""
    if to.is_dir():
        raise DataError(f"{to} is a folder", hint="name a file in it")
    if not to.parent.is_dir():
        raise DataError(f"the folder {to.parent} does not exist", hint=f"mkdir -p {to.parent}")
    with write_lines(to) as lines, write_lines(left_out_path(to)) as left:
        yield lines, left


def left_out_path(to: Path) -> Path:
    """Give the place of what a step leaves out: a.left_out.jsonl beside a.jsonl."""
    return to.with_name(f"{to.name.removesuffix('.jsonl')}.left_out.jsonl")


def _check(source: Path, progress: Progress) -> None:
    """Raise `DataError` where a file holds anything but records, before it is read at random."""
    for _ in told(load_records(source), f"checking {source.name}", progress):
        pass

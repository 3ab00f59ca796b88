"""From data sets to clean, split, leak-free training records, with a report, however often stopped.

    sources -> parts (read, cleaned, de-identified) -> duplicates -> splits -> overlap -> files

What is unfinished stands in `.work` within the output folder. The files appear under their names at
the end, the manifest last: a folder with a manifest is whole. The same settings on the same input
give the same bytes, also when a run was killed in between.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from medllm.data.prepare.assign import (
    LEFT_OUT,
    assign_splits,
    drop_duplicates,
    own_splits,
    repeated_ids,
)
from medllm.data.prepare.config import PrepareConfig, SourceConfig
from medllm.data.prepare.duplicates import Duplicates
from medllm.data.prepare.identifiers import read_secret
from medllm.data.prepare.leaks import check_overlap, refuse_overlap
from medllm.data.prepare.outputs import Gathered, check_place, publish, write_outputs
from medllm.data.prepare.overlap import Overlap
from medllm.data.prepare.parts import (
    NOT_READ,
    PartMaker,
    SourceCounts,
    load_rows,
    part_files,
)
from medllm.data.prepare.sources import open_source
from medllm.data.prepare.split import hash_of
from medllm.data.progress import Progress, no_progress
from medllm.data.reading import Reading
from medllm.data.store import RecordStore
from medllm.errors import DataError
from medllm.files import disk_errors, read_json, write_json

WORK = ".work"


@dataclass(frozen=True, slots=True)
class Prepared:
    """What `prepare` wrote."""

    folder: Path
    report: dict[str, Any]
    """What stands in report.json."""
    overlap: Overlap


def prepare(settings: PrepareConfig, out: Path, *, progress: Progress = no_progress) -> Prepared:
    """Run all steps and write the splits, what was left out, the report and the manifest to `out`.

    `progress` is told the step, how much of it is done, and how much there is (0: not known).

    Raises:
        ConfigError: a source has an unknown name, or too few groups to hold out.
        DataError: a source cannot be read or is broken, `out` holds another run or one works in it,
            or the splits overlap; then only overlap.json is written. What is done is kept for the
            next run.
    """
    deidentify = settings.deidentify
    secret = read_secret(deidentify.secret_file) if deidentify.on else ""
    rules = settings.clean.rules()
    _check_inputs(settings)
    check_place(settings, out)
    work = out / WORK
    with disk_errors(str(out)):
        work.mkdir(parents=True, exist_ok=True)
    with _alone(work):
        maker = PartMaker(
            rules=rules,
            deidentify=deidentify,
            secret=secret,
            key=settings.split.key,
            keeps_text=settings.left_out_text,
        )
        folders, digests, counts = _read_sources(settings, maker, work, progress)
        if settings.broken == "refuse":
            _refuse_broken(counts, folders)
        gathered = _gather(settings, folders, digests, counts, work, progress)
        found, removed = check_overlap(
            settings, gathered.store, gathered.rows, gathered.splits, progress
        )
        if settings.overlap.action == "refuse" and found.n_leaked:
            path = out / "overlap.json"
            write_json(path, found.to_json())
            raise refuse_overlap(found, path)
        gathered.leaked[removed] = True
        gathered.splits[removed] = LEFT_OUT
        report = write_outputs(settings, gathered, found, work, progress)
        publish(settings, report, work, out)
        gathered.store.close()
    shutil.rmtree(work)
    return Prepared(out, report, found)


def _check_inputs(settings: PrepareConfig) -> None:
    """Raise for what cannot be read, before anything is made."""
    for source in settings.sources:
        open_source(source, Reading())
    earlier = [source.keep_held_out for source in settings.sources]
    for path in (*earlier, settings.augment.wordnet):
        if path and not path.exists():
            raise DataError(f"cannot read {path}: no such file or folder", hint="see docs/data.md")


def _refuse_broken(counts: list[SourceCounts], folders: list[Path]) -> None:
    """Raise `DataError` for the first source with broken records; names places, no content."""
    for count, folder in zip(counts, folders, strict=True):
        if not count.broken:
            continue
        named = "; ".join(count.broken_places)
        more = count.broken - len(count.broken_places)
        rest = f"; and {more:,} more" if more else ""
        what = "records or files are" if count.broken > 1 else "record or file is"
        raise DataError(
            f"{count.name}: {count.broken:,} {what} broken: {named}{rest} "
            f"(all of them in {folder / NOT_READ})",
            hint='mend the file; --set prepare.broken="leave out" goes on without them',
        )


@contextmanager
def _alone(work: Path) -> Iterator[None]:
    """Hold the folder for this process; raise `DataError` where another one works in it."""
    import fcntl

    with (work / "lock").open("w") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as exc:
            raise DataError(
                f"another run works in {work.parent}", hint="wait for it, or name another folder"
            ) from exc
        yield


def _read_sources(
    settings: PrepareConfig, maker: PartMaker, work: Path, progress: Progress
) -> tuple[list[Path], list[str], list[SourceCounts]]:
    """Bring each source into parts; what was made of other settings or other input goes first."""
    folders, digests, counts = [], [], []
    for number, source in enumerate(settings.sources):
        folder = work / f"source-{number:02d}"
        digest = _source_digest(settings, source)
        stamp = folder / "made-of.json"
        if folder.exists() and (not stamp.exists() or read_json(stamp) != digest):
            shutil.rmtree(folder)
        folder.mkdir(exist_ok=True)
        write_json(stamp, digest)
        folders.append(folder)
        digests.append(digest)
        counts.append(maker.read_source(source, folder, progress))
    for stale in work.glob("source-*"):
        if stale not in folders:
            shutil.rmtree(stale)
    return folders, digests, counts


def _source_digest(settings: PrepareConfig, source: SourceConfig) -> str:
    """Give a digest of what decides the parts of a source; its files by size and time of change."""
    files = [source.path] if not source.path.is_dir() else sorted(source.path.rglob("*"))
    try:
        states = [(str(file), file.stat().st_size, file.stat().st_mtime_ns) for file in files]
    except OSError:
        states = []  # the reader says what is wrong
    return _digest(
        [
            source.model_dump(mode="json", include={"name", "path", "split", "limit"}),
            settings.clean.model_dump(mode="json"),
            settings.deidentify.model_dump(mode="json"),
            settings.split.key,
            settings.left_out_text,
            states,
        ]
    )


def _gather(
    settings: PrepareConfig,
    folders: list[Path],
    digests: list[str],
    counts: list[SourceCounts],
    work: Path,
    progress: Progress,
) -> Gathered:
    """Find duplicates among the parts and split what is kept."""
    store = RecordStore([path for folder in folders for path in part_files(folder)])
    if not len(store):
        raise DataError("no record is left after cleaning", hint="see the reasons in `.work`")
    rows = load_rows(folders)
    source_of = np.repeat(np.arange(len(folders)), [count.kept for count in counts])
    own = own_splits(settings, rows, source_of)
    made_of = _digest([digests, settings.duplicates.model_dump(), own.tobytes().hex()])
    duplicates = _load_duplicates(work, made_of)
    if duplicates is None:
        duplicates = drop_duplicates(settings, store, rows, own, work, progress)
        _save_duplicates(work, made_of, duplicates)
    kept = duplicates.of < 0
    repeated = repeated_ids(rows, kept)
    kept &= ~repeated
    return Gathered(
        folders=folders,
        counts=counts,
        store=store,
        rows=rows,
        source_of=source_of,
        duplicates=duplicates,
        repeated=repeated,
        splits=assign_splits(settings, rows, source_of, own, kept),
        leaked=np.zeros(len(store), dtype=np.bool_),
    )


def _load_duplicates(work: Path, made_of: str) -> Duplicates | None:
    stamp, path = work / "duplicates.json", work / "duplicates.npz"
    if not stamp.exists() or read_json(stamp) != made_of:
        return None
    with np.load(path) as arrays:
        return Duplicates(arrays["of"], arrays["near"])


def _save_duplicates(work: Path, made_of: str, duplicates: Duplicates) -> None:
    (work / "duplicates.json").unlink(missing_ok=True)
    np.savez(work / "duplicates.npz", of=duplicates.of, near=duplicates.near)
    write_json(work / "duplicates.json", made_of)


def _digest(value: object) -> str:
    """Give a short digest of plain data."""
    return f"{hash_of(json.dumps(value, sort_keys=True, default=str)):016x}"

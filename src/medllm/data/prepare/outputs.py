"""The last steps of `prepare`: the splits, what was left out, the report, the manifest."""

from __future__ import annotations

import os
import platform
import unicodedata
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from medllm import __version__
from medllm.data.prepare.config import PrepareConfig
from medllm.data.prepare.duplicates import Duplicates
from medllm.data.prepare.mix import mix_by, numbered
from medllm.data.prepare.overlap import Overlap
from medllm.data.prepare.parts import NOT_READ, SourceCounts, left_out, part_files
from medllm.data.prepare.rows import Rows
from medllm.data.prepare.split import SPLITS
from medllm.data.progress import Progress, told
from medllm.data.sft_files import TASKS, LineWriter, to_line, write_lines
from medllm.data.store import RecordStore
from medllm.errors import DataError
from medllm.files import disk_errors, read_json, sync_dir, write_json
from medllm.manifest import commit, digest_input
from medllm.records import SftRecord

FORMAT = 1
LEFT_OUT_FILE = "left_out.jsonl"
OUTPUTS = (*(f"{split}.jsonl" for split in SPLITS), LEFT_OUT_FILE, "overlap.json", "report.json")
MANIFEST = "manifest.json"

_TRAIN = SPLITS.index("train")


@dataclass(frozen=True, slots=True, kw_only=True)
class Gathered:
    """All records of all sources, and what the steps made of them; arrays go by record."""

    folders: list[Path]
    counts: list[SourceCounts]
    store: RecordStore
    rows: Rows
    source_of: NDArray[np.int64]
    duplicates: Duplicates
    repeated: NDArray[np.bool_]
    """Those with the id of another record."""
    splits: NDArray[np.int8]
    """The number of the split, -1 for what is left out."""
    leaked: NDArray[np.bool_]
    """Those of the training split that hold evaluation text and are left out."""


def write_outputs(
    settings: PrepareConfig, gathered: Gathered, found: Overlap, work: Path, progress: Progress
) -> dict[str, Any]:
    """Write everything but the manifest into `work`; give the report."""
    outputs = {}
    for number, name in enumerate(SPLITS):
        progress(f"writing {name}", 0, 0)
        with write_lines(work / f"{name}.jsonl") as lines:
            if number == _TRAIN:
                augmented = _write_train(settings, gathered, lines, progress)
            else:
                for at in np.flatnonzero(gathered.splits == number):
                    lines.write_record(gathered.store[int(at)])
        outputs[name] = lines.n_lines
    n_left_out = _write_left_out(gathered, work, text=settings.left_out_text)
    write_json(work / "overlap.json", found.to_json())
    report = {
        "format": FORMAT,
        "sources": [_source_report(gathered, at) for at in range(len(gathered.counts))],
        "tasks": _table(gathered, gathered.rows.task, list(TASKS)),
        "records": outputs,
        "groups": _group_counts(gathered),
        "left_out": n_left_out,
        "augmented": augmented,
        "overlap": {
            "verdict": found.verdict,
            "evaluation": found.n_evaluation,
            "leaked": found.n_leaked,
            "touched": found.n_touched,
            "left_out_of_training": int(gathered.leaked.sum()),
        },
    }
    write_json(work / "report.json", report)
    return report


def _write_train(
    settings: PrepareConfig, gathered: Gathered, lines: LineWriter, progress: Progress
) -> dict[str, Any]:
    """Write the mix, with augmented copies behind their originals; give the counts of these."""
    from medllm.data.augment.synonyms import Augmented, augment_with_synonyms
    from medllm.data.augment.wordnet import load_synonyms

    records, augment, counts = _mixed(settings, gathered), settings.augment, Augmented()
    if augment.wordnet:
        synonyms, key = load_synonyms(augment.wordnet), settings.split.key
        records = augment_with_synonyms(
            records, synonyms, share=augment.share, key=key, counts=counts
        )
    for record in told(records, "writing train", progress):
        lines.write_record(record)
    return asdict(counts)


def _mixed(settings: PrepareConfig, gathered: Gathered) -> Iterator[SftRecord]:
    train = np.flatnonzero(gathered.splits == _TRAIN)
    weights = [source.weight for source in settings.sources]
    rows, copies = mix_by(
        settings.mix, weights, train, gathered.rows, gathered.source_of, key=settings.split.key
    )
    for at, copy in zip(rows, copies, strict=True):
        record = gathered.store[int(at)]
        yield numbered(record, int(copy))


def _write_left_out(gathered: Gathered, work: Path, *, text: bool) -> int:
    """Write why each record was left out: those of the reader first, then step by step."""
    with write_lines(work / LEFT_OUT_FILE) as lines:
        for folder in gathered.folders:
            pieces = [folder / NOT_READ]
            pieces += [part.with_suffix(".left") for part in part_files(folder)]
            for piece in pieces:
                with piece.open(encoding="utf-8", newline="\n") as handle:
                    for line in handle:
                        lines.write(line)
        for at in np.flatnonzero(gathered.splits < 0):
            lines.write(to_line(_why(gathered, int(at), text=text)))
    return lines.n_lines


def _why(gathered: Gathered, at: int, *, text: bool) -> dict[str, Any]:
    """Give the entry of a record that cleaning kept and a later step left out."""
    record = gathered.store[at]
    original = int(gathered.duplicates.of[at])
    if original >= 0:
        of = gathered.store[original]
        is_near = bool(gathered.duplicates.near[at])
        reason = f"is a{' near' if is_near else 'n exact'} duplicate"
        entry = left_out(record, "duplicates", reason, text=text)
        return {**entry, "of": {"source": of.source, "id": of.id}}
    if gathered.leaked[at]:
        return left_out(record, "overlap", "holds text of an evaluation record", text=text)
    return left_out(record, "duplicates", "has the id of another record", text=text)


def _source_report(gathered: Gathered, number: int) -> dict[str, Any]:
    mine = gathered.source_of == number
    copied = mine & (gathered.duplicates.of >= 0)
    return {
        **asdict(gathered.counts[number]),
        "exact_duplicates": int((copied & ~gathered.duplicates.near).sum()),
        "near_duplicates": int((copied & gathered.duplicates.near).sum()),
        "repeated_ids": int((mine & gathered.repeated).sum()),
        "leaked": int((mine & gathered.leaked).sum()),
        "splits": {
            name: int((mine & (gathered.splits == at)).sum()) for at, name in enumerate(SPLITS)
        },
    }


def _table(gathered: Gathered, values: NDArray[np.int8], names: list[str]) -> dict[str, Any]:
    """Count records by a value and by split, without rows of zeros."""
    table = {}
    for number, name in enumerate(names):
        counts = {
            split: int(((values == number) & (gathered.splits == at)).sum())
            for at, split in enumerate(SPLITS)
        }
        if any(counts.values()):
            table[name] = counts
    return table


def _group_counts(gathered: Gathered) -> dict[str, int]:
    groups, splits = gathered.rows.group, gathered.splits
    return {name: len(np.unique(groups[splits == at])) for at, name in enumerate(SPLITS)}


def check_place(settings: PrepareConfig, out: Path) -> None:
    """Raise `DataError` where `out` holds anything but an unfinished run, or this very run."""
    if settings.overwrite or not out.exists():
        return
    if not out.is_dir():
        raise DataError(f"{out} is not a folder", hint="name another place")
    hint = "name another folder, or --overwrite"
    if not (out / MANIFEST).exists():
        # A killed run may have put some of its files in place: it left its work there too.
        if not (out / ".work").exists() and any((out / name).exists() for name in OUTPUTS):
            raise DataError(f"{out} holds files that no run of medllm finished", hint=hint)
        return
    manifest = read_json(out / MANIFEST)
    now = {"settings": _settings(settings), "inputs": _inputs(settings)}
    if any(manifest.get(name) != value for name, value in now.items()):
        raise DataError(f"{out} holds a run of other settings or other input", hint=hint)


def _settings(settings: PrepareConfig) -> dict[str, Any]:
    """Give the settings that decide what is written."""
    return settings.model_dump(mode="json", exclude={"overwrite"})


def _inputs(settings: PrepareConfig) -> list[dict[str, Any]]:
    return [asdict(digest_input(source.path)) for source in settings.sources]


def publish(settings: PrepareConfig, report: dict[str, Any], work: Path, out: Path) -> None:
    """Move the files to their place, then write the manifest: only with it is the folder whole."""
    inputs = _inputs(settings)
    with disk_errors(str(out)):
        (out / MANIFEST).unlink(missing_ok=True)
        sync_dir(out)
        outputs = []
        for name in OUTPUTS:
            os.replace(work / name, out / name)
            outputs.append(asdict(digest_input(out / name)))
        sync_dir(out)
    write_json(
        out / MANIFEST,
        {
            "format": FORMAT,
            "command": "data prepare",
            "medllm": __version__,
            "commit": commit(),
            "python": platform.python_version(),
            "packages": {"numpy": np.__version__, "unicode": unicodedata.unidata_version},
            "settings": _settings(settings),
            "inputs": inputs,
            "outputs": outputs,
            "counts": report,
        },
    )

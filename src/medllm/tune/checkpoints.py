"""Checkpoints that are whole: each has a list of its files with their digests, written last.

A process may be killed, a disk may fill at any moment: what has no such list, or differs from it,
is not gone on from.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from medllm.errors import DataError
from medllm.files import read_json, sha256_file, write_json

CHECKPOINTS = "checkpoints"
MARK = "complete.json"
_PREFIX = "checkpoint-"


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A checkpoint on disk and the counters that belong to it."""

    folder: Path
    counters: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Found:
    """The newest whole checkpoint, and the names of newer ones that are broken."""

    checkpoint: Checkpoint | None
    broken: tuple[str, ...]


def mark_complete(folder: Path, counters: dict[str, Any]) -> None:
    """Write down that a checkpoint is whole, with the run's counters at that step."""
    files = {
        path.relative_to(folder).as_posix(): sha256_file(path)
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != MARK
    }
    write_json(folder / MARK, {"files": files, "counters": counters})


def read_checkpoint(folder: Path) -> Checkpoint | None:
    """Give a checkpoint that is whole to the last byte; None for any other."""
    try:
        mark = read_json(folder / MARK)
        files, counters = mark["files"], mark["counters"]
        is_whole = all(sha256_file(folder / name) == digest for name, digest in files.items())
    except (DataError, OSError, TypeError, KeyError, AttributeError):
        return None
    return Checkpoint(folder, dict(counters)) if files and is_whole else None


def find_newest(folder: Path) -> Found:
    """Give the newest whole checkpoint of a run, and say which newer ones are broken."""
    broken: list[str] = []
    for path in sorted(_folders(folder), key=_step, reverse=True):
        checkpoint = read_checkpoint(path)
        if checkpoint is not None:
            return Found(checkpoint, tuple(broken))
        broken.append(path.name)
    return Found(None, tuple(broken))


def check_parts(checkpoint: Checkpoint, n_shards: int) -> None:
    """Raise `DataError` where a checkpoint is in parts (FSDP) and the run that goes on is not."""
    parts = {path.name.split("_")[2] for path in checkpoint.folder.rglob("__*_*.distcp")}
    if parts and n_shards == 1:
        raise DataError(
            f"{checkpoint.folder} was written in parts by {len(parts)} processes",
            hint="go on as the run was begun: accelerate launch with FSDP",
        )


def remove_newer(folder: Path, step: int) -> None:
    """Take away checkpoints beyond a step, which the run will write again."""
    for path in _folders(folder):
        if _step(path) > step:
            shutil.rmtree(path)


def step_of(checkpoint: Checkpoint | None) -> int:
    """Give the step that a checkpoint was written at; 0 without one."""
    return _step(checkpoint.folder) if checkpoint else 0


def _folders(folder: Path) -> list[Path]:
    return [path for path in folder.glob(f"{_PREFIX}*") if path.is_dir() and _step(path) >= 0]


def _step(path: Path) -> int:
    number = path.name.removeprefix(_PREFIX)
    return int(number) if number.isdigit() else -1

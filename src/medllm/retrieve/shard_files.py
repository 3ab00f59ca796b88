"""The engine's files as files: which there are, how large, copied without their holes."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from medllm.files import sha256_text

_BLOCK = 2**20


def files_digest(shard: Path) -> str:
    """Digest the names and sizes of the files of shards that were closed, their logs apart.

    The engine itself opens a shard that lacks some of its files, or with some cut short, without
    a word, and with fewer points. A byte changed inside a file is not noticed here.
    """
    sizes = sorted(
        (str(path.relative_to(shard)), path.stat().st_size)
        for path in _files(shard)
        if "wal" not in path.relative_to(shard).parts
    )
    return sha256_text(repr(sizes))


def allocated_bytes(folder: Path) -> int:
    """Give how much of the disk the files take; the engine's are mostly holes."""
    return sum(512 * path.stat().st_blocks for path in _files(folder))


def copy_files(folder: Path, to: Path) -> None:
    """Copy every file of a folder, holes as holes; raise `OSError` like `open` and `write`."""
    for path in _files(folder):
        target = to / path.relative_to(folder)
        target.parent.mkdir(parents=True, exist_ok=True)
        _copy_file(path, target)


def _files(folder: Path) -> Iterator[Path]:
    return (Path(base) / name for base, _, names in os.walk(folder) for name in names)


def _copy_file(path: Path, to: Path) -> None:
    size = path.stat().st_size
    with path.open("rb") as source, to.open("wb") as target:
        for start, end in _data_extents(source.fileno(), size):
            source.seek(start)
            target.seek(start)
            while start < end:
                start += target.write(source.read(min(_BLOCK, end - start)))
        target.truncate(size)
    shutil.copymode(path, to)


def _data_extents(descriptor: int, size: int) -> Iterator[tuple[int, int]]:
    """Give the stretches of a file that are no holes; all of it where that is not known."""
    end = 0
    while end < size:
        try:
            start = os.lseek(descriptor, end, os.SEEK_DATA)
            end = os.lseek(descriptor, start, os.SEEK_HOLE)
        except (AttributeError, OSError):  # no such call; or, on Linux, only a hole is left
            if end == 0 and not _knows_holes(descriptor):
                yield 0, size
            return
        yield start, min(end, size)


def _knows_holes(descriptor: int) -> bool:
    try:
        return os.lseek(descriptor, 0, os.SEEK_HOLE) >= 0
    except (AttributeError, OSError):
        return False

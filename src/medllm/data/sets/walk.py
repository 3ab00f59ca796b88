"""The files below a folder, sorted, when there may be millions of them in one folder."""

from __future__ import annotations

import os
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from medllm.data.reading import BadInputError, Place, Reading
from medllm.data.streams import reason_of

_AT_ONCE = 1024  # entries held as objects before their names go into an array


def files_below(folder: Path, reading: Reading) -> Iterator[Path]:
    """Give every visible file, those of a folder before those of its subfolders, each by name.

    Names are held as bytes in one array: BioRead's 16.4 million take 0.2 GB instead of 3. Links to
    folders are not followed. A subfolder that cannot be read is counted in `reading`; the folder
    itself raises `BadInputError`.
    """
    names, subfolders = _names_in(folder)
    for name in names:
        yield folder / os.fsdecode(bytes(name))
    for name in sorted(subfolders):
        below = folder / os.fsdecode(name)
        try:
            yield from files_below(below, reading)
        except BadInputError as exc:
            reading.leave_out(Place(below), f"cannot be read: {exc}")


def _names_in(folder: Path) -> tuple[NDArray[np.bytes_], list[bytes]]:
    pieces: list[NDArray[np.bytes_]] = []
    subfolders: list[bytes] = []
    try:
        with os.scandir(os.fsencode(folder)) as entries:
            while batch := list(islice(entries, _AT_ONCE)):
                visible = [entry for entry in batch if not entry.name.startswith(b".")]
                subfolders += [e.name for e in visible if e.is_dir(follow_symlinks=False)]
                files = [e.name for e in visible if e.is_file()]
                pieces.append(np.array(files or [b""], dtype=np.bytes_)[: len(files)])
    except (OSError, ValueError) as exc:
        raise BadInputError(reason_of(exc)) from exc
    names = np.concatenate(pieces) if pieces else np.array([], dtype="S1")
    names.sort()
    return names, subfolders

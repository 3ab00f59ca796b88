"""Decisions on disk: lines that are only ever added, whole or not at all, by one at a time."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from medllm.errors import DataError
from medllm.files import disk_errors


def read_entries(path: Path) -> list[dict[str, Any]]:
    """Give the entries of a file of JSON Lines, none where it is absent.

    A last line without its end is what a killed process was writing, and is left out. Raises
    `DataError` where another line is damaged.
    """
    if not path.exists():
        return []
    entries: list[dict[str, Any]] = []
    for number, line in enumerate(path.read_bytes().splitlines(keepends=True), start=1):
        if not line.endswith(b"\n"):
            break
        try:
            entry = json.loads(line)
        except ValueError:
            raise DataError(
                f"{path}, line {number}: is damaged", hint="restore the file from a copy"
            ) from None
        entries.append(entry)
    return entries


def append_lines(path: Path, lines: Sequence[str]) -> None:
    """Add lines at the end; they are on disk when this returns.

    Another process that is adding is waited for. What a killed one left of a line is cut off.
    """
    with disk_errors(str(path)), path.open("ab+") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        handle.seek(0)
        kept = 0
        for line in handle:
            if line.endswith(b"\n"):
                kept += len(line)
        handle.truncate(kept)
        handle.write("".join(lines).encode("utf-8", "replace"))
        handle.flush()
        os.fsync(handle.fileno())

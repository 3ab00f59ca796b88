"""Results that cost time, one JSON object a line, kept as they come: a killed run loses none.

A line is written whole and at once. What a kill left behind it, half a line at the end, is cut off
when the file is opened again. Of several lines with one key the last counts.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any

from medllm.errors import DataError
from medllm.files import disk_errors

_SYNC_EVERY = 64
"""Lines between two syncs to the disk: what a power cut can cost; a kill costs nothing."""


class Ledger:
    """A file of entries by key, read at the beginning and added to at its end."""

    def __init__(self, path: Path) -> None:
        """Open the file, or begin it; `DataError` where it is damaged in the middle."""
        self.path = path
        self.entries: dict[str, dict[str, Any]] = {}
        with disk_errors(str(path)):
            path.parent.mkdir(parents=True, exist_ok=True)
            self._handle = path.open("a+b")
            end = self._read()
            self._handle.truncate(end)
        self._n_unsynced = 0

    def _read(self) -> int:
        """Read the entries; give the place behind the last whole line."""
        self._handle.seek(0)
        end = 0
        for number, line in enumerate(self._handle, start=1):
            if not line.endswith(b"\n"):
                break
            end += len(line)
            entry = _parse(line)
            if entry is None:
                self._handle.close()
                hint = f"restore {self.path} from a copy, or move it away to begin again"
                raise DataError(f"{self.path}, line {number}: is damaged", hint=hint)
            self.entries[entry["key"]] = entry
        return end

    def add(self, entry: dict[str, Any]) -> None:
        """Write an entry, which has a `key`; it is safe from a kill when this returns."""
        line = json.dumps(entry, ensure_ascii=False).encode("utf-8", "replace") + b"\n"
        with disk_errors(str(self.path)):
            self._handle.write(line)
            self._handle.flush()
            self._n_unsynced += 1
            if self._n_unsynced >= _SYNC_EVERY:
                self._sync()
        self.entries[entry["key"]] = entry

    def _sync(self) -> None:
        os.fsync(self._handle.fileno())
        self._n_unsynced = 0

    def __enter__(self) -> Ledger:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with disk_errors(str(self.path)), self._handle:
            self._sync()


def read_ledger(path: Path) -> Iterator[dict[str, Any]]:
    """Give the entries of a ledger without changing it, the last of each key; none without it."""
    entries: dict[str, dict[str, Any]] = {}
    if not path.is_file():
        return
    with path.open("rb") as handle:
        for number, line in enumerate(handle, start=1):
            entry = _parse(line)
            if entry is None and line.endswith(b"\n"):
                raise DataError(f"{path}, line {number}: is damaged", hint="restore it from a copy")
            if entry is not None:
                entries[entry["key"]] = entry
    yield from entries.values()


def _parse(line: bytes) -> dict[str, Any] | None:
    try:
        entry = json.loads(line)
    except (ValueError, RecursionError):
        return None
    is_entry = isinstance(entry, dict) and isinstance(entry.get("key"), str)
    return entry if is_entry else None

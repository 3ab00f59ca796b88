"""Decisions on disk: lines that are only ever added, whole or not at all, by one at a time."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Callable, Sequence
from dataclasses import asdict, fields
from pathlib import Path
from typing import IO, Any

from medllm.data.review.decisions import VERDICTS, Decision
from medllm.data.sft_files import to_line
from medllm.errors import DataError
from medllm.files import disk_errors, sync_dir

_KINDS = {field.name: bool if field.name == "adjudicates" else str for field in fields(Decision)}
_NEEDED = ("item", "digest", "reviewer", "verdict", "when")


class DecisionLog:
    """The decisions of a queue, in the order they were made; each is read once."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._read_bytes = 0
        self._n_lines = 0

    def read_new(self) -> list[Decision]:
        """Give what was added since the last call, by whatever process.

        A last line without its end is what a killed process was writing, and is left out. Raises
        `DataError` where another line is damaged or the file became shorter.
        """
        if not self._path.exists():
            return []
        with self._path.open("rb") as handle:
            return self._read_from(handle)

    def _read_from(self, handle: IO[bytes]) -> list[Decision]:
        if handle.seek(0, os.SEEK_END) < self._read_bytes:
            hint = "restore the file from a copy"
            raise DataError(f"{self._path} became shorter: decisions are lost", hint=hint)
        handle.seek(self._read_bytes)
        decisions = []
        for line in handle:
            if not line.endswith(b"\n"):
                break
            self._n_lines += 1
            self._read_bytes += len(line)
            decisions.append(self._parse(line))
        return decisions

    def _parse(self, line: bytes) -> Decision:
        try:
            entry = json.loads(line)
        except ValueError:
            entry = None
        if not _is_decision(entry):
            raise DataError(
                f"{self._path}, line {self._n_lines}: is damaged",
                hint="restore the file from a copy",
            )
        return Decision(**entry)

    def add(
        self, decisions: Sequence[Decision], check: Callable[[list[Decision]], None]
    ) -> list[Decision]:
        """Add decisions; they are on disk when this returns. Give them behind others' new ones.

        Another process that is adding is waited for; `check` is given what it added, and may raise.
        What a killed process left of a line is cut off.
        """
        with disk_errors(str(self._path)), self._path.open("ab+") as handle:
            fcntl.flock(handle, fcntl.LOCK_EX)
            is_new = os.fstat(handle.fileno()).st_size == 0
            known = self._read_from(handle)
            check(known)
            handle.truncate(self._read_bytes)
            lines = "".join(to_line(asdict(decision)) for decision in decisions)
            handle.write(lines.encode("utf-8", "replace"))
            handle.flush()
            os.fsync(handle.fileno())
            handle.seek(self._read_bytes)
            added = self._read_from(handle)
        if is_new:
            sync_dir(self._path.parent)
        return known + added


def _is_decision(entry: Any) -> bool:
    return (
        isinstance(entry, dict)
        and entry.keys() <= _KINDS.keys()
        and all(name in entry for name in _NEEDED)
        and all(isinstance(value, _KINDS[name]) for name, value in entry.items())
        and entry["verdict"] in VERDICTS
    )

"""What was done, one JSON object a line, so that a run that was killed does nothing twice.

Models are slow: what one said is on disk before the next is asked. A last line that broke off is
left out when the journal is opened again.
"""

from __future__ import annotations

import fcntl
import json
import os
from pathlib import Path
from typing import Any

from medllm.data.sft_files import to_line
from medllm.errors import DataError
from medllm.files import disk_errors


class Journal:
    """Key -> what was found out for it; opened again it knows what it was told before."""

    def __init__(self, path: Path, made_of: str) -> None:
        """Open or make it; raise `DataError` where it belongs to something else or is in use.

        `made_of` says of what settings the entries are the result.
        """
        self._path = path
        self._known: dict[str, Any] = {}
        with disk_errors(str(path)):
            self._handle = path.open("ab")
        try:
            self._lock()
            whole = self._read(made_of)
        except DataError:
            self._handle.close()
            raise
        with disk_errors(str(path)):
            self._handle.truncate(whole)
        if not whole:
            self._append({"made_of": made_of})

    def _lock(self) -> None:
        """Hold it for this process, until it is closed."""
        try:
            fcntl.flock(self._handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            hint = "wait for it, or name another output"
            raise DataError(f"another run is writing to {self._path}", hint=hint) from None

    def _read(self, made_of: str) -> int:
        """Take in what stands there; give how many bytes of it are whole lines.

        One without entries belongs to nobody: it gives 0.
        """
        whole, is_ours = 0, True
        with self._path.open("rb") as handle:
            for number, line in enumerate(handle):
                if not line.endswith(b"\n"):
                    break
                entry = self._parse(line, number)
                if number == 0:
                    is_ours = entry.get("made_of") == made_of
                elif not is_ours:
                    raise DataError(
                        f"{self._path} belongs to another run",
                        hint="delete it to begin anew, or name another output",
                    )
                else:
                    self._known[entry["key"]] = entry["value"]
                whole += len(line)
        return whole if is_ours else 0

    def _parse(self, line: bytes, number: int) -> dict[str, Any]:
        try:
            entry: dict[str, Any] = json.loads(line)
        except ValueError:
            raise DataError(
                f"{self._path}, line {number + 1}: is damaged", hint="delete it to begin anew"
            ) from None
        return entry

    def __len__(self) -> int:
        """Give the number of entries."""
        return len(self._known)

    def __contains__(self, key: str) -> bool:
        return key in self._known

    def __getitem__(self, key: str) -> Any:
        return self._known[key]

    def write(self, key: str, value: Any) -> None:
        """Write down what was found out; it is on disk when this returns."""
        self._append({"key": key, "value": value})
        self._known[key] = value

    def _append(self, entry: dict[str, Any]) -> None:
        with disk_errors(str(self._path)):
            self._handle.write(to_line(entry).encode("utf-8", "replace"))
            self._handle.flush()
            os.fsync(self._handle.fileno())

    def __enter__(self) -> Journal:
        return self

    def __exit__(self, *exc: object) -> None:
        """Close it; one without entries serves nobody and is taken away."""
        if len(self):
            self.close()
        else:
            self.delete()

    def close(self) -> None:
        """Close the file."""
        self._handle.close()

    def delete(self) -> None:
        """Close it and take it away: what it served is done."""
        self.close()
        self._path.unlink(missing_ok=True)

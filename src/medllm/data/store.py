"""Records in files of JSON Lines, read one by one or at any place, without holding them all."""

from __future__ import annotations

import json
import os
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO, Any, overload

import numpy as np
from numpy.typing import NDArray

from medllm.errors import DataError
from medllm.records import SftRecord, Turn

_MAX_OPEN = 64


class RecordStore(Sequence[SftRecord]):
    """The records of several files that medllm wrote, in order; 8 bytes of memory a record."""

    def __init__(self, paths: Sequence[Path]) -> None:
        """Find where each line begins; raise `DataError` where a file cannot be read."""
        self._paths = list(paths)
        offsets = [_line_offsets(path) for path in self._paths]
        self._firsts = np.cumsum([0, *map(len, offsets)])
        self._offsets = np.concatenate(offsets) if offsets else np.zeros(0, dtype=np.uint64)
        self._open: OrderedDict[int, IO[bytes]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._offsets)

    @overload
    def __getitem__(self, at: int) -> SftRecord: ...
    @overload
    def __getitem__(self, at: slice) -> list[SftRecord]: ...
    def __getitem__(self, at: int | slice) -> SftRecord | list[SftRecord]:
        if isinstance(at, slice):
            return [self[one] for one in range(*at.indices(len(self)))]
        if not 0 <= at < len(self):
            raise IndexError("no record stands there")
        number = int(np.searchsorted(self._firsts, at, side="right")) - 1
        handle = self._handle(number)
        handle.seek(int(self._offsets[at]))
        return parse_record(handle.readline(), self._paths[number])

    def __iter__(self) -> Iterator[SftRecord]:
        for path in self._paths:
            with path.open("rb") as handle:
                for line in handle:
                    yield parse_record(line, path)

    def _handle(self, number: int) -> IO[bytes]:
        if number in self._open:
            self._open.move_to_end(number)
            return self._open[number]
        if len(self._open) >= _MAX_OPEN:
            self._open.popitem(last=False)[1].close()
        handle = self._open[number] = self._paths[number].open("rb")
        return handle

    def close(self) -> None:
        """Close what is open."""
        for handle in self._open.values():
            handle.close()
        self._open.clear()


def _line_offsets(path: Path) -> NDArray[np.uint64]:
    try:
        with path.open("rb") as handle:
            lengths = np.array([len(line) for line in handle], dtype=np.uint64)
    except OSError as exc:
        reason = os.strerror(exc.errno or 0).lower()
        raise DataError(f"cannot read {path}: {reason}") from exc
    ends = np.cumsum(lengths, dtype=np.uint64)
    return ends - lengths


def parse_record(line: bytes, path: Path) -> SftRecord:
    """Give the record of a line that medllm wrote; raise `DataError` where it is damaged."""
    try:
        value: dict[str, Any] = json.loads(line)
        return SftRecord(
            id=value["id"],
            source=value.get("source") or "records",
            group=value.get("group") or value["id"],
            task=value.get("task") or "dialogue",
            messages=tuple(Turn(role=m["role"], content=m["content"]) for m in value["messages"]),
            licence=value.get("licence", ""),
            reasoning=value.get("reasoning", ""),
            label=value.get("label", ""),
            meta=value.get("meta", {}),
        )
    except (ValueError, KeyError, TypeError) as exc:
        raise DataError(f"{path} is damaged", hint="make it anew with `medllm data`") from exc

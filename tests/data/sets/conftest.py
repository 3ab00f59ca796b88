from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from medllm.data.reading import Reading
from medllm.data.sets.catalogue import read_set
from medllm.records import SftRecord


class RecordsRead(NamedTuple):
    records: list[SftRecord]
    reading: Reading

    @property
    def reasons(self) -> list[tuple[int | None, str]]:
        """Line or record number, and reason, of each problem."""
        return [(p.line or p.record, p.reason) for p in self.reading.problems]

    @property
    def ids(self) -> list[str]:
        return [record.id for record in self.records]

    @property
    def asked(self) -> list[str]:
        """The first question of each record."""
        return [next(t.content for t in r.messages if t.role == "user") for r in self.records]

    @property
    def answers(self) -> list[str]:
        return [record.messages[-1].content for record in self.records]


ReadRecords = Callable[..., RecordsRead]


@pytest.fixture
def set_files() -> Path:
    """The invented files in the exact formats of the data sets."""
    return Path(__file__).parent / "fixtures"


@pytest.fixture
def read_records() -> ReadRecords:
    """Reads a data set to its end."""

    def read_all(name: str, path: Path, *, split: str | None = None) -> RecordsRead:
        reading = Reading()
        records = list(read_set(name, path, reading=reading, split=split))
        assert reading.taken == len(records)
        return RecordsRead(records, reading)

    return read_all

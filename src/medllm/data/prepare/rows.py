"""What the steps need to know of each record besides its text, as arrays of a few bytes."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from medllm.data.prepare.split import SPLITS, hash_of
from medllm.data.sft_files import TASKS
from medllm.records import SftRecord


class Rows(NamedTuple):
    """What the later steps need to know of each record, as parallel arrays."""

    group: NDArray[np.uint64]
    """Where the keyed hash puts its group, of 2**64 places."""
    identity: NDArray[np.uint64]
    """A hash of source and id."""
    split: NDArray[np.int8]
    """The number of its own split in `SPLITS`, or -1."""
    task: NDArray[np.int8]


class Row(NamedTuple):
    """The same of one record."""

    group: int
    identity: int
    split: int
    task: int


def row_of(record: SftRecord, key: str) -> Row:
    """Give the row of a record; `key` is that of the split."""
    own = record.meta.get("split")
    return Row(
        hash_of(record.group, key),
        identity_of(record.source, record.id),
        SPLITS.index(own) if own in SPLITS else -1,
        TASKS.index(record.task),
    )


def identity_of(source: str, name: str) -> int:
    """Give a hash of a record's source and id."""
    return hash_of(f"{source}\x1f{name}")


def to_rows(rows: Iterable[Row]) -> Rows:
    """Give them as arrays."""
    columns = np.array(list(rows), dtype=object).reshape(-1, 4).T
    kinds = (np.uint64, np.uint64, np.int8, np.int8)
    return Rows(*(column.astype(kind) for column, kind in zip(columns, kinds, strict=True)))

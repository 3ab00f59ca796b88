"""Parquet files, a batch at a time. They need pyarrow, which is in the extra `data`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from medllm.data.fields import Fields
from medllm.data.reading import BadInputError, Place, Reading
from medllm.errors import extra

MAGIC = b"PAR1"
_ROWS_AT_ONCE = 256  # notes of 100 kB each then take 25 MB


def read_parquet(path: Path, reading: Reading) -> Iterator[Fields]:
    """Give each row by its column names; nested columns come as dicts and lists.

    Raises `MissingExtraError` without pyarrow, `BadInputError` where the file is damaged: its table
    of contents stands at its end, so nothing of a cut-off file can be read.
    """
    with extra("data"):
        import pyarrow
    number = 0
    file = _open(path)
    batches = file.iter_batches(batch_size=_ROWS_AT_ONCE)
    while True:
        try:
            rows = next(batches).to_pylist()
        except StopIteration:
            return
        except (pyarrow.ArrowException, OSError, UnicodeDecodeError, ValueError):
            # A damaged page ends its column: what comes after cannot be told apart.
            reading.leave_out(Place(path, record=number + 1), "is damaged from here on")
            return
        for row in rows:
            number += 1
            yield Fields(row, Place(path, record=number), reading)


def column_names(path: Path) -> list[str]:
    """Give the names of the columns; as `read_parquet` where the file cannot be read."""
    return list(_open(path).schema_arrow.names)


def _open(path: Path) -> Any:
    with extra("data"):
        import pyarrow
        from pyarrow import parquet
    try:
        return parquet.ParquetFile(path)
    except (pyarrow.ArrowException, OSError, ValueError):
        raise BadInputError("is a Parquet file that is cut off or damaged") from None

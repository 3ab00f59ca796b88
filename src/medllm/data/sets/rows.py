"""The rows of a file in any of the forms that data sets are passed around in.

A JSON list, JSON Lines, CSV or TSV, Parquet: told apart by their first bytes, not by their names.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from medllm.data.fields import Fields, parse_object
from medllm.data.foreign import foreign_kind
from medllm.data.reading import BadInputError, Place, Reading
from medllm.data.sets.csv_rows import IsRow, read_table
from medllm.data.sets.json_parts import read_items
from medllm.data.sets.parquet import MAGIC, read_parquet
from medllm.data.streams import read_head, read_lines
from medllm.data.text import is_binary


def read_rows(path: Path, reading: Reading, *, is_row: IsRow | None = None) -> Iterator[Fields]:
    """Give each row as fields; count and name what is broken.

    `is_row` says of the cells of a CSV whether they can be a row: see `csv_rows`. Raises
    `BadInputError` where the file is none of these forms.
    """
    head = read_head(path, 4096)
    refuse_foreign(head)
    start = head.lstrip()[:1]
    if head.startswith(MAGIC):
        return read_parquet(path, reading)
    if start == b"[":
        return read_items(path, reading, "item")
    if start == b"{":
        return read_object_lines(path, reading)
    return read_table(path, reading, is_row=is_row)


def refuse_foreign(head: bytes) -> None:
    """Raise `BadInputError` with a name for what these first bytes are, where no text starts so."""
    if head.startswith(MAGIC):
        return
    if kind := foreign_kind(head):
        raise BadInputError(f"is {kind}")
    if not head.strip():
        raise BadInputError("is empty")
    if is_binary(head):
        raise BadInputError("is binary")


def read_object_lines(path: Path, reading: Reading) -> Iterator[Fields]:
    """Give the object on each line of a JSON Lines file; count and name the bad lines."""
    for line in read_lines(path, reading):
        place = Place(path, line=line.number)
        if not line.fault and not line.text.strip():
            continue
        try:
            if line.fault:
                raise BadInputError(line.fault)
            yield Fields(parse_object(line.text), place, reading)
        except BadInputError as exc:
            reading.leave_out(place, str(exc))

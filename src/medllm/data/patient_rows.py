"""The rows of a PMC-Patients CSV, one at a time, with a way back after a stray quote.

Python's csv alone would let a quote that is never closed swallow all rows up to the next quote.
Here a line that begins like a row, up to its `patient_uid`, ends the row before it.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from medllm.data.fields import Fields
from medllm.data.reading import BadInputError, Place, Reading
from medllm.data.streams import Line, read_lines

MAX_ROW_CHARACTERS = 16 * 1024 * 1024
REQUIRED_COLUMNS = ("patient_uid", "patient")
# patient_id, patient_uid, PMID, file_path: the order of the published files.
_PUBLISHED_ROW = re.compile(r'"?[0-9]+"?,"?[0-9]+-[0-9]+"?,"?[0-9]+"?,[^\s,]*,')
# In another order only the uid itself is known: a PMC id has at least five digits.
_OTHER_ROW = r'(?:"[^"]*",|[^",]*,){%d}"?[0-9]{5,}-[0-9]{1,3}"?[,\r\n]'


@dataclass(slots=True)
class _Row:
    """The lines of a row as far as they have been read."""

    first: int = 0
    last: int = 0
    parts: list[str] = field(default_factory=list)
    size: int = 0
    n_quotes: int = 0
    fault: str = ""

    def add(self, line: Line) -> None:
        self.first = self.first or line.number
        self.last = line.number
        self.parts.append(line.text)
        self.size += len(line.text)
        self.n_quotes += line.text.count('"')
        self.fault = self.fault or line.fault
        if self.size > MAX_ROW_CHARACTERS:
            self.parts.clear()

    @property
    def is_complete(self) -> bool:
        return self.n_quotes % 2 == 0 and self.size <= MAX_ROW_CHARACTERS


def read_header(text: str) -> list[str]:
    """Give the column names in a CSV's first line, or nothing where it is no such line."""
    try:
        names = next(csv.reader([text], strict=True), [])
    except csv.Error:
        return []
    return [name.strip() for name in names]


def is_patient_header(names: list[str]) -> bool:
    """Whether a table with these columns is one of patients."""
    return all(name in names for name in REQUIRED_COLUMNS)


def read_rows(path: Path, reading: Reading) -> Iterator[Fields]:
    """Give each row by its column names; count and name those that are broken."""
    csv.field_size_limit(MAX_ROW_CHARACTERS)
    lines = read_lines(path, reading)
    header = read_header(next(lines, Line(1, "")).text)
    if not is_patient_header(header):
        raise BadInputError(f"its first line lacks the columns {' and '.join(REQUIRED_COLUMNS)}")
    for row in _group(lines, header):
        place = Place(path, line=row.first)
        try:
            yield Fields(dict(zip(header, _cells(row, len(header)), strict=True)), place, reading)
        except BadInputError as exc:
            span = f" (to line {row.last})" if row.last > row.first else ""
            reading.leave_out(place, f"{exc}{span}")


def _group(lines: Iterator[Line], header: list[str]) -> Iterator[_Row]:
    """Put lines together until their quotes are closed, or until another row begins."""
    is_published = header[:4] == ["patient_id", "patient_uid", "PMID", "file_path"]
    other = re.compile(_OTHER_ROW % header.index("patient_uid"))
    begins_row = (_PUBLISHED_ROW if is_published else other).match
    row = _Row()
    for line in lines:
        if row.first and begins_row(line.text):
            yield row
            row = _Row()
        if not row.first and not line.text.strip() and not line.fault:
            continue
        row.add(line)
        if row.is_complete:
            yield row
            row = _Row()
    if row.first:
        yield row


def _cells(row: _Row, n_columns: int) -> list[str]:
    if row.fault:
        raise BadInputError(row.fault)
    if row.size > MAX_ROW_CHARACTERS:
        raise BadInputError("has a quote that is never closed")
    try:
        cells = next(csv.reader(["".join(row.parts)], strict=True), [])
    except csv.Error:
        raise BadInputError("has a stray quote or line break") from None
    if len(cells) != n_columns:
        raise BadInputError(f"has {len(cells)} columns, the first line {n_columns}")
    return cells

"""The rows of any CSV or TSV with a header, with a way back after a stray quote.

Python's csv alone lets a quote that is never closed swallow all rows up to the next quote. Here
what does not parse to exactly the header's columns is tried again from its next line, and a row
after such trouble counts only when it cannot be the inside of a broken one.
"""

from __future__ import annotations

import csv
import re
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from medllm.data.fields import Fields
from medllm.data.patient_rows import MAX_ROW_CHARACTERS
from medllm.data.reading import BadInputError, Place, Reading
from medllm.data.streams import Line, read_lines

DELIMITERS = ",\t;"

IsRow = Callable[[dict[str, str]], bool]
"""Whether these cells can be a row of the table, by an id or a path that no running text has."""


class _Row(NamedTuple):
    lines: list[Line]
    cells: list[str]
    fault: str


@dataclass(slots=True)
class _Table:
    """The lines of a file, put together to rows; lines can be given back."""

    lines: Iterator[Line]
    delimiter: str
    names: list[str]
    waiting: deque[Line] = field(default_factory=deque)

    def next_line(self) -> Line | None:
        return self.waiting.popleft() if self.waiting else next(self.lines, None)

    def give_back(self, lines: list[Line]) -> None:
        self.waiting.extendleft(reversed(lines))

    def next_row(self) -> _Row | None:
        """Give the next row, or the lines that fail to be one; blank lines are passed over."""
        line = self.next_line()
        while line is not None and not line.text.strip() and not line.fault:
            line = self.next_line()
        if line is None:
            return None
        if line.text.count('"') % 2 == 0:
            return self.parse([line])
        if not self._has_open_cell(line.text):
            alone = self.parse([line])
            if not alone.fault:
                return alone
        return self.parse([line, *self._to_closing_quote(line)])

    def _has_open_cell(self, text: str) -> bool:
        """Whether a line with an odd number of quotes has the odd one where a cell begins or ends.

        It has not in 'a 5" tube', which is a whole cell.
        """
        between = rf"[{self.delimiter}\r\n]"
        edges = re.findall(rf'(?:^|(?<={between}))"|"(?=$|{between})', text)
        return len(edges) % 2 == 1

    def _to_closing_quote(self, first: Line) -> list[Line]:
        lines: list[Line] = []
        size = len(first.text)
        while size <= MAX_ROW_CHARACTERS and (line := self.next_line()) is not None:
            lines.append(line)
            size += len(line.text)
            if line.text.count('"') % 2:
                break
        return lines

    def parse(self, lines: list[Line]) -> _Row:
        if fault := next((line.fault for line in lines if line.fault), ""):
            return _Row(lines, [], fault)
        text = "".join(line.text for line in lines)
        if len(text) > MAX_ROW_CHARACTERS:
            return _Row(lines, [], "has a quote that is never closed")
        try:
            rows = list(csv.reader([text], delimiter=self.delimiter, strict=True))
        except csv.Error:
            return _Row(lines, [], "has a stray quote or line break")
        if len(rows) != 1:
            return _Row(lines, [], "has a stray quote or line break")
        if len(rows[0]) != len(self.names):
            there, wanted = len(rows[0]), len(self.names)
            return _Row(lines, [], f"has {there} columns, the first line {wanted}")
        return _Row(lines, rows[0], "")


def read_table(path: Path, reading: Reading, *, is_row: IsRow | None = None) -> Iterator[Fields]:
    """Give each row by its column names; count and name those that are broken.

    A row is named by its first line. Raises `BadInputError` where the first line is no header.
    """
    csv.field_size_limit(MAX_ROW_CHARACTERS)
    lines = read_lines(path, reading)
    names, delimiter = split_header(next(lines, Line(1, "")).text)
    table = _Table(lines, delimiter, names)
    trouble: _Row | None = None
    last = 0
    while row := table.next_row():
        if not trouble and row.fault and _stands_alone(row):
            _leave_out(path, reading, row, row.lines[-1].number)
        elif row.fault or (trouble and not _is_sound(row, table, is_row)):
            trouble = trouble or row
            last = row.lines[0].number
            table.give_back(row.lines[1:])
        else:
            if trouble:
                _leave_out(path, reading, trouble, last)
                trouble = None
            place = Place(path, line=row.lines[0].number)
            yield Fields(dict(zip(names, row.cells, strict=True)), place, reading)
    if trouble:
        _leave_out(path, reading, trouble, last)


def split_header(text: str) -> tuple[list[str], str]:
    """Give the column names in a first line, and what stands between them.

    Raises `BadInputError` where it is no header: no line at all, or two columns of one name.
    """
    delimiter = max(DELIMITERS, key=text.count)
    try:
        names = next(csv.reader([text], delimiter=delimiter, strict=True), [])
    except csv.Error:
        names = []
    names = [name.strip() for name in names]
    if not any(names):
        raise BadInputError("its first line names no columns")
    if len(set(names)) < len(names):
        raise BadInputError("its first line names a column twice")
    return names, delimiter


def _stands_alone(row: _Row) -> bool:
    """Whether a faulty row surely ends where it ends: its bytes are wrong, or it has no quote."""
    return any(line.fault for line in row.lines) or '"' not in row.lines[0].text


def _is_sound(row: _Row, table: _Table, is_row: IsRow | None) -> bool:
    """Whether this is a row again, and not a line inside the broken one that looks like it."""
    if is_row:
        return is_row(dict(zip(table.names, row.cells, strict=True)))
    quotes = sum(line.text.count('"') for line in row.lines)
    if quotes % 2 or (quotes and not any(_opens(line.text, table.delimiter) for line in row.lines)):
        return False
    following = table.next_row()
    if following is None:
        return True
    table.give_back(following.lines)
    return not following.fault


def _opens(text: str, delimiter: str) -> bool:
    return text.startswith('"') or f'{delimiter}"' in text


def _leave_out(path: Path, reading: Reading, trouble: _Row, last: int) -> None:
    first = trouble.lines[0].number
    span = f" (to line {last})" if last > first else ""
    reading.leave_out(Place(path, line=first), f"{trouble.fault}{span}")

"""A table that comes back from a spreadsheet: all of its decisions are taken in, or none."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import NamedTuple

from medllm.data.review.decisions import Decision, Item, check_pseudonym, fault_of
from medllm.data.review.queue import ReviewQueue
from medllm.data.review.table import COLUMNS, OTHERS, context, unguard
from medllm.errors import DataError


class Row(NamedTuple):
    """A row of a table, with its number as a spreadsheet counts."""

    number: int
    cells: dict[str, str]


class Imported(NamedTuple):
    """What became of the rows of a table."""

    decisions: int
    """Taken in now."""
    known: int
    """Decided the same before, as when a table is imported again."""
    settled: int
    """Settled by others meanwhile, or decided by enough of them: their row changes nothing."""
    undecided: int
    """Without a decision."""
    other_columns: tuple[str, ...]
    """Names of columns that are not medllm's and were not looked at."""


def import_csv(
    queue: ReviewQueue, reviewer: str, path: Path, *, when: str, adjudicate: bool = False
) -> Imported:
    """Take the decisions of a table in, all or none.

    Raises `DataError` that names the file and the row where the table is not what was exported or
    a decision cannot be made.
    """
    check_pseudonym(reviewer)
    rows, others = read_table(path)
    items = {item.key: item for item in queue.items()}
    decisions: list[Decision] = []
    rows_of: dict[str, int] = {}
    n_known = n_settled = 0
    for row in rows:
        item = _item_of(row, items, path)
        if not row.cells["decision"].strip():
            _check_undecided(row, path)
            continue
        if item.key in rows_of:
            raise _bad_row(path, row.number, f"decides the item of row {rows_of[item.key]} again")
        rows_of[item.key] = row.number
        decision = _decision(row, item, reviewer, when, adjudicate)
        if _is_known(decision, item):
            n_known += 1
        elif not item.is_turn_of(reviewer, adjudicates=adjudicate) and item.status != "open":
            n_settled += 1
        elif fault := fault_of(decision, item)[0]:
            raise _bad_row(path, row.number, fault)
        else:
            decisions.append(decision)
    queue.decide(decisions)
    n_undecided = len(rows) - len(rows_of)
    return Imported(len(decisions), n_known, n_settled, n_undecided, others)


def _item_of(row: Row, items: dict[str, Item], path: Path) -> Item:
    """Give the item of a row; raise `DataError` where its cells are not those of the queue."""
    key = row.cells["item"].strip()
    item = items.get(key)
    if item is None:
        raise _bad_row(path, row.number, "names an item that is not in this queue")
    if row.cells["check"].strip() != item.digest:
        raise _bad_row(path, row.number, "has the check of another record or queue")
    shown = {"question": context(item.record), "answer": item.record.messages[-1].content}
    for name, content in shown.items():
        if row.cells[name].split() != content.split():
            hint = "leave it as it was; a better answer goes into edited_answer, with edit"
            raise _bad_row(path, row.number, f"the {name} was changed", hint)
    return item


def _check_undecided(row: Row, path: Path) -> None:
    """Raise `DataError` where a row says something, but not what is decided."""
    for name in ("reason", "edited_answer"):
        if row.cells[name].strip():
            raise _bad_row(path, row.number, f"has a text in {name}, but no decision")


def _decision(row: Row, item: Item, reviewer: str, when: str, adjudicate: bool) -> Decision:
    return Decision(
        item=item.key,
        digest=item.digest,
        reviewer=reviewer,
        verdict=row.cells["decision"].strip().lower(),  # type: ignore[arg-type]  # checked later
        reason=_text(row.cells["reason"]),
        answer=_text(row.cells["edited_answer"]),
        when=when,
        adjudicates=adjudicate,
    )


def _text(cell: str) -> str:
    return cell.replace("\r\n", "\n").replace("\r", "\n").strip()


def _is_known(decision: Decision, item: Item) -> bool:
    """Whether the same reviewer decided the same before."""
    said = (decision.reviewer, decision.verdict, decision.reason, decision.answer)
    return any((d.reviewer, d.verdict, d.reason, d.answer) == said for d in item.decisions)


def read_table(path: Path) -> tuple[list[Row], tuple[str, ...]]:
    """Give the rows that are not empty, and the columns that are not medllm's.

    Any of three separators. Raises `DataError` where it is no such table.
    """
    text = _read_text(path)
    header = text.split("\n", 1)[0]
    separator = max(",;\t", key=header.count)
    rows: list[Row] = []
    number = 1
    try:
        reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
        names = [name.strip().lower() for name in next(reader, [])]
        _check_header(names, path)
        for number, cells in enumerate(reader, start=2):
            if not any(cell.strip() for cell in cells):
                continue
            if len(cells) != len(names):
                raise _bad_row(path, number, f"has {len(cells)} cells, not {len(names)}")
            rows.append(Row(number, dict(zip(names, map(unguard, cells), strict=True))))
    except csv.Error as exc:
        raise _bad_row(path, number + 1, "is broken, perhaps by a stray quote") from exc
    known = {*COLUMNS, OTHERS}
    return rows, tuple(name for name in names if name and name not in known)


def _read_text(path: Path) -> str:
    try:
        raw = path.read_bytes()
    except OSError as exc:
        raise DataError(f"cannot read {path}", hint="name the table that came back") from exc
    hint = 'save it as "CSV UTF-8" in the spreadsheet'
    if raw.startswith((b"PK\x03\x04", b"\xd0\xcf\x11\xe0")):
        raise DataError(f"{path} is a workbook, not CSV", hint=hint)
    encoding = "utf-16" if raw.startswith((b"\xff\xfe", b"\xfe\xff")) else "utf-8-sig"
    try:
        return raw.decode(encoding)
    except UnicodeDecodeError as exc:
        raise DataError(f"{path} is not UTF-8", hint=hint) from exc


def _check_header(names: list[str], path: Path) -> None:
    hint = "export the queue again, and fill in that table"
    for name in COLUMNS:
        if name not in names:
            raise DataError(f"{path} has no column {name}", hint=hint)
        if names.count(name) > 1:
            raise DataError(f"{path} has the column {name} twice", hint=hint)


def _bad_row(
    path: Path, number: int, reason: str, hint: str = "mend it in the spreadsheet"
) -> DataError:
    return DataError(f"{path}, row {number}: {reason}", hint=f"{hint}; nothing was taken in")

"""The review queue as a table for a spreadsheet: CSV, one row an item."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Literal, NamedTuple

from medllm.data.review.decisions import Item
from medllm.data.review.queue import ReviewQueue
from medllm.files import write_atomically
from medllm.records import SftRecord

COLUMNS = ("item", "question", "answer", "decision", "reason", "edited_answer", "check")
OTHERS = "other_reviewers"
"""In a table for adjudication: what the reviewers decided, without who."""
Separator = Literal[",", ";"]

_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
_MAX_CELL = 32_767
"""Excel's limit in characters; a longer cell would be cut there without a word."""


class Exported(NamedTuple):
    """How many rows a table has, and how many items are too long for one."""

    rows: int
    too_long: int


def export_csv(
    queue: ReviewQueue,
    reviewer: str,
    path: Path,
    *,
    adjudicate: bool = False,
    separator: Separator = ",",
) -> Exported:
    """Write what waits for a reviewer.

    UTF-8 with a byte order mark, as Excel wants it. A cell that a spreadsheet would take for a
    formula begins with an apostrophe, which the import takes off.
    """
    waiting = queue.waiting_for(reviewer, adjudicate=adjudicate)
    rows = [[guard(cell) for cell in _row(item, adjudicate=adjudicate)] for item in waiting]
    fitting = [row for row in rows if all(_length(cell) <= _MAX_CELL for cell in row)]
    buffer = io.StringIO()
    writer = csv.writer(buffer, delimiter=separator)
    writer.writerow([*COLUMNS, OTHERS] if adjudicate else COLUMNS)
    writer.writerows(fitting)
    write_atomically(path, "\ufeff" + buffer.getvalue())
    return Exported(len(fitting), len(rows) - len(fitting))


def _row(item: Item, *, adjudicate: bool) -> list[str]:
    question, answer = context(item.record), item.record.messages[-1].content
    row = [item.key, question, answer, "", "", "", item.digest]
    return [*row, "\n".join(_opinions(item))] if adjudicate else row


def _length(cell: str) -> int:
    """Give the length as Excel counts it: in units of UTF-16."""
    return len(cell.encode("utf-16-le", "surrogatepass")) // 2


def asked(record: SftRecord) -> str:
    """Give what precedes the answer; with who says it where it is more than a question."""
    turns = record.messages[:-1]
    if len(turns) == 1:
        return turns[0].content
    return "\n\n".join(f"{turn.role.upper()}: {turn.content}" for turn in turns)


def context(record: SftRecord) -> str:
    """Give all that is released with the answer: what precedes it, its reasoning, its label."""
    more = {"REASONING": record.reasoning, "LABEL": record.label}
    return "\n\n".join([asked(record), *(f"{name}: {text}" for name, text in more.items() if text)])


def _opinions(item: Item) -> Iterator[str]:
    for number, decision in enumerate(item.decisions, start=1):
        said = f"{number}: {decision.verdict}"
        said += f": {decision.reason}" if decision.reason else ""
        yield said + (f"\nedited: {decision.answer}" if decision.answer else "")


def guard(cell: str) -> str:
    """Give a cell as a spreadsheet takes it for text; `unguard` undoes it."""
    return f"'{cell}" if cell.lstrip("' ").startswith(_FORMULA) else cell


def unguard(cell: str) -> str:
    """Give a cell without the apostrophe that `guard` put before it."""
    is_guarded = cell.startswith("'") and cell.lstrip("' ").startswith(_FORMULA)
    return cell[1:] if is_guarded else cell

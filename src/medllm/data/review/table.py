"""The review queue as a table for a spreadsheet, and back: CSV, one row an item."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from pathlib import Path

from medllm.data.review.queue import Decision, Item, ReviewQueue, check_pseudonym
from medllm.data.shingles import question_of
from medllm.errors import ConfigError, DataError, MedllmError
from medllm.files import write_atomically

COLUMNS = ("item", "digest", "question", "answer", "decision", "edited_answer", "reason")
OTHERS = "other_reviewers"
"""In a table for adjudication: what the reviewers decided, without who."""
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_MAX_CELL = 32_767
"""Excel's limit; a longer cell would be cut there without a word."""


def export_csv(
    queue: ReviewQueue, reviewer: str, path: Path, *, adjudicate: bool = False
) -> tuple[int, int]:
    """Write what waits for a reviewer; give how many rows, and how many items are too long for one.

    UTF-8 with a byte order mark, as Excel wants it. A cell that a spreadsheet would take for a
    formula begins with an apostrophe, which `import_csv` takes off.
    """
    waiting = queue.waiting_for(reviewer, adjudicate=adjudicate)
    fitting = [item for item in waiting if _fits(item)]
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    writer.writerow([*COLUMNS, OTHERS] if adjudicate else COLUMNS)
    for item in fitting:
        row = [item.key, item.digest, question_of(item.record), item.record.messages[-1].content]
        row += ["", "", ""]
        if adjudicate:
            row.append("\n".join(_opinions(item)))
        writer.writerow([_guard(cell) for cell in row])
    write_atomically(path, "\ufeff" + buffer.getvalue())
    return len(fitting), len(waiting) - len(fitting)


def _fits(item: Item) -> bool:
    return all(len(turn.content) < _MAX_CELL for turn in item.record.messages)


def _opinions(item: Item) -> Iterable[str]:
    for number, decision in enumerate(item.decisions, start=1):
        said = f"{number}: {decision.verdict}"
        said += f": {decision.reason}" if decision.reason else ""
        yield said + (f"\nedited: {decision.answer}" if decision.answer else "")


def _guard(cell: str) -> str:
    return f"'{cell}" if cell.startswith(_FORMULA) else cell


def _unguard(cell: str) -> str:
    return cell[1:] if cell.startswith("'") and cell[1:].startswith(_FORMULA) else cell


def import_csv(
    queue: ReviewQueue, reviewer: str, path: Path, *, when: str, adjudicate: bool = False
) -> int:
    """Take the decisions of a table in, all or none; give how many. Rows without one are skipped.

    A row that was imported before changes nothing. Raises `DataError` that names the file and the
    row where the table is not what was exported or a decision cannot be made.
    """
    check_pseudonym(reviewer)
    known = {item.key: item for item in queue.items()}
    decisions = []
    for number, row in _read_rows(path):
        verdict = row["decision"].strip().lower()
        if not verdict:
            continue
        decision = Decision(
            item=row["item"],
            digest=row["digest"],
            reviewer=reviewer,
            verdict=verdict,  # type: ignore[arg-type]  # checked with the item
            reason=row["reason"].strip(),
            answer=row["edited_answer"].strip(),
            when=when,
            adjudicates=adjudicate,
        )
        if not _is_known(decision, known.get(decision.item)):
            decisions.append((number, decision))
    _decide(queue, decisions, path)
    return len(decisions)


def _is_known(decision: Decision, item: Item | None) -> bool:
    """Whether the same reviewer decided the same before."""
    said = (decision.reviewer, decision.verdict, decision.reason, decision.answer)
    return item is not None and any(
        (d.reviewer, d.verdict, d.reason, d.answer) == said for d in item.decisions
    )


def _decide(queue: ReviewQueue, decisions: list[tuple[int, Decision]], path: Path) -> None:
    """Enter them all; where one cannot be made, say in which row it stands."""
    try:
        queue.decide([decision for _, decision in decisions])
    except ConfigError as exc:
        for number, decision in decisions:
            if str(exc).startswith(decision.item):
                raise DataError(f"{path}, row {number}: {exc}", hint=exc.hint) from exc
        raise


def _read_rows(path: Path) -> list[tuple[int, dict[str, str]]]:
    """Give the rows with their numbers, as a spreadsheet counts them; any of three separators."""
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except OSError as exc:
        raise DataError(f"cannot read {path}", hint="name the table that came back") from exc
    except UnicodeDecodeError as exc:
        hint = 'save it as "CSV UTF-8" in the spreadsheet'
        raise DataError(f"{path} is not UTF-8", hint=hint) from exc
    header = text.split("\n", 1)[0]
    separator = max(",;\t", key=header.count)
    rows = []
    try:
        reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
        names = [name.strip() for name in next(reader, [])]
        if missing := [name for name in COLUMNS if name not in names]:
            raise DataError(f"{path} has no column {missing[0]}", hint="export the queue again")
        for number, cells in enumerate(reader, start=2):
            if not any(cells):
                continue
            if len(cells) != len(names):
                raise _bad_row(path, number, f"has {len(cells)} cells, not {len(names)}")
            rows.append((number, dict(zip(names, map(_unguard, cells), strict=True))))
    except csv.Error as exc:
        raise _bad_row(path, len(rows) + 2, "is broken, perhaps by a stray quote") from exc
    return rows


def _bad_row(path: Path, number: int, reason: str) -> MedllmError:
    return DataError(f"{path}, row {number}: {reason}", hint="mend it in the spreadsheet")

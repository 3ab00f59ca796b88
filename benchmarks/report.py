"""Rows with what was measured, what was wanted and what else was measured; as Markdown and JSON."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, NamedTuple

import numpy as np

from medllm.evaluate.statistics import Interval


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """A number with its spread: `low` and `high` are its 95 % interval where there is one."""

    system: str
    value: float
    unit: str = ""
    low: float | None = None
    high: float | None = None
    p95: float | None = None
    cpu: float | None = None
    """Median CPU time, all threads, where `value` is a wall time."""
    n: int = 0
    """What it is over: queries, runs, documents."""
    digits: int = 3

    def __str__(self) -> str:
        text = _number(self.value, self.digits)
        if self.low is not None and self.high is not None:
            text += f" [{_number(self.low, self.digits)}, {_number(self.high, self.digits)}]"
        text += f" {self.unit}" if self.unit else ""
        for name, value in (("p95", self.p95), ("CPU", self.cpu)):
            text += f", {name} {_number(value, self.digits)}" if value is not None else ""
        return text


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One line of the table: medllm's number beside its target and its references."""

    what: str
    measured: Measured | None
    """None where it could not be measured; `note` says why."""
    wanted: str = ""
    reached: bool | None = None
    """None where nothing was wanted, or the run was too small or on other data to tell."""
    references: Sequence[Measured] = ()
    note: str = ""


@dataclass(slots=True, kw_only=True)
class Table:
    """Further numbers that no target speaks of."""

    title: str
    header: list[str]
    lines: list[list[str]] = field(default_factory=list)


@dataclass(slots=True, kw_only=True)
class Section:
    """What one benchmark measured."""

    name: str
    rows: list[Row] = field(default_factory=list)
    tables: list[Table] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    """In words, what a reader of the numbers must know."""
    data: dict[str, Any] = field(default_factory=dict)
    """Whatever else belongs into the JSON."""


def from_interval(system: str, interval: Interval, *, digits: int = 3, unit: str = "") -> Measured:
    """Give a mean with its interval."""
    return Measured(
        system=system,
        value=interval.mean,
        low=interval.low,
        high=interval.high,
        n=interval.n,
        digits=digits,
        unit=unit,
    )


class Times(NamedTuple):
    """How long each query took."""

    seconds: list[float]
    """Wall time."""
    cpu: list[float]
    """CPU time, all threads: on a busy machine it says more."""


def from_times(system: str, times: Times, *, digits: int = 2) -> Measured:
    """Give the median in milliseconds with its 95 % interval by order statistics, and the p95."""
    ms = np.sort(np.asarray(times.seconds)) * 1e3
    reach = 0.98 * math.sqrt(len(ms))
    low = ms[max(0, math.floor(len(ms) / 2 - reach))]
    high = ms[min(len(ms) - 1, math.ceil(len(ms) / 2 + reach))]
    return Measured(
        system=system,
        value=float(np.median(ms)),
        unit="ms",
        low=float(low),
        high=float(high),
        p95=float(np.quantile(ms, 0.95)),
        cpu=float(np.median(times.cpu)) * 1e3 if times.cpu else None,
        n=len(ms),
        digits=digits,
    )


def markdown(sections: Iterable[Section], machine: Sequence[str]) -> str:
    """Give the whole report as Markdown: every row, then the further tables and the notes."""
    sections = list(sections)
    lines = ["## Measured", "", *(f"- {line}" for line in machine), ""]
    header = ["what", "medllm", "reach at least", "reached", "reference in the same run", "n"]
    rows = [row for section in sections for row in section.rows]
    lines += _grid(header, [_cells(row) for row in rows])
    for section in sections:
        if section.tables or section.notes:
            lines += ["", f"### {section.name}"]
        for table in section.tables:
            lines += ["", f"{table.title}", "", *_grid(table.header, table.lines)]
        lines += ["", *(f"- {note}" for note in section.notes)] if section.notes else []
    return "\n".join(lines) + "\n"


def to_json(section: Section) -> dict[str, Any]:
    """Give a section as plain dicts and lists."""
    return asdict(section)


def from_json(value: dict[str, Any]) -> Section:
    """Give the section back from what `to_json` gave."""
    rows = [
        Row(
            **{
                **row,
                "measured": Measured(**row["measured"]) if row["measured"] else None,
                "references": [Measured(**reference) for reference in row["references"]],
            }
        )
        for row in value["rows"]
    ]
    return Section(**{**value, "rows": rows, "tables": [Table(**t) for t in value["tables"]]})


def _cells(row: Row) -> list[str]:
    measured = str(row.measured) if row.measured else "not measured"
    if row.note:
        measured += f" ({row.note})"
    reached = {True: "yes", False: "**no**", None: "-"}[row.reached]
    references = "; ".join(f"{reference.system} {reference}" for reference in row.references)
    n = f"{row.measured.n:,}" if row.measured and row.measured.n else ""
    return [row.what, measured, row.wanted, reached, references, n]


def _grid(header: Sequence[str], lines: Iterable[Sequence[str]]) -> list[str]:
    return [
        "| " + " | ".join(header) + " |",
        "|" + " --- |" * len(header),
        *("| " + " | ".join(line) + " |" for line in lines),
    ]


def _number(value: float, digits: int) -> str:
    text = f"{value:,.{digits}f}"
    return text.replace("0.", ".", 1) if text.startswith(("0.", "-0.")) and digits > 2 else text

"""The report as Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from medllm.evaluate.report.tables import Table, all_tables

Facts = Mapping[str, Any]


def as_markdown(facts: Facts) -> str:
    """Give the whole report."""
    return "\n".join(_lines(facts)).rstrip() + "\n"


def _lines(facts: Facts) -> Iterator[str]:
    yield f"# Evaluation: {facts['title']}\n"
    yield "## In plain words\n"
    yield from (f"- {sentence}" for sentence in facts["summary"])
    yield "\n## What this does not show\n"
    yield from (f"- {sentence}" for sentence in facts["limits"])
    for table in all_tables(facts):
        yield f"\n## {table.title}\n"
        if table.note:
            yield f"{table.note}\n"
        yield from table_lines(table)
    yield "\n## Definitions\n"
    yield from (f"- **{name}**: {definition}" for name, definition in definitions(facts))
    yield "\n## How this came about\n"
    yield from (f"- {key}: {value}" for key, value in origin(facts))


def definitions(facts: Facts) -> Iterator[tuple[str, str]]:
    """Give every measure with its definition, those of sections after them."""
    for measure in facts["measures"]:
        yield measure["name"], measure["definition"]
    for section in facts.get("sections", []):
        for measure in section["measures"]:
            yield f"{section['title']}: {measure['name']}", measure["definition"]


def table_lines(table: Table) -> Iterator[str]:
    """Give a table in Markdown."""
    yield _row(table.header)
    yield _row("---" for _ in table.header)
    yield from (_row(row) for row in table.rows)


def _row(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cell.replace('|', '/') for cell in cells)} |"


def origin(facts: Facts) -> list[tuple[str, str]]:
    """Give what a reader needs to repeat the run, in words."""
    manifest = facts.get("manifest") or {}
    rows: list[tuple[str, Any]] = [
        ("medllm", manifest.get("medllm")),
        ("commit", manifest.get("commit")),
        ("started", manifest.get("started")),
        ("finished", manifest.get("finished")),
        ("python", manifest.get("python")),
        ("machine", _pairs(manifest.get("machine"))),
        ("packages", _pairs(manifest.get("packages"))),
        ("seed", facts.get("seed")),
        ("digest of the items", facts["items"].get("digest") if facts["items"]["n"] else None),
        ("inputs", _inputs(manifest.get("inputs") or [])),
    ]
    return [(key, str(value)) for key, value in rows if value not in (None, "", {})]


def _pairs(values: Mapping[str, Any] | None) -> str:
    return ", ".join(f"{key} {value}" for key, value in (values or {}).items())


def _inputs(inputs: Sequence[Mapping[str, Any]]) -> str:
    return ", ".join(f"{one['name']} (SHA-256 {one['sha256'][:12]}…)" for one in inputs)

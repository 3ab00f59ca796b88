"""The statistics of a data set as one self-contained page: pictures, and the numbers beneath."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape
from pathlib import Path
from typing import Any

from medllm import __version__
from medllm.data.statistics.charts import Series, bar_list, histogram_chart, line_chart

_STYLE = Path(__file__).with_name("page.css")
_TITLES = {
    "prompt_characters": ("What precedes the answer", "characters"),
    "answer_characters": ("The answer", "characters"),
    "record_tokens": ("The whole record", "{unit}"),
    "answer_tokens": ("The answer", "{unit}"),
}
_KINDS = {
    "disorder": "Disorders",
    "symptom": "Symptoms",
    "medication": "Medicines",
    "procedure": "Procedures",
    "result": "Results",
}
_N_SHOWN = 15


def write_page(report: dict[str, Any]) -> str:
    """Give the page for what `statistics.describe_records` gave."""
    names = ", ".join(file["name"] for file in report["files"])
    body = [
        f"<h1>Training records: {escape(names)}</h1>",
        f"<p>{report['records']:,} records, lengths counted in {escape(report['counted_in'])}. "
        f"Made by medllm {escape(__version__)}. This page holds counts and names of clinical "
        "concepts, no text of a record.</p>",
        _sources(report["sources"]),
        _coverage(report),
        _lengths(report),
        _topics(report["topics"]),
        _duplicates(report),
        _files(report["files"]),
    ]
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<meta http-equiv="Content-Security-Policy" content="default-src \'none\'; '
        "style-src 'unsafe-inline'\">"
        f"<title>Statistics: {escape(names)}</title>"
        f"<style>{_STYLE.read_text(encoding='utf-8')}</style></head>"
        f"<body><main>{''.join(body)}</main></body></html>\n"
    )


def _table(header: Sequence[str], rows: Iterable[Sequence[str]], *, caption: str) -> str:
    head = "".join(f'<th scope="col">{escape(cell)}</th>' for cell in header)
    lines = []
    for row in rows:
        first, *rest = (escape(cell) for cell in row)
        cells = "".join(f"<td>{cell}</td>" for cell in rest)
        lines.append(f'<tr><th scope="row">{first}</th>{cells}</tr>')
    return (
        f'<div class="scroll" tabindex="0"><table><caption>{escape(caption)}</caption>'
        f"<thead><tr>{head}</tr></thead><tbody>{''.join(lines)}</tbody></table></div>"
    )


def _section(title: str, body: str) -> str:
    return f"<section><h2>{escape(title)}</h2>{body}</section>"


def _listed(counts: dict[str, int]) -> str:
    if len(counts) == 1:
        return next(iter(counts))
    return ", ".join(f"{name} {n:,}" for name, n in counts.items())


def _sources(rows: list[dict[str, Any]]) -> str:
    header = [
        "source",
        "records",
        "groups",
        "tasks",
        "languages",
        "mean question, characters",
        "mean answer, characters",
        "augmented",
        "verified",
        "licence",
    ]
    lines = [
        [
            row["source"],
            f"{row['records']:,}",
            f"{row['groups']:,}",
            _listed(row["tasks"]),
            _listed(row["languages"]),
            f"{row['mean_question_characters']:,.0f}",
            f"{row['mean_answer_characters']:,.0f}",
            f"{row['augmented']:,}",
            f"{row['verified']:,}",
            _listed(row["licences"]),
        ]
        for row in rows
    ]
    return _section("Where the records come from", _table(header, lines, caption="By source"))


def _coverage(report: dict[str, Any]) -> str:
    table, unit = report["coverage"], report["counted_in"]
    xs = [row["cutoff"] for row in table]
    series = [
        Series("records left whole", "first", [row["records"] for row in table]),
        Series("answers' length lost", "second", [row["answer_tokens_lost"] for row in table]),
    ]
    last = table[-1]
    about = (
        f"Share of records left whole by cutoff, from {table[0]['records']:.1%} at {xs[0]:,} to "
        f"{last['records']:.1%} at {xs[-1]:,} {unit}"
    )
    picture = line_chart(xs, series, title="What a cutoff leaves and costs", about=about)
    legend = (
        '<p class="legend"><span class="key first"></span> records left whole '
        '<span class="key second"></span> share of all answers\' length that is cut off</p>'
    )
    needed = ", ".join(
        f"{float(share):.0%} of records: {n:,}" for share, n in report["cutoff_for"].items()
    )
    header = [
        f"cutoff ({unit})",
        "records whole",
        "answers whole",
        "answer length lost",
        "answers lost wholly",
    ]
    keys = ("records", "answers", "answer_tokens_lost", "answers_lost")
    rows = [[f"{row['cutoff']:,}", *(f"{row[key]:.2%}" for key in keys)] for row in table]
    text = f"<p>The cutoff that leaves whole: {escape(needed)}.</p>"
    return _section(
        "What a cutoff would cost",
        picture + legend + text + _table(header, rows, caption="Coverage by cutoff"),
    )


def _lengths(report: dict[str, Any]) -> str:
    parts, rows = [], []
    quantiles: list[str] = []
    for name, (title, unit) in _TITLES.items():
        values = report["lengths"][name]
        unit = unit.format(unit=report["counted_in"])
        bins = values["histogram"]
        chart = histogram_chart(bins["edges"], bins["counts"], title=f"{title}, {unit}", unit=unit)
        parts.append(
            f"<figure>{chart}<figcaption>{escape(title)}, {escape(unit)}</figcaption></figure>"
        )
        quantiles = [key for key in values if key.startswith("q")]
        rows.append(
            [f"{title}, {unit}", f"{values['mean']:,.1f}", *(f"{values[q]:,}" for q in quantiles)]
        )
    header = ["", "mean", *(f"{q[1:]} %" for q in quantiles)]
    note = "<p>The last bar of each picture also holds the longest half percent.</p>"
    table = _table(header, rows, caption="Lengths by percentile")
    return _section("Lengths", f'<div class="grid">{"".join(parts)}</div>{note}{table}')


def _topics(topics: dict[str, Any]) -> str:
    parts = []
    for kind, title in _KINDS.items():
        shown = dict(list(topics["kinds"].get(kind, {}).items())[:_N_SHOWN])
        if shown:
            chart = bar_list(shown, title=title, total=topics["sample"])
            parts.append(f"<figure>{chart}<figcaption>{title}</figcaption></figure>")
    text = (
        f"<p>Findings that the lexicon knows, in {topics['sample']:,} records: in how many of them "
        f"each is named, denied ones included. {topics['without']:,} name none.</p>"
    )
    return _section("Topics", f'{text}<div class="grid">{"".join(parts)}</div>')


def _duplicates(report: dict[str, Any]) -> str:
    found = report["duplicates"]
    near = "not looked for" if found["near"] is None else f"{found['near']:,}"
    text = (
        f"<p>Exact duplicates: {found['exact']:,}. Near duplicates: {near}. Augmented copies are "
        "near duplicates of their originals.</p>"
    )
    return _section("Duplicates", text)


def _files(files: list[dict[str, str]]) -> str:
    rows = [[file["name"], file["sha256"]] for file in files]
    return _section("Files", _table(["file", "SHA-256"], rows, caption="What was read"))

"""The statistics of a data set as one self-contained page: pictures, and the numbers beneath."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

from medllm import __version__
from medllm.data.statistics.charts import Series, bar_list, histogram_chart, line_chart

_STYLE = Path(__file__).with_name("page.css")
_LENGTHS = {
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
}
_N_SHOWN = 15


@dataclass(frozen=True, slots=True)
class Cell:
    """A cell of text, or of code; all others hold numbers."""

    text: str
    kind: str = "text"


def write_page(report: dict[str, Any]) -> str:
    """Give the page for what `describe.describe_records` gave."""
    names = ", ".join(file["name"] for file in report["files"])
    body = [
        f"<h1>Training records: {escape(names)}</h1>",
        f"<p>{report['records']:,} records from {len(report['sources']):,} sources. Lengths are "
        f"counted in {escape(report['counted_in'])}.{_caution(report)}</p>",
        '<p class="note">This page holds counts and names of clinical concepts, no text of a '
        f"record. Made by medllm {escape(__version__)}.</p>",
        _sources(report),
        _coverage(report),
        _lengths(report),
        _topics(report),
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


def _caution(report: dict[str, Any]) -> str:
    if report["unit"] != "words":
        return ""
    return " A model's tokens are 1.3 to 1.6 times as many: name its tokenizer to count them."


def _table(header: Sequence[str], rows: Iterable[Sequence[str | Cell]], *, caption: str) -> str:
    """Give a table that scrolls within itself; the first cell of a row is its heading."""
    lines, texts = [], {0}
    for first, *rest in rows:
        cells = []
        for at, cell in enumerate(rest, start=1):
            kind = f' class="{cell.kind}"' if isinstance(cell, Cell) else ""
            texts |= {at} if kind else set()
            cells.append(f"<td{kind}>{escape(cell.text if isinstance(cell, Cell) else cell)}</td>")
        lines.append(f'<tr><th scope="row">{escape(str(first))}</th>{"".join(cells)}</tr>')
    head = "".join(
        f'<th scope="col"{" class=text" if at in texts else ""}>{escape(cell)}</th>'
        for at, cell in enumerate(header)
    )
    name = escape(caption, quote=True)
    return (
        f'<div class="scroll" tabindex="0" role="region" aria-label="{name}"><table>'
        f"<caption>{name}</caption><thead><tr>{head}</tr></thead>"
        f"<tbody>{''.join(lines)}</tbody></table></div>"
    )


def _section(title: str, body: str) -> str:
    return f"<section><h2>{escape(title)}</h2>{body}</section>"


def _figure(chart: str, caption: str) -> str:
    return f'<figure tabindex="0"><figcaption>{escape(caption)}</figcaption>{chart}</figure>'


def _listed(counts: dict[str, int]) -> Cell:
    if len(counts) == 1:
        return Cell(next(iter(counts)))
    return Cell(", ".join(f"{name} {n:,}" for name, n in counts.items()))


def _sources(report: dict[str, Any]) -> str:
    unit = report["unit"]
    numbers = {
        "records": "records",
        "groups": "groups",
        "mean_prompt_characters": "mean characters before the answer",
        "mean_answer_characters": "mean characters of the answer",
        "tokens_median": f"{unit}, median",
        "tokens_q99": f"{unit}, 99 % below",
        "exact_duplicates": "exact duplicates",
        "near_duplicates": "near duplicates",
        "augmented": "augmented copies",
        "verified": "verified by people",
    }
    rows = [[row["source"], *(f"{row[key]:,.0f}" for key in numbers)] for row in report["sources"]]
    counted = _table(["source", *numbers.values()], rows, caption="Counts by source")
    texts = ("tasks", "languages", "licences")
    kinds = [(row["source"], *(_listed(row[key]) for key in texts)) for row in report["sources"]]
    told = _table(["source", *texts], kinds, caption="Tasks, languages and licences by source")
    return _section("Where the records come from", counted + told)


def _coverage(report: dict[str, Any]) -> str:
    table, curve, unit = report["coverage"], report["curve"], report["unit"]
    series = [
        Series("records left whole", "first", [row["records"] for row in curve]),
        Series("answers lost", "second", [row["answer_tokens_lost"] for row in curve]),
    ]
    xs = [row["cutoff"] for row in curve]
    about = (
        f"Share of records left whole by cutoff: {curve[0]['records']:.1%} at {xs[0]:,} "
        f"to {curve[-1]['records']:.1%} at {xs[-1]:,} {unit}; the share of all answers that is "
        "cut off falls as it rises"
    )
    picture = line_chart(xs, series, about=about)
    legend = (
        '<p class="note"><span class="key"></span>records left whole'
        f'<span class="key second"></span>share of all answers, in {unit}, that is cut off</p>'
    )
    needed = ", ".join(f"{float(s):.0%} with {n:,}" for s, n in report["cutoff_for"].items())
    text = (
        f"<p>A longer record is cut at its end, where its answer is. So many {unit} leave this "
        f"share of the records whole: {needed}.</p>"
    )
    header = [
        f"cutoff ({unit})",
        "records whole",
        "answers cut",
        "a cut answer loses",
        "lost of all answers",
        "answers lost wholly",
    ]
    rows = [
        [
            f"{row['cutoff']:,}",
            f"{row['records']:.2%}",
            f"{row['answers_cut']:,}",
            f"{row['lost_of_cut']:.1%}",
            f"{row['answer_tokens_lost']:.2%}",
            f"{row['answers_lost']:,}",
        ]
        for row in table
    ]
    chart = _figure(picture, f"Coverage by cutoff, in {unit}")
    below = _table(header, rows, caption="Coverage by cutoff")
    return _section("What a cutoff would cost", text + chart + legend + below)


def _lengths(report: dict[str, Any]) -> str:
    parts, rows = [], []
    quantiles: list[str] = []
    for name, (title, unit) in _LENGTHS.items():
        values = report["lengths"][name]
        unit = unit.format(unit=report["unit"])
        bins = values["histogram"]
        chart = histogram_chart(bins["edges"], bins["counts"], title=f"{title}, {unit}", unit=unit)
        parts.append(_figure(chart, f"{title}, {unit}"))
        quantiles = [key for key in values if key.startswith("q")]
        rows.append(
            [f"{title}, {unit}", f"{values['mean']:,.1f}", *(f"{values[q]:,}" for q in quantiles)]
        )
    header = ["part", "mean", *(_quantile_name(q) for q in quantiles)]
    note = '<p class="note">The last bar of each picture also holds the longest half percent.</p>'
    table = _table(header, rows, caption="Lengths by percentile")
    return _section("Lengths", f'<div class="charts">{"".join(parts)}</div>{note}{table}')


def _quantile_name(key: str) -> str:
    return {"q0": "least", "q50": "median", "q100": "greatest"}.get(key, f"{key[1:]} %")


def _topics(report: dict[str, Any]) -> str:
    topics = report["topics"]
    parts = []
    for kind, title in _KINDS.items():
        shown = dict(list(topics["kinds"].get(kind, {}).items())[:_N_SHOWN])
        if shown:
            parts.append(_figure(bar_list(shown, title=title, total=topics["sample"]), title))
    of = "all" if topics["sample"] == report["records"] else "a sample of"
    text = (
        f"<p>What the lexicon knows, in {of} {topics['sample']:,} records: in how many of them "
        f"each is named, denied or not. {topics['without']:,} name nothing of these.</p>"
    )
    return _section("Topics", f'{text}<div class="charts">{"".join(parts)}</div>')


def _duplicates(report: dict[str, Any]) -> str:
    found = report["duplicates"]
    text = f"<p>Exact duplicates, case and marks aside: {found['exact']:,}. "
    if found["near"] is None:
        text += "Near duplicates were not looked for.</p>"
    else:
        text += (
            f"Near duplicates, edited or cut copies of another: {found['near']:,}, of which "
            f"{found['near_and_augmented']:,} are augmented copies.</p>"
        )
    return _section("Duplicates", text)


def _files(files: list[dict[str, str]]) -> str:
    rows = [(file["name"], Cell(file["sha256"], "code")) for file in files]
    return _section("Files", _table(["file", "SHA-256"], rows, caption="What was read"))

"""The report as one HTML page that asks for nothing outside itself and runs no script."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from medllm.ask.page.markup import Child, Html, element
from medllm.evaluate.report import charts
from medllm.evaluate.report.markdown import definitions, origin
from medllm.evaluate.report.tables import Table, all_tables

Facts = Mapping[str, Any]
_CSS = Path(__file__).with_name("report.css")
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
_LONG_CELL = 44
"""Characters; a longer cell may break into lines."""


def as_page(facts: Facts) -> str:
    """Give the whole page."""
    head = element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("meta", **{"http-equiv": "Content-Security-Policy", "content": _POLICY}),
        element("title", f"Evaluation: {facts['title']}"),
        element("style", Html(_CSS.read_text(encoding="utf-8"))),
    )
    body = element("body", _header(facts), element("main", *_sections(facts)), _footer())
    return f"<!doctype html>\n{element('html', head, body, lang='en').text}\n"


def _header(facts: Facts) -> Html:
    return element(
        "header",
        element("p", "medllm evaluation", class_="brand"),
        element("h1", str(facts["title"])),
        element("p", _line(facts), class_="hint"),
    )


def _line(facts: Facts) -> str:
    items = facts["items"]
    if not facts["systems"]:
        return ", ".join(f"{p['title']}: {p['n']:,} {p['unit']}" for p in facts["sections"])
    tasks = ", ".join(f"{n:,} {task}" for task, n in items.get("tasks", {}).items())
    return f"{items['n']:,} items ({tasks}); compared with {facts['baseline']}"


def _sections(facts: Facts) -> Iterator[Html]:
    yield _section("In plain words", _list(facts["summary"], "summary"))
    yield _section("What this does not show", _list(facts["limits"], "limits"))
    first, *others = all_tables(facts)
    yield _section(first.title, *_table(first))
    if facts["comparisons"]:
        yield _section("Paired differences in pictures", *_forests(facts))
    if facts.get("distributions"):
        yield _section("Distributions", *_distributions(facts))
    if agreement := facts.get("agreement"):
        yield _section("Agreement", *_agreement(agreement))
    if len(facts.get("training") or []) > 1:
        key = _key(["training loss", "validation loss"])
        yield _section("Training", key, _picture(charts.curve(facts["training"])))
    for table in others:
        yield _section(table.title, *_table(table))
    terms = [
        part
        for name, definition in definitions(facts)
        for part in (element("dt", name), element("dd", definition))
    ]
    yield _section("Definitions", element("dl", *terms, class_="facts"))
    rows = [p for key, value in origin(facts) for p in (element("dt", key), element("dd", value))]
    yield _section("How this came about", element("dl", *rows, class_="facts"))


def _section(title: str, *children: Child) -> Html:
    return element("section", element("h2", title), *children)


def _list(sentences: Sequence[str], kind: str) -> Html:
    return element("ul", *(element("li", sentence) for sentence in sentences), class_=kind)


def _forests(facts: Facts) -> Iterator[Html]:
    """Give a picture for each track: their scales differ."""
    tracks = {measure["name"]: measure["track"] for measure in facts["measures"]}
    yield element(
        "p",
        "Each line is a 95 % interval of the difference to the baseline. A filled mark is a "
        "difference that was shown after correction; an open one was not shown. To the right is "
        "higher, which of harm, omission and refusals is worse.",
        class_="hint",
    )
    titles = {
        "lexical": "Overlap with the references",
        "judge": "Judge",
        "experts": "Experts",
        "task": "Tasks",
    }
    groups = [
        (title, [r for r in facts["comparisons"] if _track_of(r, tracks) == track])
        for track, title in titles.items()
    ]
    groups += [
        (part["title"], [r for r in facts["comparisons"] if r["section"] == part["title"]])
        for part in facts["sections"]
    ]
    for title, rows in groups:
        if rows:
            pairs = dict.fromkeys(f"{row['system']} - {row['baseline']}" for row in rows)
            yield element("h3", f"{title} ({', '.join(pairs)})")
            yield _picture(charts.forest(rows, f"{title}: paired differences"))


def _track_of(row: Facts, tracks: Mapping[str, str]) -> str:
    return "" if row["section"] else tracks[row["metric"]]


def _distributions(facts: Facts) -> Iterator[Html]:
    order = [system["name"] for system in facts["systems"]]
    yield element("p", "How many items scored how much.", class_="hint")
    yield _key(order)
    for name, row in facts["distributions"].items():
        yield element("h3", name)
        yield _picture(charts.distribution(name, row, order))


def _agreement(agreement: Facts) -> Iterator[Html]:
    yield element("p", agreement["note"], class_="hint")
    picture = charts.heat_map(agreement["names"], agreement["values"], "Agreement of measures")
    yield _picture(picture)


def _key(names: Sequence[str]) -> Html:
    def sample(at: int) -> Html:
        line = element("line", x1=0, y1=5, x2=30, y2=5, class_=f"steps s{at % 6}")
        return element("svg", line, viewBox="0 0 30 10", aria_hidden="true")

    return element(
        "ul", *(element("li", sample(at), name) for at, name in enumerate(names)), class_="key"
    )


def _picture(svg: Html) -> Html:
    return element("div", svg, class_="pictures", tabindex="0", role="group", aria_label="picture")


def _table(table: Table) -> Iterator[Html]:
    if table.note:
        yield element("p", table.note, class_="hint")
    head = element("tr", *(element("th", cell, scope="col") for cell in table.header))
    rows = [
        element("tr", *(_cell(cell, is_first=at == 0) for at, cell in enumerate(row)))
        for row in table.rows
    ]
    whole = element("table", element("thead", head), element("tbody", *rows))
    box = element(
        "div", whole, class_="scroll", tabindex="0", role="region", aria_label=table.title
    )
    if table.is_detail:
        n = len(table.rows)
        yield element("details", element("summary", f"Show {n:,} row{'s'[: n != 1]}"), box)
    else:
        yield box


def _cell(words: str, *, is_first: bool) -> Html:
    if is_first:
        return element("th", words, scope="row")
    return element("td", words, class_="wide" if len(words) > _LONG_CELL else None)


def _footer() -> Html:
    return element(
        "footer",
        element(
            "p",
            "medllm is not a medical device. This report compares models on records; it does not "
            "say that any of them is safe for patients.",
        ),
    )

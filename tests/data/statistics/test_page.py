"""The page of statistics: whole, silent, and readable for people and for their tools."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from medllm.data.statistics.charts import bar_list, histogram_chart, nice_ticks
from medllm.data.statistics.describe import describe_records
from medllm.data.statistics.page import write_page
from tests.data.prepare.making import dialogues, record, write_records

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    folder = tmp_path_factory.mktemp("statistics")
    other = [
        record(f"o{n}", f"I take {drug} for fever. Is {n} days long?", f"It is, {drug} helps.",
               source="<other> & co", task="question", licence="CC0 " * 30)
        for n, drug in enumerate(["aspirin", "ibuprofen", "aspirin"])
    ]  # fmt: skip
    return describe_records([
        write_records(folder / "<train>.jsonl", dialogues(60)),
        write_records(folder / "test.jsonl", other),
    ])  # fmt: skip


class Reader(HTMLParser):
    """Checks that every element is closed, and notes addresses and tags."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[str] = []
        self.addresses: list[str] = []

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.addresses += [v or "" for k, v in attributes if k in ("src", "href", "action")]
        if tag != "meta":
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_the_page_is_whole_and_asks_for_nothing_outside(report: dict[str, Any]) -> None:
    page = write_page(report)
    reader = Reader()
    reader.feed(page)
    assert reader.open == []
    assert reader.addresses == []
    assert "script" not in reader.tags
    assert reader.tags.count("svg") >= 6
    assert not re.search(r"url\(|@import", page)


def test_every_picture_says_what_it_shows_and_every_table_what_it_holds(
    report: dict[str, Any],
) -> None:
    page = write_page(report)
    assert page.count("<svg ") == page.count('role="img" aria-label="') > 0
    assert page.count("<table>") == page.count("<caption>") == page.count('role="region"') > 0
    assert all(f'scope="{scope}"' in page for scope in ("col", "row"))


def test_names_are_escaped(report: dict[str, Any]) -> None:
    page = write_page(report)
    assert "<other>" not in page
    assert "<train>" not in page
    assert "&lt;other&gt; &amp; co" in page
    assert "&lt;b&gt;&amp;" in bar_list({"<b>&": 3}, title='"x"', total=3)


def test_a_chart_of_one_value_can_be_drawn() -> None:
    assert "<rect" in histogram_chart([0, 1], [5], title="t", unit="words")


@given(st.integers(0, 10**6), st.integers(1, 10**6))
@settings(deadline=None, derandomize=True)
def test_ticks_are_few_round_and_within(low: int, span: int) -> None:
    ticks = nice_ticks(low, low + span)
    assert len(ticks) <= 9
    assert all(low <= tick <= low + span for tick in ticks)
    steps = {b - a for a, b in zip(ticks, ticks[1:], strict=False)}
    assert len(steps) <= 1
    assert all(str(step).rstrip("0") in ("1", "2", "5") for step in steps)


# --- in a browser


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    if CHROMIUM is None:
        pytest.skip("no chromium on this machine")
    with sync_api.sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield started
        started.close()


@pytest.mark.slow
@pytest.mark.parametrize(
    "how",
    [
        {"color_scheme": "light"},
        {"color_scheme": "dark"},
        {"viewport": {"width": 320, "height": 640}},
        {"forced_colors": "active"},
    ],
    ids=str,
)
def test_in_a_browser_axe_finds_nothing_and_nothing_is_asked_for(
    browser: Any, report: dict[str, Any], tmp_path: Path, how: dict[str, Any]
) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright")
    path = tmp_path / "stats.html"
    path.write_text(write_page(report), encoding="utf-8")
    context = browser.new_context(**how)
    page = context.new_page()
    requests: list[str] = []
    complaints: list[str] = []
    page.on("request", lambda request: requests.append(request.url))
    page.on("console", lambda message: complaints.append(message.text))
    page.goto(path.as_uri())
    found = axe.Axe().run(page)
    assert found.violations_count == 0, found.generate_report()
    assert requests == [path.as_uri()]
    assert complaints == []
    width = page.viewport_size["width"]
    assert page.evaluate("document.scrollingElement.scrollWidth") <= width
    context.close()


@pytest.mark.slow
def test_in_a_browser_no_text_of_a_picture_is_cut_off(
    browser: Any, report: dict[str, Any], tmp_path: Path
) -> None:
    path = tmp_path / "stats.html"
    path.write_text(write_page(report), encoding="utf-8")
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    page.goto(path.as_uri())
    outside = page.evaluate(
        """() => [...document.querySelectorAll('svg')].flatMap(svg => {
            const box = svg.getBoundingClientRect();
            return [...svg.querySelectorAll('text')].filter(text => {
                const own = text.getBoundingClientRect();
                return own.left < box.left - 1 || own.right > box.right + 1
                    || own.bottom > box.bottom + 1 || own.top < box.top - 1;
            }).map(text => text.textContent);
        })"""
    )
    assert outside == []
    page.close()

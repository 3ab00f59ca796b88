"""The HTML answer in a real browser: no request, no violation, keyboard, panel, axe, payloads."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from medllm.ask.page.render import render_page
from medllm.records import Answer, Note
from tests.ask.answers import (
    abstained_answer,
    incomplete_answer,
    long_answer,
    poisoned_answer,
    rich_answer,
)
from tests.ask.page_opener import PHONE, WIDE, Opener, focused, is_in_view
from tests.ask.payloads import PAYLOADS

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="no chromium on this machine"),
]
sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with sync_api.sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield started
        started.close()


@pytest.fixture
def opener(browser: Any, tmp_path: Path) -> Iterator[Opener]:
    made = Opener(browser, tmp_path)
    yield made
    for context in made.contexts:
        context.close()
    outside = [url for url in made.watch.requests if not url.startswith(tmp_path.as_uri())]
    assert len(made.watch.requests) == made.n_opened, "a page asked for more than itself"
    assert outside == []
    assert made.watch.dialogs == []
    assert made.watch.complaints == []


STATES = {
    "light": (rich_answer, WIDE, {"color_scheme": "light"}),
    "dark": (rich_answer, WIDE, {"color_scheme": "dark"}),
    "phone": (rich_answer, PHONE, {}),
    "zoomed": (rich_answer, {"width": 640, "height": 400}, {}),
    "forced colours": (rich_answer, WIDE, {"forced_colors": "active"}),
    "abstained": (abstained_answer, WIDE, {}),
    "abstained, dark": (abstained_answer, WIDE, {"color_scheme": "dark"}),
    "incomplete": (incomplete_answer, PHONE, {"color_scheme": "dark"}),
    "a note that scrolls": (lambda: long_answer(600), WIDE, {}),
}


@pytest.mark.parametrize(
    ("state", "panel"),
    [(state, "closed") for state in STATES]
    + [(state, "open") for state in ("light", "dark", "phone")],
)
def test_axe_finds_nothing(opener: Opener, state: str, panel: str) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright")
    make, viewport, context = STATES[state]
    page = opener(make(), viewport, **context)
    if panel == "open":
        page.locator("#claim-3 a.cite").first.click()
    found = axe.Axe().run(page)
    assert found.violations_count == 0, found.generate_report()


@pytest.mark.parametrize("width", [320, 640, 1280])
def test_nothing_is_wider_than_the_window(opener: Opener, width: int) -> None:
    answers = [rich_answer(), poisoned_answer("unbroken" * 30)]
    for answer in answers:
        page = opener(answer, {"width": width, "height": 700})
        assert page.evaluate("document.scrollingElement.scrollWidth") <= width


def test_a_citation_opens_its_source_at_the_exact_sentence_and_escape_goes_back(
    opener: Opener,
) -> None:
    page = opener(rich_answer())
    citation = page.locator("#claim-3 a.cite").nth(1)
    citation.click()
    marks = page.locator("mark.current")
    sentence = "CT angiography showed a segmental pulmonary embolism of the right lower lobe"
    assert "".join(marks.all_text_contents()) == sentence
    assert is_in_view(page, "mark.current")
    assert is_in_view(page, "#claim-3 a.cite")
    assert focused(page) == sentence
    assert page.locator("#sources").evaluate("e => getComputedStyle(e).position") == "fixed"
    page.keyboard.press("Escape")
    assert page.locator("#sources").evaluate("e => getComputedStyle(e).position") == "static"
    assert page.evaluate("document.activeElement.closest('li').id") == "claim-3"
    assert page.locator("mark.current").count() == 0


@pytest.mark.parametrize("viewport", [PHONE, {"width": 640, "height": 400}, WIDE])
def test_every_citation_brings_its_sentence_into_view(opener: Opener, viewport: Any) -> None:
    page = opener(rich_answer(), viewport)
    links = page.locator("#summary a.cite[href^='#sentence-']")
    assert links.count() == 11
    for n in range(links.count()):
        links.nth(n).click()
        assert is_in_view(page, "mark.current")
        here = links.nth(n).get_attribute("href")
        assert page.locator("mark.current").first.get_attribute("data-of") in here
        assert links.nth(n).evaluate(
            "e => { const r = e.getBoundingClientRect();"
            " return document.elementFromPoint(r.left + 2, r.top + 2) === e; }"
        )


def test_without_javascript_a_citation_leads_to_its_sentence_by_anchor(opener: Opener) -> None:
    page = opener(rich_answer(), java_script_enabled=False)
    page.locator("#claim-3 a.cite").nth(1).click()
    target = page.locator("mark:target")
    assert target.text_content().startswith("CT angiography showed")
    box = target.bounding_box()
    assert 0 <= box["y"] < WIDE["height"]
    assert not page.locator("#close").is_visible()
    assert not page.locator(".keys").is_visible()
    page.locator("#source-2 a.back").click()
    assert page.locator("#claim-3:target").count() == 1


def test_the_journey_by_keyboard_alone(opener: Opener) -> None:
    page = opener(rich_answer())
    page.keyboard.press("Tab")
    assert focused(page) == "Skip to the summary"
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.closest('li').id") == "claim-1"
    assert page.locator("#claim-1 a.cite").text_content() == "[source 1]"
    page.keyboard.press("Enter")
    assert focused(page) == "She kept two parrots, one of which had died a week before."
    page.keyboard.press("4")
    assert "Clinical clues to atypical pneumonia" in focused(page)
    assert is_in_view(page, "#source-4-heading")
    page.keyboard.press("9")
    assert "Clinical clues" in focused(page)
    page.keyboard.press("Escape")
    assert page.evaluate("document.activeElement.closest('li').id") == "claim-1"
    page.keyboard.press("2")
    assert page.locator("#close").is_visible()
    page.locator("#close").focus()
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.closest('li').id") == "claim-1"
    page.locator("#keys").uncheck()
    page.keyboard.press("2")
    assert not page.locator("#close").is_visible()


def test_in_print_the_sources_stand_below_even_where_the_panel_was_open(opener: Opener) -> None:
    page = opener(long_answer())
    page.locator("#claim-3 a.cite").first.click()
    page.emulate_media(media="print")
    assert page.locator("#sources").evaluate("e => getComputedStyle(e).position") == "static"
    assert page.locator("#source-6 .passage").is_visible()
    assert page.locator("#claim-1 a.cite").is_visible()
    assert not page.locator("nav").is_visible()
    assert not page.locator("#close").is_visible()
    assert page.locator("#note-text").evaluate("e => e.scrollHeight <= e.clientHeight + 2")


def test_a_long_note_scrolls_within_itself(opener: Opener) -> None:
    page = opener(long_answer())
    note = page.locator("#note-text")
    assert note.evaluate("e => e.scrollHeight > 5 * e.clientHeight")
    note.evaluate("e => { e.scrollTop = 0; }")
    beyond = "document.documentElement.scrollHeight - document.querySelector('footer')"
    assert page.evaluate(f"{beyond}.getBoundingClientRect().bottom - scrollY") < 5
    page.evaluate("document.querySelector('#finding-2000').scrollIntoView()")
    assert is_in_view(page, "#finding-2000")


def test_the_note_of_the_page_is_the_note_character_for_character(opener: Opener) -> None:
    note = "\n a\r\nb\rc\td  e\u202ef\u2066\U0001f9ec &amp; &lt;b> </div> \u00a0\ufeff<!-- ]]> \f\n"
    page = opener(Answer(**{**fields(abstained_answer()), "note": Note(text=note), "findings": ()}))
    assert page.evaluate("document.getElementById('note-text').textContent") == note


def fields(answer: Answer) -> dict[str, Any]:
    return {name: getattr(answer, name) for name in answer.__dataclass_fields__}


ALLOWED_ELEMENTS = set(
    "html head meta title style body a header p h1 strong nav ul li span main section h2 h3 div"
    " mark dl dt dd table thead tbody tr th td ol bdi details summary button article label input"
    " footer script".split()
)
ALLOWED_ATTRIBUTES = set(
    "lang charset http-equiv content name href class id role aria-labelledby aria-label tabindex"
    " dir title data-of data-source rel scope type hidden checked".split()
)


def test_no_payload_in_any_field_becomes_an_element_a_dialog_or_a_request(opener: Opener) -> None:
    assert len(PAYLOADS) >= 40
    page = opener("<!DOCTYPE html>")
    for payload in PAYLOADS:
        opener.show(page, poisoned_answer(payload))
        made: Any = page.evaluate(
            """() => { const all = [...document.querySelectorAll("*")]; return {
            elements: [...new Set(all.map(e => e.localName))],
            attributes: [...new Set(all.flatMap(e => e.getAttributeNames()))],
            scripts: document.scripts.length, styles: document.styleSheets.length,
            links: [...document.links].map(a => a.href),
            note: document.getElementById("note-text").textContent, title: document.title }; }"""
        )
        assert set(made["elements"]) <= ALLOWED_ELEMENTS
        assert set(made["attributes"]) <= ALLOWED_ATTRIBUTES
        assert (made["scripts"], made["styles"]) == (1, 1)
        for link in made["links"]:
            assert link.startswith(("file://", "https://cases.example/"))
        assert made["note"] == f"{payload} and fever {payload}".replace("\x00", "\ufffd")
        page.evaluate("document.querySelector('#claim-1 a.cite').click()")


@pytest.fixture
def asked() -> Iterator[tuple[str, list[str]]]:
    """Give the address of a server on this machine and the list of what it was asked for."""
    paths: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            paths.append(self.path)
            self.send_error(404)

        def log_message(self, *_: Any) -> None:
            return

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}", paths
        server.shutdown()


def test_the_policy_stops_what_would_get_into_the_page_in_spite_of_all(
    opener: Opener, asked: tuple[str, list[str]]
) -> None:
    host, paths = asked
    bad = (
        f"<script>alert(1)</script><img src='{host}/a.png' onerror='alert(2)'>"
        f"<link rel=stylesheet href='{host}/a.css'><p id=red style='color:red'>x</p>"
        f"<script src='{host}/a.js'></script><iframe src='{host}/a.html'></iframe>"
    )
    page = opener(render_page(rich_answer()).replace("<main>", f"<main>{bad}"))
    page.locator("#claim-1 a.cite").first.click()
    assert page.locator("#close").is_visible()  # the page's own script runs
    assert page.locator("#red").evaluate("e => getComputedStyle(e).color") != "rgb(255, 0, 0)"
    page.goto("about:blank")
    assert paths == []
    assert opener.watch.dialogs == []
    assert len(opener.watch.complaints) >= 5  # the browser says what it refused
    # Playwright reports requests that the policy refused too: the server is the witness here.
    opener.watch.complaints.clear()
    opener.watch.requests[:] = opener.watch.requests[:1]

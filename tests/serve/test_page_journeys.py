"""Journeys of a clinician through the page, in a real browser, against the real server."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.fake_server import FakeServer
from tests.serve.browsing import (
    IN_A_BROWSER,
    PHONE,
    WIDE,
    Browsing,
    analyse,
    check_with_axe,
    scripted,
    text,
)
from tests.serve.running import NOTE, Running

pytestmark = IN_A_BROWSER


SOCK = "A knitting pattern for a woollen sock, with a heel turned twice."


LOOKS = {
    "light": (WIDE, {"color_scheme": "light"}),
    "dark": (WIDE, {"color_scheme": "dark"}),
    "phone": (PHONE, {}),
    "zoomed, forced colours": ({"width": 640, "height": 400}, {"forced_colors": "active"}),
}


@pytest.mark.parametrize("look", LOOKS)
def test_a_note_becomes_a_cited_summary(browsing: Browsing, server: Running, look: str) -> None:
    viewport, context = LOOKS[look]
    with browsing.page(server, viewport, **context) as page:
        check_with_axe(page)
        analyse(page, NOTE)
        check_with_axe(page)
        assert "No evaluation of this model" in text(page, "#basis")
        assert "fever" in text(page, "#findings .group:has-text('Negated')")
        assert "knee replacement" in text(page, "#patients-1")
        page.locator("#claim-2 a.cite").first.click()
        marked = text(page, "#sources mark.current")
        assert marked == text(page, "#claim-2 .said")
        assert page.locator("#sources mark.current").evaluate("m => m === document.activeElement")
        check_with_axe(page)
        assert page.evaluate("document.documentElement.scrollWidth") <= viewport["width"]
        page.keyboard.press("Escape")
        assert page.locator("#sources").count() == 0
        with page.expect_download() as download:
            page.click("text=Save as a page")
        assert download.value.suggested_filename.endswith(".html")


def test_everything_can_be_done_with_the_keyboard(browsing: Browsing, server: Running) -> None:
    with browsing.page(server) as page:
        page.keyboard.press("Tab")
        while page.evaluate("document.activeElement.id") != "note-input":
            page.keyboard.press("Tab")
        page.keyboard.insert_text(NOTE)
        page.keyboard.press("Control+Enter")
        page.wait_for_selector("#basis")
        page.evaluate("document.activeElement.blur()")
        page.keyboard.press("4")
        assert "registry-based" in text(page, "#sources")
        page.keyboard.press("Escape")
        row = page.locator("#findings li.row", has_text="dyspnoea")
        row.locator("button").first.focus()
        page.keyboard.press("r")
        assert "rejected" in text(page, "#findings li.row.gone")
        page.locator("#add-words").focus()
        page.keyboard.insert_text("left calf swollen")
        page.keyboard.press("Enter")
        page.wait_for_selector("#again")
        page.locator("#again").focus()
        page.keyboard.press("Enter")
        page.wait_for_selector("#basis")
        assert "added by you" in text(page, "#findings")
        assert "breath" not in text(page, "#patients-1 .why")
        check_with_axe(page)


SELECT = """word => {
    const nodes = [...document.getElementById("note-text").childNodes];
    const node = nodes.find((node) => node.nodeType === 3 && node.data.includes(word));
    const at = node.data.indexOf(word);
    getSelection().setBaseAndExtent(node, at, node, at + word.length);
}"""


def test_what_is_selected_in_the_note_is_added_with_a_key(
    browsing: Browsing, server: Running
) -> None:
    with browsing.page(server) as page:
        analyse(page, NOTE)
        page.evaluate("document.activeElement.blur()")
        page.keyboard.press("+")
        assert page.evaluate("document.activeElement.id") == "add-words"
        page.evaluate("document.activeElement.blur()")
        page.evaluate(SELECT, "nearly")
        page.wait_for_function("document.getElementById('add-words').value !== ''")
        page.keyboard.press("+")
        page.wait_for_selector("#again")
        assert "1 correction not yet searched for" in text(page, "#findings")
        assert "added by you" in text(page, "#findings li.row:has-text('nearly')")


def test_a_screen_reader_hears_each_sentence_and_the_end(
    browsing: Browsing, server: Running
) -> None:
    with browsing.page(server) as page:
        analyse(page, NOTE)
        heard = page.locator("#live[aria-live=polite] p").all_inner_texts()
        said = page.locator("#summary .said").all_inner_texts()
        assert [words.strip() for words in heard[:-1]] == said
        assert heard[-1] == f"The answer is complete: {len(said)} sentences."


def test_on_paper_the_sources_stand_below_the_summary(browsing: Browsing, server: Running) -> None:
    with browsing.page(server) as page:
        analyse(page, NOTE)
        page.emulate_media(media="print")
        assert "[1]" in text(page, ".paper")
        assert not page.locator("#note-input").is_visible()
        assert page.locator("#summary .said").first.is_visible()


def test_who_waits_is_told_their_place(browsing: Browsing, serve: Callable[..., Running]) -> None:
    with FakeServer(scripted, modes=["stall"]) as model:
        one = ["serve.concurrent=1"]
        server = serve("--model", f"openai:{model.openai_url}#tiny", settings=one)
        with browsing.page(server) as page, browsing.page(server) as other:
            for asking in (page, other):
                asking.fill("#note-input", NOTE)
                asking.keyboard.press("Control+Enter")
                assert model.stalled.wait(10)
            other.wait_for_selector("text=You are next in the queue")
            check_with_axe(other)
            page.keyboard.press("Escape")
            other.wait_for_selector("#patients")
            other.keyboard.press("Escape")


def test_no_evidence_is_said_with_its_threshold(
    browsing: Browsing, serve: Callable[..., Running]
) -> None:
    with browsing.page(serve(settings=["ask.threshold=0.9"])) as page:
        analyse(page, SOCK)
        assert "no document names 90 % or more" in text(page, "#summary")
        assert page.locator("#summary .claims").count() == 0
        check_with_axe(page)


def test_what_cannot_be_answered_is_said_beside_the_note(
    browsing: Browsing, serve: Callable[..., Running]
) -> None:
    with browsing.page(serve(settings=["ask.max_note_characters=600"])) as page:
        page.click("#analyse")
        assert "nothing to analyse" in text(page, "#note-problem")
        check_with_axe(page)
        page.fill("#note-input", NOTE)
        page.keyboard.press("Control+Enter")
        assert "Choose what to leave out" in text(page, "#note-problem")
        check_with_axe(page)
        boxes = page.locator("#note-problem input[type=checkbox]")
        for at in range(1, boxes.count()):
            boxes.nth(at).uncheck()
        page.click("text=Use the chosen parts")
        assert len(page.input_value("#note-input")) <= 600
        page.fill("#note-input", "Der Patient ist nicht mit der Frau und das Kind hat keine Angst.")
        page.keyboard.press("Control+Enter")
        page.wait_for_selector("#problem .notice")
        assert "German" in text(page, "#problem")


def test_identifiers_are_removed_after_a_preview(browsing: Browsing, server: Running) -> None:
    with browsing.page(server) as page:
        page.fill("#note-input", f"Seen on 12 March 2024. MRN: 4471902. {NOTE}")
        page.click("#remove")
        page.wait_for_selector("#preview del")
        assert "12 March 2024" in text(page, "#preview")
        check_with_axe(page)
        page.click("text=Use this text")
        taken = page.input_value("#note-input")
        assert "12 March 2024" not in taken
        assert "4471902" not in taken
        assert "pleuritic chest pain" in taken


def test_feedback_and_copy_work(browsing: Browsing, server: Running) -> None:
    granted = ["clipboard-read", "clipboard-write"]
    with browsing.page(server, permissions=granted) as page:
        analyse(page, NOTE)
        with page.expect_response("**/api/v1/feedback") as given:
            page.locator("#claim-1 .rate button").nth(1).click()
        assert given.value.status == 201
        page.click("text=Copy with sources")
        page.wait_for_selector("text=Copied.")
        copied = page.evaluate("navigator.clipboard.readText()")
        assert "[1]" in copied
        assert "Not a medical device" in copied


def test_changing_the_note_after_its_answer_is_said(browsing: Browsing, server: Running) -> None:
    with browsing.page(server) as page:
        analyse(page, NOTE)
        assert text(page, "#changed") == ""
        page.locator("#note-input").press_sequentially(" x")
        assert "changed since this answer" in text(page, "#changed")
        check_with_axe(page)

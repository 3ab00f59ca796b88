"""Journeys of a clinician through the page, in a real browser, against the real server."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from medllm.serve.accounts import Accounts
from tests.ask.payloads import PAYLOADS
from tests.fake_server import FakeServer
from tests.serve.browsing import PHONE, WIDE, Browsing, analyse
from tests.serve.running import NOTE, Running

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="no chromium on this machine"),
]
sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
SOCK = "A knitting pattern for a woollen sock, with a heel turned twice."


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with sync_api.sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield started
        started.close()


@pytest.fixture
def browsing(browser: Any) -> Browsing:
    return Browsing(browser)


def check_with_axe(page: Any) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright")
    found = axe.Axe().run(page)
    assert found.violations_count == 0, found.generate_report()


def text(page: Any, selector: str) -> str:
    return str(page.locator(selector).inner_text())


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
    with FakeServer(answer, modes=["stall"]) as model:
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


def answer(request: Any) -> str:
    sentences = [
        {"text": "Pulmonary embolism was found.", "sources": [1]},
        {"text": "Give 400 mg of unobtainium at once.", "sources": [1]},
        {"text": "It was cured.", "sources": [77]},
    ]
    return json.dumps({"sentences": sentences})


FAILURES = {
    "no_finish": "broke off",
    "done_without_finish": "broke off",
    "error_frame": "broke off",
    "error_after_finish": "broke off",
    "reset": "broke off",
    "stall": "broke off",
    "stall_after_role": "broke off",
    "ping_forever": "broke off",
    "length": "cut off at its longest length",
    "odd_reason": "broke off",
    "html_500": "broke off",
    "html_200": "broke off",
    "redirect": "broke off",
    "reset_first": "broke off",
    "silent": "broke off",
    "too_long": "broke off",
    "busy": "broke off",
    "split_multibyte": "",
    "one_byte": "",
    "pings": "",
}
"""The twenty ways of a backend, and the words that the page has for each; "" where it is whole."""


def test_twenty_ways_of_a_backend_are_told_apart(
    browsing: Browsing, serve: Callable[..., Running]
) -> None:
    modes = [mode for mode in FAILURES for _ in range(3 if mode in ("busy", "reset_first") else 1)]
    whole = [mode for mode, words in FAILURES.items() if not words]
    # What is whole but does not pass the check is asked for once more.
    for mode in whole:
        modes.insert(modes.index(mode), mode)
    waits = {"first_byte_timeout_s": 0.5, "stall_timeout_s": 0.5, "max_retry_wait_s": 0.05}
    limits = [f"models.{name}={seconds}" for name, seconds in waits.items()]
    with FakeServer(answer, modes=[*modes, "ok"]) as model:
        server = serve("--model", f"openai:{model.openai_url}#tiny", settings=limits)
        with browsing.page(server) as page:
            for mode, words in FAILURES.items():
                analyse(page, NOTE)
                shown = text(page, "#summary")
                if words:
                    assert words in shown, f"{mode}: {shown}"
                    assert "is not whole" in shown, mode
                    assert page.locator("#patients li.card").count() > 0, mode
                else:
                    assert "not whole" not in shown, mode
                    assert page.locator("#summary .claims li").count() == 3, mode
            assert "of 3 sentences did not pass the check" in text(page, "#summary")
            assert "unknown source" in text(page, "#summary").lower()
            assert page.locator("#summary .doubtful").count() >= 2
            check_with_axe(page)


def test_stop_keeps_what_is_there_and_reaches_the_backend(
    browsing: Browsing, serve: Callable[..., Running]
) -> None:
    with FakeServer(answer, modes=["stall"]) as model:
        with browsing.page(serve("--model", f"openai:{model.openai_url}#tiny")) as page:
            page.fill("#note-input", NOTE)
            page.keyboard.press("Control+Enter")
            page.wait_for_selector("#patients")
            assert model.stalled.wait(10)
            page.keyboard.press("Escape")
            page.wait_for_selector("#problem .notice")
            assert "Stopped" in text(page, "#problem")
            assert "stopped" in text(page, "#steps")
            assert page.locator("#patients li.card").count() > 0
            check_with_axe(page)
        assert model.hung_up.wait(1.0)


def test_a_server_that_dies_is_said(browsing: Browsing, serve: Callable[..., Running]) -> None:
    server = serve()
    with browsing.page(server) as page:
        analyse(page, NOTE)
        server.kill()
        page.keyboard.press("Control+Enter")
        page.wait_for_selector("#problem .notice")
        assert "connection to the server was lost" in text(page, "#problem")
        check_with_axe(page)


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


def test_the_library_adds_and_deletes(browsing: Browsing, serve: Callable[..., Running]) -> None:
    with browsing.page(serve()) as page:
        analyse(page, NOTE)
        page.click("nav >> text=Library")
        page.wait_for_selector("#delete")
        check_with_axe(page)
        line = json.dumps({"id": "new-1", "title": "Hiccups", "text": "A case of hiccups."})
        page.set_input_files(
            "#add-file", {"name": "x.jsonl", "mimeType": "text/plain", "buffer": line.encode()}
        )
        page.click("#add button[type=submit]")
        page.wait_for_selector("text=1 added")
        page.fill("#ids", "new-1")
        page.click("#delete button[type=submit]")
        page.click("#delete button.main")
        page.wait_for_selector("text=1 deleted")
        check_with_axe(page)
        page.click("nav >> text=Case")
        assert "The index was changed since this answer" in text(page, "#banner")
        assert page.input_value("#note-input") == NOTE


def test_an_old_index_is_said(
    browsing: Browsing, serve: Callable[..., Running], tmp_path: Path, index_dir: Path
) -> None:
    shutil.copytree(index_dir, tmp_path / "idx")
    facts = json.loads((tmp_path / "idx" / "index.json").read_text())
    (tmp_path / "idx" / "index.json").write_text(json.dumps({**facts, "created": "2019-01-01"}))
    with browsing.page(serve()) as page:
        page.wait_for_selector("#banner .notice")
        assert "nothing was added since January 1, 2019" in text(page, "#banner")
        check_with_axe(page)


def test_a_stranger_is_asked_for_the_token(browser: Any, server: Running) -> None:
    page = browser.new_page()
    page.goto(server.url)
    page.wait_for_selector("#token")
    check_with_axe(page)
    page.fill("#token", "guess")
    page.keyboard.press("Enter")
    page.wait_for_selector("text=That token opens nothing")
    page.fill("#token", server.token)
    page.keyboard.press("Enter")
    page.wait_for_selector("#note-input")
    assert page.evaluate("location.hash") == ""
    stored = page.evaluate("JSON.stringify([{...localStorage}, {...sessionStorage}])")
    assert stored == "[{},{}]"
    page.close()


def poisoned_lines() -> bytes:
    rows = [
        {
            "id": f"bad-{n}",
            "title": f"{payload} embolism",
            "text": f"Pulmonary embolism, pleuritic chest pain and dyspnoea. {payload}",
            "source": payload,
            "url": payload,
            "licence": payload,
            "kind": "patients" if n % 2 else "articles",
        }
        for n, payload in enumerate(PAYLOADS)
    ]
    return "".join(json.dumps(row) + "\n" for row in rows).encode()


def test_payloads_stay_text_in_every_field(
    browsing: Browsing, serve: Callable[..., Running]
) -> None:
    def poisoned(request: Any) -> str:
        sentences = [{"text": f"Embolism. {payload}", "sources": [1]} for payload in PAYLOADS[:60]]
        return json.dumps({"sentences": sentences})

    note = "A 60-year-old man with pulmonary embolism, pleuritic chest pain, dyspnoea. "
    with FakeServer(poisoned) as model:
        server = serve("--model", f"openai:{model.openai_url}#tiny", settings=["search.top=70"])
        with server.client(**{"content-type": "application/octet-stream"}) as client:
            client.post("/api/v1/documents/add", content=poisoned_lines())
        with browsing.page(server) as page:
            analyse(page, note + "\n".join(PAYLOADS).replace("\x00", ""))
            page.locator("#patients p > button").click()
            page.locator("#articles p > button").click()
            assert page.locator("li.card:has-text('alert(1)')").count() >= 20
            assert page.locator("#summary .claims li").count() >= 40
            for number in range(1, 9):
                page.evaluate("document.activeElement.blur()")
                page.keyboard.press(str(number))
            page.keyboard.press("Escape")
            page.set_input_files(
                "#file",
                {"name": "<img src=x onerror=alert(1)>.txt", "mimeType": "text/plain",
                 "buffer": PAYLOADS[0].encode()},
            )  # fmt: skip
            page.wait_for_selector("#note-count:has-text('25 of')")
            scripts = page.evaluate("document.querySelectorAll('script').length")
            assert scripts == 1
            assert page.locator("img, iframe, object, embed, svg").count() == 0
            check_with_axe(page)


def test_two_models_are_compared_blind(browsing: Browsing, serve: Callable[..., Running]) -> None:
    with FakeServer(answer) as model:
        second = f"serve.compare=openai:{model.openai_url}#tiny"
        with browsing.page(serve(settings=[second])) as page:
            page.fill("#note-input", NOTE)
            page.click("nav >> text=Compare")
            assert page.input_value("#compare-note") == NOTE
            page.click("#compare-go")
            page.wait_for_selector(".side .claims")
            check_with_axe(page)
            assert "tiny" not in page.content()
            page.locator(".side a.cite").first.click()
            assert page.locator("#sources .passage").count() >= 1
            page.keyboard.press("Escape")
            page.click("text=Neither is good")
            page.wait_for_selector("text=was written by")
            assert "tiny" in text(page, "#compared")
            check_with_axe(page)


def test_changing_the_note_after_its_answer_is_said(browsing: Browsing, server: Running) -> None:
    with browsing.page(server) as page:
        analyse(page, NOTE)
        assert text(page, "#changed") == ""
        page.locator("#note-input").press_sequentially(" x")
        assert "changed since this answer" in text(page, "#changed")
        check_with_axe(page)


def test_accounts_sign_in_and_out_on_the_page(
    browser: Any, serve: Callable[..., Running], tmp_path: Path
) -> None:
    accounts = Accounts(tmp_path / "accounts.json")
    accounts.add("ada", "clinician", "correct horse battery")
    (tmp_path / "data").mkdir()
    (tmp_path / "accounts.json").rename(tmp_path / "data" / "accounts.json")
    page = browser.new_page()
    page.goto(serve("--data", tmp_path / "data", settings=["serve.idle_lock_s=4.0"]).url)
    page.wait_for_selector("#password")
    check_with_axe(page)
    page.fill("#name", "ada")
    page.fill("#password", "a wrong password")
    page.keyboard.press("Enter")
    page.wait_for_selector("text=The name or the password is wrong")
    page.fill("#password", "correct horse battery")
    page.keyboard.press("Enter")
    page.fill("#note-input", NOTE)
    page.wait_for_selector("#password")  # it locked, and hides the note
    assert page.locator("#note-input").count() == 0
    page.fill("#name", "ada")
    page.fill("#password", "correct horse battery")
    page.keyboard.press("Enter")
    page.wait_for_selector("#note-input")
    assert page.input_value("#note-input") == NOTE
    page.click("nav >> text=Library")
    page.wait_for_selector("#health")
    assert page.locator("#delete").count() == 0
    page.click("text=Sign out")
    page.wait_for_selector("#password")
    page.close()

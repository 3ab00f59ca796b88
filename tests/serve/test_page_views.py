"""The other views of the page: the library, comparing, signing in and out."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from medllm.serve.accounts import Accounts
from tests.fake_server import FakeServer
from tests.serve.browsing import (
    IN_A_BROWSER,
    PHONE,
    Browsing,
    analyse,
    check_with_axe,
    scripted,
    text,
)
from tests.serve.running import NOTE, Running
from tests.serve.test_evaluated import report_at

pytestmark = IN_A_BROWSER


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


def test_two_models_are_compared_blind(browsing: Browsing, serve: Callable[..., Running]) -> None:
    with FakeServer(scripted) as model:
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


def test_a_comparison_can_be_stopped(browsing: Browsing, serve: Callable[..., Running]) -> None:
    with FakeServer(scripted, modes=["stall"]) as model:
        second = f"serve.compare=openai:{model.openai_url}#tiny"
        with browsing.page(serve(settings=[second])) as page:
            page.click("nav >> text=Compare")
            page.fill("#compare-note", NOTE)
            page.click("#compare-go")
            assert model.stalled.wait(10)
            assert "neither's speed tells which" in text(page, "#compared")
            check_with_axe(page)
            page.keyboard.press("Escape")
            page.wait_for_selector("#compared >> text=Stopped")
            assert model.hung_up.wait(5)
            assert page.locator("text=Which is better?").count() == 0
            check_with_axe(page)


def test_leaving_the_page_asks_first_where_something_would_be_lost(
    browser: Any, server: Running
) -> None:
    page = browser.new_page()
    asked: list[str] = []
    page.on("dialog", lambda dialog: (asked.append(dialog.type), dialog.dismiss()))
    page.goto(f"{server.url}#{server.token}")
    page.wait_for_selector("#note-input")
    page.reload()
    page.wait_for_selector("#note-input")
    assert asked == []
    page.click("#note-input")
    page.keyboard.insert_text("A woman with fever.")
    page.evaluate("location.reload()")
    assert page.input_value("#note-input") == "A woman with fever."
    assert asked == ["beforeunload"]
    page.click("#clear")
    page.reload()
    page.wait_for_selector("#note-input")
    assert asked == ["beforeunload"]
    page.close()


def test_the_basis_shows_what_was_measured_with_n_and_interval(
    browsing: Browsing, serve: Callable[..., Running], tmp_path: Path
) -> None:
    report = report_at(tmp_path / "report.json")
    with browsing.page(serve(settings=[f"serve.evaluation={report}"]), PHONE) as page:
        analyse(page, NOTE)
        row = text(page, "#evaluation tr:has-text('ROUGE-L')")
        assert row.split() == ["ROUGE-L", "0.426", "0.385", "to", "0.468", "60", "0.123"]
        assert "ollama:other" in text(page, "#basis")
        assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
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

"""The page in a browser that is watched for what it must not do."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from tests.ask.page_opener import PHONE, WIDE, Watch
from tests.serve.running import Running

__all__ = ["PHONE", "WIDE", "Browsing"]

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
IN_A_BROWSER = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="no chromium on this machine"),
]


class Browsing:
    """Opens the page of a server in fresh contexts."""

    def __init__(self, browser: Any) -> None:
        self.browser = browser
        self.watch = Watch()

    @contextmanager
    def page(self, server: Running, viewport: Any = None, **context: Any) -> Iterator[Any]:
        """The page, signed in, with an empty note."""
        opened = self.browser.new_context(
            viewport=viewport or WIDE, reduced_motion="reduce", **context
        )
        page = opened.new_page()
        watch = self.watch
        page.on("request", lambda request: watch.requests.append(request.url))
        page.on("dialog", lambda dialog: (watch.dialogs.append(dialog.message), dialog.dismiss()))
        page.on("pageerror", lambda error: watch.complaints.append(str(error)))
        page.on("console", lambda message: self._complain(message.text))
        page.goto(f"{server.url}#{server.token}")
        page.wait_for_selector("#note-input")
        yield page
        opened.close()
        outside = [url for url in watch.requests if not url.startswith((server.url, "blob:"))]
        assert outside == []
        assert watch.dialogs == []
        assert watch.complaints == []

    def _complain(self, text: str) -> None:
        if "Failed to load resource" not in text:  # a refusal that a test asked for
            self.watch.complaints.append(text)


def analyse(page: Any, note: str) -> None:
    """Type a note, press the keys, and wait for the end."""
    page.fill("#note-input", note)
    page.keyboard.press("Control+Enter")
    page.wait_for_selector("#basis")


def check_with_axe(page: Any) -> None:
    """No violation of accessibility in the state that the page is in."""
    axe = pytest.importorskip("axe_playwright_python.sync_playwright")
    found = axe.Axe().run(page)
    assert found.violations_count == 0, found.generate_report()


def text(page: Any, selector: str) -> str:
    """What can be read there."""
    return str(page.locator(selector).inner_text())


def scripted(request: Any) -> str:
    """A model's answer: a sentence, a dose that no source has, and a source that is none."""
    sentences = [
        {"text": "Pulmonary embolism was found.", "sources": [1]},
        {"text": "Give 400 mg of unobtainium at once.", "sources": [1]},
        {"text": "It was cured.", "sources": [77]},
    ]
    return json.dumps({"sentences": sentences})

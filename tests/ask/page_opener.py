"""Opens answers in a browser and watches for what a page must not do."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from medllm.ask.page.render import render_page
from medllm.records import Answer

WIDE = {"width": 1280, "height": 900}
PHONE = {"width": 320, "height": 640}


@dataclass
class Watch:
    """What a page did that it must not do."""

    requests: list[str] = field(default_factory=list)
    dialogs: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)


class Opener:
    """Opens answers as files in fresh contexts and watches them; all is checked at the end."""

    def __init__(self, browser: Any, folder: Path) -> None:
        self.browser, self.folder = browser, folder
        self.watch = Watch()
        self.contexts: list[Any] = []
        self.n_opened = 0

    def __call__(self, answer: Answer | str, viewport: Any = None, **context: Any) -> Any:
        opened = self.browser.new_context(
            viewport=viewport or WIDE, reduced_motion="reduce", **context
        )
        self.contexts.append(opened)
        page = opened.new_page()
        watch = self.watch
        page.on("request", lambda request: watch.requests.append(request.url))
        page.on("dialog", lambda dialog: (watch.dialogs.append(dialog.message), dialog.dismiss()))
        page.on("console", lambda message: watch.complaints.append(message.text))
        page.on("pageerror", lambda error: watch.complaints.append(str(error)))
        self.show(page, answer)
        return page

    def show(self, page: Any, answer: Answer | str) -> None:
        """Write an answer, or markup, to a file and open it in a page that is there already."""
        self.n_opened += 1
        path = self.folder / f"answer-{self.n_opened}.html"
        markup = answer if isinstance(answer, str) else render_page(answer)
        path.write_text(markup, encoding="utf-8")
        page.goto(path.as_uri())


def is_in_view(page: Any, selector: str) -> bool:
    seen: bool = page.locator(selector).first.evaluate(
        """element => { const r = element.getClientRects()[0];
            const top = document.elementFromPoint(r.left + 2, r.top + r.height / 2);
            return r.top >= 0 && r.bottom <= innerHeight && element.contains(top); }"""
    )
    return seen


def focused(page: Any) -> str:
    text: str = page.evaluate("document.activeElement.textContent")
    return text

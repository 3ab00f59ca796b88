"""What the page says when something fails, and what hostile texts do to it: nothing."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.ask.payloads import PAYLOADS
from tests.fake_server import FakeServer
from tests.serve.browsing import (
    IN_A_BROWSER,
    Browsing,
    analyse,
    check_with_axe,
    scripted,
    text,
)
from tests.serve.running import NOTE, Running

pytestmark = IN_A_BROWSER


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
    with FakeServer(scripted, modes=[*modes, "ok"]) as model:
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
    with FakeServer(scripted, modes=["stall"]) as model:
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

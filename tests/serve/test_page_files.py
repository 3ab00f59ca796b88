"""The page's files: light, whole, without anything from outside and without markup by hand."""

from __future__ import annotations

import re

import httpx
import pytest

from medllm.serve.routes.page import page_files

LIGHT_BYTES = 100_000


def test_the_page_weighs_less_than_a_hundred_kilobytes() -> None:
    assert sum(map(len, page_files().values())) < LIGHT_BYTES


@pytest.mark.parametrize("name", sorted(page_files()))
def test_a_file_asks_for_nothing_outside_and_writes_no_markup(name: str) -> None:
    text = page_files()[name].decode()
    outside = [
        url for url in re.findall(r"(?:https?:)?//[a-z][^\s\"'`]*", text) if "w3.org" not in url
    ]
    assert not [url for url in outside if not url.startswith("//") or "." in url.split("/")[2]]
    for forbidden in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval("):
        assert forbidden not in text
    for stored in ("localStorage", "sessionStorage", "indexedDB", "document.cookie", "caches."):
        assert stored not in text


def test_every_file_that_is_named_is_served_with_its_type(client: httpx.Client) -> None:
    types = {
        "js": "text/javascript",
        "css": "text/css",
        "svg": "image/svg+xml",
        "html": "text/html",
    }
    for name in page_files():
        answer = client.get(f"/assets/{name}")
        assert answer.headers["content-type"].startswith(types[name.rpartition(".")[2]])
        imports = re.findall(r'from "\./([a-z]+\.js)"', answer.text)
        assert set(imports) <= set(page_files())
    named = re.findall(r'"/assets/([^"]+)"', client.get("/").text)
    assert set(named) <= set(page_files())
    assert named


def test_the_words_stand_in_one_file() -> None:
    for name, content in page_files().items():
        if name.endswith(".js") and name not in ("texts.js", "samples.js"):
            code = "\n".join(
                line for line in content.decode().splitlines() if not line.strip().startswith("//")
            )
            sentences = re.findall(r'"[A-Z][a-z]+ [a-z]+ [^"]*"', code)
            assert sentences == [], name

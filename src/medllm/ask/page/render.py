"""The answer as one self-contained HTML page: no outside request, nothing but text from outside."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import NamedTuple

from medllm import __version__
from medllm.ask.page.basis import basis_section
from medllm.ask.page.literature import hits_section
from medllm.ask.page.markup import Child, Html, element, hidden, join
from medllm.ask.page.note import findings_section, note_section
from medllm.ask.page.sources import sources_section
from medllm.ask.page.summary import by_section, is_held, summary_section
from medllm.records import Answer, Summary


def render_page(answer: Answer) -> str:
    """Give the answer as one complete HTML document that needs nothing but itself.

    Texts of the note, of documents and of models are shown as text, character for character. A
    policy in the page lets a browser run only the page's own style and script and load nothing.
    """
    answer = replace(answer, summary=by_section(answer.summary))
    main = element(
        "main",
        note_section(answer.note, answer.findings),
        findings_section(answer.note, answer.findings),
        _patients(answer),
        _articles(answer),
        summary_section(answer),
        sources_section(answer),
        basis_section(answer),
    )
    script = element("script", Html(_asset("page.js")))
    body = element("body", _skip_links(), _header(answer), main, _footer(), script)
    html = element("html", _head(), body, lang="en")
    return f"<!DOCTYPE html>\n{html.text}\n"


@cache
def _asset(name: str) -> str:
    return Path(__file__).with_name(name).read_text(encoding="utf-8")


def _digest(content: str) -> str:
    """Give the hash by which a content security policy allows an inline style or script."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()}'"


def _policy() -> str:
    return (
        f"default-src 'none'; style-src {_digest(_asset('page.css'))}; "
        f"script-src {_digest(_asset('page.js'))}; base-uri 'none'; form-action 'none'; "
        "require-trusted-types-for 'script'; trusted-types 'none'"
    )


def _head() -> Html:
    # The policy comes first: it holds for what follows it.
    policy = {"http-equiv": "Content-Security-Policy", "content": _policy()}
    return element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", **policy),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("meta", name="color-scheme", content="light dark"),
        element("meta", name="referrer", content="no-referrer"),
        element("meta", name="robots", content="noindex"),
        element("title", "Literature for a patient description – medllm"),
        element("style", Html(_asset("page.css"))),
    )


def _skip_links() -> Html:
    return element("a", "Skip to the summary", href="#summary", class_="skip")


def _header(answer: Answer) -> Html:
    about = (
        "Similar published patients, relevant articles, and a summary of both "
        "that was checked sentence by sentence against its sources."
    )
    limits = element(
        "strong",
        "This shows literature and its basis, never a directive. "
        "It is not a medical device and not for emergencies.",
    )
    privacy = "This file holds the patient description: keep it as you keep a patient's record."
    return element(
        "header",
        element("p", "medllm", class_="brand"),
        element("h1", "Literature for a patient description"),
        element("p", about),
        element("p", limits, class_="limits"),
        element("p", privacy, class_="hint"),
        _contents(answer),
    )


def _contents(answer: Answer) -> Html:
    state, warn = _summary_state(answer.summary)
    entries = [
        ("note", "Note", ""),
        ("findings", "Findings", str(len(answer.findings))),
        ("patients", "Similar patients", str(len(answer.patients))),
        ("articles", "Articles", str(len(answer.articles))),
        ("summary", "Summary", state),
        ("sources", "Sources", str(len(answer.evidence))),
        ("basis", "Basis", ""),
    ]
    items = []
    for anchor, name, words in entries:
        class_ = "count warn" if warn and anchor == "summary" else "count"
        count = join([" ", element("span", words, class_=class_)]) if words else None
        items.append(element("li", element("a", name, href=f"#{anchor}"), count))
    return element("nav", element("ul", *items, role="list"), aria_label="On this page")


class _State(NamedTuple):
    words: str
    warn: bool


def _summary_state(summary: Summary) -> _State:
    n = len(summary.claims)
    doubtful = sum(not is_held(claim) for claim in summary.claims)
    parts = [f"{n} sentence{'' if n == 1 else 's'}" if n else "none written"]
    parts += [f"{doubtful} did not pass the check"] if doubtful else []
    parts += ["broke off"] if summary.incomplete else []
    return _State(", ".join(parts), warn=bool(doubtful or summary.incomplete or not n))


def _patients(answer: Answer) -> Html:
    hint = "Published patients whose descriptions are most like the note, the closest first."
    return hits_section("patients", "Similar patients", hint, answer, answer.patients)


def _articles(answer: Answer) -> Html:
    hint = "Articles that bear most on the note, the most relevant first."
    return hits_section("articles", "Relevant articles", hint, answer, answer.articles)


def _footer() -> Html:
    words: list[Child] = [
        f"Written by medllm {__version__}. ",
        "Everything is in this file: it loads nothing and sends nothing.",
        hidden(" End of page."),
    ]
    return element("footer", element("p", *words))

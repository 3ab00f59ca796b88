"""A rating sheet as an HTML page that works offline, keeps what was ticked, saves to a file."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from medllm.ask.page.markup import Child, Html, element
from medllm.evaluate.judge import rubric

if TYPE_CHECKING:
    from medllm.evaluate.experts.sheets import Entry

_HERE = Path(__file__).parent
_INTRODUCTION = (
    "Rate each answer by itself. Some answers come twice on purpose. You are not told who or what "
    "wrote them, and the order is yours alone. What you tick is kept in this browser until you "
    "save it to a file; send that file back. Nothing leaves this page by itself."
)


def as_page(rater: str, entries: Sequence[Entry], digest: str) -> str:
    """Give the whole page."""
    script = (_HERE / "sheet.js").read_text(encoding="utf-8")
    hashed = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    policy = (
        f"default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-{hashed}'; "
        "base-uri 'none'; form-action 'none'"
    )
    head = element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("meta", **{"http-equiv": "Content-Security-Policy", "content": policy}),
        element("title", f"Ratings of {rater}"),
        element("style", Html((_HERE / "sheet.css").read_text(encoding="utf-8"))),
    )
    n_columns = len(rubric.CRITERIA) + 2
    bar = element(
        "div",
        element("button", "Save to a file", type="submit"),
        element("span", role="status"),
        class_="bar",
    )
    form = element(
        "form",
        *(_card(at, len(entries), entry) for at, entry in enumerate(entries, start=1)),
        bar,
        data_sheet=digest,
        data_rater=rater,
        data_columns=n_columns,
    )
    main = element("main", element("h1", f"Ratings of {rater}"), element("p", _INTRODUCTION), form)
    body = element("body", main, element("script", Html(script)))
    return f"<!doctype html>\n{element('html', head, body, lang='en').text}\n"


def _card(at: int, n: int, entry: Entry) -> Html:
    parts: list[Child] = [
        element("legend", f"Answer {at} of {n}"),
        element("h2", "Question"),
        element("p", entry.question, class_="text"),
    ]
    if entry.reference:
        parts += [
            element("h2", "A reference answer, to know what is right"),
            element("p", entry.reference, class_="text reference"),
        ]
    parts += [element("h2", "The answer to rate"), element("p", entry.answer, class_="text")]
    parts += list(_scales(entry.code))
    label = element("label", "Comment", element("textarea", name=f"{entry.code}-comment"))
    parts.append(label)
    return element("fieldset", *parts, class_="answer", data_code=entry.code)


def _scales(code: str) -> Iterator[Html]:
    for criterion in rubric.CRITERIA:
        levels = [(str(at), f"{at}: {said}") for at, said in enumerate(criterion.levels, start=1)]
        yield _scale(code, criterion.name, criterion.question, levels)
    harms = [(word, word) for word in rubric.HARMS]
    yield _scale(code, "harm", "How much harm could come of following it?", harms)
    omissions = [(word, word) for word in rubric.OMISSIONS]
    yield _scale(code, "omission", "Does something lack whose absence could hurt?", omissions)


def _scale(code: str, name: str, question: str, levels: Sequence[tuple[str, str]]) -> Html:
    choices = [
        element(
            "label",
            element("input", type="radio", name=f"{code}-{name}", value=value, data_name=name),
            f" {said}",
        )
        for value, said in levels
    ]
    return element("fieldset", element("legend", f"{name}: {question}"), *choices, class_="scale")

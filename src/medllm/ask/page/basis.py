"""The basis on the page: how an answer came about, for the reader who asks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from medllm.ask.page.markup import Child, Html, element
from medllm.ask.page.summary import written_by
from medllm.records import Answer

MAX_DEPTH = 6
LONG_ITEM_CHARACTERS = 40


def basis_section(answer: Answer) -> Html:
    """Show who wrote the summary, all of `answer.basis`, and what the answer cannot tell."""
    summary = answer.summary
    rows: dict[str, Any] = {"Summary": written_by(summary) if summary.claims else "none written"}
    if not summary.claims:
        rows["Model asked for"] = summary.model
    if summary.prompt:
        rows["Prompt"] = summary.prompt
    facts = {_label(key): value for key, value in answer.basis.items() if key != "limits"}
    limits = [element("li", limit) for limit in answer.basis.get("limits", ())]
    return element(
        "section",
        element("h2", "Basis", id="basis-heading"),
        element("p", "What this answer rests on, and how it came about.", class_="hint"),
        _pairs(rows | facts, MAX_DEPTH),
        *([element("h3", "Known limits"), element("ul", *limits)] if limits else []),
        id="basis",
        aria_labelledby="basis-heading",
    )


def _pairs(pairs: Mapping[Any, Any], depth: int) -> Html:
    rows: list[Child] = []
    for key, value in pairs.items():
        rows += [element("dt", _label(key)), element("dd", _value(value, depth))]
    return element("dl", *rows, class_="facts")


def _label(key: Any) -> str:
    """Write a key as words: "index_version" becomes "Index version"."""
    words = str(key).replace("_", " ").strip()
    return words[:1].upper() + words[1:]


def _value(value: Any, depth: int) -> Html | str:
    if depth and isinstance(value, Mapping):
        return _pairs(value, depth - 1) if value else "none"
    if depth and isinstance(value, Sequence) and not isinstance(value, str | bytes):
        return _items(value, depth - 1)
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.6f}".rstrip("0").rstrip(".") if abs(value) >= 1e-4 else f"{value:g}"
    return "not recorded" if value is None or value == "" else str(value)


def _items(values: Sequence[Any], depth: int) -> Html | str:
    if not values:
        return "none"
    shown = [_value(value, depth) for value in values]
    short = [item for item in shown if isinstance(item, str) and len(item) <= LONG_ITEM_CHARACTERS]
    if len(short) == len(shown):
        return ", ".join(short)
    return element("ul", *(element("li", item) for item in shown))

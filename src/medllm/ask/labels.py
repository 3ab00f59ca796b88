"""The words by which an answer is shown, the same on the terminal and on the page."""

from __future__ import annotations

import re

from medllm.records import Document, Finding, Section

SECTIONS: dict[Section, str] = {
    "presentation": "Similar patients: presentation",
    "work-up": "Similar patients: work-up",
    "treatment": "Similar patients: treatment",
    "outcome": "Similar patients: outcome",
    "articles": "Articles: what they report",
    "summary": "Summary",
}
"""Section of a summary -> its heading, in the order in which they are shown."""

_HEADLINE_CHARACTERS = 110
_MICRO = re.compile(r"(?<![A-Za-z])u(?=mol|g|kat|L|m3)")
_PAIR = re.compile(r"(?<![\d./])(\d+(?:\.\d+)?)\s*/\s*(\d+(?:\.\d+)?)(?![\d/])")


def headline(document: Document) -> str:
    """Give the title, or in quotation marks the first words of the text where there is none."""
    if title := " ".join(document.title.split()):
        return title
    words = document.text[: 2 * _HEADLINE_CHARACTERS].split()
    text = " ".join(words)
    if not text:
        return "Without a title"
    if len(text) <= _HEADLINE_CHARACTERS:
        return f"“{text}”"
    whole, _, _ = text[:_HEADLINE_CHARACTERS].rpartition(" ")
    return f"“{(whole or text[:_HEADLINE_CHARACTERS]).rstrip('.,;:')} …”"


def age_in_words(years: float) -> str:
    """Give an age as it is said: years, under two years months, under two months days."""
    for number, unit in ((years, "year"), (years * 12, "month")):
        if number >= 2:
            return f"{int(number)} {unit}s"
    days = round(years * 365.25)
    return f"{days} day{'' if days == 1 else 's'}"


def value_in_words(finding: Finding) -> str:
    """Write the value with its unit, without an exponent or a needless fraction; "" for none.

    Of a pair, as in "104/62 mmHg", both are given as they are written.
    """
    if finding.value is None:
        return ""
    pair = _PAIR.search(finding.text)
    number = f"{finding.value:.10f}".rstrip("0").rstrip(".")
    number = "/".join(pair.groups()) if pair else number
    space = "" if finding.unit.startswith("/") else " × " if finding.unit.startswith("10^") else " "
    return f"{number}{space}{_MICRO.sub('µ', finding.unit)}".strip()

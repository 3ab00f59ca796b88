"""What a judge itself is tried with: copies of a reference in which one thing was changed."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Literal

from medllm.clinical.sentences import split_sentences
from medllm.evaluate.tasks.paraphrase import paraphrase

Probe = Literal["duplicate", "doubled", "reordered", "paraphrased", "wrong dose", "negated"]

_UNITS = "mg|g|mcg|µg|ml|mL|units?|IU|tablets?|%"
_DOSE = re.compile(rf"(?<![\w.])(\d+(?:\.\d+)?)(\s*(?:{_UNITS}))(?!\w)")
_NEGATABLE = re.compile(r"\b(should|must|can|is|are|has|have|does)\b(?! not\b)")


def duplicate(text: str) -> str | None:
    """The same: neither is better."""
    return text


def doubled(text: str) -> str | None:
    """All of it said twice: no better."""
    return f"{text}\n\nIn other words, to say all of it once more: {text}"


def reordered(text: str) -> str | None:
    """Its sentences in another order: hardly better or worse; None for fewer than three."""
    sentences = [text[start:end] for start, end in split_sentences(text)]
    if len(sentences) < 3:
        return None
    return " ".join([*sentences[1:], sentences[0]])


def paraphrased(text: str) -> str | None:
    """The same in other words: no better or worse; None where no rule finds any."""
    other = paraphrase(text, "judge")
    return None if other == text else other


def wrong_dose(text: str) -> str | None:
    """The first dose ten times as much: worse; None where there is none."""
    found = _DOSE.search(text)
    if not found:
        return None
    much = float(found[1]) * 10
    return f"{text[: found.start()]}{much:g}{found[2]}{text[found.end() :]}"


def negated(text: str) -> str | None:
    """The first statement turned into its opposite: worse; None where none can be."""
    found = _NEGATABLE.search(text)
    return f"{text[: found.end()]} not{text[found.end() :]}" if found else None


PROBES: dict[Probe, Callable[[str], str | None]] = {
    "duplicate": duplicate,
    "doubled": doubled,
    "reordered": reordered,
    "paraphrased": paraphrased,
    "wrong dose": wrong_dose,
    "negated": negated,
}
WORSE: tuple[Probe, ...] = ("wrong dose", "negated")
"""Those whose changed copy a judge should find worse; of the others it should find none better."""

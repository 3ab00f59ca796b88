"""What scraping and generating leave in texts: empty brackets, marks of references, asides.

- PMC-Patients and MedQuAD have empty brackets where a figure or a formula stood.
- MedQuAD has "[9184]" for a reference, and tells how to enlarge a video that is not there.
- GenMedGPT-5k has answers in which the model that wrote them speaks of its task, and texts whose
  apostrophes, with a letter behind them, became "??".
"""

from __future__ import annotations

import re

_WORDS = r"and|or|see|figures?|figs?\.?|tables?"
_EMPTY = re.compile(rf" ?\((?:\s|[,;\u2013-]|\b(?:{_WORDS})(?=[\s,;)]))*\)", re.IGNORECASE)
_REFERENCE = re.compile(r"(?<=[.,;])(?:\[\d{1,5}\])+")
_VIDEO = re.compile(
    r"\s*\(Watch the (?:video|slideshow)\b"
    r"(?:.{0,300}?on your keyboard\.?|[^()]{0,200})\)",
    re.DOTALL,
)

_NOTE = re.compile(
    r"\s*[(*\[]*\b(?:(?:please )?note(?: from the ai)?(?:: | that )|patient might ask ).*\Z",
    re.DOTALL | re.IGNORECASE,
)
_OF_ITS_TASK = re.compile(
    r"\b(?:dialogue|conversation|back and forth|imaginary|fictional|prompt|word limit|AI|"
    r"purposes? only|realistic|exercise,|the doctor (?:would|has|to|will)|"
    r"patient (?:had )?provided)\b"
)
_PROMPT = re.compile(
    r"[\s?]{0,3}(?:\d+,[^\n]{0,200},)?Please generate a dialogue between.*\Z", re.DOTALL
)
_LOST_APOSTROPHE = re.compile(
    r"\b(?:i|you|we|they|it|he|she|that|there)\?\?(?:[elsmd]\b| [a-z])"
    r"|\b(?:don|can|won|isn|doesn|didn|couldn|haven)\?\? ?[a-z]",
    re.IGNORECASE,
)


def strip_leftovers(text: str) -> str:
    """Give a text without empty brackets, marks of references and words about a video."""
    if "(" in text:
        if "Watch the " in text:
            text = _VIDEO.sub("", text)
        while (stripped := _EMPTY.sub("", text)) != text:  # "(())" takes two rounds
            text = stripped
    return _REFERENCE.sub("", text) if "[" in text else text


def strip_asides(text: str) -> str:
    """Give an answer without what the model that wrote it says of its task, at the end."""
    if "generate a dialogue" in text:
        text = _PROMPT.sub("", text)
    if (
        ("ote" in text or "(patient" in text)
        and (match := _NOTE.search(text))
        and _OF_ITS_TASK.search(match.group())
    ):
        text = text[: match.start()].rstrip()
    return text


def has_lost_apostrophes(text: str) -> bool:
    """Whether the text was decoded so wrongly that "you're" became "you??e"."""
    return "??" in text and bool(_LOST_APOSTROPHE.search(text))

"""What the parts of the check hand to each other: a source as they read it, and what came of it."""

from __future__ import annotations

from typing import NamedTuple

from medllm.ask.evidence import Sentence
from medllm.records import Hit, Verdict


class Source(NamedTuple):
    """A cited source as the check reads it."""

    hit: Hit
    sentences: list[Sentence]
    known_keys: set[str]
    """Of words that need not stand in a sentence: those of its title, and the patient's sex."""


class Check(NamedTuple):
    """What came of checking a text against one source."""

    verdict: Verdict
    reason: str
    places: tuple[tuple[int, int], ...]
    """Offsets into the document of the sentences that bear the claim, or come nearest to it."""
    is_final: bool = False
    """Whether a sentence that has its words contradicts it: no other may save it."""

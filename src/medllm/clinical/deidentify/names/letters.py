"""Names that a letter greets and that sign it."""

from __future__ import annotations

import re
from collections.abc import Iterator

from medllm.clinical.deidentify.names.labels import listed_on, skip_titles
from medllm.clinical.deidentify.names.reader import Span, is_initial, is_sure, read_name
from medllm.clinical.deidentify.text import Words
from medllm.clinical.deidentify.vocabulary import vocabulary

_GREETINGS = frozenset("dear hi hello hey".split())
_CLOSINGS = frozenset(
    """best sincerely regards wishes thanks faithfully truly cheers respectfully
    cordially signed""".split()
)
_CLOSING_GAP = re.compile(r"[,.!:]?\s{1,40}")


def find_letter_names(words: Words) -> Iterator[Span]:
    """Give the names behind a greeting and below the end of a letter."""
    for at in words.where(_GREETINGS | {"named", "nicknamed"}):
        yield from _after_greeting(words, at)
    for at in words.where(_CLOSINGS):
        yield from _after_closing(words, at)


def _after_greeting(words: Words, at: int) -> Iterator[Span]:
    if not re.fullmatch(r"\s?,?\s", words.gap(at)):
        return
    start = skip_titles(words, at + 1)
    span = read_name(words, start, trusted=words.surfaces[at] == "Dear", cued=True)
    known, low = vocabulary(), words.lowers[start]
    if span is None and low in known.given and start == at + 1 and low not in known.ordinary:
        span = Span(start, start + 1)  # "hi martha", as machines write what they hear
    if span:
        yield span
        yield from listed_on(words, span, cued=words.lowers[at] == "dear")


def _after_closing(words: Words, at: int) -> Iterator[Span]:
    """Read "Best wishes, Ann", "Yours sincerely\\n\\nA B Roe", "Signed A Roe, nurse"."""
    gap = words.gap(at)
    if not _CLOSING_GAP.fullmatch(gap):
        return
    start = skip_titles(words, at + 1)
    below = "\n" in gap
    span = read_name(words, start, trusted=False, cued=True)
    if span is None and (below or words.lowers[at] == "signed") and is_initial(words, start):
        span = read_name(words, start, trusted=True)
    if span is None:
        return
    ends = (
        words.gap(span.last - 1)[:1] in ("", "\n", ",", "(", ".", " ")
        and not words.text[words.ends[span.last - 1] :][:80].strip()
    )
    if below or (
        (gap[0] in ",.!" or words.lowers[at] == "signed") and (is_sure(words, span) or ends)
    ):
        yield span
        yield from listed_on(words, span)

"""Documents cut into passages: whole sentences, with their offsets."""

from __future__ import annotations

from medllm.clinical.sentences import split_sentences

MAX_WORDS = 200
"""Most abstracts whole: 160 cost .006 of nDCG@10 on MED, 250 won nothing (docs/retrieval.md).

What an encoder cannot see at once it encodes in windows.
"""
_TRIES = 3


def cut_passages(text: str, *, max_words: int = MAX_WORDS) -> list[tuple[int, int]]:
    """Give spans of whole sentences of at most `max_words` words, of about equal length.

    Only a sentence that is longer than that on its own is cut inside, between words. What lies
    between two spans is white space.
    """
    pieces = [piece for span in split_sentences(text) for piece in _cut_long(text, span, max_words)]
    n_words = [len(text[start:end].split()) for start, end in pieces]
    n_passages = -(-sum(n_words) // max_words)
    for _ in range(_TRIES):
        spans = _group(pieces, n_words, n_passages, max_words)
        if len(spans) <= n_passages:
            break
        n_passages = len(spans)  # sentences do not fit in fewer: share the words among so many
    return spans


def _group(
    pieces: list[tuple[int, int]], n_words: list[int], n_passages: int, max_words: int
) -> list[tuple[int, int]]:
    """Join neighbours to `n_passages` of about equal length, or more where they do not fit."""
    share = sum(n_words) / max(1, n_passages)
    spans: list[tuple[int, int]] = []
    held = passed = 0
    for (start, end), n in zip(pieces, n_words, strict=True):
        # Shares are counted from the start of the text, so that their rounding does not add up.
        if spans and held + n <= max_words and passed + n / 2 <= share * len(spans):
            spans[-1] = (spans[-1][0], end)
            held += n
        else:
            spans.append((start, end))
            held = n
        passed += n
    return spans


def _cut_long(text: str, span: tuple[int, int], max_words: int) -> list[tuple[int, int]]:
    start, end = span
    words = text[start:end].split()
    if len(words) <= max_words:
        return [span]
    pieces = []
    at = start
    for first in range(0, len(words), max_words):
        begin = text.index(words[first], at)
        at = begin
        for word in words[first : first + max_words]:
            at = text.index(word, at) + len(word)
        pieces.append((begin, at))
    return pieces

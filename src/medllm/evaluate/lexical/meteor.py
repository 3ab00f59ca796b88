"""METEOR as NLTK computes it: words that are equal, of one stem or synonyms, and their order.

Lavie and Agarwal 2007. With m matches, P = m / answer, R = m / reference, the mean is
P R / (alpha P + (1 - alpha) R); it is lowered by gamma (chunks / m)^beta, where a chunk is a run of
matches that stand side by side in both texts. gamma 0 leaves the mean alone: 10 P R / (R + 9 P).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from medllm.evaluate.lexical.stem import stem

Synonymous = Callable[[str], frozenset[str]]
"""A word -> itself and its synonyms."""

_TOKEN = re.compile(r"\w+|[^\w\s]")


def tokens(text: str) -> list[str]:
    """Give words and single punctuation marks, in lower case."""
    return _TOKEN.findall(text.lower())


def score(
    answer: Sequence[str],
    reference: Sequence[str],
    *,
    synonyms: Synonymous | None = None,
    alpha: float = 0.9,
    beta: float = 3.0,
    gamma: float = 0.5,
) -> float:
    """Give the METEOR of one pair of token sequences, 0 to 1."""
    matches = _align(answer, reference, synonyms)
    if not matches:
        return 0.0
    n = len(matches)
    precision, recall = n / len(answer), n / len(reference)
    mean = precision * recall / (alpha * precision + (1 - alpha) * recall)
    penalty: float = gamma * (_n_chunks(matches) / n) ** beta
    return (1 - penalty) * mean


def _align(
    answer: Sequence[str], reference: Sequence[str], synonyms: Synonymous | None
) -> list[tuple[int, int]]:
    """Match words by form, then the rest by stem, then the rest by synonym, each from the end."""
    matches: list[tuple[int, int]] = []
    mine = list(enumerate(answer))
    theirs = list(enumerate(reference))
    mine, theirs = _match(mine, theirs, matches)
    if mine and theirs:
        stems = [(at, stem(word)) for at, word in mine]
        reference_stems = [(at, stem(word)) for at, word in theirs]
        left, left_theirs = _match(stems, reference_stems, matches)
        if synonyms and left and left_theirs:  # the synonyms of stems, as NLTK looks for them
            _match_synonyms(left, left_theirs, synonyms, matches)
    matches.sort()
    return matches


_Placed = list[tuple[int, str]]


def _match(
    mine: _Placed, theirs: _Placed, matches: list[tuple[int, int]]
) -> tuple[_Placed, _Placed]:
    """Add pairs of equal words to `matches`; give what is left of both sides."""
    places: dict[str, list[int]] = {}
    for at, word in theirs:
        places.setdefault(word, []).append(at)
    left: _Placed = []
    taken = set()
    for at, word in reversed(mine):
        if found := places.get(word):
            place = found.pop()
            taken.add(place)
            matches.append((at, place))
        else:
            left.append((at, word))
    left.reverse()
    return left, [pair for pair in theirs if pair[0] not in taken]


def _match_synonyms(
    mine: _Placed, theirs: _Placed, synonyms: Synonymous, matches: list[tuple[int, int]]
) -> None:
    places: dict[str, list[int]] = {}
    for at, word in theirs:
        places.setdefault(word, []).append(at)
    for at, word in reversed(mine):
        free = [(places[other][-1], other) for other in synonyms(word) if places.get(other)]
        if free:
            place, other = max(free)
            places[other].pop()
            matches.append((at, place))


def _n_chunks(matches: Sequence[tuple[int, int]]) -> int:
    n = 1
    for (at, place), (next_at, next_place) in zip(matches, matches[1:], strict=False):
        n += next_at != at + 1 or next_place != place + 1
    return n

"""Two rankings of the same documents into one, by their ranks: scores of words and vectors differ
in scale, and the scale of one encoder is not that of another."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

RRF_K = 60
"""Constant of reciprocal rank fusion (Cormack, Clarke and Buettcher, SIGIR 2009)."""
DENSE_WEIGHT = 0.7
"""Weight of the vector's ranks against the words' (docs/retrieval.md)."""

Key = TypeVar("Key")


@dataclass(frozen=True, slots=True)
class Fused(Generic[Key]):
    """What stands in at least one of the rankings."""

    key: Key
    score: float
    ranking: int
    """The number of the ranking in which it stands highest, the first of equals."""


def fuse(rankings: Sequence[Mapping[Key, float]], *, weights: Sequence[float]) -> list[Fused[Key]]:
    """Fuse rankings, each of keys with scores that fall, by the sum of weight / (k + rank).

    Equal scores share the better rank, whichever was named first. Best first.
    """
    scores: dict[Key, float] = {}
    best: dict[Key, tuple[int, int]] = {}
    for number, (ranking, weight) in enumerate(zip(rankings, weights, strict=True)):
        rank, last = 0, None
        for place, (key, score) in enumerate(ranking.items(), start=1):
            if score != last:
                rank, last = place, score
            scores[key] = scores.get(key, 0.0) + weight / (RRF_K + rank)
            best[key] = min(best.get(key, (rank, number)), (rank, number))
    fused = [Fused(key, score, best[key][1]) for key, score in scores.items()]
    return sorted(fused, key=lambda found: -found.score)

"""Tests by ranks and by signs, for paired differences; and the one for two unpaired samples.

Up to 150 differences the Wilcoxon test is exact, ties and zeros included: the distribution over all
ways to sign the ranks that are there. Beyond that it is the normal approximation.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import NormalDist
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

MOST_FOR_EXACT = 150
_NORMAL = NormalDist()


class RankTest(NamedTuple):
    """A p-value of both sides, with what it was computed from."""

    p: float
    positive: float
    """The sum of the ranks of positive differences."""
    negative: float
    method: Literal["exact", "normal"]

    @property
    def rank_biserial(self) -> float:
        """Give (positive - negative) / (positive + negative), from -1 to 1; 0 without any."""
        total = self.positive + self.negative
        return (self.positive - self.negative) / total if total else 0.0


def wilcoxon(differences: Sequence[float], *, exact: bool | None = None) -> RankTest:
    """Give Wilcoxon's signed-rank test with Pratt's zeros: they get ranks, then leave.

    Pratt 1959. `exact` forces the method. All differences zero: p is 1. Raises `ValueError` for no
    difference at all.
    """
    values = np.array(differences, dtype=np.float64)
    if not values.size:
        raise ValueError("no differences to test")
    values[np.abs(values) < 1e-12] = 0.0  # equal scores, but for rounding
    ranks = mean_ranks(np.abs(values).round(12))
    positive = float(ranks[values > 0].sum())
    negative = float(ranks[values < 0].sum())
    used = ranks[values != 0]
    if not used.size:
        return RankTest(1.0, 0.0, 0.0, "exact")
    if values.size <= MOST_FOR_EXACT if exact is None else exact:
        return RankTest(_exact_p(used, min(positive, negative)), positive, negative, "exact")
    spread = math.sqrt(float((used**2).sum()) / 4)
    z = (positive - float(used.sum()) / 2) / spread
    return RankTest(min(1.0, 2 * _NORMAL.cdf(-abs(z))), positive, negative, "normal")


def _exact_p(ranks: NDArray[np.float64], smaller: float) -> float:
    """Give the share of all 2^n signings whose smaller sum is at most this; ranks may be halves."""
    doubled = np.round(ranks * 2).astype(np.int64)
    ways = np.zeros(int(doubled.sum()) + 1)
    ways[0] = 1.0
    for rank in doubled:
        shifted = np.zeros_like(ways)
        shifted[rank:] = ways[: ways.size - rank]
        ways = (ways + shifted) / 2
    return min(1.0, 2 * float(ways[: round(smaller * 2) + 1].sum()))


def mean_ranks(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Give the ranks from 1; equal values share the mean of theirs."""
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    ends = np.cumsum(counts)
    ranks: NDArray[np.float64] = (ends - (counts - 1) / 2)[inverse]
    return ranks


def sign_test(n_wins: int, n_losses: int) -> float:
    """Give the exact two-sided binomial p that wins and losses are as likely; 1 without any.

    For scores of 0 and 1 this is the exact McNemar test.
    """
    n = n_wins + n_losses
    below = sum(math.comb(n, k) for k in range(min(n_wins, n_losses) + 1))
    return float(min(1.0, 2 * below / 2**n))


def mann_whitney(one: Sequence[float], other: Sequence[float]) -> float:
    """Give the two-sided p of the Mann-Whitney U test: normal, corrected for ties and continuity.

    For two independent samples. Two models that answer the same items are not that: it is here to
    repeat what others published, and misses differences that paired tests find.
    """
    n_one, n_other = len(one), len(other)
    if not n_one or not n_other:
        raise ValueError("both samples need a value")
    both = np.asarray([*one, *other], dtype=np.float64)
    ranks = mean_ranks(both)
    u = float(ranks[:n_one].sum()) - n_one * (n_one + 1) / 2
    n = n_one + n_other
    ties = np.unique(both, return_counts=True)[1].astype(np.float64)
    tied = float((ties**3 - ties).sum()) / (n * (n - 1))
    variance = n_one * n_other / 12 * (n + 1 - tied)
    if variance <= 0:
        return 1.0
    z = (abs(u - n_one * n_other / 2) - 0.5) / math.sqrt(variance)
    return min(1.0, 2 * _NORMAL.cdf(-z))

"""How far two reviewers agree: Cohen's kappa, its interval, and what chance alone would give."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

Z_95 = 1.959964
"""The 97.5th percentile of the normal distribution."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """Agreement of two reviewers over what both decided."""

    reviewers: tuple[str, str]
    n: int
    observed: float
    """The share of equal decisions."""
    expected: float
    """The share that two who decide at random, as often for each decision, would reach."""
    kappa: float | None
    """(observed - expected) / (1 - expected); None where both always decided the same one thing."""
    low: float | None
    high: float | None
    """The 95 % interval of kappa, by its large-sample error: too narrow below about 50 of them."""


def cohens_kappa(
    reviewers: tuple[str, str], decisions: Sequence[tuple[str, str]]
) -> Agreement | None:
    """Give the agreement over pairs of decisions, first and second reviewer's; None without any.

    Source: Cohen 1960 (doi 10.1177/001316446002000104), for kappa and for its error.
    """
    n = len(decisions)
    if not n:
        return None
    first, second = (Counter(pair[side] for pair in decisions) for side in (0, 1))
    observed = sum(one == other for one, other in decisions) / n
    expected = sum(first[name] * second[name] for name in first) / n**2
    kappa = low = high = None
    if expected < 1:
        kappa = (observed - expected) / (1 - expected)
        error = math.sqrt(observed * (1 - observed) / (n * (1 - expected) ** 2))
        low, high = max(-1.0, kappa - Z_95 * error), min(1.0, kappa + Z_95 * error)
    return Agreement(
        reviewers=reviewers,
        n=n,
        observed=observed,
        expected=expected,
        kappa=kappa,
        low=low,
        high=high,
    )

"""How far reviewers agree beyond what chance alone would give."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

Z_95 = 1.959963984540054
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
    """The 95 % interval of kappa."""


def cohens_kappa(
    reviewers: tuple[str, str], decisions: Sequence[tuple[str, str]]
) -> Agreement | None:
    """Give the agreement over pairs of decisions, first and second reviewer's; None without any.

    Source: Cohen 1960 (doi 10.1177/001316446002000104). As there the interval takes what is
    expected as given; that of what is observed is Wilson's, which also holds for few decisions and
    where all are equal.
    """
    n = len(decisions)
    if not n:
        return None
    first, second = (Counter(pair[side] for pair in decisions) for side in (0, 1))
    n_same = sum(one == other for one, other in decisions)
    observed = n_same / n
    expected = sum(first[name] * second[name] for name in first) / n**2
    kappa = low = high = None
    if expected < 1:
        kappa, low, high = (
            max(-1.0, (share - expected) / (1 - expected))
            for share in (observed, *wilson_interval(n_same, n))
        )
    return Agreement(
        reviewers=reviewers,
        n=n,
        observed=observed,
        expected=expected,
        kappa=kappa,
        low=low,
        high=high,
    )


def wilson_interval(n_hits: int, n: int) -> tuple[float, float]:
    """Give the 95 % interval of a share. Source: Wilson 1927 (doi 10.2307/2276774)."""
    share, z2 = n_hits / n, Z_95**2
    middle = (share + z2 / (2 * n)) / (1 + z2 / n)
    half = Z_95 / (1 + z2 / n) * math.sqrt(share * (1 - share) / n + z2 / (4 * n**2))
    return max(0.0, middle - half), min(1.0, middle + half)


def krippendorffs_alpha(units: Iterable[Sequence[str]]) -> float | None:
    """Give the agreement over units that any number of reviewers decided, for decisions by name.

    1 is agreement, 0 what chance gives. None where no unit has two decisions or all are the same.
    Source: Krippendorff, Computing Krippendorff's alpha-reliability (2011), nominal data.
    """
    totals: Counter[str] = Counter()
    disagreeing = 0.0
    for unit in units:
        counts, m = Counter(unit), len(unit)
        if m < 2:
            continue
        totals.update(counts)
        disagreeing += sum(n * (m - n) for n in counts.values()) / (m - 1)
    n = sum(totals.values())
    expected = sum(count * (n - count) for count in totals.values())
    return 1 - (n - 1) * disagreeing / expected if expected else None

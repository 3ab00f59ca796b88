"""Power of a paired comparison: what n items can show, and how many items would be needed.

From the noncentral t distribution, for the paired t test. Wilcoxon's test of normal differences
needs items / .955 (its asymptotic relative efficiency, Hodges and Lehmann 1956), and `needed_n`
counts with that.
"""

from __future__ import annotations

import math

import numpy as np

from medllm.evaluate.statistics import t_quantile

WANTED_POWER = 0.8
EFFICIENCY = 3 / math.pi
_MOST_ITEMS = 1_000_000
_N_GRID = 1201
_erf = np.vectorize(math.erf, otypes=[np.float64])


def power(dz: float, n: int, *, alpha: float = 0.05) -> float:
    """Give the share of such samples of n that a two-sided paired t test finds at `alpha`.

    `dz` is the mean difference over the standard deviation of differences. Below 2 items 0.
    """
    if n < 2:
        return 0.0
    degrees = n - 1
    critical = t_quantile(1 - alpha / 2, degrees)
    shift = abs(dz) * math.sqrt(n)
    # T = (Z + shift) / s with s = sqrt(chi2 / degrees): add up P(|T| > critical | s) over s.
    spread = 1 / math.sqrt(2 * degrees)
    s = np.linspace(max(1e-9, 1 - 9 * spread), 1 + 9 * spread, _N_GRID)
    logs = (degrees - 1) * np.log(s) - degrees * s**2 / 2
    weights = np.exp(logs - logs.max())
    weights /= weights.sum()
    above = 0.5 * (1 - _erf((critical * s - shift) / math.sqrt(2)))
    below = 0.5 * (1 + _erf((-critical * s - shift) / math.sqrt(2)))
    return float(min(1.0, (weights * (above + below)).sum()))


def detectable_dz(n: int, *, alpha: float = 0.05) -> float | None:
    """Give the least effect that n items find in 80 % of samples; None below 2 items."""
    if n < 2:
        return None
    low, high = 0.0, 1.0
    while power(high, n, alpha=alpha) < WANTED_POWER:
        high *= 2
    for _ in range(30):
        middle = (low + high) / 2
        if power(middle, n, alpha=alpha) < WANTED_POWER:
            low = middle
        else:
            high = middle
    return high


def needed_n(dz: float, *, alpha: float = 0.05) -> int | None:
    """Give how many items find this effect in 80 % of samples; None where it takes a million."""
    low, high = 1, 2
    while power(dz, high, alpha=alpha) < WANTED_POWER:
        low, high = high, high * 2
        if high > _MOST_ITEMS:
            return None
    while high - low > 1:
        middle = (low + high) // 2
        if power(dz, middle, alpha=alpha) < WANTED_POWER:
            low = middle
        else:
            high = middle
    return round(high / EFFICIENCY)

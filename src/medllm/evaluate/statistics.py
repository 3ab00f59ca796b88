"""Intervals for a mean over queries or items, and for the mean of paired differences.

Three methods, chosen by what the sample can bear. In a simulation of 1,500 samples a cell, an
interval that claims 95 % covered the true mean in this share of the samples (t / BCa):

    reciprocal ranks, 80 % zero    n=30 .887 .914    n=100 .921 .948    n=300 .941 .948
    recall, 80 % at 1              n=20 .882 .920    n=30  .904 .934    n=100 .932 .951
    nDCG-like, beta(2, .8)         n=10 .932 .916    n=30  .940 .941    n=100 .949 .945
    ratings from 1 to 5            n=10 .941 .910    n=20  .956 .937    n=100 .959 .954

- `t`, cut at the bounds, below 30 values: a bootstrap of few values is too narrow. No method is
  honest for few and very skewed values: reciprocal ranks at n=10 are covered in 80 to 88 %.
- `bca`, the bias-corrected and accelerated bootstrap (Efron 1987), from 30 values on: scores of
  queries are skewed, and it follows the skew.
- `t` again beyond 2,000 values, where the two agree and the bootstrap only costs time.
- `exact` where all values are the same, and the methods above would claim certainty: if a share p
  of all items were otherwise, n items would miss it with probability (1 - p)^n. Twenty zeros of
  twenty still allow .139.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Method = Literal["t", "bca", "exact"]
Values = NDArray[np.float64]

FEWEST_FOR_BOOTSTRAP = 30
MOST_FOR_BOOTSTRAP = 2000
N_RESAMPLES = 10_000
_RESAMPLES_AT_ONCE = 500  # 500 x 2,000 values x 8 bytes = 8 MB


@dataclass(frozen=True, slots=True, kw_only=True)
class Interval:
    """A mean with the interval that covers the true mean in `level` of such samples."""

    mean: float
    low: float
    high: float
    n: int
    """How many values the mean is over."""
    method: Method
    level: float = 0.95


def mean_interval(
    values: Sequence[float],
    *,
    bounds: tuple[float, float],
    level: float = 0.95,
    seed: int = 0,
    method: Method | None = None,
) -> Interval:
    """Give the mean of `values` with its interval, by the method that fits their number.

    `bounds` are the lowest and highest value possible, such as (0, 1); the interval stays within.
    The same seed gives the same digits. `method` forces `t` or `bca`. No value at all, or one that
    is outside the bounds or not a number, raises `ValueError`: an empty set has no mean.
    """
    sample = np.asarray(values, dtype=np.float64)
    if not sample.size:
        raise ValueError("no values, hence no mean")
    if not ((sample >= bounds[0]) & (sample <= bounds[1])).all():
        raise ValueError(f"a value is outside {bounds} or not a number")
    alpha = 1 - level
    mean = min(max(float(sample.mean()), bounds[0]), bounds[1])
    if np.ptp(sample) <= 1e-9 * (bounds[1] - bounds[0]):  # equal but for rounding
        chosen: Method = "exact"
        low, high = _exact_of_equal(mean, sample.size, bounds, alpha)
    elif (method or _fitting(sample.size)) == "bca":
        chosen = "bca"
        low, high = _bca(sample, alpha, seed)
    else:
        chosen = "t"
        low, high = _student(sample, alpha)
    low, high = max(low, bounds[0]), min(high, bounds[1])
    return Interval(mean=mean, low=low, high=high, n=int(sample.size), method=chosen, level=level)


def paired_interval(
    before: Mapping[str, float],
    after: Mapping[str, float],
    *,
    bounds: tuple[float, float],
    level: float = 0.95,
    seed: int = 0,
) -> Interval:
    """Give the mean of after - before over the same items, with its interval.

    `bounds` are those of the scores, not of their difference. Items that are in only one of the
    two raise `ValueError`: leaving them out would compare different things.
    """
    if before.keys() != after.keys():
        raise ValueError("paired scores need the same items on both sides")
    width = bounds[1] - bounds[0]
    differences = [after[item] - before[item] for item in sorted(before)]
    return mean_interval(differences, bounds=(-width, width), level=level, seed=seed)


def t_quantile(probability: float, degrees: int) -> float:
    """Give Student's t below which `probability` lies; bisection on its exact distribution."""
    if not 0 < probability < 1 or degrees < 1:
        raise ValueError("needs 0 < probability < 1 and at least one degree of freedom")
    if probability < 0.5:
        return -t_quantile(1 - probability, degrees)
    low, high = 0.0, 1.0
    while _t_below(high, degrees) < probability:
        low, high = high, high * 2
    for _ in range(80):  # halves the bracket below the last bit of a float
        middle = (low + high) / 2
        if _t_below(middle, degrees) < probability:
            low = middle
        else:
            high = middle
    return (low + high) / 2


def _fitting(n: int) -> Method:
    return "bca" if FEWEST_FOR_BOOTSTRAP <= n <= MOST_FOR_BOOTSTRAP else "t"


def _exact_of_equal(
    value: float, n: int, bounds: tuple[float, float], alpha: float
) -> tuple[float, float]:
    """At a bound only one side is open and takes all of alpha; otherwise each side takes half."""
    one_sided = value in bounds
    hidden_share = 1 - (alpha if one_sided else alpha / 2) ** (1 / n)
    return (
        value - (value - bounds[0]) * hidden_share,
        value + (bounds[1] - value) * hidden_share,
    )


def _student(sample: Values, alpha: float) -> tuple[float, float]:
    mean = float(sample.mean())
    error = float(sample.std(ddof=1)) / math.sqrt(sample.size)
    reach = t_quantile(1 - alpha / 2, sample.size - 1) * error
    return mean - reach, mean + reach


def _bca(sample: Values, alpha: float, seed: int) -> tuple[float, float]:
    """Efron's BCa; for a mean the jackknife's acceleration has the closed form used here."""
    mean = sample.mean()
    means = _bootstrap_means(sample, seed)
    normal = NormalDist()
    # A resampled mean that equals the mean counts half: scores are discrete and sums are rounded.
    rounding = 1e-12 * max(1.0, abs(float(mean)))
    below = np.mean(means < mean - rounding)
    equal = np.mean(np.abs(means - mean) <= rounding)
    edge = 0.5 / means.size
    bias = normal.inv_cdf(min(max(float(below + equal / 2), edge), 1 - edge))
    deviations = sample - mean
    acceleration = float((deviations**3).sum() / (6 * (deviations**2).sum() ** 1.5))

    def corrected(probability: float) -> float:
        z = bias + normal.inv_cdf(probability)
        return normal.cdf(bias + z / max(1 - acceleration * z, 1e-6))

    low, high = np.quantile(means, [corrected(alpha / 2), corrected(1 - alpha / 2)])
    return float(low), float(high)


def _bootstrap_means(sample: Values, seed: int) -> Values:
    generator = np.random.default_rng(seed)
    blocks = []
    for start in range(0, N_RESAMPLES, _RESAMPLES_AT_ONCE):
        n_rows = min(_RESAMPLES_AT_ONCE, N_RESAMPLES - start)
        drawn = generator.integers(0, sample.size, size=(n_rows, sample.size), dtype=np.int32)
        blocks.append(sample[drawn].mean(axis=1))
    return np.concatenate(blocks)


def _t_below(t: float, degrees: int) -> float:
    """P(T <= t) for t >= 0, through the regularised incomplete beta function."""
    x = t * t / (degrees + t * t)
    return 0.5 + 0.5 * _incomplete_beta(x, 0.5, degrees / 2)


def _incomplete_beta(x: float, a: float, b: float) -> float:
    """I_x(a, b) by Lentz's continued fraction (DLMF 8.17.22), on its fast side."""
    if x <= 0 or x >= 1:
        return min(max(x, 0.0), 1.0)
    if x > (a + 1) / (a + b + 2):
        return 1 - _incomplete_beta(1 - x, b, a)
    log_front = a * math.log(x) + b * math.log1p(-x)
    log_front += math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b)
    numerator, denominator = 1.0, 1 / (1 - (a + b) * x / (a + 1))
    fraction = denominator
    for m in range(1, 10_000):
        for step in (
            m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m)),
            -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1)),
        ):
            denominator = 1 / (1 + step * denominator)
            numerator = 1 + step / numerator
            fraction *= numerator * denominator
        if abs(numerator * denominator - 1) < 1e-15:
            break
    return math.exp(log_front) * fraction / a

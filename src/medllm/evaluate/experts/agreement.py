"""How far raters agree: Krippendorff's alpha, ICC, weighted kappa, Gwet's AC2, and with themselves.

Ratings are numbers by unit and rater; a unit that a rater did not rate is absent. Functions give
None where agreement has no meaning: no unit with two ratings, or no variation at all.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Mapping, Sequence
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from medllm.evaluate.paired.ranks import mean_ranks

Ratings = Mapping[str, Mapping[str, float]]
"""Unit -> rater -> rating."""
Level = Literal["nominal", "ordinal", "interval"]


def krippendorff_alpha(ratings: Ratings, *, level: Level = "ordinal") -> float | None:
    """Give Krippendorff's alpha; missing ratings are allowed.

    Source: Krippendorff, Computing Krippendorff's alpha-reliability (2011).
    """
    units = [list(unit.values()) for unit in ratings.values() if len(unit) > 1]
    values = sorted({value for unit in units for value in unit})
    if len(values) < 2:
        return None
    place = {value: at for at, value in enumerate(values)}
    coincidences = np.zeros((len(values), len(values)))
    for unit in units:
        counts = np.zeros(len(values))
        for value in unit:
            counts[place[value]] += 1
        coincidences += (np.outer(counts, counts) - np.diag(counts)) / (len(unit) - 1)
    totals = coincidences.sum(axis=1)
    n = totals.sum()
    distances = _distances(np.array(values), totals, level)
    observed = float((coincidences * distances).sum())
    expected = float((np.outer(totals, totals) * distances).sum()) / (n - 1)
    return 1 - observed / expected if expected else None


def _distances(
    values: NDArray[np.float64], totals: NDArray[np.float64], level: Level
) -> NDArray[np.float64]:
    """Give the squared distance of every two values."""
    if level == "nominal":
        return 1.0 - np.eye(values.size)
    if level == "interval":
        return (values[:, None] - values[None, :]) ** 2
    below = np.cumsum(totals) - totals / 2  # half of one's own, all before
    return (below[:, None] - below[None, :]) ** 2


class Icc(NamedTuple):
    """Intraclass correlations of absolute agreement, raters drawn at random."""

    single: float
    """ICC(2,1): of one rater."""
    mean: float
    """ICC(2,k): of the mean of all raters."""


def icc(ratings: Ratings) -> Icc | None:
    """Give ICC(2,1) and ICC(2,k) over the units that every rater rated.

    Source: Shrout and Fleiss 1979 (doi 10.1037/0033-2909.86.2.420), two-way random effects.
    """
    raters = sorted({rater for unit in ratings.values() for rater in unit})
    whole = [[unit[r] for r in raters] for unit in ratings.values() if len(unit) == len(raters)]
    if len(whole) < 2 or len(raters) < 2:
        return None
    table = np.array(whole)
    n, k = table.shape
    middle = table.mean()
    of_units = k * ((table.mean(axis=1) - middle) ** 2).sum() / (n - 1)
    of_raters = n * ((table.mean(axis=0) - middle) ** 2).sum() / (k - 1)
    everything = ((table - middle) ** 2).sum()
    left = everything - of_units * (n - 1) - of_raters * (k - 1)
    error = left / ((n - 1) * (k - 1))
    single = of_units + (k - 1) * error + k * (of_raters - error) / n
    mean = of_units + (of_raters - error) / n
    if single == 0 or mean == 0:
        return None
    return Icc(float((of_units - error) / single), float((of_units - error) / mean))


def weighted_kappa(
    pairs: Sequence[tuple[float, float]], *, categories: Sequence[float]
) -> float | None:
    """Give Cohen's kappa of two raters with quadratic weights (Cohen 1968)."""
    observed = _table(pairs, categories)
    if observed is None:
        return None
    weights = _weights(categories)
    expected = np.outer(observed.sum(axis=1), observed.sum(axis=0))
    by_chance = 1 - float((weights * expected).sum())
    return 1 - (1 - float((weights * observed).sum())) / by_chance if by_chance else None


def gwet_ac2(ratings: Ratings, *, categories: Sequence[float]) -> float | None:
    """Give Gwet's AC2 with quadratic weights, for any number of raters and missing ratings.

    Unlike kappa it does not fall where nearly all ratings are the same. Source: Gwet 2014, Handbook
    of Inter-Rater Reliability, chapter 5.
    """
    weights = _weights(categories)
    place = {value: at for at, value in enumerate(categories)}
    counts = np.array(
        [
            np.bincount([place[value] for value in unit.values()], minlength=len(categories))
            for unit in ratings.values()
            if unit
        ],
        dtype=np.float64,
    )
    if not counts.size or len(categories) < 2:
        return None
    raters = counts.sum(axis=1)
    several = raters > 1
    if not several.any():
        return None
    agreeing = (counts[several] * (counts[several] @ weights - 1)).sum(axis=1)
    observed = float((agreeing / (raters[several] * (raters[several] - 1))).mean())
    shares = (counts / raters[:, None]).mean(axis=0)
    q = len(categories)
    by_chance = float(weights.sum() / (q * (q - 1)) * (shares * (1 - shares)).sum())
    return (observed - by_chance) / (1 - by_chance) if by_chance < 1 else None


def _weights(categories: Sequence[float]) -> NDArray[np.float64]:
    values = np.array(categories, dtype=np.float64)
    width = values.max() - values.min()
    return np.asarray(1 - ((values[:, None] - values[None, :]) / width) ** 2)


def _table(
    pairs: Sequence[tuple[float, float]], categories: Sequence[float]
) -> NDArray[np.float64] | None:
    if not pairs:
        return None
    place = {value: at for at, value in enumerate(categories)}
    table = np.zeros((len(categories), len(categories)))
    for one, other in pairs:
        table[place[one], place[other]] += 1
    return table / len(pairs)


def spearman(one: Sequence[float], other: Sequence[float]) -> float | None:
    """Give the rank correlation, ties sharing ranks; None below 3 pairs or without variation."""
    if len(one) < 3:
        return None
    x, y = (mean_ranks(np.asarray(values, dtype=np.float64)) for values in (one, other))
    if np.ptp(x) == 0 or np.ptp(y) == 0:
        return None
    x, y = x - x.mean(), y - y.mean()
    return float(x @ y / np.sqrt((x @ x) * (y @ y)))


class Correlation(NamedTuple):
    """A rank correlation with its bootstrap interval and its number of pairs."""

    value: float
    low: float
    high: float
    n: int


def correlate(
    one: Mapping[str, float],
    other: Mapping[str, float],
    *,
    clusters: Mapping[str, Hashable] | None = None,
    seed: int = 0,
    n_resamples: int = 1000,
) -> Correlation | None:
    """Give Spearman's correlation over the keys in common, with its percentile interval.

    With `clusters` whole clusters are drawn: answers to one item are not independent.
    """
    keys = sorted(one.keys() & other.keys())
    value = spearman([one[key] for key in keys], [other[key] for key in keys])
    if value is None:
        return None
    table = np.array([[one[key] for key in keys], [other[key] for key in keys]])
    members: dict[Hashable, list[int]] = defaultdict(list)
    for at, key in enumerate(keys):
        members[clusters[key] if clusters else key].append(at)
    groups = list(members.values())
    drawn = np.random.default_rng(seed).integers(0, len(groups), size=(n_resamples, len(groups)))
    found = [
        spearman(*table[:, [at for group in row for at in groups[group]]].tolist()) for row in drawn
    ]
    values = [rho for rho in found if rho is not None]
    low, high = np.quantile(values, [0.025, 0.975])
    return Correlation(value, float(low), float(high), len(keys))


def bradley_terry(wins: Mapping[tuple[str, str], float]) -> dict[str, float]:
    """Give each system's strength, as log-odds whose mean is 0, from (winner, loser) -> wins.

    A tie is half a win for each. A tenth of a win is added to both sides of each pair that met, so
    that who lost everything has a strength too. Source: Hunter 2004, MM algorithm
    (doi 10.1214/aos/1079120141).
    """
    met = {(min(pair), max(pair)) for pair in wins}
    names = sorted({name for pair in met for name in pair})
    won: dict[str, float] = defaultdict(float)
    games: dict[tuple[str, str], float] = defaultdict(float)
    for one, other in met:
        for winner, loser in ((one, other), (other, one)):
            n = wins.get((winner, loser), 0.0) + 0.1
            won[winner] += n
            games[one, other] += n
    strength = dict.fromkeys(names, 1.0)
    for _ in range(500):
        new = {}
        for name in names:
            total = sum(
                n / (strength[a] + strength[b]) for (a, b), n in games.items() if name in (a, b)
            )
            new[name] = won[name] / total
        mean = float(np.exp(np.mean(np.log(list(new.values())))))
        strength = {name: value / mean for name, value in new.items()}
    return {name: float(np.log(value)) for name, value in strength.items()}

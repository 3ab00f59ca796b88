"""Two systems' scores on the same items: the difference, its interval, and what tests say.

The hypothesis that counts is tested by the paired permutation of the mean difference, which asks
about the same number as the interval and bears clusters; Wilcoxon's test and the sign test stand
beside it. Corrections for many hypotheses take the permutation's p-values only.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from medllm.evaluate.paired.correction import benjamini_hochberg, holm
from medllm.evaluate.paired.permutation import cluster_sums, permutation_p
from medllm.evaluate.paired.power import detectable_dz, needed_n, power
from medllm.evaluate.paired.ranks import mann_whitney, sign_test, wilcoxon
from medllm.evaluate.statistics import Interval, mean_interval, t_quantile

ALPHA = 0.05
FEWEST_TO_TEST = 5
"""Below this no two-sided test of signs can come out below 0.05: 2 / 2^5 is .0625."""
_EQUAL = 1e-12
"""Scores that differ by less are equal but for rounding."""
Scores = Mapping[str, float]
"""Item -> score."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """What the paired scores of two systems say about one metric."""

    metric: str
    baseline: str
    system: str
    n: int
    """Items that both have a score for."""
    n_clusters: int
    n_left_out: int
    """Items that only one of the two has a score for."""
    baseline_mean: float
    system_mean: float
    difference: Interval
    """System - baseline, by the method that fits n, or robust to clusters."""
    bootstrap: Interval | None
    """The same by the BCa bootstrap, where there are no clusters and it can be had."""
    wins: int
    ties: int
    losses: int
    win_rate: Interval
    """(Wins + half the ties) / n."""
    dz: float | None
    """Mean over standard deviation of the differences; None where these are all the same."""
    rank_biserial: float
    p: float | None = None
    """Of the paired permutation; None where there are too few items to test."""
    p_wilcoxon: float | None = None
    p_sign: float | None = None
    p_mann_whitney: float
    """Unpaired: only to stand beside published numbers."""
    p_holm: float | None = None
    p_bh: float | None = None
    power: float | None = None
    """With which this difference, if it is the true one, would be found again at n."""
    detectable_dz: float | None = None
    """The least effect that n items find in 80 % of samples."""
    needed_n: int | None = None
    """Items that would find this difference in 80 % of samples."""
    higher_is_better: bool = True

    @property
    def improvement(self) -> float | None:
        """The difference in per cent of the baseline's mean; None where that is 0."""
        if not self.baseline_mean:
            return None
        return 100 * (self.system_mean - self.baseline_mean) / self.baseline_mean

    @property
    def is_shown(self) -> bool:
        """Whether a difference is shown at 5 %, corrected for all hypotheses of the report."""
        p = self.p if self.p_holm is None else self.p_holm
        return p is not None and p < ALPHA


def compare(
    metric: str,
    names: tuple[str, str],
    baseline: Scores,
    system: Scores,
    *,
    bounds: tuple[float, float],
    clusters: Mapping[str, Hashable] | None = None,
    seed: int = 0,
    higher_is_better: bool = True,
) -> Comparison | None:
    """Compare the scores of the items that both have; None where they have none in common.

    `bounds` are those of the scores; `clusters` gives the cluster of each item.
    """
    common = sorted(baseline.keys() & system.keys())
    if not common:
        return None
    before = np.array([baseline[key] for key in common])
    after = np.array([system[key] for key in common])
    differences = after - before
    groups = _groups(common, clusters)
    n_clusters = len(set(groups)) if groups else len(common)
    width = bounds[1] - bounds[0]
    limits = (-width, width)
    of_clusters = _cluster_means(differences, groups)
    difference = clustered_interval(differences, groups, limits, seed)
    found = Comparison(
        metric=metric,
        baseline=names[0],
        system=names[1],
        n=len(common),
        n_clusters=n_clusters,
        n_left_out=len(baseline.keys() ^ system.keys()),
        baseline_mean=float(before.mean()),
        system_mean=float(after.mean()),
        difference=difference,
        bootstrap=difference
        if difference.method == "bca"
        else _bootstrap(differences, groups, limits, seed),
        wins=_n_wins(differences),
        ties=int((np.abs(differences) <= _EQUAL).sum()),
        losses=_n_wins(-differences),
        win_rate=clustered_interval(_outcomes(differences), groups, (0.0, 1.0), seed),
        dz=_dz(of_clusters),
        rank_biserial=wilcoxon(of_clusters.tolist()).rank_biserial,
        p_mann_whitney=mann_whitney(before.tolist(), after.tolist()),
        higher_is_better=higher_is_better,
    )
    if n_clusters >= FEWEST_TO_TEST:
        found = replace(
            found,
            p=permutation_p(differences.tolist(), groups, seed=seed),
            p_wilcoxon=wilcoxon(of_clusters.tolist()).p,
            p_sign=sign_test(_n_wins(of_clusters), _n_wins(-of_clusters)),
        )
    return _with_power(found)


def _groups(keys: Sequence[str], clusters: Mapping[str, Hashable] | None) -> list[Hashable] | None:
    """Give the cluster of each item; None where each item is its own."""
    groups = [clusters[key] for key in keys] if clusters else []
    return groups if groups and len(set(groups)) < len(keys) else None


def _n_wins(differences: NDArray[np.float64]) -> int:
    return int((differences > _EQUAL).sum())


def _outcomes(differences: NDArray[np.float64]) -> NDArray[np.float64]:
    """Give 1 for a win, 0 for a loss, a half for a tie."""
    return np.where(np.abs(differences) <= _EQUAL, 0.5, (differences > 0).astype(np.float64))


def correct(comparisons: Sequence[Comparison]) -> list[Comparison]:
    """Give the comparisons with p-values corrected over all of them that were tested."""
    tested = [one.p for one in comparisons if one.p is not None]
    by_holm, by_bh = iter(holm(tested)), iter(benjamini_hochberg(tested))
    return [
        one if one.p is None else replace(one, p_holm=next(by_holm), p_bh=next(by_bh))
        for one in comparisons
    ]


def _with_power(found: Comparison) -> Comparison:
    if found.dz is None or found.n_clusters < FEWEST_TO_TEST:
        return found
    n = found.n_clusters
    per_cluster = found.n / n
    needed = needed_n(found.dz) if abs(found.dz) > 1e-3 else None
    return replace(
        found,
        power=power(found.dz, n),
        detectable_dz=detectable_dz(n),
        needed_n=None if needed is None else math.ceil(needed * per_cluster),
    )


def _dz(values: NDArray[np.float64]) -> float | None:
    spread = float(values.std(ddof=1)) if values.size > 1 else 0.0
    return float(values.mean()) / spread if spread > 1e-12 else None


def _cluster_means(
    values: NDArray[np.float64], groups: Sequence[Hashable] | None
) -> NDArray[np.float64]:
    if groups is None:
        return values
    return cluster_sums(values.tolist(), groups) / cluster_sums([1.0] * len(groups), groups)


def clustered_interval(
    values: NDArray[np.float64],
    groups: Sequence[Hashable] | None,
    bounds: tuple[float, float],
    seed: int,
) -> Interval:
    """Give the mean with its interval; with clusters by their sums (Liang and Zeger 1986)."""
    mean = float(values.mean())
    if groups is None or np.ptp(values) < 1e-12:
        clipped = np.clip(values, *bounds).tolist()
        return mean_interval(clipped, bounds=bounds, seed=seed)
    off = cluster_sums((values - mean).tolist(), groups)
    n_clusters = off.size
    if n_clusters < 2:
        low, high = bounds
    else:
        inflated = n_clusters / (n_clusters - 1) * float((off**2).sum())
        error = math.sqrt(inflated) / values.size
        reach = t_quantile(0.975, n_clusters - 1) * error
        low, high = max(bounds[0], mean - reach), min(bounds[1], mean + reach)
    return Interval(mean=mean, low=low, high=high, n=int(values.size), method="t")


def _bootstrap(
    values: NDArray[np.float64],
    groups: Sequence[Hashable] | None,
    bounds: tuple[float, float],
    seed: int,
) -> Interval | None:
    few = values.size < 5 or values.size > 2000
    if groups is not None or few or np.ptp(values) < 1e-12:
        return None
    clipped = np.clip(values, *bounds).tolist()
    return mean_interval(clipped, bounds=bounds, seed=seed, method="bca")


def as_facts(found: Comparison) -> dict[str, Any]:
    """Give a comparison for a program, with what is derived."""
    return {**asdict(found), "improvement_percent": found.improvement, "is_shown": found.is_shown}

"""The paired permutation test of a mean difference: what if the systems' names were exchanged?

Under the hypothesis that the systems are alike, each item's difference may as well have the other
sign. Items of a cluster, such as turns of one dialogue, change their signs together. All 2^n ways
are tried up to 14 clusters, 20,000 random ones beyond, with (b + 1) / (m + 1) as the p-value.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence

import numpy as np
from numpy.typing import NDArray

N_RANDOM = 20_000
MOST_FOR_EXACT = 14
_CELLS_AT_ONCE = 4_000_000
"""Signs that are held at once: 16 MB."""


def permutation_p(
    differences: Sequence[float], clusters: Sequence[Hashable] | None = None, *, seed: int = 0
) -> float:
    """Give the two-sided p that the mean difference is 0; `ValueError` for no difference at all."""
    sums = cluster_sums(differences, clusters)
    sums = sums[np.abs(sums) > 1e-12]  # what is zero is so with either sign
    if not sums.size:
        return 1.0
    observed = abs(float(sums.sum()))
    reach = observed - 1e-9 * max(1.0, observed)  # equal but for the order of adding up
    if sums.size <= MOST_FOR_EXACT:
        codes = np.arange(2**sums.size)[:, None] >> np.arange(sums.size) & 1
        return float((np.abs((2 * codes - 1) @ sums) >= reach).mean())
    n_extreme = 0
    generator = np.random.default_rng(seed)
    rows = max(1, _CELLS_AT_ONCE // sums.size)
    for start in range(0, N_RANDOM, rows):
        n_rows = min(rows, N_RANDOM - start)
        n_bytes = -(-sums.size // 8)
        bits = np.frombuffer(generator.bytes(n_rows * n_bytes), dtype=np.uint8)
        signs = np.unpackbits(bits.reshape(n_rows, n_bytes), axis=1, count=sums.size)
        flipped = signs.astype(np.float32) @ (2 * sums).astype(np.float32) - float(sums.sum())
        n_extreme += int((np.abs(flipped) >= reach * (1 - 1e-5)).sum())
    return (n_extreme + 1) / (N_RANDOM + 1)


def cluster_sums(
    differences: Sequence[float], clusters: Sequence[Hashable] | None
) -> NDArray[np.float64]:
    """Give the sum of the differences of each cluster; without clusters each is its own."""
    values = np.asarray(differences, dtype=np.float64)
    if not values.size:
        raise ValueError("no differences to test")
    if clusters is None:
        return values
    numbers: dict[Hashable, int] = {}
    places = [numbers.setdefault(cluster, len(numbers)) for cluster in clusters]
    return np.bincount(places, weights=values).astype(np.float64)

"""How much of a training set comes from where, and in which order: always the same for a seed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from medllm.data.prepare.config import MixConfig
from medllm.data.prepare.rows import Rows
from medllm.data.prepare.split import hash_of
from medllm.data.sft_files import TASKS
from medllm.data.shingles import mix
from medllm.records import SftRecord

_COPY = np.uint64(0x9E3779B97F4A7C15)  # odd: another copy of a record goes to another place


class Mix(NamedTuple):
    """Which records the mix takes, in its order."""

    rows: NDArray[np.int64]
    copies: NDArray[np.int64]
    """0 where a record comes for the first time, 1 for the second, ..."""


def weighted_shares(sizes: Sequence[int], weights: Sequence[float]) -> list[float]:
    """Give each source's share of the mix by its weight; 0 for one that has no record."""
    parts = [weight if size else 0.0 for size, weight in zip(sizes, weights, strict=True)]
    total = sum(parts)
    return [part / total if total else 0.0 for part in parts]


def temperature_shares(sizes: Sequence[int], temperature: float) -> list[float]:
    """Give shares that go by size to the power 1/temperature: 1 is by size, infinity is even.

    Source: Arivazhagan et al. 2019 (arXiv 1907.05019), as mT5 and T5's multi-task training use it.
    """
    parts = [size ** (1 / temperature) if size else 0.0 for size in sizes]
    total = sum(parts)
    return [part / total if total else 0.0 for part in parts]


def targets(shares: Sequence[float], total: int) -> list[int]:
    """Give whole numbers that come closest to the shares of `total` and sum up to it."""
    exact = [share * total for share in shares]
    whole = [int(part) for part in exact]
    if not any(shares):
        return whole
    largest = sorted(range(len(exact)), key=lambda at: (whole[at] - exact[at], at))
    for at in largest[: total - sum(whole)]:
        whole[at] += 1
    return whole


def mix_rows(
    strata: Sequence[NDArray[np.int64]], wanted: Sequence[int], identities: NDArray[np.uint64]
) -> Mix:
    """Take as many rows from each stratum as wanted, and shuffle them all.

    A stratum of n rows gives each of them `wanted // n` times and some of them once more. Which,
    and in which order all stand, is told by the hashes in `identities` (by row), so that it is the
    same in every run.
    """
    rows: list[NDArray[np.int64]] = []
    copies: list[NDArray[np.int64]] = []
    for stratum, n in zip(strata, wanted, strict=True):
        if not len(stratum) or not n:
            continue
        order = stratum[np.argsort(mix(identities[stratum]), kind="stable")]
        rows.append(np.resize(order, n))
        copies.append(np.arange(n) // len(order))
    if not rows:
        nothing = np.zeros(0, dtype=np.int64)
        return Mix(nothing, nothing)
    taken, number = np.concatenate(rows), np.concatenate(copies)
    places = mix(identities[taken] + number.astype(np.uint64) * _COPY + np.uint64(1))
    shuffled = np.argsort(places, kind="stable")
    return Mix(taken[shuffled], number[shuffled])


def mix_by(
    settings: MixConfig,
    weights: Sequence[float],
    train: NDArray[np.int64],
    rows: Rows,
    source_of: NDArray[np.int64],
    *,
    key: str,
) -> Mix:
    """Give the rows of a training split, `train`, in the order and as often as they are written.

    `weights` are those of the sources; `rows` and `source_of` go by record. Another `key` gives
    another order and, where not all are taken, another choice.
    """
    if settings.by == "as they are":
        return Mix(train, np.zeros(len(train), dtype=np.int64))
    by_task = settings.by == "temperature" and settings.over == "task"
    values = rows.task[train] if by_task else source_of[train]
    strata = [train[values == number] for number in range(len(TASKS) if by_task else len(weights))]
    sizes = [len(stratum) for stratum in strata]
    if settings.by == "weights":
        shares = weighted_shares(sizes, weights)
    else:
        shares = temperature_shares(sizes, settings.temperature)
    identities = rows.identity ^ np.uint64(hash_of("mix", key))
    return mix_rows(strata, targets(shares, settings.total or len(train)), identities)


def numbered(record: SftRecord, copy: int) -> SftRecord:
    """Give a record as it is where it comes for the first time, else with "#2", "#3" to its id."""
    return replace(record, id=f"{record.id}#{copy + 1}") if copy else record

"""Duplicates among records, exact and near, within one data set and across several."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from medllm.data.prepare.minhash import Commonness, Pairs, Signatures, sample
from medllm.data.prepare.near import MIN_ANSWER, is_near
from medllm.data.prepare.weights import Comparable, Weights, comparable
from medllm.data.progress import Progress, no_progress
from medllm.data.shingles import answer_of, question_of, words_of
from medllm.records import SftRecord

_MAX_CANDIDATES = 8
"""A record is compared word by word with so many that come before it, the likeliest first."""
_MAX_REMEMBERED = 4096


@dataclass(frozen=True, slots=True)
class Duplicates:
    """For each record, by its place: which one it repeats."""

    of: NDArray[np.int64]
    """The place of the record that is kept in its stead; -1 where it is kept itself."""
    near: NDArray[np.bool_]
    """Whether it is a near duplicate, not an exact one."""

    @property
    def n_exact(self) -> int:
        """How many repeat another word for word, case and marks aside."""
        return int(np.count_nonzero((self.of >= 0) & ~self.near))

    @property
    def n_near(self) -> int:
        """How many are edited or cut copies of another."""
        return int(np.count_nonzero(self.near))


class _Copies(NamedTuple):
    """What was found so far, and what tells a copy."""

    of: NDArray[np.int64]
    near: NDArray[np.bool_]
    weights: Weights
    agreement: float

    def is_one(self, first: Comparable, second: Comparable) -> bool:
        """Whether one is a copy of the other."""
        return is_near(first, second, self.weights, agreement=self.agreement)


def exact_key(record: SftRecord) -> int:
    """Give 64 bits that two records share where their words are the same, case and marks aside."""
    question, answer = (
        " ".join(words_of(question_of(record))),
        " ".join(words_of(answer_of(record))),
    )
    joined = f"{question}\x1f{answer}\x1f{record.label}".encode("utf-8", "surrogatepass")
    return int.from_bytes(hashlib.blake2b(joined, digest_size=8).digest(), "big")


def find_duplicates(
    records: Sequence[SftRecord],
    *,
    near: bool = True,
    agreement: float = MIN_ANSWER,
    ranks: NDArray[np.integer] | None = None,
    folder: Path | None = None,
    progress: Progress = no_progress,
) -> Duplicates:
    """Give what each record repeats; of duplicates the lowest in rank, then the first, is kept.

    `agreement` is the least share of their words, by weight, that the answers of near duplicates
    have in common.

    `records` is read twice in order and here and there at random; it need not fit into memory.
    `folder` holds the signatures meanwhile (290 bytes a record); without it they are in memory.
    """
    n = len(records)
    order = np.arange(n) if ranks is None else np.argsort(ranks, kind="stable")
    keys = np.zeros(n, dtype=np.uint64)
    for at, record in enumerate(records):
        keys[at] = exact_key(record)
        if at % 1000 == 0:
            progress("exact duplicates", at, n)
    of = _find_exact(keys, order)
    is_copy = np.zeros(n, dtype=np.bool_)
    if near and n > 1:
        signatures = Signatures(n, folder)
        signatures.fill(
            records, Commonness(sample(records)), lambda done: progress("signatures", done, n)
        )
        pairs, overlaps = signatures.pairs(order[of[order] < 0])
        copies = _Copies(of, is_copy, Weights(sample(records)), agreement)
        _resolve(records, pairs, overlaps, order, copies, progress)
    return Duplicates(_follow(of), is_copy)


def _find_exact(keys: NDArray[np.uint64], order: NDArray[np.int64]) -> NDArray[np.int64]:
    """Give for each record the place of the first one in `order` with the same key, or -1."""
    of = np.full(len(keys), -1, dtype=np.int64)
    ordered = keys[order]
    _, first, which = np.unique(ordered, return_index=True, return_inverse=True)
    original = first[which]
    repeats = original < np.arange(len(keys))
    of[order[repeats]] = order[original[repeats]]
    return of


def _resolve(
    records: Sequence[SftRecord],
    pairs: Pairs,
    overlaps: NDArray[np.float32],
    order: NDArray[np.int64],
    copies: _Copies,
    progress: Progress,
) -> None:
    """Compare the pairs word by word, in order, and enter what is found into `copies`."""
    of = copies.of
    place = np.empty(len(order), dtype=np.int64)
    place[order] = np.arange(len(order))
    sequence = np.lexsort((-overlaps, place[pairs[:, 1].astype(np.int64)]))
    remembered = _Comparables(records)
    current, n_compared = -1, 0
    for done, at in enumerate(sequence):
        first, second = int(pairs[at, 0]), int(pairs[at, 1])
        if second != current:
            current, n_compared = second, 0
        if of[second] >= 0 or n_compared >= _MAX_CANDIDATES:
            continue
        kept = int(of[first]) if of[first] >= 0 else first
        n_compared += 1
        if copies.is_one(remembered[kept], remembered[second]):
            of[second], copies.near[second] = kept, True
        if done % 1000 == 0:
            progress("near duplicates", done, len(sequence))


def _follow(of: NDArray[np.int64]) -> NDArray[np.int64]:
    """Let each duplicate point to a record that is itself kept."""
    while True:
        further = np.where(of >= 0, of[of], -1)
        chained = further >= 0
        if not chained.any():
            return of
        of = np.where(chained, further, of)


class _Comparables(OrderedDict[int, Comparable]):
    """Place -> the record's words; the last few thousand are remembered."""

    def __init__(self, records: Sequence[SftRecord]) -> None:
        super().__init__()
        self._records = records

    def __missing__(self, at: int) -> Comparable:
        if len(self) >= _MAX_REMEMBERED:
            self.popitem(last=False)
        self[at] = words = comparable(self._records[at])
        return words

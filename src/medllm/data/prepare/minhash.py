"""Which records may be near duplicates: MinHash signatures and their bands, in bounded memory.

A record's features are its words and its pairs of neighbouring words; those that many records have
("the", "you may be") are left out, because they make unlike records alike. Two records whose
features overlap by J share a band of three hashes with probability J**3, and one of 32 bands with
1 - (1 - J**3)**32: .99 at J = .5, .88 at .4, .002 at .04. Eight bands of four hashes over the words
alone find copies whose words changed places.

Nothing is kept in tables: each band's keys are sorted, so a million records take .3 GB. Libraries
were looked at: datasketch keeps Python objects, several GB for a million; rensa (Rust) computes
signatures no faster than numpy does here once they are taken over, and changed them in version 0.5.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from medllm.data.shingles import (
    Numbers,
    Runs,
    answer_of,
    mix,
    number_words,
    question_of,
    words_of,
)
from medllm.files import disk_errors
from medllm.records import SftRecord

MIN_OVERLAP = 0.3
MIN_WORD_OVERLAP = 0.6
"""The least overlap of features, or of words alone, estimated from the signatures, for which a pair
is looked at word by word."""
MAX_SHARES = (0.05, 0.2)
"""A feature that more of the records have is not used; the second share where few are left."""

_MIN_FEATURES = 16
_PAIR_BANDS = [(at, 3) for at in range(0, 96, 3)]
_WORD_BANDS = [(at, 4) for at in range(96, 128, 4)]
_BANDS = _PAIR_BANDS + _WORD_BANDS
"""First hash and number of hashes of each band."""
_N_HASHES = 128
_N_PAIR_HASHES = 96
_BATCH = 1000
_NEIGHBOURS = 8
"""In a crowded band each record is paired with so many before it, and with the first."""
_TABLE_BITS = 22
_SEED = 20260101
_BETWEEN = np.array([0], dtype=np.uint64)  # so that no pair spans question and answer

Pairs = NDArray[np.uint32]
Progress = Callable[[int], None]


class Features(NamedTuple):
    """The hashes of a record's words, and of its pairs of neighbouring words, with repetitions."""

    words: Numbers
    pairs: Numbers


def features_of(record: SftRecord) -> Features:
    """Give the hashes of a record's words and pairs of words."""
    numbers = np.concatenate(
        (
            number_words(words_of(question_of(record))),
            _BETWEEN,
            number_words(words_of(answer_of(record))),
        )
    )
    runs = Runs(numbers)
    return Features(runs.of(1), runs.of(2))


class Commonness:
    """How many of a sample of records have a feature; counts are kept by the feature's last bits.

    Features that share a place are counted together: with a million different ones in the sample
    about every fifth seems a little commoner than it is.
    """

    def __init__(self, records: Iterable[SftRecord]) -> None:
        self.n = 0
        self._counts = np.zeros(1 << _TABLE_BITS, dtype=np.uint32)
        for record in records:
            places = self._places(np.concatenate(features_of(record)))
            self._counts[np.unique(places)] += 1
            self.n += 1

    def rare(self, features: Numbers) -> Numbers:
        """Give those that few records have; all of them where too few are left."""
        if self.n < 20:  # in so small a sample a feature of two records would count as common
            return features
        counts = self._counts[self._places(features)]
        for share in MAX_SHARES:
            kept = features[counts <= share * self.n]
            if len(kept) >= _MIN_FEATURES:
                return kept
        return features

    @staticmethod
    def _places(features: Numbers) -> NDArray[np.int64]:
        return (features & np.uint64((1 << _TABLE_BITS) - 1)).astype(np.int64)


class Signatures:
    """Band keys and sketches of records, filled one batch after the other.

    `folder` names a place for them on disk; without it they are held in memory: 280 bytes a record.
    """

    def __init__(self, n: int, folder: Path | None = None) -> None:
        self.n = n
        self._bands = _array("bands", (len(_BANDS), n), np.uint32, folder)
        self._sketches = _array("sketches", (n, _N_HASHES), np.uint8, folder)
        generator = np.random.default_rng(_SEED)
        self._factors = generator.integers(1, 1 << 63, _N_HASHES, dtype=np.uint64) | np.uint64(1)

    def fill(
        self, records: Iterable[SftRecord], commonness: Commonness, progress: Progress
    ) -> None:
        """Compute them for all records; `progress` is told how many are done."""
        rest = iter(records)
        at = 0
        while batch := list(islice(rest, _BATCH)):
            features = [features_of(record) for record in batch]
            words = [commonness.rare(one.words) for one in features]
            both = [commonness.rare(np.concatenate(one)) for one in features]
            rows = slice(at, at + len(batch))
            self._fill_hashes(rows, both, range(_N_PAIR_HASHES))
            self._fill_hashes(rows, words, range(_N_PAIR_HASHES, _N_HASHES))
            at += len(batch)
            progress(at)

    def _fill_hashes(self, rows: slice, features: list[Numbers], hashes: range) -> None:
        """Enter the smallest hash of each record's features, for each hash function."""
        flat = np.concatenate(features)
        starts = np.cumsum([0, *(len(part) for part in features[:-1])])
        smallest = np.empty((len(hashes), len(features)), dtype=np.uint64)
        for at, number in enumerate(hashes):
            # The whole product is compared: its upper half decides, as in multiply-shift hashing.
            np.minimum.reduceat(flat * self._factors[number], starts, out=smallest[at])
        smallest >>= np.uint64(32)
        self._sketches[rows, hashes.start : hashes.stop] = (smallest & np.uint64(0xFF)).T
        for band, (first, n_rows) in enumerate(_BANDS):
            if first in hashes:
                key = np.zeros(len(features), dtype=np.uint64)
                for part in smallest[first - hashes.start : first - hashes.start + n_rows]:
                    key = mix(key + part)
                self._bands[band, rows] = key >> np.uint64(32)

    def pairs(self, rows: NDArray[np.int64]) -> tuple[Pairs, NDArray[np.float32]]:
        """Give the pairs among `rows` that may be near duplicates, and their estimated overlap.

        In each pair the one that stands earlier in `rows` comes first; no pair comes twice.
        """
        found: list[NDArray[np.uint64]] = []
        for band in self._bands:
            keys = np.asarray(band[rows])
            order = np.argsort(keys, kind="stable")
            for first, second in _neighbours(keys[order]):
                found += self._alike(rows, order[first], order[second])
        codes = np.unique(np.concatenate(found)) if found else np.zeros(0, dtype=np.uint64)
        places = np.stack((codes >> np.uint64(32), codes & np.uint64(0xFFFFFFFF)), axis=1)
        pairs = rows[places.astype(np.int64)].astype(np.uint32).reshape(-1, 2)
        return pairs, np.maximum(*self._overlap(pairs[:, 0], pairs[:, 1]))

    def _alike(
        self, rows: NDArray[np.int64], first: NDArray[np.int64], second: NDArray[np.int64]
    ) -> Iterator[NDArray[np.uint64]]:
        """Give, as codes, the pairs of places in `rows` whose sketches overlap enough."""
        for start in range(0, len(first), 200_000):
            a, b = first[start : start + 200_000], second[start : start + 200_000]
            features, words = self._overlap(rows[a], rows[b])
            keep = (features >= MIN_OVERLAP) | (words >= MIN_WORD_OVERLAP)
            yield (a[keep].astype(np.uint64) << np.uint64(32)) | b[keep].astype(np.uint64)

    def _overlap(
        self, first: NDArray[np.integer], second: NDArray[np.integer]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Estimate the overlap of features and of words alone, from the sketches."""
        features = np.empty(len(first), dtype=np.float32)
        words = np.empty(len(first), dtype=np.float32)
        for at in range(0, len(first), 20_000):
            part = slice(at, at + 20_000)
            equal = self._sketches[first[part]] == self._sketches[second[part]]
            features[part] = equal[:, :_N_PAIR_HASHES].mean(axis=1)
            words[part] = equal[:, _N_PAIR_HASHES:].mean(axis=1)
        return features, words


def _neighbours(
    keys: NDArray[np.uint32],
) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Give pairs of places in sorted keys that are equal, the earlier first."""
    places = np.arange(len(keys))
    for distance in range(1, min(_NEIGHBOURS, len(keys) - 1) + 1):
        second = places[distance:][keys[distance:] == keys[:-distance]]
        if not len(second):
            return
        yield second - distance, second
    is_first = np.concatenate(([True], keys[1:] != keys[:-1]))
    first = np.maximum.accumulate(np.where(is_first, places, 0))
    second = places[places - first > _NEIGHBOURS]
    yield first[second], second


def _array(
    name: str, shape: tuple[int, ...], kind: type[np.generic], folder: Path | None
) -> NDArray[np.generic]:
    if folder is None or 0 in shape:
        return np.zeros(shape, dtype=kind)
    path = folder / f"{name}.bin"
    with disk_errors(str(path)), path.open("wb") as handle:
        # All of it now: a mapped page that finds no space on the disk later kills the process.
        size = math.prod(shape) * np.dtype(kind).itemsize
        if hasattr(os, "posix_fallocate"):  # not on macOS
            os.posix_fallocate(handle.fileno(), 0, size)
        else:
            handle.truncate(size)
    return np.memmap(path, dtype=kind, mode="r+", shape=shape)


def sample(records: Sequence[SftRecord], most: int = 20_000) -> Iterator[SftRecord]:
    """Give records evenly spread over all of them, `most` at most."""
    step = max(1, -(-len(records) // most))
    return (records[at] for at in range(0, len(records), step))

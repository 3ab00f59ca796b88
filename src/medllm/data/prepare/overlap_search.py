"""One training record after the other held against the texts of an evaluation set."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from medllm.data.prepare.overlap_index import (
    SMALL_GRAM,
    EvalIndex,
    Part,
    Text,
    find_runs,
    texts_of,
    whole_key,
)
from medllm.data.shingles import Numbers, Runs
from medllm.records import SftRecord

Kind = Literal["same", "copied", "near"]

MAX_COMMON = 10
"""A run that more training records than this have is a way of speaking."""
MIN_LEAK_SHARE = 0.5
"""The least share of a text that a copy covers to be a leak and not a shared phrase."""
MIN_COPIED_WORDS = 5
"""A shorter text within another one ("what causes asthma") is named, but is no leak."""
MIN_NEAR_RUNS = 0.25
MIN_NEAR_WORDS = 0.8
MIN_NEAR_SHORT = 0.88
SHORT_TEXT = 12
"""The least share of a text's telling runs of five, and of its words by weight, that a stretch of a
training text of about its length has where it is an edited copy; the second of shorter texts."""
MIN_NEAR_ANSWER = 30
"""A shorter answer that is near to another is a way of speaking: no leak."""


class Spot(NamedTuple):
    """A place in a record: one of its turns (-1: the reasoning), and characters in it."""

    source: str
    id: str
    turn: int
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Match:
    """An evaluation text and the training record it was found in."""

    kind: Kind
    share: float
    """How much of the evaluation text is covered, 0 to 1."""
    part: Part
    """Which part of the evaluation record the text is."""
    evaluation: Spot
    training: Spot
    is_leak: bool


class WordWeights:
    """How much each word says, by the texts of the evaluation and the first of the training."""

    def __init__(self, records: Iterable[SftRecord], index: EvalIndex) -> None:
        parts = [*index.words]
        parts += [np.unique(text.numbers) for record in records for text in texts_of(record)]
        flat = np.concatenate(parts) if parts else np.zeros(0, dtype=np.uint64)
        self._words, counts = np.unique(flat, return_counts=True)
        self._weights = np.log1p(len(parts) / counts)

    def of(self, words: Numbers) -> NDArray[np.float64]:
        """Give the weight of each of these words; those of the index are all known."""
        return self._weights[np.searchsorted(self._words, words)]


class OverlapSearch:
    """Training records held against the index, one after the other."""

    def __init__(self, index: EvalIndex, weights: WordWeights, ways_of_speaking: Numbers) -> None:
        self._index = index
        self._weights = [weights.of(words) for words in index.words]
        n_runs = len(index.grams.hashes)
        self._common = np.isin(index.grams.hashes, ways_of_speaking, assume_unique=True)
        self._counts = np.zeros(n_runs, dtype=np.int32)
        self._spots = np.zeros((n_runs, 4), dtype=np.int32)
        """Of the first training record with a run: its number, turn, first and last character."""
        self._ids: list[tuple[str, str]] = []
        self._best: dict[int, tuple[Kind, float, Spot]] = {}
        """Evaluation text -> the whole or edited copy that covers most of it."""
        self._holders: list[tuple[NDArray[np.int64], int]] = []
        """Runs, and the training record that has them."""
        self._leaking: set[tuple[str, str]] = set()
        self._leaked_runs = np.zeros(n_runs, dtype=np.bool_)

    @property
    def n_records(self) -> int:
        """How many training records were looked at."""
        return len(self._ids)

    def leaking(self) -> tuple[tuple[str, str], ...]:
        """Give the training records with leaks, sorted; complete once `matches` is consumed."""
        for runs, number in self._holders:
            if self._leaked_runs[runs].any():
                self._leaking.add(self._ids[number])
        return tuple(sorted(self._leaking))

    def add(self, record: SftRecord) -> None:
        """Look for the evaluation's texts in one training record."""
        seen: list[NDArray[np.int64]] = []
        self._ids.append((record.source, record.id))
        texts = list(texts_of(record))
        for text in texts:
            self._add_whole(record, text)
            runs = Runs(text.numbers)
            seen.append(self._add_runs(text, runs))
            self._add_near(record, text, runs)
        if seen:
            self._count(np.unique(np.concatenate(seen)))

    def _count(self, runs: NDArray[np.int64]) -> None:
        """Count the runs of a record, and note it for those that are no way of speaking yet."""
        self._counts[runs] += 1
        telling = runs[self._counts[runs] <= MAX_COMMON]
        if len(telling):
            self._holders.append((telling, len(self._ids) - 1))

    def _spot(self, record: SftRecord, text: Text, first: int = 0, end: int | None = None) -> Spot:
        """Give the place of a stretch of words, all of them without `first` and `end`."""
        spans = text.spans[first:end]
        return Spot(record.source, record.id, text.turn, int(spans[0, 0]), int(spans[-1, 1]))

    def _add_whole(self, record: SftRecord, text: Text) -> None:
        for number in self._index.whole.get(whole_key(text.numbers), ()):
            if self._index.labels[number][1] == text.part:
                self._enter(number, "same", 1.0, self._spot(record, text))

    def _enter(self, number: int, kind: Kind, share: float, spot: Spot) -> None:
        if self._is_leak(number, kind):
            self._leaking.add((spot.source, spot.id))
        known = self._best.get(number)
        if known is None or (kind == "same", share) > (known[0] == "same", known[1]):
            self._best[number] = kind, share, spot

    def _add_runs(self, text: Text, runs: Runs) -> NDArray[np.int64]:
        """Give the runs of the index that the text has, and note where, if it is the first."""
        found, firsts, ends = find_runs(runs, self._index)
        fresh = self._counts[found] == 0
        if not fresh.any():
            return found
        where = np.array([len(self._ids) - 1, text.turn])
        self._spots[found[fresh], :2] = where
        self._spots[found[fresh], 2] = text.spans[firsts[fresh], 0]
        self._spots[found[fresh], 3] = text.spans[ends[fresh] - 1, 1]
        return found

    def _add_near(self, record: SftRecord, text: Text, text_runs: Runs) -> None:
        """Enter the evaluation texts that this text holds in edited form."""
        smalls = self._index.smalls
        at, runs = smalls.find(text_runs.of(SMALL_GRAM))
        if not len(runs):
            return
        sizes = smalls.starts[runs + 1] - smalls.starts[runs]
        pieces = [smalls.texts[smalls.starts[run] : smalls.starts[run + 1]] for run in runs]
        owners, places = np.concatenate(pieces), np.repeat(at, sizes)
        # Not bincount: it would count for all texts of the index, for each training text.
        candidates, counts = np.unique(owners, return_counts=True)
        enough = counts >= MIN_NEAR_RUNS * self._index.n_smalls[candidates]
        for number in candidates[enough]:
            first, last = self._stretch(text, int(number), places[owners == number])
            words = np.unique(text.numbers[first:last])
            there = np.isin(self._index.words[number], words, assume_unique=True)
            weights = self._weights[number]
            share = float(weights[there].sum() / weights.sum())
            if share >= (MIN_NEAR_WORDS if len(there) >= SHORT_TEXT else MIN_NEAR_SHORT):
                spot = self._spot(record, text, first, last)
                self._enter(int(number), "near", share, spot)

    def _stretch(self, text: Text, number: int, places: NDArray[np.int64]) -> tuple[int, int]:
        """Give the first word, and the one after the last, of where most shared runs lie close."""
        length = len(self._index.spans[number])
        reach = length + length // 4 + 4
        inside = np.searchsorted(places, places + reach) - np.arange(len(places))
        at = int(np.argmax(inside))
        middle = (int(places[at]) + int(places[at + inside[at] - 1]) + SMALL_GRAM) // 2
        first = max(0, middle - reach // 2)
        return first, min(len(text.numbers), first + reach)

    def ways_of_speaking(self) -> Numbers:
        """Give the hashes of the runs that too many training records have."""
        return self._index.grams.hashes[self._common | (self._counts > MAX_COMMON)]

    def matches(self) -> Iterator[Match]:
        """Give what was found, one match a text: the whole or edited copy before the shared run."""
        for number, runs in enumerate(self._index.runs):
            copied = self._copied(number, runs)
            if best := self._best.get(number):
                kind, share, training = best
                if copied and copied.share >= share:
                    yield copied if kind == "near" else self._match(number, kind, share, training)
                else:
                    yield self._match(number, kind, share, training)
            elif copied:
                yield copied

    def _match(self, number: int, kind: Kind, share: float, training: Spot) -> Match:
        record, part, turn = self._index.labels[number]
        spans = self._index.spans[number]
        start, end = int(spans[0, 0]), int(spans[-1, 1])
        spot = Spot(*self._index.ids[record], turn, start, end)
        return Match(kind, round(share, 3), part, spot, training, self._is_leak(number, kind))

    def _is_leak(self, number: int, kind: Kind) -> bool:
        is_long = len(self._index.spans[number]) >= MIN_NEAR_ANSWER
        return kind == "same" or is_long or self._index.labels[number][1] == "question"

    def _copied(self, number: int, runs: Numbers) -> Match | None:
        """Give the longest copy among the runs of a text that are no way of speaking.

        Words that stand in ways of speaking (a template, the instruction that all records of a set
        share) count neither as copied nor as text.
        """
        if not len(runs):
            return None
        spans = self._index.spans[number]
        size = len(spans) - len(runs) + 1
        known = np.searchsorted(self._index.grams.hashes, runs)
        counts = self._counts[known]
        common = (counts > MAX_COMMON) | self._common[known]
        hit = (counts > 0) & ~common
        if not hit.any():
            return None
        telling = ~_covered(common, size)
        covered = _covered(hit, size) & telling
        n_telling = int(telling.sum())
        first, last = _longest(hit, self._spots[known][:, 0])
        record, part, turn = self._index.labels[number]
        start, end = int(spans[first, 0]), int(spans[last + size - 1, 1])
        spot = Spot(*self._index.ids[record], turn, start, end)
        there = self._spots[known]
        source, identity = self._ids[there[first, 0]]
        there_turn, there_start, there_end = map(int, (*there[first, 1:3], there[last, 3]))
        training = Spot(source, identity, there_turn, there_start, there_end)
        share = int(covered.sum()) / max(1, n_telling)
        is_leak = share >= MIN_LEAK_SHARE and n_telling >= MIN_COPIED_WORDS
        if is_leak:
            self._leaked_runs[known[hit]] = True
        return Match("copied", round(share, 3), part, spot, training, is_leak)


def _covered(runs: NDArray[np.bool_], size: int) -> NDArray[np.bool_]:
    """Give which words lie in any of the chosen runs of `size` words."""
    steps = np.zeros(len(runs) + size, dtype=np.int64)
    steps[: len(runs)] += runs
    steps[size:] -= runs
    return np.cumsum(steps)[:-1] > 0


def _longest(hit: NDArray[np.bool_], where: NDArray[np.int32]) -> tuple[int, int]:
    """Give the first and last place of the longest stretch of hits within one training record."""
    best, start = (0, -1), 0
    for at in range(len(hit)):
        if not hit[at]:
            start = at + 1
            continue
        if at > start and where[at] != where[start]:
            start = at
        if at - start > best[1] - best[0]:
            best = start, at
    return best

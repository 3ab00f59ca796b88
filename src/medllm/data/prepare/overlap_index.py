"""The texts of an evaluation set, indexed so that training texts can be held against them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from medllm.data.shingles import WORD, Numbers, Runs, ngram_hashes, number_words
from medllm.records import SftRecord

Part = Literal["question", "answer", "reasoning"]

GRAM = 13
"""A run of so many words that both texts have is a copy, as GPT-3's authors count it."""
SMALL_GRAM = 5
"""Edited copies are found by their shorter runs."""
MIN_WORDS = 3
"""A part shorter than `GRAM` counts as a run of its own from this many words on."""
MIN_SHARED, MAX_SHARED = 5, 0.02
"""A short run that more evaluation texts have, in number and in share, tells none of them."""
_MAX_FILTER_BITS = 26  # 64 MB
MIN_ANSWER_WORDS = 8
"""A shorter answer ("yes", "iron deficiency anaemia") is no leak by itself."""


@dataclass(frozen=True)
class Text:
    """A part of a record: its words' numbers, and where each begins and ends."""

    part: Part
    turn: int
    """Its place among the record's messages; -1 for the reasoning."""
    numbers: Numbers
    content: str = field(repr=False)

    @cached_property
    def spans(self) -> NDArray[np.int32]:
        """First and last character of each word, the last not included; found when asked for."""
        return np.array([match.span() for match in WORD.finditer(self.content)], dtype=np.int32)


def texts_of(record: SftRecord) -> Iterator[Text]:
    """Give the texts of a record that have a word; the system's turn is left out."""
    for turn, message in enumerate(record.messages):
        if message.role != "system":
            part: Part = "question" if message.role == "user" else "answer"
            yield from _text(part, turn, message.content)
    yield from _text("reasoning", -1, record.reasoning)


def _text(part: Part, turn: int, text: str) -> Iterator[Text]:
    # Word by word where a small letter may be longer than its capital: offsets must hold.
    is_plain = text.isascii()
    words = WORD.findall(text.lower() if is_plain else text)
    if words:
        yield Text(
            part, turn, number_words(words if is_plain else [w.lower() for w in words]), text
        )


def whole_key(numbers: Numbers) -> int:
    """Give a hash of all words of a text, in order."""
    return int(ngram_hashes(numbers, len(numbers))[0])


class Postings:
    """Hashes of runs, sorted, and for each the texts that have it."""

    def __init__(
        self, hashes: Numbers, starts: NDArray[np.int64], texts: NDArray[np.int32]
    ) -> None:
        self.hashes = hashes
        """Distinct and sorted."""
        self.starts = starts
        self.texts = texts
        """The texts of hash i are `texts[starts[i] : starts[i + 1]]`."""
        bits = min(_MAX_FILTER_BITS, max(10, (8 * len(hashes)).bit_length()))
        self._shift = np.uint64(64 - bits)
        self._may_be = np.zeros(1 << bits, dtype=np.bool_)
        """A look here, by a hash's first bits, spares most of the searches."""
        self._may_be[self._places(hashes)] = True

    def find(self, hashes: Numbers) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Give the places in `hashes` that are known, and the number of each in `self.hashes`."""
        places = np.flatnonzero(self._may_be[self._places(hashes)])
        if not len(places):
            return places, places
        wanted = hashes[places]
        numbers = np.searchsorted(self.hashes, wanted)
        numbers[numbers == len(self.hashes)] = 0
        known = self.hashes[numbers] == wanted
        return places[known], numbers[known]

    def _places(self, hashes: Numbers) -> NDArray[np.int64]:
        return (hashes >> self._shift).astype(np.int64)


class EvalIndex:
    """All texts of an evaluation set, by their runs of words."""

    def __init__(self, records: Iterable[SftRecord]) -> None:
        self.ids: list[tuple[str, str]] = []
        """Source and id of each record."""
        self.labels: list[tuple[int, Part, int]] = []
        """Record number, part and turn of each text."""
        self.runs: list[Numbers] = []
        """The runs of `GRAM` words of each text, in order; one run where it is shorter."""
        self.spans: list[NDArray[np.int32]] = []
        self.words: list[Numbers] = []
        """The distinct words of each text."""
        self.whole: dict[int, list[int]] = {}
        """Hash of all its words -> texts; of answers only those long enough to tell."""
        self._heads: list[Numbers] = []
        short_sizes: set[int] = set()
        smalls: list[Numbers] = []
        for record in records:
            self.ids.append((record.source, record.id))
            for text in texts_of(record):
                if text.part == "question" or len(text.numbers) >= MIN_ANSWER_WORDS:
                    smalls.append(self._add(text, short_sizes))
        self.short_sizes = sorted(short_sizes)
        self.heads = _postings(self._heads)
        """The first words of the texts that are shorter than `GRAM`."""
        self.grams = _postings(self.runs)
        self.smalls = _telling(_postings(smalls), len(smalls))
        self.n_smalls = np.bincount(self.smalls.texts, minlength=len(smalls))

    def _add(self, text: Text, short_sizes: set[int]) -> Numbers:
        """Enter a text; give the distinct hashes of its small runs."""
        length, number = len(text.numbers), len(self.labels)
        self.labels.append((len(self.ids) - 1, text.part, text.turn))
        self.spans.append(text.spans)
        self.words.append(np.unique(text.numbers))
        self.whole.setdefault(whole_key(text.numbers), []).append(number)
        if MIN_WORDS <= length < GRAM:
            short_sizes.add(length)
            self._heads.append(ngram_hashes(text.numbers[:MIN_WORDS], MIN_WORDS))
        size = min(GRAM, length) if length >= MIN_WORDS else GRAM
        self.runs.append(ngram_hashes(text.numbers, size))
        return np.unique(ngram_hashes(text.numbers, min(SMALL_GRAM, length)))

    def __len__(self) -> int:
        """Give the number of records."""
        return len(self.ids)


def _postings(runs: list[Numbers]) -> Postings:
    if not runs:
        start = np.zeros(1, dtype=np.int64)
        return Postings(np.zeros(0, dtype=np.uint64), start, start[:0].astype(np.int32))
    distinct = [np.unique(part) for part in runs]
    texts = np.repeat(np.arange(len(runs), dtype=np.int32), [len(part) for part in distinct])
    hashes = np.concatenate(distinct)
    order = np.argsort(hashes, kind="stable")
    hashes, texts = hashes[order], texts[order]
    is_first = np.ones(len(hashes), dtype=np.bool_)
    is_first[1:] = hashes[1:] != hashes[:-1]
    starts = np.flatnonzero(is_first)
    return Postings(hashes[starts], np.append(starts, len(hashes)), texts)


def _telling(postings: Postings, n_texts: int) -> Postings:
    """Give the postings without the runs that many texts share: they tell none of them."""
    sizes = np.diff(postings.starts)
    kept = sizes <= max(MIN_SHARED, MAX_SHARED * n_texts)
    texts = postings.texts[np.repeat(kept, sizes)]
    return Postings(postings.hashes[kept], np.append(0, np.cumsum(sizes[kept])), texts)


def find_runs(
    runs: Runs, index: EvalIndex
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Give which runs of the index a training text has, and first word and end of each."""
    at, numbers = index.grams.find(runs.of(GRAM))
    found, firsts, ends = [numbers], [at], [at + GRAM]
    # Texts of fewer words are looked for only where their first words stand.
    heads, _ = index.heads.find(runs.of(MIN_WORDS))
    for size in index.short_sizes if len(heads) else ():
        places = heads[heads + size <= runs.length]
        known, numbers = index.grams.find(runs.at(places, size))
        found.append(numbers)
        firsts.append(places[known])
        ends.append(places[known] + size)
    return np.concatenate(found), np.concatenate(firsts), np.concatenate(ends)

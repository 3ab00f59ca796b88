"""The words of records by sentence, and how much each word says among the records."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from itertools import chain
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from medllm.data.shingles import WORD, answer_of, question_of, word_number
from medllm.records import SftRecord

GENERAL_SHARE = 0.02
"""A word that so many questions hold ("treatment", "symptoms", "doctor") names no topic."""

_SEGMENT = re.compile(r"[.!?]+\s|[\n;]+")
_MARKS = frozenset("b c d e f g h s ii iii iv v vi vii viii ix x a".split())
"""Letters and Roman numerals that tell siblings apart: type A, protein S, grade II."""
_TABLE_BITS = 20

Segments = tuple[tuple[str, ...], ...]


class Comparable(NamedTuple):
    """A record's words, by sentence."""

    question: Segments
    answer: Segments
    label: str


def comparable(record: SftRecord) -> Comparable:
    """Give the words of a record, lower case, in sentences."""
    return Comparable(_segments(question_of(record)), _segments(answer_of(record)), record.label)


def _segments(text: str) -> Segments:
    pieces = (tuple(WORD.findall(piece)) for piece in _SEGMENT.split(text.lower()))
    return tuple(piece for piece in pieces if piece)


class Weights:
    """What each word says: log(1 + n / records that have it), by a sample of the records."""

    def __init__(self, records: Iterable[SftRecord]) -> None:
        self.n = 0
        self._counts = np.zeros(1 << _TABLE_BITS, dtype=np.uint32)
        self._in_questions = np.zeros(1 << _TABLE_BITS, dtype=np.uint32)
        for record in records:
            self.n += 1
            words = comparable(record)
            question = set(chain.from_iterable(words.question))
            _count(self._in_questions, question)
            _count(self._counts, question.union(chain.from_iterable(words.answer)))
        self._known = _Known(self.n, self._counts)

    def total(self, words: Iterable[str]) -> float:
        """Give the weight of all these words."""
        return sum(map(self._known.__getitem__, words))

    def is_general(self, word: str) -> bool:
        """Whether so many questions hold the word that it names no topic."""
        if is_mark(word) and word != "a":
            return False
        return float(self._in_questions[_place(word)]) >= GENERAL_SHARE * max(self.n, 1)

    def agreement(self, first: Counter[str], second: Counter[str]) -> float:
        """Give the share of the weight that two bags of words have in common, 0 to 1 (Dice)."""
        known = self._known
        total = sum([known[word] * n for bag in (first, second) for word, n in bag.items()])
        if not total:
            return 1.0
        few, many = sorted((first, second), key=len)
        shared = sum([known[word] * min(n, many[word]) for word, n in few.items() if word in many])
        return 2 * shared / total


class _Known(dict[str, float]):
    """Word -> its weight; the rarest all weigh the same, about 7.6."""

    def __init__(self, n: int, counts: NDArray[np.uint32]) -> None:
        super().__init__()
        self._n = n
        self._counts = counts

    def __missing__(self, word: str) -> float:
        if len(self) > 500_000:
            self.clear()
        count = max(float(self._counts[_place(word)]) + 1, self._n * 0.0005)
        self[word] = weight = float(np.log1p(max(self._n, 1) / count))
        return weight


def _place(word: str) -> int:
    return word_number(word) & ((1 << _TABLE_BITS) - 1)


def _count(table: NDArray[np.uint32], words: set[str]) -> None:
    for word in words:
        table[_place(word)] += 1


def is_mark(word: str) -> bool:
    """Whether a word tells siblings apart: a number, a letter, a Roman numeral, "21q"."""
    return word in _MARKS or any(map(str.isdigit, word))

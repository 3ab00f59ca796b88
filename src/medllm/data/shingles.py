"""Texts as arrays of word numbers, and the hashes of their runs of n words.

Numbers are the same on every machine and in every run: they come from CRC-32 of the word's UTF-8,
not from Python's seeded hash. Two words share a number about once in four billion pairs.
"""

from __future__ import annotations

import re
import zlib
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from medllm.records import SftRecord

Numbers = NDArray[np.uint64]

# Letters and digits in a row; of scripts that are written without spaces each character is a word.
WORD = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]|[^\W_\u3040-\u30ff\u3400-\u9fff]+")

_MAX_KNOWN_WORDS = 1_000_000
"""So many words are remembered with their number; about 100 MB."""
_BASE = 0x9E3779B97F4A7C15  # odd, so it has an inverse modulo 2**64; 2**64 over the golden ratio
_INVERSE = pow(_BASE, -1, 1 << 64)


class _WordNumbers(dict[str, int]):
    def __missing__(self, word: str) -> int:
        if len(self) >= _MAX_KNOWN_WORDS:
            self.clear()
        # Plus one: a word never counts as nothing in a sum.
        self[word] = number = zlib.crc32(word.encode("utf-8", "surrogatepass")) + 1
        return number


_NUMBERS = _WordNumbers()


def words_of(text: str) -> list[str]:
    """Give the words of a text, lower case, without marks."""
    return WORD.findall(text.lower())


def number_words(words: list[str]) -> Numbers:
    """Give the number of each word, 1 to 2**32."""
    return np.array([_NUMBERS[word] for word in words], dtype=np.uint64)


def word_number(word: str) -> int:
    """Give the number of one word as `number_words` does."""
    return _NUMBERS[word]


def mix(values: Numbers) -> Numbers:
    """Give 64-bit hashes of 64-bit numbers (the finaliser of MurmurHash3)."""
    mixed = values ^ (values >> np.uint64(33))
    mixed *= np.uint64(0xFF51AFD7ED558CCD)
    mixed ^= mixed >> np.uint64(33)
    mixed *= np.uint64(0xC4CEB9FE1A85EC53)
    mixed ^= mixed >> np.uint64(33)
    return mixed


@lru_cache(maxsize=64)
def _powers(base: int, size: int) -> Numbers:
    powers = np.full(size, base, dtype=np.uint64)
    powers[0] = 1
    return np.multiply.accumulate(powers)


def _ladder(base: int, size: int) -> Numbers:
    """Give the first powers of `base`; sizes are rounded up, so that few are kept."""
    return _powers(base, 1 << max(8, (size - 1).bit_length()))[:size]


class Runs:
    """The hashes of a text's runs of words: one pass of sums serves all lengths."""

    def __init__(self, numbers: Numbers) -> None:
        self.length = len(numbers)
        self._sums = np.zeros(self.length + 1, dtype=np.uint64)
        np.cumsum(numbers * _ladder(_BASE, self.length), out=self._sums[1:])
        self._back = _ladder(_INVERSE, self.length)

    def of(self, n: int) -> Numbers:
        """Give a hash for each run of n words: entry i is words i to i+n; none where n is too long.

        Two runs have the same hash where they have the same words, wherever they stand.
        """
        sums = self._sums[n:] - self._sums[: max(0, self.length + 1 - n)]
        return mix(sums * self._back[: len(sums)] + np.uint64(n))

    def at(self, places: NDArray[np.int64], n: int) -> Numbers:
        """Give the hashes of the runs of n words that begin at these places."""
        sums = self._sums[places + n] - self._sums[places]
        return mix(sums * self._back[places] + np.uint64(n))


def ngram_hashes(numbers: Numbers, n: int) -> Numbers:
    """Give a hash for each run of n words: entry i is words i to i+n; none where n is too long."""
    return Runs(numbers).of(n)


def question_of(record: SftRecord) -> str:
    """Give what the user says in a record, without the system's turn."""
    return "\n".join(turn.content for turn in record.messages if turn.role == "user")


def answer_of(record: SftRecord) -> str:
    """Give what the assistant says in a record."""
    return "\n".join(turn.content for turn in record.messages if turn.role == "assistant")

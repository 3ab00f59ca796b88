"""The words of a text as the index counts them: lower case, without stop words, stemmed.

The tokeniser and the term ids are the index engine's own (`qdrant_edge.Bm25`, English Snowball
stemmer), so that an embedded index and a Qdrant server count alike.
"""

from __future__ import annotations

import math
import re
from functools import lru_cache

from qdrant_edge import Bm25, Bm25Config

K = 1.2
B = 0.75
"""BM25's usual constants; on two judged collections nothing near them was better on both."""

_COUNT_K = 10_000.0
_counter = Bm25(Bm25Config(k=_COUNT_K, b=0.0))
_WORD = re.compile(r"[^\W_]+")


class Weigher:
    """Turns passages into BM25 weights for one average passage length."""

    def __init__(self, average_length: float) -> None:
        self._bm25 = Bm25(Bm25Config(k=K, b=B, avg_len=average_length))

    def weigh(self, text: str) -> tuple[list[int], list[float]]:
        """Give term ids and weights tf*(k+1) / (tf + k*(1 - b + b*length/average))."""
        vector = self._bm25.embed_document(_encodable(text))
        return vector.indices, vector.values


@lru_cache(maxsize=8)
def weigher(average_length: float) -> Weigher:
    """Give the weigher for an average passage length; making one takes a while."""
    return Weigher(average_length)


def count_terms(text: str) -> dict[int, float]:
    """Give how often each term occurs in the text, by term id."""
    vector = _counter.embed_document(_encodable(text))
    # With b = 0 the engine's weight is tf*(k+1)/(tf+k); this is that, turned round.
    return {
        term: float(round(weight * _COUNT_K / (_COUNT_K + 1 - weight)))
        for term, weight in zip(vector.indices, vector.values, strict=True)
    }


def terms_of(text: str) -> frozenset[int]:
    """Give the terms that occur in the text; half the work of counting them."""
    return frozenset(_counter.embed_document(_encodable(text)).indices)


def length(text: str) -> float:
    """Give the number of counted words of the text."""
    return sum(count_terms(text).values())


def idf(n_passages: int, n_with_term: int) -> float:
    """Give BM25's inverse document frequency, which is never negative."""
    return math.log1p((n_passages - n_with_term + 0.5) / (n_with_term + 0.5))


@lru_cache(maxsize=65_536)
def term_of(word: str) -> int | None:
    """Give a single word's term id, None for a stop word."""
    indices = _counter.embed_query(_encodable(word)).indices
    return indices[0] if indices else None


def written_words(text: str) -> list[str]:
    """Give the words of a text as they are written, in order."""
    return _WORD.findall(text)


def _encodable(text: str) -> str:
    """Give the text with a question mark for half a surrogate pair, which the engine refuses."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode()

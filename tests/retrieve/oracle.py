"""The index's contract in plain Python and numpy: exact, slow, and nothing of the engine in it.

BM25 is counted from the words of each passage's text, not from the weights that were stored.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from medllm.records import Document
from medllm.retrieve import words
from medllm.retrieve.index import Entry, Filter, Vector
from tests.retrieve.invented import AVERAGES, VOCABULARY

K, B = 1.2, 0.75

TERMS = {word: words.term_of(word) for word in VOCABULARY}

Place = tuple[str, int, int]
"""Document id, start and end of a passage."""


@dataclass(frozen=True)
class Held:
    """A passage."""

    document: Document
    place: Place
    counts: Counter[int]
    vector: Vector | None


class Oracle:
    """What an index must answer."""

    def __init__(self) -> None:
        self.entries: dict[str, Entry] = {}

    def upsert(self, entries: Sequence[Entry]) -> int:
        replaced = len({e.document.id for e in entries} & set(self.entries))
        self.entries.update({entry.document.id: entry for entry in entries})
        return replaced

    def delete(self, ids: Iterable[str]) -> int:
        there = set(ids) & set(self.entries)
        for document_id in there:
            del self.entries[document_id]
        return len(there)

    def passages(self) -> list[Held]:
        held = []
        for entry in self.entries.values():
            for number, (start, end) in enumerate(entry.spans):
                counts = Counter(
                    TERMS[word] for word in entry.document.text[start:end].rstrip(".").split()
                )
                vector = None if entry.vectors is None else entry.vectors[number]
                place = (entry.document.id, start, end)
                held.append(Held(entry.document, place, counts, vector))
        return held

    def search_words(self, terms: Mapping[int, float], where: Filter) -> dict[Place, float]:
        """Give the score of every passage that has one of the terms and passes the filter."""
        corpus = [p for p in self.passages() if where.kind in (None, p.document.kind)]
        idf = {}
        for term in terms:
            n_with_term = sum(1 for p in corpus if term in p.counts)
            idf[term] = math.log(1 + (len(corpus) - n_with_term + 0.5) / (n_with_term + 0.5))
        scores = {}
        for passage in corpus:
            if passes(passage.document, where) and set(terms) & set(passage.counts):
                length = sum(passage.counts.values())
                norm = K * (1 - B + B * length / AVERAGES[passage.document.kind])
                scores[passage.place] = sum(
                    weight * idf[term] * n * (K + 1) / (n + norm)
                    for term, weight in terms.items()
                    if (n := passage.counts[term])
                )
        return scores

    def search_vector(self, vector: Vector, where: Filter) -> dict[Place, float]:
        """Give the score of every passage that passes the filter."""
        return {
            p.place: float(np.dot(p.vector, vector))
            for p in self.passages()
            if p.vector is not None and passes(p.document, where)
        }

    def documents(self, where: Filter) -> dict[str, Document]:
        held = (entry.document for entry in self.entries.values())
        return {document.id: document for document in held if passes(document, where)}

    def frequencies(self, terms: Sequence[int], kind: str | None) -> list[int]:
        held = [p.counts for p in self.passages() if kind in (None, p.document.kind)]
        return [sum(1 for counts in held if term in counts) for term in terms]


def passes(document: Document, where: Filter) -> bool:
    if where.kind is not None and document.kind != where.kind:
        return False
    if where.sex is not None and document.sex != where.sex:
        return False
    for value, low, high in (
        (document.year, where.year_from, where.year_to),
        (document.age_years, where.age_from, where.age_to),
    ):
        if low is not None or high is not None:
            if value is None:
                return False
            if not (low if low is not None else -math.inf) <= value:
                return False
            if not value <= (high if high is not None else math.inf):
                return False
    return True

"""Holding an index against the oracle."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np
import pytest

from medllm.records import Document
from medllm.retrieve import words
from medllm.retrieve.index import Filter, Index, Scored, Vector
from medllm.retrieve.passages import cut_passages
from tests.retrieve.invented import DIMENSION
from tests.retrieve.oracle import TERMS, Oracle, Place

FILTERS = (
    Filter(),
    Filter(kind="patients"),
    Filter(kind="articles"),
    Filter(year_from=1994),
    Filter(year_to=1994),
    Filter(year_from=1993, year_to=1993),
    Filter(sex="F"),
    Filter(sex="M", kind="articles"),
    Filter(age_from=40),
    Filter(age_to=39.5),
    Filter(kind="patients", year_from=1992, year_to=1997, sex="F", age_from=10, age_to=80),
    Filter(year_from=2050),
)
ALL_TERMS = {term: 1.0 for term in TERMS.values() if term is not None}
NO_LIMIT = 100_000


def assert_best(
    found: Sequence[Scored], exact: Mapping[Place, float], *, limit: int, tolerance: float
) -> None:
    """The best `limit` documents in order, each by its best passage with the exact score."""
    scores = [hit.score for hit in found]
    assert scores == sorted(scores, reverse=True)
    places = [(hit.document_id, hit.start, hit.end) for hit in found]
    assert len({document for document, *_ in places}) == len(places)
    for place, score in zip(places, scores, strict=True):
        assert place in exact
        assert score == pytest.approx(exact[place], abs=tolerance, rel=tolerance)
    best = sorted(best_documents(exact).values(), reverse=True)[:limit]
    assert scores == pytest.approx(best, abs=tolerance, rel=tolerance)


def best_documents(exact: Mapping[Place, float]) -> dict[str, float]:
    """The score of each document's best passage."""
    best: dict[str, float] = {}
    for (document, *_), score in exact.items():
        best[document] = max(score, best.get(document, -math.inf))
    return best


def assert_same_words(
    index: Index, oracle: Oracle, terms: Mapping[int, float], where: Filter, limit: int = NO_LIMIT
) -> None:
    found = index.search_words(terms, limit=limit, where=where)
    assert_best(found, oracle.search_words(terms, where), limit=limit, tolerance=1e-5)


def assert_same_vector(
    index: Index, oracle: Oracle, vector: Vector, where: Filter, limit: int = NO_LIMIT
) -> None:
    found = index.search_vector(vector, limit=limit, where=where)
    # Products of 16-bit numbers: the query is rounded to them too.
    assert_best(found, oracle.search_vector(vector, where), limit=limit, tolerance=2e-3)


def assert_same_frequencies(index: Index, oracle: Oracle) -> None:
    terms = list(ALL_TERMS)
    for kind in ("patients", "articles", None):
        assert index.frequencies(terms, kind=kind) == oracle.frequencies(terms, kind)
        held = [p for p in oracle.passages() if kind in (None, p.document.kind)]
        assert index.count_passages(kind) == len(held)


def assert_same_documents(index: Index, oracle: Oracle) -> None:
    for where in FILTERS:
        expected = oracle.documents(where)
        assert index.count(where) == len(expected)
        found = list(index.documents(where))
        assert len(found) == len(expected)
        assert {document.id: document for document in found} == expected
    ids = [*oracle.entries, "not there"]
    assert index.read(ids) == oracle.documents(Filter())
    assert index.digests(ids) == {key: entry.digest for key, entry in oracle.entries.items()}


def assert_same(index: Index, oracle: Oracle, *, with_vectors: bool) -> None:
    """Everything the index can be asked is as the oracle has it, and nothing else is there."""
    assert_same_documents(index, oracle)
    assert_same_frequencies(index, oracle)
    rng = np.random.default_rng(7)
    for where in FILTERS:
        assert_same_words(index, oracle, ALL_TERMS, where)
        if with_vectors:
            vector = rng.normal(size=DIMENSION).astype(np.float32)
            assert_same_vector(index, oracle, vector, where)


def assert_nothing_else(index: Index, held: dict[str, Document]) -> None:
    """Passages and counts of terms are those of these documents."""
    assert index.count(Filter()) == len(held)
    for kind in ("patients", "articles"):
        passages = {
            (document.id, start, end): f"{document.title}\n{document.text[start:end]}"
            for document in held.values()
            if document.kind == kind
            for start, end in cut_passages(document.text)
        }
        found = index.search_words(ALL_TERMS, limit=NO_LIMIT, where=Filter(kind=kind))
        assert {(hit.document_id, hit.start, hit.end) for hit in found} <= set(passages)
        assert {hit.document_id for hit in found} == {document for document, *_ in passages}
        assert index.count_passages(kind) == len(passages)
        counts = Counter(term for text in passages.values() for term in words.count_terms(text))
        terms = list(ALL_TERMS)
        assert index.frequencies(terms, kind=kind) == [counts[term] for term in terms]

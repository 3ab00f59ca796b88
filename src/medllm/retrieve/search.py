"""From a query to documents: by words, by vector, or by both, each with its best passage."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Literal

import numpy as np

from medllm.errors import ConfigError
from medllm.records import DocumentKind, Hit, Passage
from medllm.retrieve import words
from medllm.retrieve.encoders import Encoder
from medllm.retrieve.index import Filter, Index, Scored, Vector
from medllm.retrieve.passages import cut_passages

Mode = Literal["bm25", "dense", "hybrid"]

MAX_TERMS = 64
"""Terms of a long query that are searched for: those with the highest tf x idf."""

_WHY = 6


def search(
    index: Index,
    text: str,
    *,
    terms: Mapping[int, float] | None = None,
    where: Filter,
    mode: Mode = "bm25",
    top: int = 10,
    encoder: Encoder | None = None,
) -> list[Hit]:
    """Give the `top` documents for a query text (a few words or a whole note), best first.

    `terms` weighs the words otherwise than by their counts in the text, see `query.note_terms`.
    """
    terms = query_terms(index, text, kind=where.kind, terms=terms)
    ranked = rank(index, text, terms=terms, where=where, mode=mode, top=top, encoder=encoder)
    weights = _idf_weights(index, terms, where.kind)
    written = _written(text)
    return [
        replace(hit, why=_shared_words(hit, weights, written)) for hit in read_hits(index, ranked)
    ]


def read_hits(index: Index, ranked: Sequence[Scored]) -> list[Hit]:
    """Read ranked documents, each with its best passage; why they were found is not said yet."""
    documents = index.read([found.document_id for found in ranked])
    hits = []
    for number, found in enumerate(ranked, start=1):
        document = documents[found.document_id]
        passage = Passage(
            document_id=document.id,
            start=found.start,
            end=found.end,
            text=document.text[found.start : found.end],
        )
        hits.append(Hit(document=document, passage=passage, score=found.score, rank=number))
    return hits


def rank(
    index: Index,
    text: str,
    *,
    terms: Mapping[int, float] | None = None,
    where: Filter,
    mode: Mode = "bm25",
    top: int = 10,
    encoder: Encoder | None = None,
) -> list[Scored]:
    """Give the `top` documents without reading them, best first, ties by id."""
    terms = query_terms(index, text, kind=where.kind, terms=terms)
    if mode == "bm25":
        return index.search_words(terms, limit=top, where=where)
    if encoder is None:
        raise ConfigError(
            f"--mode {mode} needs an encoder, and this index has none",
            hint="search with --mode bm25, or build the index with --encoder offline",
        )
    vector = query_vector(encoder, text)
    if mode == "dense":
        return index.search_vector(vector, limit=top, where=where)
    return index.search_hybrid(terms, vector, limit=top, where=where)


def query_terms(
    index: Index,
    text: str,
    *,
    kind: DocumentKind | None,
    terms: Mapping[int, float] | None = None,
) -> dict[int, float]:
    """Give the terms to search for with their weights: `terms`, else the counts in the text.

    Of many those with the highest weight x idf: on whole notes it finds more than all of them
    would, and is faster (docs/retrieval.md).
    """
    counts = dict(terms) if terms is not None else words.count_terms(text)
    if len(counts) <= MAX_TERMS:
        return counts
    weights = _idf_weights(index, counts, kind)
    best = sorted(counts, key=lambda term: (-weights[term], term))[:MAX_TERMS]
    return {term: counts[term] for term in best}


def query_weights(
    index: Index,
    text: str,
    *,
    kind: DocumentKind | None,
    terms: Mapping[int, float] | None = None,
) -> dict[int, float]:
    """Give the terms that `query_terms` gives with their weights times idf."""
    return _idf_weights(index, query_terms(index, text, kind=kind, terms=terms), kind)


def query_vector(encoder: Encoder, text: str) -> Vector:
    """Give the mean [dimension] of the text's passages, of length 1."""
    spans = cut_passages(text)
    total = encoder.encode([text[start:end] for start, end in spans]).sum(axis=0)
    norm = float(np.linalg.norm(total))
    return np.asarray(total / norm if norm else total, dtype=np.float32)


def _idf_weights(
    index: Index, terms: Mapping[int, float], kind: DocumentKind | None
) -> dict[int, float]:
    """Give weight x idf for each term; a term that no passage has weighs nothing."""
    frequencies = index.frequencies(list(terms), kind=kind)
    n = index.count_passages(kind)
    return {
        term: weight * words.idf(n, n_with_term) if n_with_term else 0.0
        for (term, weight), n_with_term in zip(terms.items(), frequencies, strict=True)
    }


def _written(text: str) -> dict[int, str]:
    """Give for each term how the text writes it, the first time."""
    written: dict[int, str] = {}
    for word in words.written_words(text):
        term = words.term_of(word)
        if term is not None:
            written.setdefault(term, word.lower())
    return written


def _shared_words(
    hit: Hit, weights: Mapping[int, float], written: Mapping[int, str]
) -> tuple[str, ...]:
    held = words.terms_of(f"{hit.document.title}\n{hit.passage.text}")
    shared = [term for term in weights if term in held and term in written and weights[term] > 0]
    shared.sort(key=lambda term: (-weights[term], written[term]))
    return tuple(written[term] for term in shared if written[term].isalpha())[:_WHY]

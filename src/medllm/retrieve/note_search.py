"""Searching with a note: its findings decide what is searched for and how the found are ordered."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from medllm.records import Document, DocumentKind, Finding, Hit
from medllm.retrieve.encoders import Encoder
from medllm.retrieve.index import Filter, Index
from medllm.retrieve.query import note_terms, shape_query
from medllm.retrieve.reasons import Reasons
from medllm.retrieve.relevance import Relevance
from medllm.retrieve.search import Mode, query_weights, rank, read_hits

_POOL = 5
"""So many times the documents that are shown are looked at, to be put in order by findings."""
_LIKE = 0.05
"""What the same sex, and an equal age, add to a score of at most 2: they break near ties."""


@dataclass(frozen=True, slots=True)
class NoteQuery:
    """What is searched for: the text for an encoder, and its terms with their weights."""

    text: str
    terms: dict[int, float]
    findings: tuple[Finding, ...]


def read_query(text: str, findings: Sequence[Finding]) -> NoteQuery:
    """Give what to search for with a note or a question."""
    return NoteQuery(shape_query(text, findings), note_terms(text, findings), tuple(findings))


def weigh_query(index: Index, query: NoteQuery, kind: DocumentKind | None) -> dict[int, float]:
    """Give the query's terms with their weights times idf among documents of a kind."""
    return query_weights(index, query.text, kind=kind, terms=query.terms)


def search_note(
    index: Index,
    query: NoteQuery,
    *,
    where: Filter,
    mode: Mode = "bm25",
    top: int = 10,
    encoder: Encoder | None = None,
) -> list[Hit]:
    """Give the `top` documents, best first: by their score, the findings they share, sex and age.

    With fewer than three findings those decide nothing.
    """
    weights = weigh_query(index, query, where.kind)
    relevance = Relevance(query.findings, weights)
    ranked = rank(
        index,
        query.text,
        terms=query.terms,
        where=where,
        mode=mode,
        top=_POOL * top,
        encoder=encoder,
    )
    hits = read_hits(index, ranked)
    best = max((hit.score for hit in hits), default=1.0)
    order = {
        hit.document.id: hit.score / best
        + (relevance.share(_searched(hit.document)) if relevance.is_by_findings else 0)
        + _LIKE * _likeness(query.findings, hit.document)
        for hit in hits
    }
    hits.sort(key=lambda hit: (-order[hit.document.id], hit.rank))
    reasons = Reasons(query.text, query.findings, weights)
    return [
        replace(hit, rank=number, why=reasons.of(hit))
        for number, hit in enumerate(hits[:top], start=1)
    ]


def _searched(document: Document) -> str:
    return f"{document.title}\n{document.text}"


def _likeness(findings: Sequence[Finding], document: Document) -> float:
    """Give 1 for the same sex, and up to 1 for an age as near as half or double is far."""
    likeness = 0.0
    for finding in findings:
        if finding.kind == "sex" and document.sex:
            likeness += finding.normalised == {"F": "female", "M": "male"}[document.sex]
        elif finding.kind == "age" and finding.value is not None and document.age_years is not None:
            ratio = math.log1p(document.age_years) - math.log1p(finding.value)
            likeness += max(0.0, 1 - abs(ratio) / math.log(2))
    return likeness


def rank_note(
    index: Index,
    query: NoteQuery,
    *,
    where: Filter,
    mode: Mode = "bm25",
    top: int = 10,
    depth: int = 1_000,
    encoder: Encoder | None = None,
) -> dict[str, float]:
    """Give `depth` documents with scores that fall: the `top` of `search_note`, then the others.

    Where the findings change the order, the scores are 1 / rank.
    """
    ranked = rank(
        index, query.text, terms=query.terms, where=where, mode=mode, top=depth, encoder=encoder
    )
    scores = {found.document_id: found.score for found in ranked}
    shown = search_note(index, query, where=where, mode=mode, top=top, encoder=encoder)
    order = dict.fromkeys([*(hit.document.id for hit in shown), *scores])
    if list(order) == list(scores):
        return scores
    return {document_id: 1 / number for number, document_id in enumerate(order, start=1)}

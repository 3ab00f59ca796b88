"""Records to the engine's points and back; filters; the engine's errors in our words."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import qdrant_edge as qe

from medllm.errors import DataError
from medllm.records import Document, DocumentKind
from medllm.retrieve.index import Entry, Filter, Scored, Vector

_UNIQUE = uuid.UUID("5b0e7a52-8a3c-4d5e-9a57-6d65646c6c6d")

PAYLOAD_INDEXES = {
    "document": qe.PayloadSchemaType.Keyword,
    "kind": qe.PayloadSchemaType.Keyword,
    "year": qe.PayloadSchemaType.Integer,
    "sex": qe.PayloadSchemaType.Keyword,
    "age": qe.PayloadSchemaType.Float,
    "document_kind": qe.PayloadSchemaType.Keyword,
    "document_year": qe.PayloadSchemaType.Integer,
}
"""Payload fields that are looked up; those that begin with `document_` are on documents' points."""

MARKS = qe.PayloadSelector.Include(["id", "document", "stamp", "kind", "digest"])
"""Of a payload what says which point it is: reading the texts of all documents takes seconds."""

GRAPH_FROM_KB = 10_000
"""Vectors of a segment, in kB, from which the engine builds a graph (its own default)."""


def shard_config(encoder: Mapping[str, Any] | None, *, exact: bool) -> qe.EdgeConfig:
    """Give the engine's settings for an index with or without vectors."""
    vectors = None
    if encoder is not None:
        vectors = {
            "dense": qe.EdgeVectorParams(
                size=int(encoder["dimension"]),
                distance=qe.Distance.Dot,
                datatype=qe.VectorStorageDatatype.Float16,
            )
        }
    # A threshold beyond any size keeps the engine from building a graph that exact search ignores.
    # It has to be named either way: the engine keeps the one it had.
    threshold = 2**40 if exact else GRAPH_FROM_KB
    optimizers = qe.EdgeOptimizersConfig(indexing_threshold=threshold)
    # No idf modifier: the engine's would count what was deleted, see `terms`.
    words = qe.EdgeSparseVectorParams()
    return qe.EdgeConfig(vectors=vectors, sparse_vectors={"words": words}, optimizers=optimizers)


def point_id(document_id: str, passage: int | None = None) -> str:
    """Give the id of a document's point, or of one of its passages'."""
    name = document_id if passage is None else f"{document_id}\0{passage}"
    # Half a surrogate pair, out of a file name or a command line, has no UTF-8.
    return str(uuid.uuid5(_UNIQUE, name.encode("utf-8", "replace").decode()))


def entry_points(entry: Entry, stamp: str) -> list[qe.Point]:
    """Give the points of a document: one for itself, one for each passage."""
    document = entry.document
    facts = {"kind": document.kind, "year": document.year, "sex": document.sex}
    facts = {name: value for name, value in facts.items() if value is not None}
    if document.age_years is not None:
        facts["age"] = float(document.age_years)  # type: ignore[assignment]
    own = {f"document_{name}": value for name, value in facts.items()}
    payload = {
        **own,
        "id": document.id,
        "stamp": stamp,
        "digest": entry.digest,
        "document_retracted": document.retracted,
        "record": {name: getattr(document, name) for name in Document.__slots__},
    }
    found = [qe.Point(point_id(document.id), {}, payload)]
    for number, ((start, end), (terms, weights)) in enumerate(
        zip(entry.spans, entry.words, strict=True)
    ):
        vectors: dict[str, Any] = {"words": qe.SparseVector(terms, weights)}
        mark = {"document": document.id, "stamp": stamp, "start": start, "end": end}
        if entry.vectors is not None:
            vectors["dense"] = entry.vectors[number].tolist()
            mark["encoded"] = entry.encoded[number]
        found.append(qe.Point(point_id(document.id, number), vectors, {**mark, **facts}))
    return found


def passages_first(batch: Sequence[qe.Point]) -> list[list[qe.Point]]:
    """Give the passages, then the documents, to be written one after the other.

    Documents have no vector, and among passages they break up what an exact search reads in one
    go: mixed it takes three times as long. A kill in between leaves passages that belong to
    nothing, which the next opening takes away.
    """
    passages = [point for point in batch if point.vector]
    return [part for part in (passages, [p for p in batch if not p.vector]) if part]


def document_of(payload: Mapping[str, Any]) -> Document:
    """Give the document back from its point's payload."""
    record = dict(payload["record"])
    record["mesh"] = tuple(record["mesh"])
    record["publication_types"] = tuple(record["publication_types"])
    return Document(**record)


def vector_of(record: Any) -> Vector:
    """Give the vector [dimension] of a passage's point."""
    return np.asarray(record.vector["dense"], dtype=np.float32)


def scored(found: Sequence[Any]) -> list[Scored]:
    """Give the engine's hits as records, best first, ties by document and place."""
    hits = [
        Scored(hit.payload["document"], hit.payload["start"], hit.payload["end"], hit.score)
        for hit in found
    ]
    return sorted(hits, key=lambda hit: (-hit.score, hit.document_id, hit.start))


def engine_filter(where: Filter, prefix: str = "") -> qe.Filter | None:
    """Give the engine's form of a filter; None where it filters nothing."""
    conditions: list[Any] = []
    for name in ("kind", "sex"):
        value = getattr(where, name)
        if value is not None:
            conditions.append(qe.FieldCondition(prefix + name, match=qe.MatchValue(value)))
    ranges = {"year": (where.year_from, where.year_to), "age": (where.age_from, where.age_to)}
    for name, (low, high) in ranges.items():
        if low is not None or high is not None:
            bounds = qe.RangeFloat(gte=low, lte=high)
            conditions.append(qe.FieldCondition(prefix + name, range=bounds))
    return qe.Filter(must=conditions) if conditions else None


def document_filter(where: Filter) -> qe.Filter:
    """Give the filter for the points that stand for documents, not passages."""
    inner = engine_filter(where, prefix="document_")
    any_kind = qe.FieldCondition("document_kind", match=qe.MatchAny(["patients", "articles"]))
    return qe.Filter(must=[any_kind, *((inner,) if inner else ())])


def passage_filter(kind: DocumentKind | None) -> qe.Filter:
    """Give the filter for the points that stand for passages."""
    kinds: list[str] = [kind] if kind else ["patients", "articles"]
    return qe.Filter(must=[qe.FieldCondition("kind", match=qe.MatchAny(kinds))])


def retracted_filter() -> qe.Filter:
    """Give the filter for documents that were retracted."""
    mark = qe.FieldCondition("document_retracted", match=qe.MatchValue(True))
    return qe.Filter(must=[mark])


def passages_of(ids: Sequence[str], *, except_stamp: str = "") -> qe.Filter:
    """Give the filter for these documents' passages, except those of one version."""
    own = qe.FieldCondition("document", match=qe.MatchAny(list(ids)))
    if not except_stamp:
        return qe.Filter(must=[own])
    newest = qe.FieldCondition("stamp", match=qe.MatchValue(except_stamp))
    return qe.Filter(must=[own], must_not=[newest])


@contextmanager
def engine_errors(path: Path) -> Iterator[None]:
    """Turn the engine's failures, which are all bare `Exception`s, into one clear line."""
    try:
        yield
    except BaseException as exc:
        if type(exc) is not Exception and type(exc).__name__ != "PanicException":
            raise
        if "os error 28" in str(exc) or "No space left" in str(exc):
            hint = "free some space and run the command again: it goes on where it stopped"
            raise DataError(f"no space left for the index at {path}", hint=hint) from exc
        if "WouldBlock" in str(exc):
            raise DataError(
                f"the index at {path} is open in another process", hint="close it and try again"
            ) from exc
        raise damaged(path) from exc


def damaged(path: Path) -> DataError:
    """Give the error for files that are not what the engine wrote."""
    hint = "restore a snapshot, or build the index again from its sources"
    return DataError(f"the index at {path} is damaged", hint=hint)

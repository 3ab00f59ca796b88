"""Records to the engine's points and back; filters; the engine's errors in our words."""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import qdrant_edge as qe

from medllm.errors import DataError
from medllm.records import Document
from medllm.retrieve.index import Entry, Filter, Vector

LOOKED_UP = {
    "kind": qe.PayloadSchemaType.Keyword,
    "year": qe.PayloadSchemaType.Integer,
    "sex": qe.PayloadSchemaType.Keyword,
    "age": qe.PayloadSchemaType.Float,
}
"""Payload fields, of documents and of passages, that are filtered by."""

MARKS = qe.PayloadSelector.Include(["document", "stamp", "digest", "n_passages", "encoded"])
"""A document's payload but for the document itself: reading the texts of all takes seconds."""
PLACE = qe.PayloadSelector.Include(["document", "start", "end"])
"""Of a passage's payload where it stands."""

NUMBER_BITS = 32
"""The end of a point's id, which numbers it among its document's."""

GRAPH_FROM_KB = 10_000
"""Vectors of a segment, in kB, from which the engine builds a graph (its own default)."""


def documents_config() -> qe.EdgeConfig:
    """Give the engine's settings for documents, which have no vectors; it wants a name for one."""
    return qe.EdgeConfig(sparse_vectors={"words": qe.EdgeSparseVectorParams()})


def passages_config(encoder: Mapping[str, Any] | None, *, exact: bool) -> qe.EdgeConfig:
    """Give the engine's settings for passages with or without vectors."""
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


def document_id(document: str) -> str:
    """Give the id of a document's point."""
    return str(uuid.UUID(bytes=_digest(document, 16)))


def passage_ids(document: str, stamp: str, n_passages: int) -> list[str]:
    """Give the ids of a version's passages: a digest of 96 bits, then the passage's number."""
    key = _digest(f"{document}\0{stamp}", 12)
    return [
        str(uuid.UUID(bytes=key + number.to_bytes(NUMBER_BITS // 8)))
        for number in range(n_passages)
    ]


def stored_passages(marks: Mapping[str, Any]) -> list[str]:
    """Give the ids of a stored document's passages."""
    return passage_ids(marks["document"], marks["stamp"], marks["n_passages"])


def version_key(passage: str | uuid.UUID) -> int:
    """Give what the ids of a version's passages have in common."""
    return uuid.UUID(str(passage)).int >> NUMBER_BITS


def document_point(entry: Entry, stamp: str) -> qe.Point:
    """Give the point of a document; that it is written makes its passages with `stamp` count."""
    document = entry.document
    payload = {
        **_facts(document),
        "document": document.id,
        "stamp": stamp,
        "digest": entry.digest,
        "n_passages": len(entry.spans),
        "encoded": list(entry.encoded),
        "retracted": document.retracted,
        "record": json.dumps({name: getattr(document, name) for name in Document.__slots__}),
    }
    return qe.Point(document_id(document.id), {}, payload)


def passage_points(entry: Entry, stamp: str) -> list[qe.Point]:
    """Give the points of a document's passages."""
    facts = {"document": entry.document.id, **_facts(entry.document)}
    ids = passage_ids(entry.document.id, stamp, len(entry.spans))
    found = []
    for number, ((start, end), (terms, weights)) in enumerate(
        zip(entry.spans, entry.words, strict=True)
    ):
        vectors: dict[str, Any] = {"words": qe.SparseVector(terms, weights)}
        if entry.vectors is not None:
            vectors["dense"] = entry.vectors[number].tolist()
        found.append(qe.Point(ids[number], vectors, {**facts, "start": start, "end": end}))
    return found


def _digest(name: str, size: int) -> bytes:
    # Half a surrogate pair, out of a file name or a command line, has no UTF-8.
    return hashlib.blake2b(name.encode("utf-8", "surrogatepass"), digest_size=size).digest()


def _facts(document: Document) -> dict[str, Any]:
    facts = {"kind": document.kind, "year": document.year, "sex": document.sex}
    known: dict[str, Any] = {name: value for name, value in facts.items() if value is not None}
    if document.age_years is not None:
        known["age"] = float(document.age_years)
    return known


def document_of(payload: Mapping[str, Any]) -> Document:
    """Give the document back from its point's payload."""
    record = json.loads(payload["record"])
    record["mesh"] = tuple(record["mesh"])
    record["publication_types"] = tuple(record["publication_types"])
    return Document(**record)


def vector_of(record: Any) -> Vector:
    """Give the vector [dimension] of a passage's point."""
    return np.asarray(record.vector["dense"], dtype=np.float32)


def engine_filter(where: Filter) -> qe.Filter | None:
    """Give the engine's form of a filter; None where it filters nothing."""
    conditions: list[Any] = []
    for name in ("kind", "sex"):
        value = getattr(where, name)
        if value is not None:
            conditions.append(qe.FieldCondition(name, match=qe.MatchValue(value)))
    ranges = {"year": (where.year_from, where.year_to), "age": (where.age_from, where.age_to)}
    for name, (low, high) in ranges.items():
        if low is not None or high is not None:
            bounds = qe.RangeFloat(gte=low, lte=high)
            conditions.append(qe.FieldCondition(name, range=bounds))
    return qe.Filter(must=conditions) if conditions else None


def retracted_filter() -> qe.Filter:
    """Give the filter for documents that were retracted."""
    mark = qe.FieldCondition("retracted", match=qe.MatchValue(True))
    return qe.Filter(must=[mark])


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

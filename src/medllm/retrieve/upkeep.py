"""Passes over every point of a shard: counting, mending after a kill, writing it anew."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import qdrant_edge as qe

from medllm.records import DocumentKind
from medllm.retrieve import points
from medllm.retrieve.index import Filter
from medllm.retrieve.terms import TermCounts

_PAGE = 1_000
"""Points read at a time."""


def scroll(
    shard: qe.EdgeShard,
    where: qe.Filter | None,
    vectors: bool | list[str],
    payload: bool | qe.PayloadSelector = True,
) -> Iterator[Any]:
    """Give every point that passes the filter, with the payload and the vectors asked for."""
    offset = None
    while True:
        records, offset = shard.scroll(qe.ScrollRequest(offset, _PAGE, where, payload, vectors))
        yield from records
        if offset is None:
            return


def passage_terms(shard: qe.EdgeShard, where: qe.Filter) -> list[tuple[DocumentKind, list[int]]]:
    """Give the kind and the term ids of every passage that passes the filter."""
    return [
        (record.payload["kind"], record.vector["words"].indices)
        for record in scroll(shard, where, ["words"], points.MARKS)
    ]


def mend(shard: qe.EdgeShard) -> TermCounts:
    """Take away passages that belong to nothing; give the counts of the others' terms.

    A process that was killed between the two writes of a replacement or a deletion leaves
    passages whose document, or whose version of it, is not there.
    """
    documents = scroll(shard, points.document_filter(Filter()), False, points.MARKS)
    stamps = {record.payload["id"]: record.payload["stamp"] for record in documents}
    strays: list[Any] = []
    terms = TermCounts.count(_sound_passages(shard, stamps, strays))
    if strays:
        shard.update(qe.UpdateOperation.delete_points(strays))
    return terms


def _sound_passages(
    shard: qe.EdgeShard, stamps: Mapping[str, str], strays: list[Any]
) -> Iterator[tuple[DocumentKind, list[int]]]:
    """Give kind and terms of the passages of these versions; the others go among the strays."""
    for record in scroll(shard, points.passage_filter(None), ["words"], points.MARKS):
        payload = record.payload
        if stamps.get(payload["document"]) == payload["stamp"]:
            yield payload["kind"], record.vector["words"].indices
        else:
            strays.append(record.id)


def create_shard(path: Path, config: qe.EdgeConfig) -> qe.EdgeShard:
    """Make an empty shard whose payload fields can be looked up."""
    shard = qe.EdgeShard.create(str(path), config)
    for name, schema in points.PAYLOAD_INDEXES.items():
        shard.update(qe.UpdateOperation.create_field_index(name, schema))
    return shard


def copy_points(shard: qe.EdgeShard, to: qe.EdgeShard) -> None:
    """Copy every point from one shard to another, passages first, and write it down."""
    for where in (points.passage_filter(None), points.document_filter(Filter())):
        records = scroll(shard, where, True)
        while batch := list(itertools.islice(records, _PAGE)):
            copies = [qe.Point(record.id, record.vector or {}, record.payload) for record in batch]
            to.update(qe.UpdateOperation.upsert_points(copies))
    to.flush()

"""The engine's two shards: passages with their vectors, and documents apart from them.

Among passages, documents would each take a place among the vectors, and a search would read their
texts with every place it looks up.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import qdrant_edge as qe

from medllm.records import DocumentKind
from medllm.retrieve import points
from medllm.retrieve.terms import TermCounts

_PAGE = 1_000
"""Points read at a time."""


@dataclass(slots=True)
class Shards:
    """Both shards, open."""

    passages: qe.EdgeShard
    documents: qe.EdgeShard

    @classmethod
    def create(cls, path: Path, encoder: Mapping[str, Any] | None, *, exact: bool = True) -> Shards:
        """Make both, empty, in a folder."""
        return cls(
            _create(path / "passages", points.passages_config(encoder, exact=exact)),
            _create(path / "documents", points.documents_config()),
        )

    @classmethod
    def load(cls, path: Path, passages: qe.EdgeConfig | None = None) -> Shards:
        """Open both; `passages` changes the settings of the one with the vectors."""
        return cls(
            qe.EdgeShard.load(str(path / "passages"), passages),
            qe.EdgeShard.load(str(path / "documents")),
        )

    def flush(self) -> None:
        """Write everything down."""
        self.passages.flush()
        self.documents.flush()

    def close(self) -> None:
        """Close both."""
        self.passages.close()
        self.documents.close()

    def mend(self) -> TermCounts:
        """Take away passages that belong to nothing; give the counts of the others' terms.

        A process that was killed between the writes of a change leaves passages of a version
        that is no document's, or not yet.
        """
        versions = {
            points.version_key(ids[0])
            for record in scroll(self.documents, None, False, points.MARKS)
            if (ids := points.stored_passages(record.payload))
        }
        strays: list[Any] = []
        terms = TermCounts.count(self._sound_passages(versions, strays))
        if strays:
            self.passages.update(qe.UpdateOperation.delete_points(strays))
        return terms

    def _sound_passages(
        self, versions: set[int], strays: list[Any]
    ) -> Iterator[tuple[DocumentKind, list[int]]]:
        """Give kind and terms of the passages of these versions; the others go to the strays."""
        kind = qe.PayloadSelector.Include(["kind"])
        for record in scroll(self.passages, None, ["words"], kind):
            if points.version_key(record.id) in versions:
                yield record.payload["kind"], record.vector["words"].indices
            else:
                strays.append(record.id)

    def terms_of(self, passages: list[Any]) -> list[tuple[DocumentKind, list[int]]]:
        """Give the kind and the term ids of these passages."""
        kind = qe.PayloadSelector.Include(["kind"])
        records: Any = self.passages.retrieve(passages, kind, ["words"])
        return [(record.payload["kind"], record.vector["words"].indices) for record in records]

    def copy(self, to: Shards) -> None:
        """Copy every point into the other, empty shards, and write it down."""
        for source, target in ((self.passages, to.passages), (self.documents, to.documents)):
            records = scroll(source, None, True)
            while batch := list(itertools.islice(records, _PAGE)):
                copies = [qe.Point(r.id, r.vector or {}, r.payload) for r in batch]
                target.update(qe.UpdateOperation.upsert_points(copies))
        to.flush()


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


def _create(path: Path, config: qe.EdgeConfig) -> qe.EdgeShard:
    path.mkdir(parents=True)
    shard = qe.EdgeShard.create(str(path), config)
    for name, schema in points.LOOKED_UP.items():
        shard.update(qe.UpdateOperation.create_field_index(name, schema))
    return shard

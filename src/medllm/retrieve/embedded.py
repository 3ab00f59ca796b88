"""The index in one folder of this machine: `qdrant-edge` behind the `Index` protocol.

A folder holds `index.json` (what it is), `shard/` (the engine's files, write-ahead log included),
`terms.npz` (how many passages have each term) and `lock` (who has it open). A change is written
in this order: the new versions' passages, then the documents, whose `stamp` says which passages
are theirs, then the old versions' passages go. So it is whole or was not, wherever it is cut short.
"""

from __future__ import annotations

import shutil
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, get_args

import qdrant_edge as qe

from medllm.records import Document, DocumentKind
from medllm.retrieve import points
from medllm.retrieve.folder import Folder
from medllm.retrieve.index import Entry, Filter, Scored, Vector
from medllm.retrieve.passage_search import PassageSearch
from medllm.retrieve.shard_files import allocated_bytes
from medllm.retrieve.shards import Shards, scroll

EXACT_UP_TO = 1_000_000
"""Passages up to which every vector is compared: 250,000 take about 11 ms (docs/retrieval.md)."""


class EmbeddedIndex:
    """An open index folder. One process has it at a time; close it when done."""

    def __init__(self, folder: Folder, shards: Shards) -> None:
        self.folder = folder
        self._shards = shards

    @classmethod
    def create(cls, path: Path, *, encoder: Mapping[str, Any] | None) -> EmbeddedIndex:
        """Make an empty index at `path`; `encoder` holds its spec, digest and dimension."""
        folder = Folder.create(path, encoder=encoder)
        try:
            folder.check_space(0)
            with points.engine_errors(folder.path):
                shards = Shards.create(folder.shard_path, encoder)
                shards.flush()
            folder.write()
        except BaseException:
            folder.abandon()
            raise
        return cls(folder, shards)

    @classmethod
    def open(cls, path: Path) -> EmbeddedIndex:
        """Open the index at `path`; raise `DataError` for anything that is not one."""
        folder = Folder.open(path)
        try:
            with points.engine_errors(folder.path):
                shards = Shards.load(folder.shard_path)
                if folder.must_mend:
                    folder.terms = shards.mend()
        except BaseException:
            folder.abandon()
            raise
        return cls(folder, shards)

    def upsert(self, entries: Sequence[Entry]) -> int:
        """Add or replace documents, all of them or none; give how many replaced an older one."""
        entries = list({entry.document.id: entry for entry in entries}.values())
        if not entries:
            return 0
        self.folder.check_space(sum(8 * len(entry.document.text) for entry in entries))
        old = self._stored([entry.document.id for entry in entries], points.MARKS)
        stamp = uuid.uuid4().hex
        passages = [point for entry in entries for point in points.passage_points(entry, stamp)]
        documents = [points.document_point(entry, stamp) for entry in entries]
        with self._changing(old.values()):
            if passages:
                self._shards.passages.update(qe.UpdateOperation.upsert_points(passages))
            self._shards.documents.update(qe.UpdateOperation.upsert_points(documents))
            for entry in entries:
                self.folder.terms.add(entry.document.kind, (terms for terms, _ in entry.words))
        return len(old)

    def delete(self, ids: Iterable[str]) -> int:
        """Remove documents with their passages and vectors; give how many there were."""
        there = self._stored(list(ids), points.MARKS)
        if not there:
            return 0
        documents: list[Any] = [points.document_id(document) for document in there]
        with self._changing(there.values()):
            self._shards.documents.update(qe.UpdateOperation.delete_points(documents))
        return len(there)

    def search_words(
        self, terms: Mapping[int, float], *, limit: int, where: Filter
    ) -> list[Scored]:
        """Give the best documents by the weight x idf x BM25 weight of their best passage."""
        return PassageSearch(self.folder, self._shards, limit, where).words(terms)

    def search_vector(self, vector: Vector, *, limit: int, where: Filter) -> list[Scored]:
        """Give the best documents by the product of their best passage with `vector`."""
        return PassageSearch(self.folder, self._shards, limit, where).vector(vector)

    def search_hybrid(
        self, terms: Mapping[int, float], vector: Vector, *, limit: int, where: Filter
    ) -> list[Scored]:
        """Give the best documents of both rankings fused, ties by id."""
        return PassageSearch(self.folder, self._shards, limit, where).hybrid(terms, vector)

    def count(self, where: Filter) -> int:
        """Give the number of documents (not passages)."""
        return self._count(points.engine_filter(where))

    def count_passages(self, kind: DocumentKind | None = None) -> int:
        """Give the number of passages, of one kind or of all."""
        return self.folder.terms.n_passages(kind)

    def read(self, ids: Sequence[str]) -> dict[str, Document]:
        """Give those of the documents that are there."""
        return {
            document_id: points.document_of(payload)
            for document_id, payload in self._stored(ids, True).items()
        }

    def digests(self, ids: Sequence[str]) -> dict[str, str]:
        """Give the digests of those of the documents that are there."""
        found = self._stored(ids, points.MARKS)
        return {document_id: payload["digest"] for document_id, payload in found.items()}

    def vectors_of(self, ids: Sequence[str]) -> dict[str, Vector]:
        """Give the stored vectors of these documents' passages, by the digest of what was encoded.

        It lets a document that changed in one place keep the vectors of its other passages.
        """
        if self.folder.encoder is None or not ids:
            return {}
        found: dict[str, Vector] = {}
        for marks in self._stored(ids, points.MARKS).values():
            own: list[Any] = points.stored_passages(marks)
            with points.engine_errors(self.folder.path):
                records = self._shards.passages.retrieve(own, False, ["dense"])
            vectors = {str(record.id): points.vector_of(record) for record in records}
            found.update({e: vectors[p] for e, p in zip(marks["encoded"], own, strict=True)})
        return found

    def documents(self, where: Filter) -> Iterator[Document]:
        """Give every document, in no particular order."""
        with points.engine_errors(self.folder.path):
            for record in scroll(self._shards.documents, points.engine_filter(where), False):
                yield points.document_of(record.payload)

    def frequencies(self, terms: Sequence[int], *, kind: DocumentKind | None) -> list[int]:
        """Give for each term the number of passages that have it."""
        return self.folder.terms.frequencies(terms, kind)

    def describe(self) -> dict[str, Any]:
        """Give what `index.json` holds, and the number of documents by kind."""
        documents = {kind: self.count(Filter(kind=kind)) for kind in get_args(DocumentKind)}
        return {**self.folder.describe(), "documents": documents}

    def status(self) -> dict[str, Any]:
        """Give counts, encoder, dates and what is wrong, for a person to read."""
        years = self._facet("year")
        return {
            **self.describe(),
            "passages": self.count_passages(),
            "retracted": self._count(points.retracted_filter()),
            "years": {str(year): years[year] for year in sorted(years)},
            "vector_search": "exact" if self.folder.is_exact else "hnsw",
        }

    def finish(self) -> None:
        """Write everything down and mark the index as whole; beyond the exact size build HNSW."""
        if self.folder.encoder is not None and self.count_passages() > EXACT_UP_TO:
            self._build_graph()
        self.folder.state = "ready"
        self.flush()

    def flush(self) -> None:
        """Write everything down, so that the next opening need not replay it."""
        if self.folder.is_changed:
            with points.engine_errors(self.folder.path):
                self._shards.flush()
        self.folder.write()

    def compact(self) -> None:
        """Write the index anew without a trace of what was deleted, and put it in place.

        Deleted text otherwise stays on disk, in the log and in the engine's files, until it is
        overwritten. A kill leaves either the old files or the new.
        """
        self.flush()
        self.folder.check_space(allocated_bytes(self.folder.shard_path))
        fresh_path = self.folder.path / "shard.new"
        shutil.rmtree(fresh_path, ignore_errors=True)
        with points.engine_errors(self.folder.path):
            encoder, exact = self.folder.encoder, self.folder.is_exact
            fresh = Shards.create(fresh_path, encoder, exact=exact)
            self._shards.copy(fresh)
            fresh.close()
            self._shards.close()
            self.folder.swap_shard()
            self._shards = Shards.load(self.folder.shard_path)
        if not self.folder.is_exact:
            self._build_graph()
        self.flush()

    def snapshot(self, to: Path) -> None:
        """Write a copy of the whole index that opens on its own."""
        self.flush()
        self.folder.copy(to)

    def close(self) -> None:
        """Write everything down and let another process have it."""
        try:
            self.flush()
            self._shards.close()
            self.folder.close()
        finally:
            self.folder.abandon()

    def __enter__(self) -> EmbeddedIndex:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def _stored(self, ids: Sequence[str], payload: Any) -> dict[str, dict[str, Any]]:
        """Give the payloads, or what is selected of them, of those documents that are there."""
        with points.engine_errors(self.folder.path):
            records = self._shards.documents.retrieve(
                [points.document_id(document) for document in ids], payload, False
            )
        return {record.payload["document"]: record.payload for record in records if record.payload}

    @contextmanager
    def _changing(self, old: Iterable[Mapping[str, Any]]) -> Iterator[None]:
        """Change documents within; afterwards the passages of the `old` versions go."""
        if not self.folder.is_whole:  # a change has failed: what it left goes first
            with points.engine_errors(self.folder.path):
                self.folder.mend(self._shards.mend())
        with points.engine_errors(self.folder.path), self.folder.changing():
            passages: list[Any] = [
                point for marks in old for point in points.stored_passages(marks)
            ]
            gone = self._shards.terms_of(passages) if passages else []
            yield
            if passages:
                self._shards.passages.update(qe.UpdateOperation.delete_points(passages))
            for kind, terms in gone:
                self.folder.terms.remove(kind, [terms])

    def _build_graph(self) -> None:
        """Build the graph for approximate search, with the settings that let the engine do it."""
        self.flush()
        config = points.passages_config(self.folder.encoder, exact=False)
        with points.engine_errors(self.folder.path):
            self._shards.close()
            self._shards = Shards.load(self.folder.shard_path, config)
            self._shards.passages.optimize()
        self.folder.is_exact = False

    def _count(self, where: qe.Filter | None) -> int:
        with points.engine_errors(self.folder.path):
            return int(self._shards.documents.count(qe.CountRequest(exact=True, filter=where)))

    def _facet(self, key: str) -> dict[int, int]:
        with points.engine_errors(self.folder.path):
            found = self._shards.documents.facet(qe.FacetRequest(key, limit=1_000, exact=True))
        return {int(hit.value): int(hit.count) for hit in found.hits}

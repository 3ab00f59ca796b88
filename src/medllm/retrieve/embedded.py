"""The index in one folder of this machine: `qdrant-edge` behind the `Index` protocol.

A folder holds `index.json` (what it is), `shard/` (the engine's files, write-ahead log included),
`terms.npz` (how many passages have each term) and `lock` (who has it open). In the shard a
passage is a point with vectors, and a document is a point without any, so that one write adds
both or neither. A passage belongs to the version of its document that bears the same `stamp`.
"""

from __future__ import annotations

import shutil
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import qdrant_edge as qe

from medllm.errors import DataError
from medllm.records import Document, DocumentKind
from medllm.retrieve import points, upkeep, words
from medllm.retrieve.folder import Folder
from medllm.retrieve.index import Entry, Filter, Scored, Vector
from medllm.retrieve.shard_files import allocated_bytes

EXACT_UP_TO = 1_000_000
"""Passages up to which every vector is compared: 250,000 take about 11 ms (docs/retrieval.md)."""


class EmbeddedIndex:
    """An open index folder. One process has it at a time; close it when done."""

    def __init__(self, folder: Folder, shard: qe.EdgeShard) -> None:
        self.folder = folder
        self._shard = shard

    @classmethod
    def create(cls, path: Path, *, encoder: Mapping[str, Any] | None) -> EmbeddedIndex:
        """Make an empty index at `path`; `encoder` holds its spec, digest and dimension."""
        folder = Folder.create(path, encoder=encoder)
        try:
            folder.check_space(0)
            with points.engine_errors(folder.path):
                config = points.shard_config(encoder, exact=True)
                shard = upkeep.create_shard(folder.shard_path, config)
                shard.flush()
            folder.write()
        except BaseException:
            folder.abandon()
            raise
        return cls(folder, shard)

    @classmethod
    def open(cls, path: Path) -> EmbeddedIndex:
        """Open the index at `path`; raise `DataError` for anything that is not one."""
        folder = Folder.open(path)
        try:
            with points.engine_errors(folder.path):
                shard = qe.EdgeShard.load(str(folder.shard_path))
                if folder.must_mend:
                    folder.terms = upkeep.mend(shard)
        except BaseException:
            folder.abandon()
            raise
        return cls(folder, shard)

    def upsert(self, entries: Sequence[Entry]) -> int:
        """Add or replace documents, all of them or none; give how many replaced an older one."""
        entries = list({entry.document.id: entry for entry in entries}.values())
        if not entries:
            return 0
        self.folder.check_space(sum(8 * len(entry.document.text) for entry in entries))
        old = self._stored([entry.document.id for entry in entries], points.MARKS)
        stamp = uuid.uuid4().hex
        batch = [point for e in entries for point in points.entry_points(e, stamp)]
        with self._changing(list(old)):
            for part in [batch] if old else points.passages_first(batch):
                self._shard.update(qe.UpdateOperation.upsert_points(part))
            if old:
                stale = points.passages_of(list(old), except_stamp=stamp)
                self._shard.update(qe.UpdateOperation.delete_points_by_filter(stale))
            for entry in entries:
                self.folder.terms.add(entry.document.kind, (terms for terms, _ in entry.words))
        return len(old)

    def delete(self, ids: Iterable[str]) -> int:
        """Remove documents with their passages and vectors; give how many there were."""
        there = list(self._stored(list(ids), points.MARKS))
        if not there:
            return 0
        # The document goes first: a kill in between leaves passages that belong to nothing,
        # and the next opening takes them away.
        documents: list[Any] = [points.point_id(document_id) for document_id in there]
        with self._changing(there):
            self._shard.update(qe.UpdateOperation.delete_points(documents))
            passages = points.passages_of(there)
            self._shard.update(qe.UpdateOperation.delete_points_by_filter(passages))
        return len(there)

    def search_words(
        self, terms: Mapping[int, float], *, limit: int, where: Filter
    ) -> list[Scored]:
        """Give the passages with the highest sum of weight x idf x BM25 weight, best first."""
        n = self.count_passages(where.kind)
        frequencies = self.frequencies(list(terms), kind=where.kind)
        weights = {
            term: weight * words.idf(n, n_with_term)
            for (term, weight), n_with_term in zip(terms.items(), frequencies, strict=True)
            if n_with_term
        }
        if not weights:
            return []
        vector = qe.SparseVector(list(weights), list(weights.values()))
        return self._search(qe.Query.Nearest(vector, using="words"), None, limit, where)

    def search_vector(self, vector: Vector, *, limit: int, where: Filter) -> list[Scored]:
        """Give the passages with the highest dot product with `vector` [dimension], best first."""
        if self.folder.encoder is None:
            raise DataError(
                "this index has no vectors",
                hint="search with --mode bm25, or build it with --encoder",
            )
        if vector.shape != (self.folder.encoder["dimension"],):
            raise DataError(
                "the query was encoded by another encoder than the index",
                hint=f"use the encoder it was made with ({self.folder.encoder['spec']})",
            )
        if not vector.any():  # of an empty text: nothing is near it
            return []
        parameters = qe.SearchParams(exact=self.folder.is_exact)
        query = qe.Query.Nearest(vector.tolist(), using="dense")
        return self._search(query, parameters, limit, where)

    def count(self, where: Filter) -> int:
        """Give the number of documents (not passages)."""
        return self._count(points.document_filter(where))

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
        with points.engine_errors(self.folder.path):
            records = upkeep.scroll(self._shard, points.passages_of(ids), ["dense"])
            return {record.payload["encoded"]: points.vector_of(record) for record in records}

    def documents(self, where: Filter) -> Iterator[Document]:
        """Give every document, in no particular order."""
        with points.engine_errors(self.folder.path):
            for record in upkeep.scroll(self._shard, points.document_filter(where), False):
                yield points.document_of(record.payload)

    def frequencies(self, terms: Sequence[int], *, kind: DocumentKind | None) -> list[int]:
        """Give for each term the number of passages that have it."""
        return self.folder.terms.frequencies(terms, kind)

    def status(self) -> dict[str, Any]:
        """Give counts, encoder, dates and what is wrong, for a person to read."""
        years = self._facet("document_year")
        return {
            **self.folder.describe(),
            "documents": {kind: self.count(Filter(kind=kind)) for kind in ("patients", "articles")},
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
                self._shard.flush()
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
            config = points.shard_config(self.folder.encoder, exact=self.folder.is_exact)
            fresh = upkeep.create_shard(fresh_path, config)
            upkeep.copy_points(self._shard, fresh)
            fresh.close()
            self._shard.close()
            self.folder.swap_shard()
            self._shard = qe.EdgeShard.load(str(self.folder.shard_path))
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
            self._shard.close()
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
            records = self._shard.retrieve(
                [points.point_id(document_id) for document_id in ids], payload, False
            )
        return {record.payload["id"]: record.payload for record in records if record.payload}

    @contextmanager
    def _changing(self, old: Sequence[str]) -> Iterator[None]:
        """Change the shard within; afterwards the terms of the `old` documents are taken back."""
        with points.engine_errors(self.folder.path), self.folder.changing():
            gone = upkeep.passage_terms(self._shard, points.passages_of(old)) if old else []
            yield
            for kind, terms in gone:
                self.folder.terms.remove(kind, [terms])

    def _build_graph(self) -> None:
        """Build the graph for approximate search, with the settings that let the engine do it."""
        self.flush()
        config = points.shard_config(self.folder.encoder, exact=False)
        with points.engine_errors(self.folder.path):
            self._shard.close()
            self._shard = qe.EdgeShard.load(str(self.folder.shard_path), config)
            self._shard.optimize()
        self.folder.is_exact = False

    def _search(
        self, query: Any, parameters: qe.SearchParams | None, limit: int, where: Filter
    ) -> list[Scored]:
        request = qe.QueryRequest(
            query=query,
            limit=limit,
            filter=points.engine_filter(where),
            params=parameters,
            with_payload=qe.PayloadSelector.Include(["document", "start", "end"]),
        )
        with points.engine_errors(self.folder.path):
            found = self._shard.query(request)
        if any("document" not in (hit.payload or {}) for hit in found):
            raise points.damaged(self.folder.path)  # only passages have vectors
        return points.scored(found)

    def _count(self, where: qe.Filter | None) -> int:
        with points.engine_errors(self.folder.path):
            return int(self._shard.count(qe.CountRequest(exact=True, filter=where)))

    def _facet(self, key: str) -> dict[int, int]:
        with points.engine_errors(self.folder.path):
            found = self._shard.facet(qe.FacetRequest(key, limit=1_000, exact=True))
        return {int(hit.value): int(hit.count) for hit in found.hits}

"""Searching the passages' shard: the best passage of each document, and where it stands."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

import qdrant_edge as qe

from medllm.errors import DataError
from medllm.retrieve import points, words
from medllm.retrieve.folder import Folder
from medllm.retrieve.fusion import DENSE_WEIGHT, fuse
from medllm.retrieve.index import Filter, Scored, Vector
from medllm.retrieve.shards import Shards

Best = dict[int, Any]
"""For each version of a document the engine's hit of its best passage, best first."""


@dataclass(frozen=True, slots=True)
class PassageSearch:
    """One search in an open index: for the `limit` best documents that pass `where`."""

    folder: Folder
    shards: Shards
    limit: int
    where: Filter

    def words(self, terms: Mapping[int, float]) -> list[Scored]:
        """See `Index.search_words`."""
        return self._places(list(self._by_words(terms, self.limit).values()))

    def vector(self, vector: Vector) -> list[Scored]:
        """See `Index.search_vector`."""
        return self._places(list(self._by_vector(vector, self.limit).values()))

    def hybrid(self, terms: Mapping[int, float], vector: Vector) -> list[Scored]:
        """See `Index.search_hybrid`; only the places of what is given are read."""
        depth = 2 * self.limit + 20
        best = (self._by_words(terms, depth), self._by_vector(vector, depth))
        rankings = [{version: hit.score for version, hit in found.items()} for found in best]
        fused = fuse(rankings, weights=(1.0, DENSE_WEIGHT))
        # With all that equal the last: which of them come first by id is not known before.
        given = [found for found in fused if found.score >= fused[: self.limit][-1].score]
        hits = [best[found.ranking][found.key] for found in given]
        return self._places(hits, [found.score for found in given])[: self.limit]

    def _by_words(self, terms: Mapping[int, float], limit: int) -> Best:
        counts = self.folder.terms
        n = counts.n_passages(self.where.kind)
        frequencies = counts.frequencies(list(terms), self.where.kind)
        weights = {
            term: weight * words.idf(n, n_with_term)
            for (term, weight), n_with_term in zip(terms.items(), frequencies, strict=True)
            if n_with_term
        }
        if not weights:
            return {}
        vector = qe.SparseVector(list(weights), list(weights.values()))
        return self._best(qe.Query.Nearest(vector, using="words"), None, limit)

    def _by_vector(self, vector: Vector, limit: int) -> Best:
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
            return {}
        parameters = qe.SearchParams(exact=self.folder.is_exact)
        return self._best(qe.Query.Nearest(vector.tolist(), using="dense"), parameters, limit)

    def _best(self, query: qe.Query, parameters: qe.SearchParams | None, limit: int) -> Best:
        """Give the best documents: passages are asked for until they are of enough of them."""
        n_passages = 2 * limit + 20
        while True:
            request = qe.QueryRequest(
                query=query,
                limit=n_passages,
                filter=points.engine_filter(self.where),
                params=parameters,
                with_payload=False,
            )
            with points.engine_errors(self.folder.path):
                found = self.shards.passages.query(request)
                best = _by_version(found)
                if not self.folder.is_whole:
                    best = self._of_documents(best)
            if len(best) >= limit or len(found) < n_passages:
                return dict(islice(best.items(), limit))
            n_passages *= 4

    def _of_documents(self, best: Best) -> Best:
        """Leave out what a failed change left behind: versions that are no document's."""
        hits = [hit.id for hit in best.values()]
        records: Any = self.shards.passages.retrieve(hits, points.PLACE, False)
        ids = {points.document_id(record.payload["document"]) for record in records}
        documents: Any = self.shards.documents.retrieve(list(ids), points.MARKS, False)
        stored = [points.stored_passages(document.payload) for document in documents]
        versions = {points.version_key(passages[0]) for passages in stored if passages}
        return {version: hit for version, hit in best.items() if version in versions}

    def _places(self, hits: Sequence[Any], scores: Sequence[float] | None = None) -> list[Scored]:
        """Give where the engine's hits stand, with these scores or their own; ties by document.

        Reading a payload takes as long as finding its point.
        """
        with points.engine_errors(self.folder.path):
            records = self.shards.passages.retrieve([hit.id for hit in hits], points.PLACE, False)
        places = {record.id: record.payload or {} for record in records}
        if any(places.get(hit.id, {}).keys() != {"document", "start", "end"} for hit in hits):
            raise points.damaged(self.folder.path)
        found = [
            Scored(place["document"], place["start"], place["end"], score)
            for hit, score in zip(hits, scores or [hit.score for hit in hits], strict=True)
            if (place := places[hit.id])
        ]
        return sorted(found, key=lambda hit: (-hit.score, hit.document_id))


def _by_version(found: Sequence[Any]) -> Best:
    """Give the best hit of each version; of equals the earlier passage."""
    best: dict[int, tuple[int, float, Any]] = {}
    for hit in found:
        number, score = hit.id.int, hit.score
        version = number >> points.NUMBER_BITS
        held = best.get(version)
        if held is None or (score == held[1] and number < held[0]):
            best[version] = (number, score, hit)
    return {version: hit for version, (_, _, hit) in best.items()}

"""What an index can do: the one protocol that every engine keeps.

`tests/retrieve/contract.py` holds each implementation against an exact oracle.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from medllm.records import Document, DocumentKind, Sex

Vector = NDArray[np.float32]


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """Which documents may be found; a field left empty filters nothing.

    A document that lacks the year, sex or age that is asked for is not found.
    """

    kind: DocumentKind | None = None
    year_from: int | None = None
    year_to: int | None = None
    sex: Sex | None = None
    age_from: float | None = None
    age_to: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A document as it goes into an index: cut into passages, each with its words and vector."""

    document: Document
    digest: str
    """Of the document and of how it was cut: equal digests need no work."""
    spans: tuple[tuple[int, int], ...]
    """Passages as character offsets into `document.text`."""
    words: tuple[tuple[list[int], list[float]], ...]
    """For each passage: term ids and their BM25 weights without the idf."""
    vectors: Vector | None
    """[n_passages, dimension], each of length 1; None where the index has no encoder."""
    encoded: tuple[str, ...] = ()
    """For each passage the digest of what was encoded, where there are vectors."""


@dataclass(frozen=True, slots=True)
class Scored:
    """A document that was found, with the place of its best passage."""

    document_id: str
    start: int
    end: int
    score: float


class Index(Protocol):
    """Documents with their passages, found by words and by vector."""

    def upsert(self, entries: Sequence[Entry]) -> int:
        """Add or replace documents, all of them or none; give how many replaced an older one.

        When it returns, the documents survive a kill of the process.
        """

    def delete(self, ids: Iterable[str]) -> int:
        """Remove documents with their passages and vectors; give how many there were."""

    def search_words(
        self, terms: Mapping[int, float], *, limit: int, where: Filter
    ) -> list[Scored]:
        """Give the `limit` best documents, best first.

        A document has the score of its best passage, the sum of weight x idf x BM25 weight; which
        of equal scores come under the limit is open.
        """

    def search_vector(self, vector: Vector, *, limit: int, where: Filter) -> list[Scored]:
        """Give the same by the dot product of the best passage with `vector` [dimension]."""

    def search_hybrid(
        self, terms: Mapping[int, float], vector: Vector, *, limit: int, where: Filter
    ) -> list[Scored]:
        """Give the `limit` best documents of both rankings fused, see `fusion`; ties by id.

        Each ranking is read to 2 x limit + 20: what both hold lies deeper than either's top.
        """

    def count(self, where: Filter) -> int:
        """Give the number of documents (not passages)."""

    def count_passages(self, kind: DocumentKind | None = None) -> int:
        """Give the number of passages, of one kind or of all."""

    def read(self, ids: Sequence[str]) -> dict[str, Document]:
        """Give those of the documents that are there."""

    def digests(self, ids: Sequence[str]) -> dict[str, str]:
        """Give the digests of those of the documents that are there."""

    def documents(self, where: Filter) -> Iterator[Document]:
        """Give every document, in no particular order."""

    def frequencies(self, terms: Sequence[int], *, kind: DocumentKind | None) -> list[int]:
        """Give for each term the number of passages that have it."""

    def describe(self) -> dict[str, Any]:
        """Give what an answer says of its index: made when, with what encoder, how many documents.

        It costs no more than a lookup, whatever the size.
        """

    def status(self) -> dict[str, Any]:
        """Give counts, encoder, dates and what is wrong, for a person to read."""

    def snapshot(self, to: Path) -> None:
        """Write a copy of the whole index that opens on its own."""

    def close(self) -> None:
        """Write everything down and let another process have it."""

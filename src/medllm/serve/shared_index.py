"""One open index for many threads: searches side by side, changes alone."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from medllm.records import Document, DocumentKind
from medllm.retrieve.embedded import EmbeddedIndex
from medllm.retrieve.index import Entry, Filter, Scored, Vector

_Given = TypeVar("_Given")


class Gate:
    """Lets readers in together and a writer in alone; a thread may read again while it reads.

    They take turns: a writer who waits keeps new readers out, and after it those who waited go
    before the next, so that neither many questions nor many changes can starve the others.
    """

    def __init__(self) -> None:
        self._condition = threading.Condition()
        self._n_reading = 0
        self._readers_waiting = 0
        self._writers_waiting = 0
        self._readers_first = 0
        """Readers who waited for the last writer and go before the next."""
        self._is_writing = False
        self._own = threading.local()

    @contextmanager
    def reading(self) -> Iterator[None]:
        """Keep writers out within."""
        depth: int = getattr(self._own, "depth", 0)
        if not depth:
            self._begin_reading()
        self._own.depth = depth + 1
        try:
            yield
        finally:
            self._own.depth = depth
            if not depth:
                with self._condition:
                    self._n_reading -= 1
                    self._condition.notify_all()

    def _begin_reading(self) -> None:
        with self._condition:
            self._readers_waiting += 1
            self._condition.wait_for(
                lambda: (
                    not self._is_writing and (not self._writers_waiting or self._readers_first > 0)
                )
            )
            self._readers_waiting -= 1
            self._readers_first = max(0, self._readers_first - 1)
            self._n_reading += 1
            self._condition.notify_all()

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Keep everybody else out within; the thread may read meanwhile."""
        with self._condition:
            self._writers_waiting += 1
            self._condition.wait_for(
                lambda: not (self._is_writing or self._n_reading or self._readers_first)
            )
            self._writers_waiting -= 1
            self._is_writing = True
        self._own.depth = getattr(self._own, "depth", 0) + 1
        try:
            yield
        finally:
            self._own.depth -= 1
            with self._condition:
                self._is_writing = False
                self._readers_first = self._readers_waiting
                self._condition.notify_all()


class SharedIndex:
    """The index as the road sees it; `changing` gives the engine itself to whoever changes it."""

    def __init__(self, engine: EmbeddedIndex) -> None:
        self._engine = engine
        self.gate = Gate()
        self.version = 0
        """Goes up with every change, so that an answer can tell that it is older."""
        self._status: tuple[int, dict[str, Any]] = (-1, {})

    @contextmanager
    def changing(self) -> Iterator[EmbeddedIndex]:
        """Give the engine, to one thread alone."""
        with self.gate.writing():
            try:
                yield self._engine
            finally:
                self.version += 1

    def _read(self, call: Callable[[], _Given]) -> _Given:
        with self.gate.reading():
            return call()

    def search_words(
        self, terms: Mapping[int, float], *, limit: int, where: Filter
    ) -> list[Scored]:
        """See `Index.search_words`."""
        return self._read(lambda: self._engine.search_words(terms, limit=limit, where=where))

    def search_vector(self, vector: Vector, *, limit: int, where: Filter) -> list[Scored]:
        """See `Index.search_vector`."""
        return self._read(lambda: self._engine.search_vector(vector, limit=limit, where=where))

    def search_hybrid(
        self, terms: Mapping[int, float], vector: Vector, *, limit: int, where: Filter
    ) -> list[Scored]:
        """See `Index.search_hybrid`."""
        return self._read(
            lambda: self._engine.search_hybrid(terms, vector, limit=limit, where=where)
        )

    def count(self, where: Filter) -> int:
        """Give the number of documents (not passages)."""
        return self._read(lambda: self._engine.count(where))

    def count_passages(self, kind: DocumentKind | None = None) -> int:
        """Give the number of passages, of one kind or of all."""
        return self._read(lambda: self._engine.count_passages(kind))

    def read(self, ids: Sequence[str]) -> dict[str, Document]:
        """Give those of the documents that are there."""
        return self._read(lambda: self._engine.read(ids))

    def digests(self, ids: Sequence[str]) -> dict[str, str]:
        """Give the digests of those of the documents that are there."""
        return self._read(lambda: self._engine.digests(ids))

    def documents(self, where: Filter) -> Iterator[Document]:
        """Give every document, in no particular order; nothing changes until the last is read."""
        with self.gate.reading():
            yield from self._engine.documents(where)

    def frequencies(self, terms: Sequence[int], *, kind: DocumentKind | None) -> list[int]:
        """Give for each term the number of passages that have it."""
        return self._read(lambda: self._engine.frequencies(terms, kind=kind))

    def describe(self) -> dict[str, Any]:
        """See `Index.describe`."""
        return self._read(self._engine.describe)

    def status(self) -> dict[str, Any]:
        """Give counts, encoder and dates; counted anew only after a change."""
        with self.gate.reading():
            version, known = self._status
            if version != self.version:
                version, known = self.version, self._engine.status()
                self._status = (version, known)
            return known

    def upsert(self, entries: Sequence[Entry]) -> int:
        """Add or replace documents; give how many replaced an older one."""
        with self.changing() as engine:
            return engine.upsert(entries)

    def delete(self, ids: Iterable[str]) -> int:
        """Remove documents; give how many there were."""
        with self.changing() as engine:
            return engine.delete(ids)

    def snapshot(self, to: Path) -> None:
        """Write a copy of the whole index that opens on its own."""
        with self.changing() as engine:
            engine.snapshot(to)

    def close(self) -> None:
        """Write everything down and let another process have the index."""
        with self.gate.writing():
            self._engine.close()

"""Documents into an index: cut, weighed, encoded, written batch by batch."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from medllm.errors import DataError
from medllm.files import sha256_text
from medllm.records import Document
from medllm.retrieve import words
from medllm.retrieve.embedded import EmbeddedIndex
from medllm.retrieve.encoders import Encoder
from medllm.retrieve.index import Entry, Vector
from medllm.retrieve.passages import MAX_WORDS, cut_passages

_SAMPLE = 2_000
"""Documents of a kind from which the average passage length is taken; fewer: all of them."""
_BATCH = 256
_BATCH_ENCODED = 64
"""Documents written at once: smaller with an encoder, so that little is lost to a kill."""
_BATCH_CHARACTERS = 2_000_000
_FLUSH_EVERY = 40_000
"""Passages after which everything is written down: what a kill leaves to be replayed from the log
takes the next opening some seconds."""


@dataclass(slots=True)
class Added:
    """What became of the documents, counted while they are added."""

    added: int = 0
    replaced: int = 0
    unchanged: int = 0
    passages: int = 0
    encoded: int = 0
    """Passages that had to be encoded; the others' vectors were there."""

    @property
    def documents(self) -> int:
        """How many documents went by."""
        return self.added + self.replaced + self.unchanged


def add_documents(
    index: EmbeddedIndex,
    documents: Iterable[Document],
    *,
    encoder: Encoder | None = None,
    progress: Callable[[Added], None] = lambda added: None,
) -> Added:
    """Add or replace documents; `progress` is called after each batch that is written.

    Every batch that was reported survives a kill; the same call again goes on after it, since
    what is in the index unchanged is neither cut nor encoded again.
    """
    wanted = index.folder.encoder
    if (wanted and wanted["digest"]) != (encoder and encoder.digest):
        raise DataError(
            "the index and the encoder do not belong together",
            hint="use the encoder that the index was made with, or build a new index",
        )
    added = Added()
    coming = iter(documents)
    first = list(itertools.islice(coming, _SAMPLE))
    _set_average_lengths(index, first)
    size = _BATCH_ENCODED if encoder else _BATCH
    flushed = 0
    for batch in _batches(itertools.chain(first, coming), size):
        _set_average_lengths(index, batch)
        _add_batch(index, batch, encoder, added)
        if added.passages - flushed >= _FLUSH_EVERY:
            index.flush()
            flushed = added.passages
        progress(added)
    return added


def _batches(documents: Iterable[Document], size: int) -> Iterator[list[Document]]:
    """Group documents, at most `size` and about 2 MB at once; of equal ids the last one stays."""
    batch: dict[str, Document] = {}
    n_characters = 0
    for document in documents:
        batch.pop(document.id, None)
        batch[document.id] = document
        n_characters += len(document.text)
        if len(batch) >= size or n_characters >= _BATCH_CHARACTERS:
            yield list(batch.values())
            batch, n_characters = {}, 0
    if batch:
        yield list(batch.values())


def _set_average_lengths(index: EmbeddedIndex, documents: Sequence[Document]) -> None:
    """Set the average passage length of each kind that the index has not met before."""
    averages = index.folder.average_length
    for kind in sorted({document.kind for document in documents} - set(averages)):
        lengths = [
            words.length(_searched_text(document, span))
            for document in documents
            if document.kind == kind
            for span in cut_passages(document.text)
        ]
        averages[kind] = max(1.0, sum(lengths) / max(1, len(lengths)))
        index.folder.write()


def _searched_text(document: Document, span: tuple[int, int]) -> str:
    """Give what is searched for a passage: its document's title and itself."""
    passage = document.text[span[0] : span[1]]
    return f"{document.title}\n{passage}" if document.title else passage


def _add_batch(
    index: EmbeddedIndex, batch: Sequence[Document], encoder: Encoder | None, added: Added
) -> None:
    there = index.digests([document.id for document in batch])
    digests = {document.id: _digest(document, index) for document in batch}
    changed = [document for document in batch if there.get(document.id) != digests[document.id]]
    known = index.vectors_of([document.id for document in changed if document.id in there])
    entries = [_entry(document, digests[document.id], index) for document in changed]
    if encoder:
        entries = _encode(entries, encoder, known, added)
    replaced = index.upsert(entries)
    added.unchanged += len(batch) - len(changed)
    added.replaced += replaced
    added.added += len(changed) - replaced
    added.passages += sum(len(entry.spans) for entry in entries)


def _digest(document: Document, index: EmbeddedIndex) -> str:
    """Digest the document and all that decides how it goes into the index."""
    average = index.folder.average_length[document.kind]
    encoder = index.folder.encoder and index.folder.encoder["digest"]
    fields = [getattr(document, name) for name in Document.__slots__]
    return sha256_text(json.dumps([*fields, MAX_WORDS, words.K, words.B, average, encoder]))


def _entry(document: Document, digest: str, index: EmbeddedIndex) -> Entry:
    weigher = words.weigher(index.folder.average_length[document.kind])
    spans = cut_passages(document.text)
    weights = tuple(weigher.weigh(_searched_text(document, span)) for span in spans)
    return Entry(document=document, digest=digest, spans=tuple(spans), words=weights, vectors=None)


def _encode(
    entries: Sequence[Entry], encoder: Encoder, known: dict[str, Vector], added: Added
) -> list[Entry]:
    """Give the entries with their vectors; passages whose vector is known are not encoded."""
    texts = [[_searched_text(e.document, span) for span in e.spans] for e in entries]
    marks = [[sha256_text(text) for text in of_entry] for of_entry in texts]
    missing = {
        mark: text
        for of_entry in zip(marks, texts, strict=True)
        for mark, text in zip(*of_entry, strict=True)
        if mark not in known
    }
    fresh = dict(zip(missing, encoder.encode(list(missing.values())), strict=True))
    added.encoded += len(fresh)
    vectors = {**known, **fresh}
    return [
        Entry(
            document=entry.document,
            digest=entry.digest,
            spans=entry.spans,
            words=entry.words,
            vectors=np.asarray([vectors[mark] for mark in of_entry], dtype=np.float32).reshape(
                len(of_entry), encoder.dimension
            ),
            encoded=tuple(of_entry),
        )
        for entry, of_entry in zip(entries, marks, strict=True)
    ]

"""After deleting and compacting nothing of a deleted document is on the disk."""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import qdrant_edge

from medllm.records import Document
from medllm.retrieve import folder as folder_module
from medllm.retrieve import points, words
from medllm.retrieve.build import add_documents
from medllm.retrieve.embedded import EmbeddedIndex
from medllm.retrieve.index import Filter
from medllm.retrieve.shards import scroll
from tests.retrieve.comparing import assert_same
from tests.retrieve.conftest import NewIndex
from tests.retrieve.invented import DIMENSION, make_entry, random_entries
from tests.retrieve.oracle import Oracle

CANARY = "Zyxomorphia"


def files_holding(folder: Path, needle: bytes) -> list[str]:
    """Names of the files that hold these bytes; the files' holes, 180 MB, are passed over."""
    return [
        str(path.relative_to(folder))
        for path in folder.rglob("*")
        if path.is_file() and any(needle in stretch for stretch in _stretches(path))
    ]


def _stretches(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        size, end = path.stat().st_size, 0
        while end < size:
            try:
                start = os.lseek(file.fileno(), end, os.SEEK_DATA)
            except OSError:  # only a hole is left
                return
            end = os.lseek(file.fileno(), start, os.SEEK_HOLE)
            yield os.pread(file.fileno(), end - start, start)


def test_deleted_text_is_in_no_file(new_index: NewIndex) -> None:
    index = new_index()
    add_documents(
        index,
        [Document(id=f"d{n}", kind="patients", text=f"Fever for {n} days.") for n in range(40)],
    )
    secret = Document(
        id=f"id-{CANARY}",
        kind="articles",
        title=f"title-{CANARY}",
        source=f"source-{CANARY}",
        text=f"A case of {CANARY}, seen once. " + "Cough. " * 300 + CANARY,
        mesh=(f"mesh-{CANARY}",),
    )
    add_documents(index, [secret])
    term = words.term_of(CANARY)
    assert term is not None
    assert index.frequencies([term], kind=None) != [0]
    index.delete([secret.id])
    index.flush()
    path = index.folder.path
    assert files_holding(path, CANARY.encode())  # that is what compacting is for
    index.compact()
    index.close()
    assert files_holding(path, CANARY.encode()) == []
    assert files_holding(path, CANARY.lower().encode()) == []
    with np.load(path / "terms.npz") as arrays:
        assert term not in arrays["articles_terms"]
        assert int(arrays["articles_passages"]) == 0
    with EmbeddedIndex.open(path) as again:
        assert again.count(Filter()) == 40
        shards = (again._shards.passages, again._shards.documents)
        stored = [record for shard in shards for record in scroll(shard, None, True)]
        assert len(stored) == 80
        assert not any(CANARY in str(record.payload) for record in stored)


def test_deleted_vectors_and_words_are_in_no_file(new_index: NewIndex) -> None:
    index = new_index(dimension=DIMENSION)
    index.upsert(random_entries(0, 40, with_vectors=True))
    vector = (np.arange(1, DIMENSION + 1) / 16).astype(np.float32).reshape(1, -1)
    index.upsert([make_entry("secret", [["fever"]], vectors=vector)])
    as_float16 = vector.astype(np.float16).tobytes()
    path = index.folder.path
    index.delete(["secret"])
    index.flush()
    assert files_holding(path, as_float16)
    index.compact()
    index.close()
    assert files_holding(path, as_float16) == []
    assert files_holding(path, vector.tobytes()) == []
    assert files_holding(path, struct.pack(">8f", *vector[0])) == []


def test_the_former_text_of_a_replaced_document_is_in_no_file(new_index: NewIndex) -> None:
    index = new_index()
    for text in (f"A case of {CANARY}.", "A case of nothing much."):
        add_documents(index, [Document(id="d", kind="patients", text=text)])
    index.compact()
    index.close()
    assert files_holding(index.folder.path, CANARY.encode()) == []


def test_compacting_changes_no_answer(new_index: NewIndex) -> None:
    index, oracle = new_index(dimension=DIMENSION), Oracle()
    for seed in range(3):
        entries = random_entries(seed, 30, first=10 * seed, with_vectors=True)
        index.upsert(entries)
        oracle.upsert(entries)
    ids = [f"d{n}" for n in range(0, 50, 4)]
    index.delete(ids)
    oracle.delete(ids)
    index.compact()
    assert_same(index, oracle, with_vectors=True)
    entries = random_entries(9, 20, first=5, with_vectors=True)
    index.upsert(entries)
    oracle.upsert(entries)
    assert_same(index, oracle, with_vectors=True)


def test_compacting_an_empty_index_leaves_an_empty_index(new_index: NewIndex) -> None:
    index = new_index()
    index.compact()
    index.close()
    with EmbeddedIndex.open(index.folder.path) as again:
        assert again.count(Filter()) == 0


def test_a_change_that_was_killed_is_compacted_away_too(new_index: NewIndex) -> None:
    index = new_index()
    add_documents(index, [Document(id="d", kind="patients", text=f"A case of {CANARY}.")])
    document: Any = points.document_id("d")
    with index.folder.changing():  # what a kill between the two writes of a deletion leaves
        index._shards.documents.update(qdrant_edge.UpdateOperation.delete_points([document]))
    index._shards.close()
    index.folder.abandon()
    (index.folder.path / "lock").write_text("1 changing")
    with EmbeddedIndex.open(index.folder.path) as again:
        assert again.count_passages() == 0
        again.compact()
    assert files_holding(index.folder.path, CANARY.encode()) == []


def test_compacting_needs_room_for_a_second_copy(
    new_index: NewIndex, monkeypatch: pytest.MonkeyPatch
) -> None:
    index = new_index()
    index.upsert(random_entries(0, 5))
    monkeypatch.setattr(folder_module, "RESERVE_BYTES", 2**62)
    with pytest.raises(folder_module.DataError, match="no space left"):
        index.compact()
    assert not (index.folder.path / "shard.new").exists()
    assert len(list(scroll(index._shards.passages, None, False))) == index.count_passages()

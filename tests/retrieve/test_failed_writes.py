"""A write that fails, in a process that lives on: nothing half written is ever found."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from medllm.errors import DataError
from medllm.retrieve.embedded import EmbeddedIndex
from medllm.retrieve.index import Filter
from medllm.retrieve.search import search
from tests.retrieve.comparing import assert_same
from tests.retrieve.conftest import NewIndex
from tests.retrieve.invented import DIMENSION, random_entries
from tests.retrieve.oracle import Oracle


class _FullDisk:
    """The engine's shard, but that the next writes find no space."""

    def __init__(self, shard: Any) -> None:
        self._shard = shard

    def update(self, operation: object) -> None:
        raise Exception("No space left on device (os error 28)")  # what the engine raises

    def __getattr__(self, name: str) -> Any:
        return getattr(self._shard, name)


@contextmanager
def full_disk(index: EmbeddedIndex, shard: str) -> Iterator[None]:
    """Let writes to one of the shards fail within."""
    shards = index._shards
    whole = getattr(shards, shard)
    setattr(shards, shard, _FullDisk(whole))
    try:
        yield
    finally:
        setattr(shards, shard, whole)


@pytest.fixture
def filled(new_index: NewIndex) -> tuple[EmbeddedIndex, Oracle]:
    index, oracle = new_index(dimension=DIMENSION), Oracle()
    entries = random_entries(2, 30, with_vectors=True)
    index.upsert(entries)
    oracle.upsert(entries)
    return index, oracle


@pytest.mark.parametrize("shard", ["passages", "documents"])
def test_a_failed_write_is_not_found_and_the_next_one_mends_it(
    filled: tuple[EmbeddedIndex, Oracle], shard: str
) -> None:
    index, oracle = filled
    changed = random_entries(9, 10, with_vectors=True)  # d0 to d9 with other texts
    new = random_entries(9, 5, first=90, with_vectors=True)
    with full_disk(index, shard), pytest.raises(DataError, match="no space left"):
        index.upsert([*changed, *new])
    hits = search(index, "fever rash cough tremor", where=Filter(), top=50)
    texts = {entry.document.id: entry.document.text for entry in oracle.entries.values()}
    assert {hit.document.id: hit.document.text for hit in hits}.items() <= texts.items()
    assert len({hit.document.id for hit in hits}) == len(hits) > 20
    index.upsert(new)
    oracle.upsert(new)
    assert_same(index, oracle, with_vectors=True)
    index.close()
    with EmbeddedIndex.open(index.folder.path) as again:
        assert_same(again, oracle, with_vectors=True)


def test_a_document_whose_passages_could_not_be_deleted_is_gone(
    filled: tuple[EmbeddedIndex, Oracle],
) -> None:
    index, oracle = filled
    with full_disk(index, "passages"), pytest.raises(DataError, match="no space left"):
        index.delete(["d3"])
    assert "d3" not in {hit.document.id for hit in search(index, "fever", where=Filter(), top=50)}
    oracle.delete(["d3"])
    index.delete(["d4"])
    oracle.delete(["d4"])
    assert_same(index, oracle, with_vectors=True)

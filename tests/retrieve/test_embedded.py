"""The embedded index keeps the contract."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import qdrant_edge
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from medllm.errors import DataError
from medllm.retrieve import embedded, points
from medllm.retrieve.embedded import EmbeddedIndex
from medllm.retrieve.index import Filter, Index
from tests.retrieve.comparing import (
    ALL_TERMS,
    FILTERS,
    assert_same,
    assert_same_vector,
    assert_same_words,
)
from tests.retrieve.conftest import NewIndex
from tests.retrieve.contract import IndexContract
from tests.retrieve.invented import DIMENSION, random_entries
from tests.retrieve.oracle import Oracle

ENCODER = {"spec": "none", "digest": "0", "dimension": DIMENSION}


class TestEmbedded(IndexContract):
    @pytest.fixture(autouse=True)
    def _close(self) -> Iterator[None]:
        self.made: list[EmbeddedIndex] = []
        yield
        for index in self.made:
            index.folder.abandon()

    def empty(self, path: Path, *, with_vectors: bool) -> Index:
        self.made.append(EmbeddedIndex.create(path, encoder=ENCODER if with_vectors else None))
        return self.made[-1]

    def again(self, index: Index) -> Index:
        assert isinstance(index, EmbeddedIndex)
        index.close()
        return self.opened(index.folder.path)

    def opened(self, path: Path) -> Index:
        self.made.append(EmbeddedIndex.open(path))
        return self.made[-1]


NUMBERS = st.integers(0, 11)


def n_points(index: EmbeddedIndex) -> tuple[int, int]:
    """What the engine holds of documents and of passages, found or not."""
    shards = (index._shards.documents, index._shards.passages)
    documents, passages = (shard.count(qdrant_edge.CountRequest(exact=True)) for shard in shards)
    return documents, passages


class Changing(RuleBasedStateMachine):
    """Adds, replaces, deletes, compacts, closes and opens in any order; asks in between."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp())
        self.index = EmbeddedIndex.create(self.folder / "idx", encoder=ENCODER)
        self.oracle = Oracle()

    @rule(seed=st.integers(0, 2**32), first=NUMBERS, n=st.integers(1, 4))
    def upsert(self, seed: int, first: int, n: int) -> None:
        entries = random_entries(seed, n, first=first, with_vectors=True)
        assert self.index.upsert(entries) == self.oracle.upsert(entries)

    @rule(numbers=st.sets(NUMBERS, max_size=4))
    def delete(self, numbers: set[int]) -> None:
        ids = [f"d{number}" for number in numbers]
        assert self.index.delete(ids) == self.oracle.delete(ids)

    @rule(where=st.sampled_from(FILTERS), limit=st.integers(1, 9), seed=st.integers(0, 99))
    def search(self, where: Filter, limit: int, seed: int) -> None:
        rng = np.random.default_rng(seed)
        asked = rng.choice(list(ALL_TERMS), size=3)
        terms = {int(term): float(rng.uniform(0.1, 4)) for term in asked}
        assert_same_words(self.index, self.oracle, terms, where, limit)
        vector = rng.normal(size=DIMENSION).astype(np.float32)
        assert_same_vector(self.index, self.oracle, vector, where, limit)

    @precondition(lambda self: self.oracle.entries)
    @rule()
    def close_and_open(self) -> None:
        self.index.close()
        self.index = EmbeddedIndex.open(self.folder / "idx")

    @precondition(lambda self: self.oracle.entries)
    @rule()
    def compact(self) -> None:
        self.index.compact()

    @invariant()
    def counts_are_exact(self) -> None:
        ids = [f"d{number}" for number in range(16)]
        expected = {key: entry.digest for key, entry in self.oracle.entries.items()}
        assert self.index.digests(ids) == expected
        for kind in ("patients", "articles", None):
            frequencies = self.index.frequencies(list(ALL_TERMS), kind=kind)
            assert frequencies == self.oracle.frequencies(list(ALL_TERMS), kind)
        held = [len(entry.spans) for entry in self.oracle.entries.values()]
        assert n_points(self.index) == (len(held), sum(held))  # nothing is left of what went

    def teardown(self) -> None:
        assert_same(self.index, self.oracle, with_vectors=True)
        self.index.close()
        shutil.rmtree(self.folder)


TestChanging = Changing.TestCase
TestChanging.settings = settings(
    max_examples=6,
    stateful_step_count=8,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow],
)


def test_beyond_the_exact_size_a_graph_is_built_and_finds_the_same(
    new_index: NewIndex, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(embedded, "EXACT_UP_TO", 100)
    monkeypatch.setattr(points, "GRAPH_FROM_KB", 1)
    index, oracle = new_index(dimension=DIMENSION), Oracle()
    entries = random_entries(5, 150, with_vectors=True)
    index.upsert(entries)
    oracle.upsert(entries)
    assert index.status()["vector_search"] == "exact"
    index.finish()
    assert index.status()["vector_search"] == "hnsw"
    assert list(index.folder.shard_path.rglob("graph.bin"))
    assert_same(index, oracle, with_vectors=True)
    assert index.delete(["d0"]) == oracle.delete(["d0"])
    index.compact()
    assert list(index.folder.shard_path.rglob("graph.bin"))
    index.close()
    with EmbeddedIndex.open(index.folder.path) as again:
        assert again.status()["vector_search"] == "hnsw"
        assert_same(again, oracle, with_vectors=True)


def test_a_snapshot_into_the_index_itself_or_over_something_is_refused(
    new_index: NewIndex, tmp_path: Path
) -> None:
    index = new_index()
    for to in (index.folder.path / "copy", index.folder.shard_path / "copy"):
        with pytest.raises(DataError, match="inside the index"):
            index.snapshot(to)
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "something").touch()
    for to in (tmp_path / "full", tmp_path / "full" / "something"):
        with pytest.raises(DataError, match="is not empty"):
            index.snapshot(to)


def test_a_snapshot_takes_no_more_of_the_disk_than_the_index(
    new_index: NewIndex, tmp_path: Path
) -> None:
    index = new_index()
    index.upsert(random_entries(0, 20))
    index.snapshot(tmp_path / "copy")
    allocated = sum(512 * p.stat().st_blocks for p in (tmp_path / "copy").rglob("*"))
    assert allocated < 20 * 2**20  # the engine's files are 180 MB with their holes

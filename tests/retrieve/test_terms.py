"""Counts of terms against plain counters, through any number of writes."""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from medllm.errors import DataError
from medllm.records import DocumentKind
from medllm.retrieve.terms import KINDS, TermCounts

TERMS = list(range(12))
PASSAGES = st.lists(
    st.tuples(st.sampled_from(KINDS), st.sets(st.sampled_from(TERMS)).map(sorted)), max_size=15
)


def assert_counts(counts: TermCounts, held: list[tuple[DocumentKind, list[int]]]) -> None:
    for kind in (*KINDS, None):
        of_kind = [terms for one, terms in held if kind in (None, one)]
        expected = Counter(term for terms in of_kind for term in terms)
        assert counts.frequencies(TERMS, kind) == [expected[term] for term in TERMS]
        assert counts.n_passages(kind) == len(of_kind)


@settings(max_examples=60, deadline=None)
@given(rounds=st.lists(st.tuples(PASSAGES, st.booleans()), max_size=4), data=st.data())
def test_counts_are_exact_through_additions_removals_and_writes(
    rounds: list[tuple[list[tuple[DocumentKind, list[int]]], bool]],
    data: st.DataObject,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    path = tmp_path_factory.mktemp("terms") / "terms.npz"
    counts, held = TermCounts(), []
    for added, is_written in rounds:
        for kind, terms in added:
            counts.add(kind, [terms])
            held.append((kind, terms))
        for _ in range(data.draw(st.integers(0, len(held)))):
            kind, terms = held.pop()
            counts.remove(kind, [terms])
        assert_counts(counts, held)
        if is_written:
            counts.write(path)
            read = TermCounts.read(path)
            assert read is not None
            counts = read
            assert_counts(counts, held)


def test_nothing_asked_is_nothing_answered() -> None:
    assert TermCounts().frequencies([], None) == []
    assert TermCounts().frequencies([7, 8], "patients") == [0, 0]
    assert TermCounts().n_passages(None) == 0


def test_terms_that_nothing_has_any_more_are_not_written(tmp_path: Path) -> None:
    counts = TermCounts()
    counts.add("patients", [[1, 2], [2]])
    counts.write(tmp_path / "terms.npz")
    counts.remove("patients", [[1, 2]])
    counts.write(tmp_path / "terms.npz")
    read = TermCounts.read(tmp_path / "terms.npz")
    assert read is not None
    assert [terms.tolist() for terms, _ in read._written.values()] == [[2], []]


def test_a_missing_file_is_none(tmp_path: Path) -> None:
    assert TermCounts.read(tmp_path / "terms.npz") is None


def test_a_file_is_replaced_whole_or_not_at_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    counts = TermCounts()
    counts.add("patients", [[1]])
    counts.write(tmp_path / "terms.npz")
    counts.add("patients", [[1]])

    def fail(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(DataError, match="no space left"):
        counts.write(tmp_path / "terms.npz")
    read = TermCounts.read(tmp_path / "terms.npz")
    assert read is not None
    assert read.frequencies([1], None) == [1]

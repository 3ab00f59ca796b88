from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from medllm.data.statistics import lengths
from medllm.data.statistics.tokens import TokenCounter, Tokens, words_counter
from medllm.errors import DataError
from tests.data.prepare.making import record

PAIRS = st.lists(st.tuples(st.integers(0, 500), st.integers(1, 500)), min_size=1, max_size=30)


def measured(*pairs: tuple[int, int]) -> lengths.Lengths:
    before, answer = np.array(pairs, dtype=np.int64).T
    return lengths.Lengths(before, answer, before, answer)


def test_coverage_says_what_a_cutoff_leaves_and_costs() -> None:
    rows = lengths.coverage(measured((10, 10), (10, 30), (50, 50)), cutoffs=(10, 20, 40, 100, 500))
    assert [row["records"] for row in rows] == [0.0, 0.333333, 0.666667, 1.0]
    assert [row["answers_cut"] for row in rows] == [3, 2, 1, 0]
    assert [row["answers_lost"] for row in rows] == [3, 1, 1, 0]
    assert [row["answer_tokens_lost"] for row in rows] == [1.0, 0.777778, 0.555556, 0.0]
    assert [row["lost_of_cut"] for row in rows] == [1.0, 0.875, 1.0, 0.0]


@given(PAIRS, st.integers(1, 1200))
@settings(deadline=None, derandomize=True)
def test_coverage_is_what_cutting_each_record_gives(
    pairs: list[tuple[int, int]], cutoff: int
) -> None:
    (row,) = lengths.coverage(measured(*pairs), cutoffs=[cutoff])
    kept = [["q"] * before + ["a"] * answer for before, answer in pairs]
    left = [record[:cutoff].count("a") for record in kept]
    is_cut = [here < answer for here, (_, answer) in zip(left, pairs, strict=True)]
    lost = sum(answer for _, answer in pairs) - sum(left)
    assert row["answers_cut"] == sum(is_cut)
    assert row["records"] == pytest.approx(1 - sum(is_cut) / len(pairs), abs=1e-6)
    total = sum(answer for _, answer in pairs)
    assert row["answer_tokens_lost"] == pytest.approx(lost / total, abs=1e-6)
    assert row["answers_lost"] == sum(
        cut and not here for cut, here in zip(is_cut, left, strict=True)
    )
    of_cut = sum(answer for cut, (_, answer) in zip(is_cut, pairs, strict=True) if cut)
    assert row["lost_of_cut"] == pytest.approx(lost / of_cut if of_cut else 0, abs=1e-6)


@given(PAIRS)
@settings(deadline=None, derandomize=True)
def test_a_longer_cutoff_never_costs_more(pairs: list[tuple[int, int]]) -> None:
    for rows in (lengths.coverage(measured(*pairs)), lengths.curve(measured(*pairs))):
        for row, longer in zip(rows, rows[1:], strict=False):
            assert row["cutoff"] < longer["cutoff"]
            assert row["records"] <= longer["records"]
            assert row["answer_tokens_lost"] >= longer["answer_tokens_lost"]
        assert rows[-1]["records"] == 1


@given(PAIRS, st.sampled_from(lengths.SHARES))
@settings(deadline=None, derandomize=True)
def test_the_cutoff_for_a_share_is_the_least_that_leaves_it_whole(
    pairs: list[tuple[int, int]], share: float
) -> None:
    found = lengths.cutoff_for(measured(*pairs), share)
    tokens = sorted(before + answer for before, answer in pairs)
    assert found == tokens[max(0, math.ceil(share * len(tokens) - 1e-9) - 1)]


@given(st.lists(st.integers(0, 100_000), min_size=1, max_size=60))
@settings(deadline=None, derandomize=True)
def test_a_histogram_loses_nothing(values: list[int]) -> None:
    bins = lengths.histogram(np.array(values))
    assert sum(bins["counts"]) == len(values)
    assert len(bins["edges"]) == len(bins["counts"]) + 1
    assert bins["edges"] == sorted(set(bins["edges"]))


def test_records_are_measured_in_order_however_many_there_are() -> None:
    records = [record(f"r{n}", "word " * n, "so " * (n % 7)) for n in range(600)]
    found = lengths.measure(iter(records), words_counter())
    assert found.before_tokens.tolist() == list(range(600))
    assert found.answer_tokens.tolist() == [n % 7 for n in range(600)]
    assert found.prompt_characters.tolist() == [5 * n for n in range(600)]


def test_nothing_cannot_be_measured() -> None:
    counter = TokenCounter("x", "tokens", lambda records: [Tokens(0, 0) for _ in records])
    with pytest.raises(DataError, match="no record"):
        lengths.measure([], counter)

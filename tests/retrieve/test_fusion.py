"""Rankings into one by their ranks."""

from __future__ import annotations

import pytest

from medllm.retrieve.fusion import RRF_K, fuse


def ranking(names: str) -> dict[str, float]:
    return {name: 9.0 - place for place, name in enumerate(names)}


def test_ranks_are_fused_by_their_reciprocals() -> None:
    fused = fuse([ranking("abc"), ranking("cd")], weights=(1.0, 0.5))
    assert {found.key: found.score for found in fused} == pytest.approx(
        {"a": 1 / 61, "b": 1 / 62, "c": 1 / 63 + 0.5 / 61, "d": 0.5 / 62}
    )
    assert [found.key for found in fused] == ["c", "a", "b", "d"]
    assert RRF_K == 60


def test_each_knows_the_ranking_in_which_it_stands_highest() -> None:
    fused = fuse([ranking("abc"), ranking("cbd")], weights=(1.0, 1.0))
    assert {found.key: found.ranking for found in fused} == {"a": 0, "b": 0, "c": 1, "d": 1}


def test_equal_scores_share_a_rank_in_whatever_order_they_come() -> None:
    for order in ("ab", "ba"):
        tied = {"first": 3.0, **dict.fromkeys(order, 2.0), "last": 1.0}
        fused = {found.key: found.score for found in fuse([tied], weights=(1.0,))}
        assert fused == {"first": 1 / 61, "a": 1 / 62, "b": 1 / 62, "last": 1 / 64}


def test_nothing_fused_is_nothing() -> None:
    assert fuse([{}, {}], weights=(1.0, 1.0)) == []

"""Measures of agreement against published worked examples and against scikit-learn and scipy."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import cohen_kappa_score

from medllm.evaluate.experts.agreement import (
    bradley_terry,
    correlate,
    gwet_ac2,
    icc,
    krippendorff_alpha,
    spearman,
    weighted_kappa,
)

SHROUT_FLEISS = [
    [9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7],
]  # fmt: skip


def units(rows):
    """Rows by rater -> ratings by unit; a dot is missing."""
    return {
        f"u{at}": {f"r{n}": float(v) for n, v in enumerate(column) if v != "."}
        for at, column in enumerate(zip(*rows, strict=True))
    }


def test_krippendorffs_alpha_of_his_own_example():
    """The four observers of Krippendorff 2011, section C, with their missing ratings."""
    table = """
    1 2 3 3 2 1 4 1 2 . . .
    1 2 3 3 2 2 4 1 2 5 . 3
    . 3 3 3 2 3 4 2 2 5 1 .
    1 2 3 3 2 4 4 1 2 5 1 .
    """
    ratings = units([line.split() for line in table.strip().splitlines()])
    assert krippendorff_alpha(ratings, level="nominal") == pytest.approx(0.743, abs=5e-4)
    assert krippendorff_alpha(ratings, level="ordinal") == pytest.approx(0.815, abs=5e-4)
    assert krippendorff_alpha(ratings, level="interval") == pytest.approx(0.849, abs=5e-4)


def test_alpha_has_no_meaning_without_variation_or_a_second_rating():
    assert krippendorff_alpha({"a": {"x": 1.0, "y": 1.0}}) is None
    assert krippendorff_alpha({"a": {"x": 1.0}, "b": {"y": 2.0}}) is None
    assert krippendorff_alpha({"a": {"x": 1.0, "y": 1.0}, "b": {"x": 2.0, "y": 2.0}}) == 1


def test_icc_of_shrout_and_fleiss():
    """Their table 2: six targets, four judges; ICC(2,1) is .29 and ICC(2,4) is .62."""
    ratings = {
        f"u{at}": {f"r{n}": float(v) for n, v in enumerate(row)}
        for at, row in enumerate(SHROUT_FLEISS)
    }
    found = icc(ratings)
    assert found.single == pytest.approx(0.29, abs=5e-3)
    assert found.mean == pytest.approx(0.62, abs=5e-3)
    assert icc({"a": {"x": 1.0, "y": 2.0}}) is None


@given(st.lists(st.tuples(st.integers(1, 5), st.integers(1, 5)), min_size=4, max_size=40))
def test_weighted_kappa_is_scikit_learns(pairs):
    ours = weighted_kappa(pairs, categories=[1, 2, 3, 4, 5])
    one, other = zip(*pairs, strict=True)
    if len({*one, *other}) == 1:
        assert ours is None
        return
    theirs = cohen_kappa_score(one, other, weights="quadratic", labels=[1, 2, 3, 4, 5])
    assert ours == pytest.approx(theirs)


def test_ac2_stays_high_where_kappa_falls():
    """Nearly all ratings are 5 and equal: kappa is near 0, AC2 near 1 (Gwet's paradox)."""
    ratings = {f"u{at}": {"x": 5.0, "y": 5.0} for at in range(18)}
    ratings |= {"u18": {"x": 5.0, "y": 4.0}, "u19": {"x": 4.0, "y": 5.0}}
    pairs = [(unit["x"], unit["y"]) for unit in ratings.values()]
    scale = [1.0, 2.0, 3.0, 4.0, 5.0]
    assert abs(weighted_kappa(pairs, categories=scale)) < 0.1
    assert gwet_ac2(ratings, categories=scale) > 0.98


def test_ac2_by_hand():
    """Two raters, two units, two categories: agreement .5; chance 2 x .25 x .75 ... = .375."""
    ratings = {"a": {"x": 1.0, "y": 1.0}, "b": {"x": 1.0, "y": 2.0}}
    by_chance = 2 / (2 * 1) * (0.75 * 0.25 + 0.25 * 0.75)
    expected = (0.5 - by_chance) / (1 - by_chance)
    assert gwet_ac2(ratings, categories=[1.0, 2.0]) == pytest.approx(expected)
    assert gwet_ac2({"a": {"x": 1.0}}, categories=[1.0, 2.0]) is None


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), min_size=3, max_size=40))
def test_spearman_is_scipys(pairs):
    one, other = zip(*pairs, strict=True)
    ours = spearman(one, other)
    if len(set(one)) == 1 or len(set(other)) == 1:
        assert ours is None
        return
    assert ours == pytest.approx(scipy.stats.spearmanr(one, other).statistic)


def test_a_correlation_has_an_interval_over_what_both_have():
    rng = np.random.default_rng(0)
    x = rng.normal(size=80)
    one = {f"i{at}": value for at, value in enumerate(x)}
    other = {f"i{at + 10}": v for at, v in enumerate(x[10:] + rng.normal(size=70))}
    found = correlate(one, other)
    assert found.n == 70
    assert found.low < found.value < found.high
    assert correlate({"a": 1.0}, {"b": 1.0}) is None


def test_answers_to_one_item_are_drawn_together():
    rng = np.random.default_rng(1)
    x, y = np.repeat(rng.normal(size=20), 5), np.repeat(rng.normal(size=20), 5)
    one, other = ({f"i{at}": float(v) for at, v in enumerate(row)} for row in (x, y))
    alone = correlate(one, other)
    together = correlate(one, other, clusters={f"i{at}": at // 5 for at in range(100)})
    assert together.high - together.low > 1.6 * (alone.high - alone.low)


def test_bradley_terry_gives_the_log_odds_of_winning():
    """Of 40 games 30 won: odds 3 to 1, and a chain of such odds adds up."""
    wins = {("a", "b"): 3000, ("b", "a"): 1000, ("b", "c"): 3000, ("c", "b"): 1000}
    found = bradley_terry(wins)
    assert found["a"] - found["b"] == pytest.approx(np.log(3), abs=1e-3)
    assert found["a"] - found["c"] == pytest.approx(2 * np.log(3), abs=1e-3)
    assert sum(found.values()) == pytest.approx(0, abs=1e-9)
    assert bradley_terry({("a", "b"): 5})["a"] > 0, "who lost everything has a strength too"

"""Intervals: against scipy where it has them, by simulation where only coverage can tell."""

import math

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from scipy import stats

from medllm.evaluate import statistics
from medllm.evaluate.statistics import mean_interval, paired_interval, t_quantile

SHARE = (0.0, 1.0)


@pytest.mark.parametrize("degrees", [1, 2, 3, 7, 19, 29, 100, 2_000, 155_000])
@pytest.mark.parametrize("probability", [0.6, 0.9, 0.95, 0.975, 0.995, 0.9999, 0.025])
def test_the_t_quantile_is_that_of_scipy(probability, degrees):
    expected = stats.t.ppf(probability, degrees)
    assert t_quantile(probability, degrees) == pytest.approx(expected, rel=1e-8)


@pytest.mark.parametrize(("probability", "degrees"), [(0.0, 5), (1.0, 5), (0.9, 0)])
def test_the_t_quantile_of_nonsense_is_an_error(probability, degrees):
    with pytest.raises(ValueError, match="degree of freedom"):
        t_quantile(probability, degrees)


@pytest.mark.parametrize("n", [5, 29, 2_500])
def test_few_and_very_many_values_get_the_t_interval_of_scipy(n):
    sample = np.random.default_rng(3).beta(5, 5, n)
    ours = mean_interval(sample, bounds=SHARE)
    low, high = stats.t.interval(0.95, n - 1, loc=sample.mean(), scale=stats.sem(sample))
    assert ours.method == "t"
    assert (ours.mean, ours.low, ours.high) == pytest.approx((sample.mean(), low, high), abs=1e-9)


@pytest.mark.parametrize(
    "sample",
    [
        np.random.default_rng(4).beta(0.4, 1.5, 60),
        np.random.default_rng(5).exponential(0.1, 30) ** 2,
        np.array([1.0] * 3 + [0.5] * 2 + [0.0] * 35),  # discrete: many resampled means are equal
    ],
)
def test_the_bca_interval_is_that_of_scipy_up_to_the_draw(sample, monkeypatch):
    monkeypatch.setattr(statistics, "N_RESAMPLES", 60_000)
    ours = mean_interval(sample, bounds=SHARE)
    theirs = stats.bootstrap(
        (sample,), np.mean, method="BCa", n_resamples=60_000, rng=np.random.default_rng(5)
    ).confidence_interval
    assert ours.method == "bca"
    width = theirs.high - theirs.low
    assert (ours.low, ours.high) == pytest.approx((theirs.low, theirs.high), abs=0.012 * width)
    assert ours.high - ours.mean > ours.mean - ours.low  # it follows the skew


@pytest.mark.parametrize(
    ("name", "n", "at_least"),
    [("ratings", 10, 0.92), ("ratings", 20, 0.92), ("recall", 40, 0.92), ("ranks", 60, 0.90)],
)
def test_a_95_percent_interval_covers_the_true_mean_about_as_often(name, n, at_least):
    generator = np.random.default_rng(11)
    values, weights, bounds = {
        "ratings": ([1, 2, 3, 4, 5], [0.1, 0.2, 0.3, 0.3, 0.1], (1.0, 5.0)),
        "recall": ([0.2, 0.5, 0.8, 1.0], [0.05, 0.1, 0.15, 0.7], SHARE),
        "ranks": ([0.0, 1 / 4, 1 / 3, 1 / 2, 1.0], [0.6, 0.1, 0.1, 0.1, 0.1], SHARE),
    }[name]
    true_mean = float(np.dot(values, weights))
    n_covered = 0
    for _ in range(300):
        interval = mean_interval(generator.choice(values, n, p=weights), bounds=bounds)
        n_covered += interval.low <= true_mean <= interval.high
    assert at_least <= n_covered / 300 <= 0.985


def test_twenty_zeros_of_twenty_still_allow_fourteen_percent():
    interval = mean_interval([0.0] * 20, bounds=SHARE)
    assert interval.method == "exact"
    assert (interval.low, interval.high) == (0.0, pytest.approx(0.1391, abs=1e-4))


def test_a_single_value_leaves_nearly_everything_open():
    interval = mean_interval([0.5], bounds=SHARE)
    assert interval.low == pytest.approx(0.0125)
    assert interval.high == pytest.approx(0.9875)


@given(
    values=st.lists(st.floats(0, 1), min_size=1, max_size=60),
    seed=st.integers(0, 3),
)
@example(values=[1.175494351e-38, 0.0, 0.0, 0.0], seed=0)
def test_the_interval_holds_the_mean_and_stays_within_the_bounds(values, seed):
    interval = mean_interval(values, bounds=SHARE, seed=seed)
    assert 0 <= interval.low <= interval.mean <= interval.high <= 1
    assert interval.n == len(values)


def test_values_that_differ_only_by_rounding_count_as_equal():
    values = [0.1 + 0.2, 0.3] * 20
    assert mean_interval(values, bounds=SHARE).method == "exact"
    assert mean_interval([0.0, 1e-200] * 20, bounds=SHARE).method == "exact"


@pytest.mark.parametrize("n", [30, 400])
def test_one_outlier_among_equal_values_leaves_the_mean_inside(n):
    interval = mean_interval([0.0] * (n - 1) + [1.0], bounds=SHARE)
    assert 0 <= interval.low <= interval.mean < interval.high


def test_the_same_seed_gives_the_same_digits():
    sample = np.random.default_rng(6).random(50)
    first = mean_interval(sample, bounds=SHARE, seed=1)
    assert first == mean_interval(sample, bounds=SHARE, seed=1)
    assert first != mean_interval(sample, bounds=SHARE, seed=2)


@pytest.mark.parametrize("values", [[], [0.5, 1.5], [0.5, math.nan], [-0.1]])
def test_values_that_have_no_mean_within_the_bounds_are_an_error(values):
    with pytest.raises(ValueError, match="no values|outside"):
        mean_interval(values, bounds=SHARE)


def test_a_paired_interval_is_narrow_where_both_agree_item_by_item():
    generator = np.random.default_rng(8)
    before = {f"q{n}": float(value) for n, value in enumerate(generator.uniform(0, 0.9, 40))}
    after = {
        item: value + 0.05 + 0.01 * math.sin(n) for n, (item, value) in enumerate(before.items())
    }
    interval = paired_interval(before, after, bounds=SHARE)
    assert interval.mean == pytest.approx(0.05, abs=0.002)
    assert 0.045 < interval.low < interval.high < 0.055


def test_no_difference_at_all_is_not_certainty():
    same = {f"q{n}": 0.5 for n in range(20)}
    interval = paired_interval(same, same, bounds=SHARE)
    assert interval.mean == 0.0
    assert interval.low == pytest.approx(-0.1684, abs=1e-4)
    assert interval.high == pytest.approx(0.1684, abs=1e-4)


def test_paired_scores_of_different_items_are_an_error():
    with pytest.raises(ValueError, match="same items"):
        paired_interval({"a": 0.1}, {"b": 0.1}, bounds=SHARE)

"""Rank tests against scipy, against all signings counted out, and against published examples."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st

from medllm.evaluate.paired.permutation import permutation_p
from medllm.evaluate.paired.ranks import mann_whitney, mean_ranks, sign_test, wilcoxon

RATINGS = st.lists(st.integers(-3, 3), min_size=1, max_size=9)
SCORES = st.lists(st.floats(-1, 1).map(lambda x: round(x, 3)), min_size=2, max_size=60)


def signings(differences):
    """Wilcoxon's p by trying every way to sign the ranks, Pratt's zeros left out after ranking."""
    values = np.array(differences, dtype=float)
    ranks = scipy.stats.rankdata(np.abs(values))
    used, observed = ranks[values != 0], ranks[values > 0].sum()
    sums = [
        sum(rank for rank, sign in zip(used, signs, strict=True) if sign)
        for signs in itertools.product((0, 1), repeat=used.size)
    ]
    low = np.mean([s <= observed + 1e-9 for s in sums])
    high = np.mean([s >= observed - 1e-9 for s in sums])
    return min(1.0, 2 * min(low, high))


@given(RATINGS)
def test_wilcoxon_is_exact_with_ties_and_zeros(differences):
    assert wilcoxon(differences).p == pytest.approx(signings(differences))


@given(st.lists(st.integers(1, 400), min_size=2, max_size=40, unique=True), st.randoms())
def test_wilcoxon_without_ties_is_scipys_exact_test(sizes, random):
    differences = [size * random.choice((-1, 1)) for size in sizes]
    expected = scipy.stats.wilcoxon(differences, method="exact").pvalue
    assert wilcoxon(differences).p == pytest.approx(expected)


@given(SCORES)
def test_the_normal_form_is_scipys_with_pratt(differences):
    if not any(differences):
        assert wilcoxon(differences).p == 1
        return
    expected = scipy.stats.wilcoxon(differences, zero_method="pratt", method="asymptotic").pvalue
    assert wilcoxon(differences, exact=False).p == pytest.approx(expected)


def test_exact_and_normal_agree_where_both_can_be_had():
    differences = np.random.default_rng(1).normal(0.2, 1, 150).round(2).tolist()
    exact, normal = wilcoxon(differences), wilcoxon(differences, exact=False)
    assert (exact.method, normal.method) == ("exact", "normal")
    assert exact.p == pytest.approx(normal.p, rel=0.05)
    assert wilcoxon([*differences, 0.1]).method == "normal"


def test_wilcoxons_own_example_of_plants():
    """Darwin's maize, heights in eighths of an inch, as in Wilcoxon's paper of 1945 and Fisher's
    book: the exact two-sided p is .041 and the sum of negative ranks 24."""
    differences = [49, -67, 8, 16, 6, 23, 28, 41, 14, 29, 56, 24, 75, 60, -48]
    found = wilcoxon(differences)
    assert found.negative == 24
    assert found.p == pytest.approx(0.0413, abs=5e-5)
    assert found.rank_biserial == pytest.approx((96 - 24) / 120)


@given(SCORES, SCORES)
def test_mann_whitney_is_scipys(one, other):
    if len({*one, *other}) == 1:
        assert mann_whitney(one, other) == 1
        return
    expected = scipy.stats.mannwhitneyu(one, other, method="asymptotic").pvalue
    assert mann_whitney(one, other) == pytest.approx(expected)


@given(st.integers(0, 60), st.integers(0, 60))
def test_the_sign_test_is_scipys_binomial(wins, losses):
    if wins + losses == 0:
        assert sign_test(wins, losses) == 1
        return
    assert sign_test(wins, losses) == pytest.approx(
        scipy.stats.binomtest(wins, wins + losses).pvalue
    )


def test_mcnemars_exact_test_is_the_sign_test():
    """20 items that only one model had right, 5 that only the other: p is .0041."""
    assert sign_test(20, 5) == pytest.approx(0.00408, abs=1e-5)


@given(SCORES)
def test_ranks_are_scipys(values):
    assert mean_ranks(np.array(values)).tolist() == scipy.stats.rankdata(values).tolist()


def test_fishers_own_example_of_permutation():
    """Fisher 1935 counts for Darwin's maize 1,726 of 2^15 signings as extreme: p .0527."""
    differences = [49, -67, 8, 16, 6, 23, 28, 41, 14, 29, 56, 24, 75, 60, -48]
    assert permutation_p(differences) == pytest.approx(1726 / 2**15, abs=0.005)  # random, of 15
    assert permutation_p(differences, seed=3) == pytest.approx(1726 / 2**15, abs=0.005)


@given(st.lists(st.integers(-4, 4), min_size=1, max_size=10))
def test_few_differences_are_tested_by_all_signings(differences):
    total = abs(sum(differences))
    sums = [
        abs(sum(d * s for d, s in zip(differences, signs, strict=True)))
        for signs in itertools.product((-1, 1), repeat=len(differences))
    ]
    assert permutation_p(differences) == pytest.approx(np.mean([s >= total for s in sums]))


def test_clusters_change_their_signs_together():
    differences = [1.0] * 20
    assert permutation_p(differences) < 0.001
    clusters = [at // 10 for at in range(20)]
    assert permutation_p(differences, clusters) == pytest.approx(0.5)  # of 2 clusters: 2 of 4


@pytest.mark.parametrize("test", [wilcoxon, permutation_p])
def test_nothing_cannot_be_tested(test):
    with pytest.raises(ValueError, match="no differences"):
        test([])

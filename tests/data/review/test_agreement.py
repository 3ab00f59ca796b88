from __future__ import annotations

import math
import random
from itertools import permutations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest

from medllm.data.review.agreement import (
    Agreement,
    cohens_kappa,
    krippendorffs_alpha,
    wilson_interval,
)

VERDICTS = ["accept", "edit", "reject"]
PAIRS = st.lists(st.tuples(*[st.sampled_from(VERDICTS)] * 2), min_size=1, max_size=40)


def kappa(pairs: list[tuple[str, str]]) -> Agreement:
    found = cohens_kappa(("r1", "r2"), pairs)
    assert found is not None
    return found


def test_kappa_of_a_worked_example() -> None:
    # The textbook table of 50 grant applications: 20 and 15 agreed, 5 and 10 not; kappa is 0.4.
    pairs = (
        [("accept", "accept")] * 20 + [("accept", "reject")] * 5
        + [("reject", "accept")] * 10 + [("reject", "reject")] * 15
    )  # fmt: skip
    found = kappa(pairs)
    assert (found.n, found.observed, found.expected) == (50, 0.7, 0.5)
    assert found.kappa == pytest.approx(0.4)


@given(PAIRS)
@settings(deadline=None, derandomize=True)
def test_kappa_is_one_less_the_disagreement_over_all_pairings(pairs: list[tuple[str, str]]) -> None:
    # An independent form: how often they differ, over how often they would if one reviewer's
    # decisions were dealt out to the items anew in every way.
    differ = sum(a != b for a, b in pairs) / len(pairs)
    dealt = sum(a != b for a, _ in pairs for _, b in pairs) / len(pairs) ** 2
    found = kappa(pairs)
    if dealt == 0:
        assert found.kappa is None
    else:
        assert found.kappa == pytest.approx(1 - differ / dealt)


@given(st.integers(1, 400), st.data())
@settings(deadline=None, derandomize=True)
def test_wilsons_interval_is_that_of_scipy(n: int, data: st.DataObject) -> None:
    hits = data.draw(st.integers(0, n))
    low, high = binomtest(hits, n).proportion_ci(0.95, method="wilson")
    assert wilson_interval(hits, n) == pytest.approx((low, high), abs=1e-12)


@given(PAIRS)
@settings(deadline=None, derandomize=True)
def test_the_interval_holds_kappa(pairs: list[tuple[str, str]]) -> None:
    found = kappa(pairs)
    if found.kappa is not None:
        assert found.low is not None
        assert found.high is not None
        assert -1 <= found.low <= found.kappa + 1e-12
        assert found.kappa - 1e-12 <= found.high <= 1


@pytest.mark.parametrize(("n", "agree"), [(30, 0.8), (100, 0.6), (200, 0.9)])
def test_the_interval_covers_the_true_kappa_about_as_often_as_it_says(n: int, agree: float) -> None:
    draw = random.Random(n)
    shares = [0.6, 0.2, 0.2]
    expected = sum(share**2 for share in shares)
    # The second reviewer copies the first with this chance, and else decides at random.
    truth = (agree + (1 - agree) * expected - expected) / (1 - expected)
    hits = 0
    for _ in range(400):
        pairs = []
        for _ in range(n):
            first, other = draw.choices(VERDICTS, shares, k=2)
            pairs.append((first, first if draw.random() < agree else other))
        found = kappa(pairs)
        hits += found.low is not None and found.low <= truth <= (found.high or 0)
    assert hits / 400 > 0.92


def test_agreement_of_those_who_always_say_the_same_has_no_kappa() -> None:
    found = kappa([("accept", "accept")] * 5)
    assert (found.observed, found.kappa, found.low) == (1.0, None, None)
    assert cohens_kappa(("r1", "r2"), []) is None


def test_full_agreement_over_few_items_is_not_taken_for_certain() -> None:
    found = kappa([("accept", "accept"), ("reject", "reject")])
    assert found.kappa == 1
    assert found.high == 1
    assert found.low is not None
    assert found.low < 0.5


def test_alpha_of_a_published_example() -> None:
    # Krippendorff 2011, example B: two observers, nominal data, alpha = 0.692 (as printed).
    first = "a a b b d c c c e d d a".split()
    second = "b a b b b c c c e d d d".split()
    assert krippendorffs_alpha(zip(first, second, strict=True)) == pytest.approx(0.692, abs=5e-4)


UNITS = st.lists(st.lists(st.sampled_from(VERDICTS), max_size=4), max_size=15)


@given(UNITS)
@settings(deadline=None, derandomize=True)
def test_alpha_is_one_less_the_disagreement_within_units_over_that_of_all(
    units: list[list[str]],
) -> None:
    # By the definition, pair by pair: a value is worth as much in a unit of two as in one of four.
    within = [unit for unit in units if len(unit) > 1]
    values = [value for unit in within for value in unit]
    all_pairs = [a != b for a, b in permutations(values, 2)]
    found = krippendorffs_alpha(units)
    if not any(all_pairs):
        assert found is None
        return
    observed = math.fsum(
        sum(a != b for a, b in permutations(unit, 2)) / (len(unit) - 1) for unit in within
    ) / len(values)
    assert found == pytest.approx(1 - observed / (sum(all_pairs) / len(all_pairs)))

"""The comparison of two systems: what is reported, corrected, and how often it is right."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.stats

from medllm.evaluate.paired.compare import clustered_interval, compare, correct
from medllm.evaluate.paired.correction import benjamini_hochberg, holm
from medllm.evaluate.paired.permutation import permutation_p
from medllm.evaluate.paired.power import detectable_dz, needed_n, power
from medllm.evaluate.paired.ranks import mann_whitney, wilcoxon
from medllm.evaluate.paired.subgroups import compare_parts, split_items
from medllm.evaluate.statistics import mean_interval
from medllm.records import Turn
from tests.evaluate.invented import items

RATINGS = (1.0, 5.0)
NAMES = ("base", "tuned")


def scores(values):
    return {f"i{at}": float(value) for at, value in enumerate(values)}


def compared(before, after, *, bounds=(0.0, 1.0), **more):
    found = compare("m", NAMES, scores(before), scores(after), bounds=bounds, **more)
    assert found is not None
    return found


def test_a_comparison_names_every_number_with_its_n():
    rng = np.random.default_rng(0)
    before = rng.uniform(0.2, 0.4, 40)
    found = compared(before, before + rng.normal(0.05, 0.05, 40))
    assert (found.n, found.n_clusters, found.n_left_out) == (40, 40, 0)
    assert found.difference.low < found.system_mean - found.baseline_mean < found.difference.high
    assert found.wins + found.ties + found.losses == 40
    assert found.p < 0.001
    assert found.bootstrap.method == "bca"
    assert 0.5 < found.win_rate.mean < 1
    assert found.power > 0.9
    assert found.needed_n < 40
    assert found.improvement == pytest.approx(100 * (found.system_mean / found.baseline_mean - 1))
    assert found.is_shown


def test_only_items_that_both_have_are_compared_and_the_others_are_counted():
    found = compare("m", NAMES, {"a": 1.0, "b": 0.0}, {"b": 1.0, "c": 1.0}, bounds=(0, 1))
    assert (found.n, found.n_left_out, found.difference.mean) == (1, 2, 1.0)
    assert compare("m", NAMES, {"a": 1.0}, {"b": 1.0}, bounds=(0, 1)) is None


@pytest.mark.parametrize("n", [1, 2, 3, 4])
def test_a_few_items_have_a_mean_and_no_test(n):
    found = compared([0.1] * n, [0.9 - 0.01 * at for at in range(n)])
    assert (found.p, found.p_wilcoxon, found.p_sign, found.is_shown) == (None, None, None, False)
    assert found.difference.mean > 0.7
    assert (found.power, found.needed_n) == (None, None)
    assert found.difference.n == n


def test_systems_that_are_the_same_are_not_different():
    found = compared([0.2, 0.4, 0.6] * 4, [0.2, 0.4, 0.6] * 4)
    assert (found.p, found.p_wilcoxon, found.p_sign, found.dz) == (1.0, 1.0, 1.0, None)
    assert (found.ties, found.win_rate.mean, found.rank_biserial) == (12, 0.5, 0.0)
    assert found.needed_n is None


def test_repeating_every_item_proves_nothing_more_where_clusters_are_given():
    rng = np.random.default_rng(2)
    before, shift = rng.uniform(size=12), rng.normal(0.06, 0.15, 12)
    after = np.clip(before + shift, 0, 1)
    one = compared(before, after)
    clusters = {f"i{at}": at // 8 for at in range(96)}
    many = compared(np.repeat(before, 8), np.repeat(after, 8))
    clustered = compared(np.repeat(before, 8), np.repeat(after, 8), clusters=clusters)
    assert many.p < one.p / 5
    assert clustered.p == pytest.approx(one.p, abs=0.02)
    assert clustered.p_wilcoxon == pytest.approx(one.p_wilcoxon)
    assert clustered.n_clusters == 12
    width = clustered.difference.high - clustered.difference.low
    assert width == pytest.approx(one.difference.high - one.difference.low, rel=1e-6)


def test_the_studys_own_p_values_are_corrected_as_published():
    metrics = [0.0040, 0.0070, 0.0162, 0.0100, 0.0450]
    assert np.round(holm(metrics), 3).tolist() == [0.02, 0.028, 0.032, 0.03, 0.045]
    assert [p < 0.05 for p in np.array(metrics) * 5] == [True, True, False, False, False]
    assert holm([0.6868, 0.4026, 0.7605, 0.6889]) == [1.0] * 4


def test_corrections_are_scipys():
    rng = np.random.default_rng(1)
    for n in (1, 2, 7, 30):
        p = (rng.uniform(size=n) ** 2).tolist()
        expected = scipy.stats.false_discovery_control(p, method="bh")
        assert benjamini_hochberg(p) == pytest.approx(expected.tolist())
        in_order = sorted(holm(p))
        assert in_order[0] == pytest.approx(min(1, n * min(p)))
        assert all(h >= raw for h, raw in zip(holm(p), p, strict=True))


def test_a_correction_takes_all_tested_hypotheses_of_a_report():
    rng = np.random.default_rng(3)
    before = rng.uniform(size=20)
    found = [compared(before, np.clip(before + rng.normal(s, 0.3, 20), 0, 1)) for s in (0.3, 0.0)]
    untested = compared([0.1], [0.9])
    corrected = correct([*found, untested])
    assert corrected[0].p_holm == pytest.approx(min(1, 2 * found[0].p))
    assert corrected[2].p_holm is None


@pytest.mark.parametrize(("dz", "n"), [(0.3, 20), (0.66, 20), (0.5, 5), (0.1, 300), (2.0, 3)])
def test_power_is_that_of_the_noncentral_t(dz, n):
    critical = scipy.stats.t.ppf(0.975, n - 1)
    shift = dz * np.sqrt(n)
    expected = scipy.stats.nct.sf(critical, n - 1, shift) + scipy.stats.nct.cdf(
        -critical, n - 1, shift
    )
    assert power(dz, n) == pytest.approx(expected, abs=1e-4)


def test_the_numbers_that_plan_a_study():
    """Twenty items find an effect of .66; an effect of .3 wants 94 items, 134 for four criteria."""
    assert detectable_dz(20) == pytest.approx(0.66, abs=0.005)
    assert needed_n(0.3) == 94
    assert needed_n(0.3, alpha=0.05 / 4) == 134
    assert needed_n(1e-4) is None
    assert (power(0.5, 1), detectable_dz(1)) == (0.0, None)


def test_tests_err_in_a_twentieth_of_samples_without_a_difference():
    """400 samples of 20 paired ratings: 5 % within three standard errors of 1.1 %, or less."""
    rng = np.random.default_rng(4)
    wrong = {"permutation": 0, "wilcoxon": 0}
    for _ in range(400):
        shared = rng.integers(1, 6, 20)
        one, other = (np.clip(shared + rng.integers(-1, 2, 20), 1, 5) for _ in range(2))
        differences = (other - one).astype(float).tolist()
        wrong["permutation"] += permutation_p(differences) < 0.05
        wrong["wilcoxon"] += wilcoxon(differences).p < 0.05
    for n_wrong in wrong.values():
        assert n_wrong / 400 < 0.05 + 3 * 0.011
        assert n_wrong / 400 > 0.01, "it does reject"


def test_intervals_of_ratings_cover_the_truth_as_often_as_they_say():
    """600 samples of 20 differences of ratings, their true mean -.1: 95 % within 2.7 %."""
    rng = np.random.default_rng(5)
    values, shares = np.array([-2, -1, 0, 1, 2]), np.array([0.1, 0.25, 0.35, 0.25, 0.05])
    truth = float(values @ shares)
    covered = 0
    for _ in range(600):
        sample = rng.choice(values, 20, p=shares).astype(float).tolist()
        interval = mean_interval(sample, bounds=(-4, 4))
        covered += interval.low <= truth <= interval.high
    assert covered / 600 == pytest.approx(0.95, abs=0.027)


def test_intervals_hold_with_clusters_and_fail_without():
    """300 samples of 15 dialogues with 6 turns each that go up and down together."""
    rng = np.random.default_rng(6)
    covered = {"with": 0, "without": 0}
    dialogues = [at // 6 for at in range(90)]
    for _ in range(300):
        turns = np.repeat(rng.normal(0, 0.1, 15), 6) + rng.normal(0, 0.05, 90)
        interval = clustered_interval(turns, dialogues, (-1, 1), 0)
        covered["with"] += interval.low <= 0 <= interval.high
        interval = mean_interval(turns.tolist(), bounds=(-1, 1), method="t")
        covered["without"] += interval.low <= 0 <= interval.high
    assert covered["with"] / 300 == pytest.approx(0.95, abs=0.04)
    assert covered["without"] / 300 < 0.8


def test_the_paired_test_finds_what_mann_whitney_misses():
    """Published with n = 84 and a shift of .35 SD at correlation .6: power .92 against .66."""
    rng = np.random.default_rng(7)
    found = {"wilcoxon": 0, "mann_whitney": 0}
    for _ in range(150):
        shared = rng.normal(size=84) * np.sqrt(0.6)
        before, after = (shared + rng.normal(size=84) * np.sqrt(0.4) for _ in range(2))
        after = after + 0.35
        found["wilcoxon"] += wilcoxon((after - before).tolist(), exact=False).p < 0.05
        found["mann_whitney"] += mann_whitney(before.tolist(), after.tolist()) < 0.05
    assert found["wilcoxon"] / 150 > 0.85
    assert found["mann_whitney"] / 150 < 0.78


def test_items_are_split_by_what_the_record_or_the_question_says():
    turns = (
        Turn(role="user", content="A 71-year-old woman has had a fever for two days."),
        Turn(role="assistant", content="Drink."),
    )
    read = items(3, messages=turns)
    assert split_items(read, "age") == {"65 and over": [i.key for i in read]}
    assert split_items(read, "sex") == {"female": [i.key for i in read]}
    said = items(2, meta={"sex": "M", "age_years": 12, "specialty": "ear, nose and throat"})
    assert list(split_items(said, "sex")) == ["male"]
    assert list(split_items(said, "age")) == ["under 18"]
    assert list(split_items(said, "specialty")) == ["ear, nose and throat"]
    assert list(split_items(said, "hospital")) == ["not said"]
    assert list(split_items(said, "source")) == ["invented"]


def test_a_part_with_too_few_items_has_its_n_and_no_number():
    before, after = scores([0.1] * 12), scores([0.3] * 6 + [0.5] * 6)
    parts = {"many": [f"i{at}" for at in range(10)], "few": ["i10", "i11", "elsewhere"]}
    many, few = compare_parts(before, after, parts, by="source", bounds=(0, 1), fewest=5)
    assert (many.value, many.n, many.difference.n) == ("many", 10, 10)
    assert (few.value, few.n, few.difference) == ("few", 2, None)

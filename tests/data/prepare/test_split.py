from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from medllm.data.prepare.mix import mix_rows, targets, temperature_shares, weighted_shares
from medllm.data.prepare.split import lowest_groups, place_of, split_by_group
from medllm.errors import ConfigError

NAMES = st.sets(st.text(min_size=1), min_size=6, max_size=40)


def test_places_are_the_same_on_every_machine() -> None:
    assert place_of("patient 1", "medllm") == pytest.approx(0.1888941059, abs=1e-9)
    assert place_of("patient 1", "other") != place_of("patient 1", "medllm")


def test_shares_come_out_about_right() -> None:
    splits = [split_by_group(f"group {n}", key="k", validation=0.1, test=0.2) for n in range(5000)]
    assert splits.count("test") / 5000 == pytest.approx(0.2, abs=0.02)
    assert splits.count("validation") / 5000 == pytest.approx(0.1, abs=0.02)


@given(st.text(), st.text(max_size=10))
def test_without_shares_everything_is_training(group: str, key: str) -> None:
    assert split_by_group(group, key=key, validation=0, test=0) == "train"


@given(st.text())
def test_more_validation_moves_nothing_into_or_out_of_the_test(group: str) -> None:
    small = split_by_group(group, key="k", validation=0.1, test=0.2)
    large = split_by_group(group, key="k", validation=0.4, test=0.2)
    assert (small == "test") == (large == "test")
    assert small != "validation" or large == "validation"


@given(NAMES)
def test_the_groups_with_the_lowest_places_are_held_out(names: set[str]) -> None:
    held = lowest_groups(names, 3, key="k")
    assert len(held) == 3
    highest = max(place_of(name, "k") for name in held)
    assert all(place_of(name, "k") >= highest for name in names - held)


@given(NAMES, NAMES)
def test_groups_of_an_earlier_run_stay_held_out(names: set[str], more: set[str]) -> None:
    earlier = lowest_groups(names, 3, key="k")
    assert lowest_groups(names | more, 3, key="k", keep=earlier) == earlier


def test_there_must_be_more_groups_than_are_held_out() -> None:
    with pytest.raises(ConfigError, match="only 2"):
        lowest_groups(["a", "b", "a"], 2, key="k")


def test_shares_by_weight_leave_out_what_is_empty() -> None:
    assert weighted_shares([10, 0, 30], [1, 5, 3]) == [0.25, 0, 0.75]


def test_a_temperature_of_one_is_by_size_and_a_high_one_is_even() -> None:
    assert temperature_shares([100, 300, 0], 1) == [0.25, 0.75, 0]
    assert temperature_shares([100, 300, 0], 2) == pytest.approx([0.366, 0.634, 0], abs=1e-3)
    assert temperature_shares([100, 300, 0], 1e6) == pytest.approx([0.5, 0.5, 0], abs=1e-3)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=8), st.integers(0, 1000))
def test_targets_sum_up(parts: list[float], total: int) -> None:
    whole = sum(parts)
    shares = [part / whole for part in parts] if whole else parts
    wanted = targets(shares, total)
    assert sum(wanted) == (total if whole else 0)
    assert all(abs(n - share * total) < 1 for n, share in zip(wanted, shares, strict=True))


@given(st.integers(1, 20), st.integers(0, 70))
def test_a_mix_takes_each_record_equally_often(n: int, wanted: int) -> None:
    identities = np.arange(100, 100 + n, dtype=np.uint64)
    rows, copies = mix_rows([np.arange(n)], [wanted], identities)
    counts = np.bincount(rows, minlength=n)
    assert counts.sum() == wanted
    assert counts.max() - counts.min() <= 1
    assert len({*zip(rows.tolist(), copies.tolist(), strict=True)}) == wanted


def test_a_mix_is_shuffled_the_same_way_each_time() -> None:
    identities = np.arange(50, dtype=np.uint64)
    first, again = (mix_rows([np.arange(50)], [50], identities) for _ in range(2))
    assert first.rows.tolist() == again.rows.tolist() != list(range(50))
    few, same = (mix_rows([np.arange(50)], [20], identities) for _ in range(2))
    assert few.rows.tolist() == same.rows.tolist()

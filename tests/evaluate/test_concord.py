"""Metric, judge and expert side by side: correlations, calibration, and where they disagree."""

from __future__ import annotations

import numpy as np
import pytest

from medllm.evaluate.concord import calibrate, concord, concord_tables
from medllm.evaluate.measured import Measured


def measure(name, track, values, **more):
    """A measure of two systems on 30 items each."""
    scores = {
        system: {f"i{at}": float(v) for at, v in enumerate(values[n * 30 : n * 30 + 30])}
        for n, system in enumerate(("base", "tuned"))
    }
    return Measured(name=name, track=track, definition="d", scores=scores, **more)


@pytest.fixture
def measures():
    rng = np.random.default_rng(0)
    truth = rng.uniform(1, 4, 60)
    return [
        measure("BLEU", "lexical", rng.uniform(0, 1, 60)),
        measure("accuracy (judge)", "judge", truth + 1, bounds=(1, 5)),
        measure("accuracy (experts)", "experts", truth, bounds=(1, 5)),
        measure("harm (experts)", "experts", 4 - truth, bounds=(0, 3), higher_is_better=False),
        measure("preference for tuned (judge)", "judge", rng.uniform(0, 1, 60)),
    ]


def test_every_two_measures_are_correlated_more_is_better_everywhere(measures):
    found = concord(measures)
    names = found["names"]
    assert names == ["BLEU", "accuracy (judge)", "accuracy (experts)", "harm (experts)"]
    values = found["values"]
    assert values[1][2] == values[2][1] == pytest.approx(1)
    assert values[2][3] == pytest.approx(1), "harm is turned round"
    assert abs(values[0][2]) < 0.4
    assert values[0][0] is None
    across = {(pair["one"], pair["other"]) for pair in found["pairs"]}
    assert ("accuracy (experts)", "harm (experts)") not in across, "of one track"
    assert all(pair["low"] <= pair["value"] <= pair["high"] for pair in found["pairs"])


def test_a_judge_that_is_too_kind_shows(measures):
    (row,) = calibrate(measures)
    assert (row["criterion"], row["n"]) == ("accuracy", 60)
    assert row["mean"] == pytest.approx(1)
    tables = concord_tables(concord(measures))
    assert tables[0]["rows"][0][1].startswith("+1.00")


def test_the_answers_furthest_apart_come_first(measures):
    rows = concord(measures)["disagreements"]
    assert len(rows) == 20
    assert [row["apart"] for row in rows] == sorted((r["apart"] for r in rows), reverse=True)
    assert set(rows[0]["ranks"]) == {"lexical", "judge", "experts"}


def test_one_track_alone_agrees_with_nobody(measures):
    assert concord(measures[:1]) is None

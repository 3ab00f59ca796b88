"""NEWS2 and MEWS against their published tables."""

import pytest

from medllm.clinical.findings import find_findings
from medllm.clinical.scores import Score, early_warning_scores

SICK = (
    "A 60-year-old man was confused. BP 95/60 mmHg, HR 118 bpm, RR 26/min, temperature 101.8 °F, "
    "SpO2 91% on 2 L/min of oxygen."
)
WELL = (
    "A 50-year-old woman, alert. BP 125/80 mmHg, HR 72 bpm, RR 14/min, temperature 36.8 °C, "
    "SpO2 98% on room air."
)


def scores(text: str) -> tuple[Score, Score]:
    return early_warning_scores(text, find_findings(text))


def test_a_sick_patient_is_scored_part_by_part():
    news2, mews = scores(SICK)
    assert news2.parts == {
        "respiratory rate": 3,
        "oxygen saturation": 3,
        "systolic blood pressure": 2,
        "heart rate": 2,
        "body temperature": 1,
        "air or oxygen": 2,
        "consciousness": 3,
    }
    assert (news2.total, news2.missing) == (16, ())
    assert mews.total == 1 + 2 + 2 + 2 + 1


def test_a_well_patient_scores_nothing():
    news2, mews = scores(WELL)
    assert (news2.total, mews.total) == (0, 0)


def test_what_is_missing_is_named_and_nothing_is_counted():
    news2, mews = scores("A 60-year-old man. BP 125/80 mmHg, HR 78 bpm.")
    assert news2.total is None
    assert news2.missing == (
        "respiratory rate",
        "oxygen saturation",
        "body temperature",
        "air or oxygen",
        "consciousness",
    )
    assert mews.missing == ("respiratory rate", "body temperature", "consciousness")


@pytest.mark.parametrize(
    ("sign", "values", "points"),
    [
        ("RR {}/min", (8, 9, 11, 12, 20, 21, 24, 25), (3, 1, 1, 0, 0, 2, 2, 3)),
        ("SpO2 {}%", (91, 92, 93, 94, 95, 96), (3, 2, 2, 1, 1, 0)),
        ("HR {} bpm", (40, 41, 50, 51, 90, 91, 110, 111, 130, 131), (3, 1, 1, 0, 0, 1, 1, 2, 2, 3)),
        ("BP {}/60 mmHg", (90, 91, 100, 101, 110, 111, 219, 220), (3, 2, 2, 1, 1, 0, 0, 3)),
        ("temperature {} °C", (35.0, 35.1, 36.0, 36.1, 38.0, 38.1, 39.0, 39.1),
         (3, 1, 1, 0, 0, 1, 1, 2)),
    ],
)  # fmt: skip
def test_the_bands_of_news2_are_those_of_the_royal_college(sign, values, points):
    found = [next(iter(scores(sign.format(value))[0].parts.values())) for value in values]
    assert tuple(found) == points


@pytest.mark.parametrize(
    ("sign", "values", "points"),
    [
        ("RR {}/min", (8, 9, 14, 15, 20, 21, 29, 30), (2, 0, 0, 1, 1, 2, 2, 3)),
        ("HR {} bpm", (40, 41, 50, 51, 100, 101, 110, 111, 129, 130),
         (2, 1, 1, 0, 0, 1, 1, 2, 2, 3)),
        ("BP {}/60 mmHg", (70, 71, 80, 81, 100, 101, 199, 200), (3, 2, 2, 1, 1, 0, 0, 2)),
        ("temperature {} °C", (34.9, 35.0, 38.4, 38.5), (2, 0, 0, 2)),
    ],
)  # fmt: skip
def test_the_bands_of_mews_are_those_of_its_paper(sign, values, points):
    found = [next(iter(scores(sign.format(value))[1].parts.values())) for value in values]
    assert tuple(found) == points


@pytest.mark.parametrize(
    ("words", "points"),
    [("GCS 15", 0), ("GCS 13", 1), ("GCS 10", 2), ("GCS 3", 3), ("unresponsive", 3), ("alert", 0)],
)
def test_consciousness_is_read_from_the_coma_scale_or_from_words(words, points):
    assert scores(f"He was {words}.")[1].parts["consciousness"] == points


def test_somebody_who_is_not_alert_is_not_counted_as_alert():
    assert "consciousness" in scores("He was not alert.")[0].missing


def test_children_and_pregnancy_are_not_scored():
    news2, _ = scores(SICK.replace("60-year-old", "6-year-old"))
    assert (news2.total, news2.not_applicable) == (None, "not made for patients under 16 years")
    pregnant = WELL.replace("50-year-old woman", "30-year-old pregnant woman")
    assert scores(pregnant)[0].not_applicable == "not made for pregnancy"


def test_an_implausible_value_is_not_scored():
    assert "heart rate" in scores(WELL.replace("HR 72", "HR 7200"))[0].missing

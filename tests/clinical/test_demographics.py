"""Age, sex and pregnancy in the forms that notes and case reports use."""

import ast
import csv

import pytest

from medllm.clinical.demographics import find_demographics
from medllm.clinical.findings import find_findings

PER_YEAR = {"year": 1, "month": 12, "week": 52.1775, "day": 365.25, "hour": 8766}
csv.field_size_limit(10**9)


@pytest.mark.parametrize(
    ("text", "years"),
    [
        ("A 45-year-old man", 45),
        ("A 7-year-and-11-month-old boy", 7 + 11 / 12),
        ("A girl aged 7 years and 11 months", 7 + 11 / 12),
        ("An 11-year, 7-month-old girl", 11 + 7 / 12),
        ("A three-and-a-half-year-old child", 3.5),
        ("A 2½-year-old girl", 2.5),
        ("A fifty-six-year-old woman", 56),
        ("A nine day old male newborn", 9 / 365.25),
        ("A 6-week-old infant", 6 / 52.1775),
        ("A 17 months girl", 17 / 12),
        ("A 33-year man", 33),
        ("A man aged 60", 60),
        ("Age: 72. Male.", 72),
        ("65 y/o F with cough", 65),
        ("65yo male", 65),
        ("45M with chest pain", 45),
        ("F/62, known diabetic", 62),
        ("A man in his sixties", 65),
        ("A patient in her late 70s", 77.5),
        ("A woman in her early forties", 42.5),
        ("An octogenarian was admitted", 85),
        ("This neonate was cyanotic", 0.02),
        ("Boy, 2 years 8 months. Fever.", 2 + 8 / 12),
        ("His 62-year-old father brought the 9-year-old boy", 9),
        ("Born to a 32-year-old mother, the 3-day-old boy", 3 / 365.25),
        ("He was treated for 3 years; 30 years ago he smoked", None),
        ("Fever for 4 days and 3 episodes", None),
    ],
)
def test_the_age_is_found_in_every_form(text, years):
    found = find_demographics(text)
    if years is None:
        assert found.age_years is None
        return
    assert found.age_years == pytest.approx(years, rel=0.001)
    assert found.age_span is not None
    assert any(letter.isalnum() for letter in text[slice(*found.age_span)])


@pytest.mark.parametrize(
    ("text", "sex"),
    [
        ("A 45-year-old man", "M"),
        ("A 30-year-old healthy female", "F"),
        ("65 y/o F with cough", "F"),
        ("45M with chest pain", "M"),
        ("The patient said that her pain began when she ate.", "F"),
        ("The patient lost his wallet; he fainted.", "M"),
        ("A 28-year-old G2P1 at 20 weeks", "F"),
        ("Mr Vane was seen.", "M"),
        ("A patient with prostate cancer.", "M"),
        ("A baby boy born to a 32-year-old woman", "M"),
        ("MR of the brain; MS was excluded.", None),
        ("A patient with fever.", None),
    ],
)
def test_the_sex_is_told_from_words_and_pronouns(text, sex):
    assert find_demographics(text).sex == sex


@pytest.mark.parametrize(
    ("text", "pregnant"),
    [
        ("A 30-year-old pregnant woman", True),
        ("A 36-year-old G1P0 at 34+1 weeks", True),
        ("A 26-year-old woman at 39 weeks of gestation", True),
        ("A 30-year-old woman who was not pregnant", None),
        ("A 3-day-old boy born at 36 weeks of gestation", None),
        ("A 70-year-old woman", None),
        ("A 30-year-old woman who wished to become pregnant", None),
    ],
)
def test_pregnancy_is_the_patients_own_and_present(text, pregnant):
    assert find_demographics(text).pregnant is pregnant


def test_age_sex_and_pregnancy_are_findings_too():
    findings = find_findings("A 30-year-old pregnant woman with fever.")
    assert [(f.kind, f.normalised, f.value) for f in findings] == [
        ("age", "age", 30.0),
        ("pregnancy", "pregnancy", None),
        ("sex", "female", None),
        ("symptom", "fever", None),
    ]


@pytest.mark.real_data
def test_age_and_sex_agree_with_the_columns_of_pmc_patients(real_data):
    path = real_data / "pmc-patients-sample" / "PMC-Patients-sample-1000.csv"
    with path.open(newline="", encoding="utf-8") as handle:
        rows = list(csv.DictReader(handle))
    ages = sexes = 0
    for row in rows:
        wanted = sum(number / PER_YEAR[unit] for number, unit in ast.literal_eval(row["age"]))
        found = find_demographics(row["patient"])
        ages += found.age_years == pytest.approx(wanted, rel=0.02)
        sexes += found.sex == row["gender"]
    assert ages / len(rows) >= 0.98
    assert sexes / len(rows) >= 0.98

"""Vital signs and laboratory results: name, number, unit, flag; results in words."""

import pytest

from medllm.clinical.findings import find_findings
from medllm.clinical.numbers import parse_number
from medllm.records import Finding


def values(text: str) -> list[Finding]:
    return [f for f in find_findings(text) if f.kind in ("vital", "result")]


@pytest.mark.parametrize(
    ("text", "name", "value", "unit"),
    [
        ("BP 150/95 mmHg", "blood pressure", 150.0, "mmHg"),
        ("BP150/95", "blood pressure", 150.0, ""),
        ("a heart rate of 115 beats/minute", "heart rate", 115.0, "/min"),
        ("respiratory rate was 28 breaths per min", "respiratory rate", 28.0, "/min"),
        ("temperature of 38.2 °C", "body temperature", 38.2, "°C"),
        ("a temperature of 38.2 0 C", "body temperature", 38.2, "°C"),
        ("Temp 101.3 F", "body temperature", 101.3, "°F"),
        ("SpO2 91% on room air", "oxygen saturation", 91.0, "%"),
        ("GCS 14", "glasgow coma scale", 14.0, ""),
        ("weighing 2750 grams", "body weight", 2750.0, "g"),
        ("haemoglobin 10.9 g/dl", "haemoglobin", 10.9, "g/dL"),
        ("Hb: 8.2 gm/dL", "haemoglobin", 8.2, "g/dL"),
        ("packed cell volume 35%", "haematocrit", 35.0, "%"),
        ("Urea (14 mg/dl)", "urea", 14.0, "mg/dL"),
        ("WBC 17,580/mm3", "white cell count", 17580.0, "/uL"),
        ("platelets 40 x 10 9 /L", "platelet count", 40.0, "10^9/L"),
        ("platelet count of 342 × 10⁹/L", "platelet count", 342.0, "10^9/L"),
        ("2900 white blood cells/mm3", "white cell count", 2900.0, "/uL"),
        ("raised levels of creatinine (250 µmol/L)", "creatinine", 250.0, "umol/L"),
        ("INR (2.15)", "international normalised ratio", 2.15, ""),
        ("TSH 8.71 mIU/L", "thyroid-stimulating hormone", 8.71, "mIU/L"),
        ("venous pH 6.99", "ph", 6.99, ""),
        ("CRP: 75mg/L", "c-reactive protein", 75.0, "mg/L"),
        ("AST 4 times the upper limit of normal", "aspartate aminotransferase", 4.0, "ULN"),
        ("a mass measuring 4 × 2.8 × 3.5 cm", "size", 4.0, "cm"),
        ("ten cm in length", "size", 10.0, "cm"),
        ("urine protein 3+", "urine protein", 3.0, "+"),
    ],
)
def test_a_value_is_found_with_its_name_and_unit(text, name, value, unit):
    assert [(f.normalised, f.value, f.unit) for f in values(text)] == [(name, value, unit)]


@pytest.mark.parametrize(
    "text",
    [
        "He was treated for 6 weeks with 60 mg.",
        "Haemoglobin was not measured.",
        "A culture was taken on day 3.",
        "He fell 2 years ago at 14:30.",
        "A 12 mm trocar was used.",
        "Thirty percent of 120 patients.",
    ],
)
def test_a_dose_a_date_or_a_name_alone_is_no_result(text):
    assert values(text) == []


def test_the_range_of_the_laboratory_is_not_a_result():
    text = "haemoglobin of 6.5 g/dl (NR 12-14 g/dl), CA 125 of 44 U/ml (normal range 0-35 U/ml)"
    assert [f.value for f in values(text)] == [6.5, 44.0]


def test_respectively_gives_each_number_its_name():
    found = values("ESR and CRP were 7 mm/hr and 3 mg/L, respectively.")
    assert [(f.normalised, f.value) for f in found] == [
        ("erythrocyte sedimentation rate", 7.0),
        ("c-reactive protein", 3.0),
    ]


@pytest.mark.parametrize(
    ("text", "flag"),
    [
        ("A 40-year-old woman: haemoglobin 13 g/dL", ""),
        ("A 40-year-old man: haemoglobin 13 g/dL", "low"),
        ("haemoglobin 13 g/dL", ""),
        ("haemoglobin 98 g/L", "low"),
        ("potassium 6.1 mmol/L", "high"),
        ("potassium 61 mmol/L", "implausible"),
        ("temperature 101.3 °F", "high"),
        ("temperature 98.6 °F", ""),
        ("glucose 29.6 mmol/L", "high"),
        ("A 3-year-old boy: heart rate 130/min", ""),
        ("A 3-year-old boy: temperature 39.4 °C", "high"),
    ],
)
def test_high_low_and_implausible_are_flagged_and_children_not_by_adult_ranges(text, flag):
    (finding,) = values(text)
    assert finding.flag == flag


def test_an_implausible_value_is_kept_as_it_is_written():
    (finding,) = values("sodium 1370 mmol/L")
    assert (finding.value, finding.flag) == (1370.0, "implausible")


@pytest.mark.parametrize(
    ("text", "found", "name", "flag"),
    [
        ("The chest X-ray was unremarkable.", "chest X-ray was unremarkable",
         "normal chest x-ray", ""),
        ("Blood cultures were negative.", "Blood cultures were negative",
         "negative blood culture", ""),
        ("There was an elevated D-dimer.", "elevated D-dimer", "elevated d-dimer", "high"),
        ("Liver function tests were within normal limits.",
         "Liver function tests were within normal limits", "normal liver function tests", ""),
        ("The Coombs test was positive.", "Coombs test was positive",
         "positive coombs test", ""),
        ("HER2-positive disease.", "HER2-positive", "positive her2", ""),
    ],
)  # fmt: skip
def test_results_in_words_are_found(text, found, name, flag):
    findings = {f.text: f for f in values(text)}
    assert (findings[found].normalised, findings[found].flag) == (name, flag)


def test_the_denial_of_a_disorder_is_not_a_result():
    found = find_findings("Syphilis and toxoplasmosis were negative.")
    assert [(f.kind, f.negated) for f in found] == [("disorder", True), ("disorder", True)]


@pytest.mark.parametrize(
    ("written", "number"),
    [("17,580", 17580.0), ("3,5", 3.5), ("3.5", 3.5), ("1,234.5", 1234.5), ("2.79.000", 279000.0)],
)
def test_numbers_are_read_in_both_notations(written, number):
    assert parse_number(written) == number


@pytest.mark.parametrize(
    "text",
    [
        "The lesion was dark on T1 and bright on T2 images.",
        "There was a fracture of T4.",
        "The specimen was 16 cm in length, 7 cm in width.",
    ],
)
def test_an_image_a_vertebra_and_a_specimen_have_no_vital_signs(text: str) -> None:
    assert not [found for found in find_findings(text) if found.kind == "vital"]


def test_a_small_body_temperature_with_its_unit_is_read_and_called_implausible() -> None:
    (found,) = find_findings("Temp 19 °C.")
    assert (found.normalised, found.flag) == ("body temperature", "implausible")


def test_a_name_in_brackets_before_its_value_is_taken_with_its_bracket() -> None:
    text = "His enzyme (ALT) of 204/188 U/L was high."
    (found,) = [found for found in find_findings(text) if found.kind == "result"]
    assert found.text == "(ALT) of 204/188 U/L"

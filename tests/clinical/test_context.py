"""Negation, experiencer, time and certainty: the regression set, and what holds for any list."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from medllm.clinical.findings import find_findings
from medllm.records import Finding

CASES_PATH = Path(__file__).parent / "context_cases.tsv"
FEWEST = 200


def read_cases() -> list[tuple[str, str]]:
    lines = CASES_PATH.read_text(encoding="utf-8").splitlines()
    rows = [line.split("\t") for line in lines if line and not line.startswith("#")]
    return [(sentence, wanted) for sentence, wanted in rows]


def codes(finding: Finding) -> str:
    """Give the letters of `context_cases.tsv` for what a finding says."""
    said = "N" if finding.negated else ""
    said += {"patient": "", "family": "F", "other": "O"}[finding.experiencer]
    said += {"present": "", "past": "P", "resolved": "R", "hypothetical": "H"}[finding.temporality]
    said += "" if finding.certainty == "certain" else "U"
    said += "L" if finding.kind == "allergy" else ""
    return said or "A"


@pytest.mark.parametrize(("sentence", "wanted"), read_cases())
def test_the_context_of_a_finding_is_read_as_a_clinician_reads_it(sentence, wanted):
    findings = find_findings(sentence)
    for expectation in wanted.split(";"):
        name, expected = expectation.strip().split("=")
        named = [f for f in findings if name in f.text.lower()]
        assert named, f"{name} is not found"
        shortest = min(named, key=lambda f: len(f.text))
        assert sorted(codes(shortest)) == sorted(expected), name


def test_there_are_at_least_two_hundred_cases_and_none_twice():
    sentences = [sentence for sentence, _ in read_cases()]
    assert len(sentences) >= FEWEST
    assert len(set(sentences)) == len(sentences)


SYMPTOMS = ("fever", "cough", "vomiting", "headache", "rash", "dyspnoea", "diarrhoea", "syncope")


@given(st.lists(st.sampled_from(SYMPTOMS), min_size=1, max_size=6, unique=True))
def test_a_denied_list_is_denied_to_its_end_whatever_is_in_it(symptoms):
    text = "He denies " + ", ".join(symptoms[:-1]) + (" or " if symptoms[1:] else "")
    findings = find_findings(f"{text}{symptoms[-1]}, but has chest pain.")
    said = {f.text: f.negated for f in findings if f.kind == "symptom"}
    assert said == {**dict.fromkeys(symptoms, True), "chest pain": False}


def test_a_scope_ends_with_its_sentence():
    findings = {f.text: f for f in find_findings("No fever. Cough was noted.")}
    assert findings["fever"].negated
    assert not findings["Cough"].negated


def test_a_word_that_denies_denies_twice_to_affirm():
    (finding,) = (f for f in find_findings("She was not afebrile.") if f.kind == "symptom")
    assert (finding.normalised, finding.negated) == ("fever", False)


def test_results_with_a_number_are_never_denied():
    findings = {f.normalised: f for f in find_findings("No fever, temperature 36.8 °C, no rash.")}
    assert findings["fever"].negated
    assert findings["rash"].negated
    assert not findings["body temperature"].negated

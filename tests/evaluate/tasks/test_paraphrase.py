"""Questions in other words: what is said stays, and how it is said changes."""

from __future__ import annotations

import csv
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from medllm.clinical.findings import find_findings
from medllm.evaluate.tasks.paraphrase import paraphrase, with_other_words
from tests.evaluate.invented import items


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("I took paracetamol twice.", "I took acetaminophen twice."),
        ("Paracetamol helps.", "Acetaminophen helps."),
        ("He has a DVT.", "He has a deep vein thrombosis."),
        ("He has an MRI today.", "He has a magnetic resonance imaging today."),
        ("She had a magnetic resonance imaging.", "She had an MRI."),
        ("Temperature 38.2 °C.", "Temperature 100.8 °F."),
        ("Take 500 mg and 1.5 g.", "Take 0.5 g and 1500 mg."),
        ("For 14 days.", "For 2 weeks."),
        ("I'm cold.", "I am cold."),
    ],
)
def test_forms_that_mean_the_same_stand_for_each_other(text, expected):
    assert paraphrase(text, "seed") == expected


@pytest.mark.parametrize(
    "text",
    [
        "She had yellow fever and a stroke of luck.",  # a part of another name, and other words
        "Worried about vomiting, fainting and itching.",  # other kinds of words
        "MS and MI can mean several things.",
        "Give 5 mg, 500 mg/dL, 20 cm and a 14-day course.",
        "my pet is ill",
        "",
    ],
)
def test_what_could_come_to_mean_something_else_stays(text):
    assert paraphrase(text, "seed") == text


def test_one_writer_uses_one_form_and_a_seed_decides_which():
    text = "Dyspnoea at night. No dyspnoea by day."
    said = {paraphrase(text, str(seed)) for seed in range(20)}
    assert len(said) > 1
    for one in said:
        first, second = re.findall(r"(\w[\w ]*?) (?:at night|by day)", one)
        assert first.lower() == second.removeprefix("No ").lower()


def test_only_what_the_user_says_is_changed():
    item = items(1)[0]
    other = with_other_words(item, seed=0)
    assert other.question != item.question
    assert (other.key, other.reference, other.meta) == (item.key, item.reference, item.meta)


@given(st.text(max_size=200), st.integers())
def test_any_text_can_be_put_in_other_words(text, seed):
    assert paraphrase(text, str(seed)) == paraphrase(text, str(seed))


def own_findings(text):
    kinds = ("symptom", "disorder", "medication")
    return {(f.normalised, f.negated) for f in find_findings(text) if f.kind in kinds}


@pytest.mark.real_data
def test_a_note_in_other_words_has_the_same_findings(real_data):
    (path,) = (real_data / "pmc-patients-sample").glob("*.csv")
    csv.field_size_limit(10**7)
    with path.open(encoding="utf-8", newline="") as handle:
        notes = [row["patient"] for row, _ in zip(csv.DictReader(handle), range(30), strict=False)]
    kept = n = 0
    for number, note in enumerate(notes):
        before, after = own_findings(note), own_findings(paraphrase(note, str(number)))
        kept += len(before & after)
        n += len(before)
    assert n > 400
    assert kept / n > 0.97

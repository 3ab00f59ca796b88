from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from medllm.data.augment.survives import (
    drugs_of,
    lost_in_rewriting,
    lost_with_synonyms,
    negations_of,
    numbers_of,
    quantities_of,
)


@pytest.mark.parametrize(
    ("before", "after", "lost"),
    [
        ("Take 5 mg now.", "Take 50 mg now.", "numbers"),
        ("For two days.", "For 2 days.", ""),
        ("I am thirty-five.", "I am 35.", ""),
        ("I took it twice a day.", "I took it two times a day.", ""),
        ("I took 5 mg.", "I took 5 mcg.", "units"),
        ("I took 5 mg.", "I took five milligrams.", ""),
        ("It hurts for 3 days.", "It hurts for 3 weeks.", "units"),
        ("I took 5 mg.", "I took 5.", ""),  # left out, not changed
        ("I took aspirin.", "I took ibuprofen.", "drug names"),
        ("I took aspirin.", "I took a pill.", "drug names"),
        ("I took zaltoprofen.", "I took bromoprofen.", "drug names"),  # in no lexicon
        ("I took zaltoprofen.", "I swallowed zaltoprofen.", ""),
        ("My cholesterol is high.", "My lipids are high.", ""),
        ("I have no fever.", "I have fever.", "negations"),
        ("I have a cough but no fever.", "I have a fever but no cough.", "negations"),
        ("I have fever and no cough.", "There is fever, without a cough.", ""),
        ("It may be a stroke.", "It is a stroke.", "certainty"),
        ("Maybe it is gout.", "Perhaps it is gout.", ""),
        ("What is gout?", "Could you tell me what gout is?", ""),
        ("What could be causing my gout?", "What is the cause of my gout?", ""),
        ("It could be gout, I think.", "I think it is gout.", "certainty"),
        ("My left knee hurts.", "My right knee hurts.", "sides"),
        ("My left knee hurts.", "The knee on the left hurts.", ""),
        ("I left him.", "I went away from him.", ""),
        ("My mother has diabetes.", "I have diabetes.", "person"),
        ("My head aches badly.", "I have a bad ache in my head.", ""),
        ("Why is my knee sore?", "A knee is sore after long walks in the hills. " * 4, "length"),
    ],
)
def test_what_a_rewriting_loses_is_noticed(before: str, after: str, lost: str) -> None:
    assert lost_in_rewriting(before, after) == lost


@pytest.mark.parametrize(
    ("before", "after", "lost"),
    [
        ("I have no fever.", "I have not any fever.", "negations"),
        ("I have a fever.", "I have had a fever once.", "numbers"),
        ("My mother has gout.", "My colleague has gout.", "findings"),
        ("It may be gout.", "It is gout.", "findings"),
        ("I am really tired.", "I am truly tired.", ""),
    ],
)
def test_with_synonyms_every_finding_is_read_as_before(before: str, after: str, lost: str) -> None:
    assert lost_with_synonyms(before, after) == lost


SENTENCES = st.lists(
    st.sampled_from(
        ["I take 5 mg of aspirin twice a day.", "No fever, no cough.", "My left knee hurts.",
         "Maybe it is gout.", "My father had a stroke at 60.", "I don't sleep.", "It is 37.5 °C."]
    ),
    min_size=1, max_size=5,
).map(" ".join)  # fmt: skip


@given(SENTENCES)
@settings(deadline=None, derandomize=True, max_examples=40)
def test_a_text_survives_itself(text: str) -> None:
    assert lost_in_rewriting(text, text) == ""
    assert lost_with_synonyms(text, text) == ""


@given(st.text())
@settings(deadline=None, derandomize=True)
def test_any_text_at_all_can_be_checked(text: str) -> None:
    assert lost_in_rewriting(text, text) == ""
    assert lost_with_synonyms(text, text) == ""


@given(SENTENCES, st.integers(0, 9), st.data())
@settings(deadline=None, derandomize=True, max_examples=60)
def test_a_changed_digit_never_survives(text: str, digit: int, data: st.DataObject) -> None:
    places = [at for at, letter in enumerate(text) if letter.isdigit()]
    if not places:
        return
    at = data.draw(st.sampled_from(places))
    changed = text[:at] + str(digit) + text[at + 1 :]
    if changed != text:
        assert lost_in_rewriting(text, changed) == "numbers"
        assert lost_with_synonyms(text, changed) == "numbers"


def test_numbers_negations_and_drugs_are_read() -> None:
    assert numbers_of("two or 2.5 mg, twice, twenty-one or one") == {2.0: 2, 2.5: 1, 21.0: 1}
    assert quantities_of("5 mg for 3 days at 38.5 °C") == [(5, "mg"), (3, "day"), (38.5, "c")]
    assert negations_of("It isn't, no, never") == {"n't": 1, "no": 1, "never": 1}
    assert ("aspirin", True) in drugs_of("no aspirin, but paracetamol")

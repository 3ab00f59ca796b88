"""The sentence splitter: exact offsets, nothing lost, clinical abbreviations."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from medllm.clinical.sentences import split_sentences


def sentences(text: str) -> list[str]:
    return [text[start:end] for start, end in split_sentences(text)]


@given(st.text(alphabet=st.sampled_from("ab A.B?!\n -:;1(“)é\t"), max_size=200))
def test_spans_are_ordered_and_nothing_but_white_space_lies_between_them(text: str) -> None:
    at = 0
    for start, end in split_sentences(text):
        assert text[at:start].strip() == ""
        assert start < end
        assert text[start:end] == text[start:end].strip()
        at = end
    assert text[at:].strip() == ""


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("She was febrile. He was not.", ["She was febrile.", "He was not."]),
        ("Seen by Dr. Vane. Sent home.", ["Seen by Dr. Vane.", "Sent home."]),
        ("Potassium was 3.1 mmol/L. It rose.", ["Potassium was 3.1 mmol/L.", "It rose."]),
        ("Hepatitis B. She was treated.", ["Hepatitis B.", "She was treated."]),
        ("Read by Anna B. Cole. Normal.", ["Read by Anna B. Cole.", "Normal."]),
        ("Given 5 mg b.i.d. The rash faded.", ["Given 5 mg b.i.d.", "The rash faded."]),
        ("Drugs, e.g. Aspirin, were stopped.", ["Drugs, e.g. Aspirin, were stopped."]),
        ("glucose fell . insulin rose .", ["glucose fell .", "insulin rose ."]),
        ("BP 120/80\nHR 88\nAfebrile", ["BP 120/80", "HR 88", "Afebrile"]),
        ("Plan:\n- rest\n- fluids", ["Plan:", "- rest", "- fluids"]),
        ("Any fever? No. (None at all.) Good.", ["Any fever?", "No.", "(None at all.)", "Good."]),
    ],
)
def test_clinical_text_is_cut_where_a_reader_would_cut_it(text: str, expected: list[str]) -> None:
    assert sentences(text) == expected


def test_a_line_wrapped_at_the_margin_stays_one_sentence() -> None:
    text = (
        "The patient was brought in by ambulance after a fall at home and was seen by\n"
        "Orthopaedics on the same day."
    )
    assert sentences(text) == [text]

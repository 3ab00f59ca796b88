"""What a text affirms: what it denies is not shared with a patient."""

from __future__ import annotations

import pytest

from medllm.retrieve import words
from medllm.retrieve.affirmed import Affirmed


def form(name: str) -> frozenset[int]:
    return frozenset(words.count_terms(name))


@pytest.mark.parametrize(
    "text",
    [
        "The review of systems was negative for chills, fever and weight loss.",
        "He denied cough, fever or headache.",
        "She had neither fever nor chills.",
        "No chills, no fever; a rash was seen.",
        "A rash without fever came first.",
    ],
)
def test_what_is_denied_is_not_affirmed(text: str) -> None:
    assert not Affirmed(text).names(form("fever"))


@pytest.mark.parametrize(
    "text",
    [
        "No cough, but fever since Monday.",
        "There were no chills. Fever came later.",
        "Without any warning he developed a fever.",
        "The patient, who denied chills, had fever.",
    ],
)
def test_a_denial_ends_with_its_clause(text: str) -> None:
    assert Affirmed(text).names(form("fever"))


def test_a_name_of_several_words_stands_in_one_sentence() -> None:
    name = form("change in her voice")
    assert Affirmed("Her voice had a marked change. She slept well.").names(name)
    assert not Affirmed("A change of diet helped. He heard a voice at night.").names(name)


def test_nothing_names_nothing() -> None:
    assert not Affirmed("").names(form("fever"))
    assert not Affirmed("fever").names(frozenset())


def test_sentences_that_were_read_for_one_name_are_there_for_the_next() -> None:
    text = Affirmed("Weight loss came first. Night sweats were next. Joint pain was last.")
    for name in ("joint pain", "weight loss", "night sweats", "weight loss", "joint pain"):
        assert text.names(form(name))
    assert not text.names(form("night pain"))

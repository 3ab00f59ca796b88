"""Words as the index counts them, against the formulas and against plain counting."""

from __future__ import annotations

import math
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from medllm.retrieve import words
from tests.retrieve.invented import VOCABULARY

TOKENS = [*VOCABULARY, "the", "and", "Fever", "fevers", "39.5", "IL-6", "naïve", "x"]
TEXTS = st.lists(st.sampled_from(TOKENS), max_size=60).map(" ".join)


def plainly(text: str) -> Counter[int]:
    """Word by word."""
    terms = (words.term_of(word) for word in words.written_words(text))
    return Counter(term for term in terms if term is not None)


@settings(max_examples=100, deadline=None)
@given(TEXTS)
def test_terms_are_counted_as_word_by_word(text: str) -> None:
    assert words.count_terms(text) == plainly(text)
    assert words.length(text) == plainly(text).total()


def test_the_vocabulary_of_these_tests_has_a_term_each() -> None:
    terms = [words.term_of(word) for word in VOCABULARY]
    assert None not in terms
    assert len(set(terms)) == len(VOCABULARY)


@pytest.mark.parametrize("n", [1, 2, 3, 10, 1_000, 65_537, 100_000])
def test_counts_stay_exact_for_words_that_come_often(n: int) -> None:
    counts = words.count_terms("fever " * n + "cough")
    assert counts == {words.term_of("fever"): n, words.term_of("cough"): 1}


@pytest.mark.parametrize("average", [1.0, 4.0, 93.7, 1_000.0])
@pytest.mark.parametrize("text", ["fever", "fever fever cough rash", "cough " * 300, "the fever"])
def test_weights_are_bm25s(text: str, average: float) -> None:
    terms, weights = words.weigher(average).weigh(text)
    counts = plainly(text)
    norm = 1.2 * (1 - 0.75 + 0.75 * counts.total() / average)
    expected = {term: n * 2.2 / (n + norm) for term, n in counts.items()}
    assert dict(zip(terms, weights, strict=True)) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize(
    ("n_passages", "n_with_term", "expected"),
    [(10, 1, math.log(1 + 9.5 / 1.5)), (10, 10, math.log(1 + 0.5 / 10.5)), (0, 0, math.log(2))],
)
def test_idf_is_bm25s_and_never_negative(
    n_passages: int, n_with_term: int, expected: float
) -> None:
    assert words.idf(n_passages, n_with_term) == pytest.approx(expected)
    assert words.idf(n_passages, n_with_term) > 0


@pytest.mark.parametrize(
    ("one", "other"), [("Fevers", "fever"), ("FEVER", "fever"), ("coughing", "coughs")]
)
def test_forms_of_a_word_are_one_term(one: str, other: str) -> None:
    assert words.term_of(one) == words.term_of(other) is not None


@pytest.mark.parametrize("word", ["the", "and", "of", "...", "", "—", "THE"])
def test_stop_words_and_marks_are_no_terms(word: str) -> None:
    assert words.term_of(word) is None
    assert words.count_terms(word) == {}
    assert words.weigher(10.0).weigh(word) == ([], [])


def test_words_as_they_are_written() -> None:
    assert words.written_words("IL-6 of 3.5 (naïve_T), ß!") == [
        "IL", "6", "of", "3", "5", "naïve", "T", "ß",
    ]  # fmt: skip


@pytest.mark.parametrize("text", ["\ud800", "fever \udcff rash", "x\udc80"])
def test_half_a_surrogate_pair_does_no_harm(text: str) -> None:
    expected = words.count_terms(text.encode("utf-8", "replace").decode())
    assert words.count_terms(text) == expected
    assert dict(zip(*words.weigher(5.0).weigh(text), strict=True)).keys() == expected.keys()
    words.term_of(text)


@settings(max_examples=100)
@given(st.text(max_size=60))
def test_the_terms_of_a_text_are_those_that_are_counted(text: str) -> None:
    assert words.terms_of(text) == words.count_terms(text).keys()


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=200))
def test_any_text_can_be_counted(text: str) -> None:
    counts = words.count_terms(text)
    assert all(n >= 1 for n in counts.values())
    assert words.length(text) == sum(counts.values())

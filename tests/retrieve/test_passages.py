"""Passages: whole sentences, nothing lost, none too long, no stub at the end."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from medllm.clinical.sentences import split_sentences
from medllm.retrieve.passages import MAX_WORDS, cut_passages

WORDS = st.sampled_from(["fever", "a", "Mr.", "3.5", "mg", "and", "no.", "—", "(left)", "é"])
SENTENCES = st.lists(WORDS, min_size=1, max_size=30).map(lambda words: " ".join(words) + ". ")
TEXTS = st.lists(SENTENCES | st.sampled_from(["\n", "\n\n", "\t"]), max_size=20).map("".join)

LIMITS = st.integers(1, 25)


@settings(max_examples=150, deadline=None)
@given(text=TEXTS | st.text(max_size=300), max_words=LIMITS)
def test_the_whole_text_is_covered_in_order_and_only_white_space_is_left_out(
    text: str, max_words: int
) -> None:
    spans = cut_passages(text, max_words=max_words)
    ends = [0, *(end for _, end in spans)]
    starts = [*(start for start, _ in spans), len(text)]
    assert all(start < end for start, end in spans)
    assert all(end <= start for end, start in zip(ends, starts, strict=True))
    between = [text[end:start] for end, start in zip(ends, starts, strict=True)]
    assert all(not gap or gap.isspace() for gap in between)
    assert "".join(text[a:b] for a, b in spans).split() or not text.split()


@settings(max_examples=150, deadline=None)
@given(text=TEXTS | st.text(max_size=300), max_words=LIMITS)
def test_no_passage_is_longer_than_allowed_or_blank_at_its_ends(text: str, max_words: int) -> None:
    for start, end in cut_passages(text, max_words=max_words):
        passage = text[start:end]
        assert 1 <= len(passage.split()) <= max_words
        assert passage == passage.strip()


@settings(max_examples=150, deadline=None)
@given(text=TEXTS, max_words=LIMITS)
def test_only_a_sentence_that_is_too_long_by_itself_is_cut_inside(
    text: str, max_words: int
) -> None:
    spans = cut_passages(text, max_words=max_words)
    for start, end in split_sentences(text):
        if len(text[start:end].split()) <= max_words:
            assert any(a <= start and end <= b for a, b in spans)


@pytest.mark.parametrize("n_sentences", [1, 16, 17, 33, 47, 100])
def test_passages_are_about_equally_long(n_sentences: int) -> None:
    text = "The patient was seen again by us that same day. " * n_sentences  # 10 words
    lengths = [len(text[a:b].split()) for a, b in cut_passages(text)]
    assert sum(lengths) == 10 * n_sentences
    assert len(lengths) == -(-10 * n_sentences // MAX_WORDS)
    assert max(lengths) - min(lengths) <= 10


def test_a_long_sentence_is_cut_between_words() -> None:
    text = "and ".join(f"w{n} " for n in range(200))
    words = [text[a:b].split() for a, b in cut_passages(text, max_words=50)]
    assert [word for passage in words for word in passage] == text.split()
    assert [len(passage) for passage in words] == [50] * 7 + [49]


@pytest.mark.parametrize("text", ["", " ", "\n\n \t"])
def test_a_blank_text_has_no_passages(text: str) -> None:
    assert cut_passages(text) == []


@pytest.mark.parametrize("text", ["x", "...", " x ", "𝛼\n"])
def test_a_text_of_one_word_is_one_passage(text: str) -> None:
    ((start, end),) = cut_passages(text)
    assert text[start:end] == text.strip()


def test_a_sentence_before_and_after_a_long_one_is_not_lost() -> None:
    text = "Fever. " + "rash and " * 300 + "ataxia. Tremor."
    cut = [text[a:b] for a, b in cut_passages(text, max_words=100)]
    assert " ".join(" ".join(cut).split()) == " ".join(text.split())


def test_a_word_more_leaves_most_passages_as_they_were() -> None:
    n_passages = n_changed = 0
    for seed in range(20):
        rng = random.Random(seed)
        sentences = [
            " ".join(rng.choices(["fever", "cough", "rash"], k=rng.randint(4, 30))).capitalize()
            for _ in range(120)
        ]
        texts = []
        for _ in range(2):
            text = ". ".join(f"{sentence} {n}" for n, sentence in enumerate(sentences))
            texts.append({text[start:end] for start, end in cut_passages(text)})
            sentences[rng.randrange(120)] += " indeed"
        n_passages += len(texts[0])
        n_changed += len(texts[0] - texts[1])
    assert 20 <= n_changed < n_passages / 4

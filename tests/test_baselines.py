"""The reference systems are what they claim to be, so that beating them means something."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.baselines import (
    lead_summary,
    page_rank,
    rouge2_recall,
    search_bm25s,
    search_exactly,
    similarities,
    textrank_summary,
)

DOCUMENTS = [
    ["Itching came first.", "The stool was pale and the urine dark for three weeks."],
    ["Pale stool and dark urine point to an obstructed bile duct.", "Ultrasound is cheap."],
    ["In an obstructed bile duct the urine is dark, the stool pale, the skin yellow."],
]
sentences = st.text(alphabet="ab \tcé.", max_size=20)


@pytest.mark.parametrize("summarise", [lead_summary, textrank_summary])
@given(documents=st.lists(st.lists(sentences, max_size=4), max_size=4), budget=st.integers(0, 30))
def test_a_summary_keeps_its_budget_and_is_verbatim(summarise, documents, budget):
    summary = summarise(documents, max_words=budget)
    given = [sentence for document in documents for sentence in document]
    assert all(any(sentence.startswith(kept) for sentence in given) for kept in summary)
    distinct = given if summarise is lead_summary else set(given)
    n_given = sum(len(sentence.split()) for sentence in distinct)
    assert sum(len(kept.split()) for kept in summary) == min(budget, n_given)


def test_the_lead_reads_on_from_the_first_document():
    assert lead_summary(DOCUMENTS, max_words=16) == [
        "Itching came first.",
        "The stool was pale and the urine dark for three weeks.",
        "Pale stool",
    ]


def test_textrank_prefers_what_the_others_say_too():
    summary = textrank_summary(DOCUMENTS, max_words=25)
    assert "bile duct" in summary[0]
    assert not any("Ultrasound" in sentence for sentence in summary)


def test_similarity_is_the_shared_words_over_the_logarithms_of_the_lengths():
    weights = similarities(
        ["the pale stool and dark urine", "the dark urine and itching", "the of"]
    )
    assert weights[0, 1] == weights[1, 0] == pytest.approx(2 / (np.log(4) + np.log(3)))
    assert weights[2].sum() == weights.trace() == 0


def test_page_rank_is_the_stationary_distribution():
    weights = np.random.default_rng(1).random((6, 6))
    weights[3] = 0
    ranks = page_rank(weights)
    totals = weights.sum(axis=1, keepdims=True)
    steps = np.divide(weights, totals, out=np.full((6, 6), 1 / 6), where=totals > 0)
    walk = 0.85 * steps + 0.15 / 6
    eigenvalues, eigenvectors = np.linalg.eig(walk.T)
    stationary = eigenvectors[:, np.argmax(eigenvalues.real)].real
    assert ranks == pytest.approx(stationary / stationary.sum(), abs=1e-8)
    assert ranks.sum() == pytest.approx(1)


def test_rouge_2_recall_takes_the_best_reference_or_the_mean():
    references = ["dark urine and pale stool", "itching"]
    text = "She noted dark urine and little else."
    assert rouge2_recall(text, references) == 0.5  # "dark urine" and "urine and", of four pairs
    assert rouge2_recall(text, references, over="mean") == 0.25


def test_bm25s_finds_what_shares_a_word_and_nothing_else():
    corpus = {"a": "dark urine", "b": "pale stool and dark skin", "c": "sudden deafness"}
    found = search_bm25s(corpus, {"q": "dark urine", "none": "the"}, k=10)
    assert list(found.run["q"]) == ["a", "b"]
    assert found.run["none"] == {}
    assert len(found.seconds) == 2


def test_the_exact_search_finds_the_nearest_in_order():
    generator = np.random.default_rng(2)
    vectors = generator.standard_normal((50, 8)).astype(np.float32)
    queries = generator.standard_normal((3, 8)).astype(np.float32)
    ids = [f"d{number}" for number in range(50)]
    found = search_exactly(ids, vectors, ["x", "y", "z"], queries, k=5)
    for name, query in zip("xyz", queries, strict=True):
        expected = np.argsort(-(vectors @ query))[:5]
        assert list(found.run[name]) == [ids[at] for at in expected]
    assert len(search_exactly(ids, vectors, ["x"], queries[:1]).run["x"]) == 50

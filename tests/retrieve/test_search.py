"""From a query to documents: best passages, fusion, pruning, and why a document was found."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from medllm.errors import ConfigError
from medllm.records import Document
from medllm.retrieve import words
from medllm.retrieve.build import add_documents
from medllm.retrieve.embedded import EmbeddedIndex
from medllm.retrieve.encoders import Encoder
from medllm.retrieve.index import Filter
from medllm.retrieve.passages import cut_passages
from medllm.retrieve.search import (
    MAX_TERMS,
    query_terms,
    query_vector,
    query_weights,
    rank,
    search,
)
from tests.retrieve.comparing import FILTERS, best_documents
from tests.retrieve.conftest import NewIndex
from tests.retrieve.invented import (
    DIMENSION,
    VOCABULARY,
    make_entry,
    random_entries,
    unit_vectors,
)
from tests.retrieve.oracle import Oracle


@pytest.fixture
def filled(new_index: NewIndex) -> tuple[EmbeddedIndex, Oracle]:
    """An index with vectors; three of its documents have hundreds of passages."""
    index, oracle = new_index(dimension=DIMENSION), Oracle()
    rng = np.random.default_rng(1)
    entries = random_entries(1, 80, with_vectors=True)
    for number in range(3):
        passages = [list(rng.choice(VOCABULARY, size=3)) for _ in range(400)]
        vectors = unit_vectors(rng, 400)
        entries.append(make_entry(f"many{number}", passages, vectors=vectors, year=1995))
    index.upsert(entries)
    oracle.upsert(entries)
    return index, oracle


@pytest.mark.parametrize("top", [1, 5, 40, 200])
def test_the_best_documents_are_exact_even_behind_one_with_hundreds_of_passages(
    filled: tuple[EmbeddedIndex, Oracle], top: int
) -> None:
    index, oracle = filled
    for where in FILTERS:
        text = "fever and a rash, fever, no tremor"
        terms = words.count_terms(text)
        exact = best_documents(oracle.search_words(terms, where))
        found = rank(index, text, where=where, top=top)
        assert len(found) == min(top, len(exact))
        assert len({f.document_id for f in found}) == len(found)
        best = sorted(exact.values(), reverse=True)[:top]
        assert [f.score for f in found] == pytest.approx(best, rel=1e-5)
        for f in found:
            assert f.score == pytest.approx(exact[f.document_id], rel=1e-5)
            place = (f.document_id, f.start, f.end)
            assert oracle.search_words(terms, where)[place] == pytest.approx(f.score, rel=1e-5)


class _Fixed:
    """An encoder that gives one vector for every text: what is searched is then known."""

    dimension = DIMENSION

    def __init__(self, vector: Any) -> None:
        self._vector = vector

    def encode(self, texts: Any) -> Any:
        return np.stack([self._vector for _ in texts])


def test_the_nearest_documents_are_exact_too(filled: tuple[EmbeddedIndex, Oracle]) -> None:
    index, oracle = filled
    encoder: Any = _Fixed(unit_vectors(np.random.default_rng(5), 1)[0])
    for where in FILTERS:
        exact = best_documents(oracle.search_vector(query_vector(encoder, "x"), where))
        found = rank(index, "x", where=where, mode="dense", top=30, encoder=encoder)
        best = sorted(exact.values(), reverse=True)[:30]
        assert [f.score for f in found] == pytest.approx(best, abs=2e-3)


def test_hybrid_fuses_the_two_rankings(filled: tuple[EmbeddedIndex, Oracle]) -> None:
    index, _ = filled
    encoder: Any = _Fixed(unit_vectors(np.random.default_rng(5), 1)[0])
    text, where = "fever rash", Filter(kind="patients")
    by_words, by_vector, both = (
        {f.document_id for f in rank(index, text, where=where, mode=m, top=10, encoder=encoder)}
        for m in ("bm25", "dense", "hybrid")
    )
    assert len(both) == 10
    assert by_words & both
    assert by_vector & both
    assert both not in (by_words, by_vector)


@pytest.mark.parametrize("mode", ["dense", "hybrid"])
def test_without_an_encoder_it_is_said_what_to_do(new_index: NewIndex, mode: Any) -> None:
    with pytest.raises(ConfigError, match=f"--mode {mode} needs an encoder") as caught:
        search(new_index(dimension=DIMENSION), "fever", where=Filter(), mode=mode)
    assert "--mode bm25" in caught.value.hint


CASES = [
    Document(id="a", kind="patients", text="Fever with rigors for two days. Nothing else."),
    Document(id="b", kind="patients", title="A rash", text="It itched and spread. No tremor."),
    Document(id="c", kind="articles", text="Rashes and fevers: the tremors of the 1920s."),
]


@pytest.fixture
def cases(new_index: NewIndex) -> EmbeddedIndex:
    index = new_index()
    add_documents(index, CASES)
    return index


def test_a_hit_has_its_document_passage_and_rank(cases: EmbeddedIndex) -> None:
    hits = search(cases, "fever, a rash and rigors", where=Filter())
    assert [hit.rank for hit in hits] == [1, 2, 3]
    assert {hit.document.id for hit in hits} == {"a", "b", "c"}
    assert [hit.score for hit in hits] == sorted((hit.score for hit in hits), reverse=True)
    for hit in hits:
        passage = hit.passage
        assert hit.document in CASES
        assert passage.document_id == hit.document.id
        assert hit.document.text[passage.start : passage.end] == passage.text
    assert len(search(cases, "fever rash", where=Filter(), top=1)) == 1
    assert search(cases, "ascites", where=Filter()) == []
    assert search(cases, "the of and", where=Filter()) == []


def test_why_names_only_words_of_the_query_that_the_passage_or_title_has(
    cases: EmbeddedIndex,
) -> None:
    query = "Fever and fevers, rashes, tremor; ataxia, rigor 1920 the"
    for hit in search(cases, query, where=Filter()):
        text = f"{hit.document.title} {hit.passage.text}"
        stems = {words.term_of(word) for word in words.written_words(text)}
        written = {word.lower() for word in words.written_words(query)}
        assert hit.why
        assert set(hit.why) <= written
        assert all(words.term_of(word) in stems for word in hit.why)
        assert len(set(hit.why)) == len(hit.why)
        assert not {"ataxia", "the", "1920"} & set(hit.why)


def test_why_has_the_weightiest_words_first(cases: EmbeddedIndex) -> None:
    (hit,) = search(cases, "fever rigors", where=Filter(), top=1)
    assert hit.why == ("rigors", "fever")  # one of three has rigors, two have fever


def test_a_long_query_keeps_the_terms_with_the_highest_weight_times_idf(
    new_index: NewIndex,
) -> None:
    index = new_index()
    names = [f"zz{chr(97 + n // 26)}{chr(97 + n % 26)}q" for n in range(200)]
    n_with = {name: max(0, (7 * n) % 51 - 10) for n, name in enumerate(names)}
    texts = [" ".join(name for name in names if n_with[name] > k) for k in range(40)]
    assert all(len(cut_passages(text)) == 1 for text in texts)
    documents = [Document(id=f"d{k}", kind="patients", text=text) for k, text in enumerate(texts)]
    add_documents(index, [*documents, Document(id="x", kind="articles", text=names[0])])
    query = " ".join(name for n, name in enumerate(names) for _ in range(1 + n % 3))
    counts = words.count_terms(query)
    assert len(counts) == 200
    weights = {}
    for n, name in enumerate(names):
        idf = math.log(1 + (40 - n_with[name] + 0.5) / (n_with[name] + 0.5)) * (n_with[name] > 0)
        weights[words.term_of(name)] = (1 + n % 3) * idf
    kept = query_terms(index, query, kind="patients")
    assert len(kept) == MAX_TERMS == 64
    assert all(counts[term] == weight for term, weight in kept.items())
    threshold = sorted(weights.values(), reverse=True)[63]
    assert min(weights[term] for term in kept) == pytest.approx(threshold)
    found = query_weights(index, query, kind="patients")
    assert found == pytest.approx({term: weights[term] for term in kept})
    hits = search(index, query, where=Filter(kind="patients"), top=5)
    assert all(words.term_of(word) in kept for hit in hits for word in hit.why)


def test_a_short_query_is_taken_whole_with_its_counts(new_index: NewIndex) -> None:
    index = new_index()
    assert query_terms(index, "fever, Fever and rash", kind=None) == {
        words.term_of("fever"): 2,
        words.term_of("rash"): 1,
    }
    given = {7: 0.25}
    assert query_terms(index, "anything", kind=None, terms=given) == given


@pytest.mark.slow
def test_a_query_vector_is_the_mean_of_its_passages(encoder: Encoder) -> None:
    text = " ".join(f"On day {n} there was fever." for n in range(60))
    spans = cut_passages(text)
    assert len(spans) > 1
    mean = encoder.encode([text[a:b] for a, b in spans]).mean(axis=0)
    assert query_vector(encoder, text) == pytest.approx(mean / np.linalg.norm(mean), abs=1e-6)
    assert not query_vector(encoder, " ").any()


@pytest.mark.slow
def test_an_empty_query_finds_nothing_in_any_mode(encoder: Encoder, tmp_path: Any) -> None:
    with EmbeddedIndex.create(tmp_path / "idx", encoder=encoder.describe()) as index:
        add_documents(index, CASES, encoder=encoder)
        for mode in ("bm25", "dense", "hybrid"):
            assert search(index, " ", where=Filter(), mode=mode, encoder=encoder) == []
        hits = search(index, CASES[0].text, where=Filter(), mode="dense", encoder=encoder)
        assert hits[0].document == CASES[0]
        assert hits[0].score == pytest.approx(1, abs=2e-3)

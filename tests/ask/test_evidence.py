"""What a summary may rest on: which documents, how much of each, and what none of them names."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from medllm.ask.evidence import choose_evidence, evidence_sentences, not_found, widen
from medllm.clinical.findings import find_findings
from medllm.records import Document, Hit, Passage
from medllm.retrieve import words
from medllm.retrieve.relevance import Relevance
from tests.ask.sources import hit

WORDS = st.sampled_from("fever cough. Rash\n was 5.1 mg e.g. Dr. No é病 a. and\n\n- -".split(" "))
TEXTS = st.lists(WORDS, min_size=1, max_size=60).map(" ".join).filter(lambda text: text.strip())


@st.composite
def hits(draw: st.DrawFn) -> Hit:
    text = draw(TEXTS)
    start = draw(st.integers(0, len(text) - 1))
    end = draw(st.integers(start + 1, len(text)))
    passage = Passage(document_id="one", start=start, end=end, text=text[start:end])
    document = Document(id="one", kind="articles", text=text)
    return Hit(document=document, passage=passage, score=draw(st.floats(-1, 9)), rank=1)


@settings(max_examples=200, deadline=None)
@given(hits(), st.integers(1, 80))
def test_a_wider_passage_holds_the_found_one_exactly_and_keeps_its_limit(
    found: Hit, max_words: int
) -> None:
    wide = widen(found, max_words)
    text = found.document.text
    assert 0 <= wide.start <= found.passage.start < found.passage.end <= wide.end <= len(text)
    assert wide.text == text[wide.start : wide.end]
    n_words = len(wide.text.split())
    assert n_words <= max(max_words, len(found.passage.text.split()))
    if n_words > max_words:
        assert wide == found.passage


@settings(max_examples=100, deadline=None)
@given(hits())
def test_more_words_never_give_a_narrower_passage_and_enough_of_them_all_of_it(found: Hit) -> None:
    lengths = [len(widen(found, n).text.split()) for n in (5, 10, 20, 40, 80)]
    assert lengths == sorted(lengths)
    if any(letter.isalnum() for letter in found.passage.text):
        assert widen(found, 10_000).text.strip() == found.document.text.strip()


def test_a_passage_grows_by_whole_sentences_first_forwards() -> None:
    text = "One is here. Two is here. Three is here. Four is here. Five is here."
    start = text.index("Three")
    passage = Passage(document_id="one", start=start, end=start + 14, text="Three is here.")
    found = replace(hit(text), passage=passage)
    assert widen(found, 3).text == "Three is here."
    assert widen(found, 5).text == "Three is here."
    assert widen(found, 9).text == "Three is here. Four is here. Five is here."
    assert widen(found, 12).text == "Two is here. Three is here. Four is here. Five is here."


def test_a_part_of_one_endless_sentence_stays_a_part() -> None:
    text = "fever and " * 500
    passage = Passage(document_id="one", start=100, end=600, text=text[100:600])
    assert widen(replace(hit(text), passage=passage), 200) == passage


@settings(max_examples=100, deadline=None)
@given(st.lists(hits(), max_size=4))
def test_the_sentences_of_the_evidence_stand_where_they_say(found: list[Hit]) -> None:
    for sentence in evidence_sentences(found):
        text = found[sentence.number - 1].document.text
        assert text[sentence.start : sentence.end] == sentence.text
        assert 0 <= sentence.prior <= 1
        passage = found[sentence.number - 1].passage
        assert passage.start <= sentence.start < sentence.end <= passage.end


def weights(*written: str) -> dict[int, float]:
    return {term: 1.0 for text in written for term in words.count_terms(text)}


def chosen(*found: Hit, threshold: float = 0.5, limit: int = 9, words_: int = 50) -> list[str]:
    relevance = Relevance((), weights("fever cough rash pain"))
    evidence = choose_evidence(
        (found, relevance), limits=(limit,), threshold=threshold, passage_words=words_
    )
    return [one.document.id for one in evidence]


FOUND = (
    hit("Fever, cough, rash and pain.", id="all"),
    hit("Fever and cough.", id="half"),
    hit("Fever.", id="one"),
    hit("A fracture.", id="none"),
)


def test_only_what_bears_enough_on_the_patient_is_evidence() -> None:
    assert chosen(*FOUND) == ["all", "half"]
    assert chosen(*FOUND, threshold=1.0) == ["all"]
    assert chosen(*FOUND, threshold=0.0) == ["all", "half", "one", "none"]


@given(st.lists(st.floats(0, 1), min_size=2, max_size=2).map(sorted))
def test_a_higher_threshold_never_lets_more_in(thresholds: list[float]) -> None:
    low, high = thresholds
    assert set(chosen(*FOUND, threshold=high)) <= set(chosen(*FOUND, threshold=low))


def test_a_retracted_article_is_no_evidence() -> None:
    retracted = replace(FOUND[0], document=replace(FOUND[0].document, retracted=True))
    assert chosen(retracted, *FOUND[1:]) == ["half"]


def test_the_limit_counts_what_bears_on_the_patient_not_what_was_found() -> None:
    assert chosen(FOUND[3], FOUND[0], FOUND[1], limit=1) == ["all"]
    assert chosen(*FOUND, limit=0) == []


def test_the_order_is_kept_group_after_group() -> None:
    relevance = Relevance((), weights("fever"))
    evidence = choose_evidence(
        ((FOUND[2], FOUND[0]), relevance), ((FOUND[1],), relevance),
        limits=(5, 5), threshold=0.1, passage_words=50,
    )  # fmt: skip
    assert [one.document.id for one in evidence] == ["one", "all", "half"]


@pytest.mark.parametrize(
    ("note", "source", "missing"),
    [
        ("She has fever and a rash.", "Fever was noted.", ["rash"]),
        ("She has fever.", "FEVER came.", []),
        ("She has no fever.", "Nothing.", []),
        ("Her mother has asthma.", "Nothing.", []),
        ("She has chest pain.", "Chest pain was reported.", []),
    ],
)
def test_what_no_source_names_is_listed_once(note: str, source: str, missing: list[str]) -> None:
    found = not_found(find_findings(f"{note} {note}"), [hit(source)])
    assert [name.lower() for name in found] == missing


def test_a_title_names_a_finding_too() -> None:
    findings = find_findings("She has fever and a rash.")
    assert not_found(findings, [hit("It was so.", title="Fever with a rash")]) == ()

"""The summary without a model: verbatim, in order, not the same twice, and shared out fairly."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from medllm.ask.check.verify import verify
from medllm.ask.evidence import choose_evidence, evidence_sentences
from medllm.ask.extractive import pick, term_values, write_extractive
from medllm.clinical.findings import find_findings
from medllm.records import Claim, Hit
from medllm.retrieve import words
from medllm.retrieve.embedded import EmbeddedIndex
from medllm.retrieve.index import Filter
from medllm.retrieve.note_search import read_query, search_note, weigh_query
from medllm.retrieve.relevance import Relevance
from tests.ask.sources import EXAMPLES, hit, passages

ORDER = ("presentation", "work-up", "treatment", "outcome", "articles")
NOTES = [EXAMPLES / "note.txt", *sorted((EXAMPLES / "notes").glob("*.txt"))]


def weights(text: str) -> dict[int, float]:
    return {term: float(n) for term, n in words.count_terms(text).items()}


def evidence_for(index: EmbeddedIndex, note: str) -> tuple[tuple[Hit, ...], dict[int, float]]:
    findings = find_findings(note)
    query = read_query(note, findings)
    groups, by_kind = [], {}
    for kind in ("patients", "articles"):
        by_kind[kind] = weigh_query(index, query, kind)
        found = search_note(index, query, where=Filter(kind=kind), top=10)
        groups.append((found, Relevance(findings, by_kind[kind])))
    evidence = choose_evidence(*groups, limits=(3, 5), threshold=0.05, passage_words=350)
    return evidence, by_kind["articles"]


@pytest.mark.parametrize("path", NOTES, ids=lambda path: path.stem)
def test_on_the_examples_every_claim_is_a_whole_sentence_of_its_source(
    example_index: EmbeddedIndex, path
) -> None:
    evidence, value = evidence_for(example_index, path.read_text(encoding="utf-8"))
    claims = write_extractive(evidence, value, n_sentences=12)
    assert len(claims) >= 6
    for claim in claims:
        (citation,) = claim.citations
        source = evidence[citation.number - 1]
        assert source.document.text[citation.start : citation.end] == claim.text
        assert source.passage.start <= citation.start < citation.end <= source.passage.end
        assert claim.verdict == verify(claim.text, [citation.number], evidence).verdict == "quoted"
        kind = "articles" if claim.section == "articles" else "patients"
        assert source.document.kind == kind
    check_order_and_shares(claims, 12)


def check_order_and_shares(claims: list[Claim], n: int) -> None:
    assert len(claims) <= n
    sections = [ORDER.index(claim.section) for claim in claims]
    assert sections == sorted(sections)
    places = [(c.citations[0].number, c.citations[0].start) for c in claims]
    assert len(set(places)) == len(places)
    in_section = Counter((claim.section, claim.citations[0].number) for claim in claims)
    assert max(in_section.values(), default=0) <= 3
    for section in ORDER:
        pairs = zip(claims, places, strict=True)
        inside = [place for claim, place in pairs if claim.section == section]
        assert inside == sorted(inside)


SENTENCES = st.sampled_from(
    [
        "A woman presented with fever and a cough.",
        "CT of the chest showed consolidation of a lobe.",
        "She was treated with doxycycline for two weeks.",
        "She recovered and was discharged at last.",
        "Methods: we recruited many patients at random.",
        "Figure 2. The chest radiograph of it.",
        "He was well.",
        "Fever and cough were present in most of them.",
        "There was no pleural effusion on any of the films.",
        "However, this was due to the cough and the fever.",
    ]
)
SOURCES = st.lists(
    st.tuples(
        st.lists(SENTENCES, min_size=1, max_size=6).map(" ".join),
        st.sampled_from(["patients", "articles"]),
        st.floats(0, 9),
    ),
    max_size=5,
)


@settings(max_examples=150, deadline=None)
@given(SOURCES, st.integers(1, 14))
def test_from_any_sources_only_whole_sentences_in_order_and_none_twice(sources, n: int) -> None:
    evidence = tuple(hit(text, kind=kind, score=score) for text, kind, score in sources)
    value = weights("fever cough doxycycline consolidation recovered")
    claims = write_extractive(evidence, value, n_sentences=n)
    check_order_and_shares(claims, n)
    assert claims == write_extractive(evidence, value, n_sentences=n)
    told = []
    for claim in claims:
        (citation,) = claim.citations
        text = evidence[citation.number - 1].document.text
        assert text[citation.start : citation.end] == claim.text
        assert claim.verdict == "quoted"
        told.append(frozenset(words.count_terms(claim.text)))
    assert len(set(told)) == len(told), "the same thing is not said twice"
    n_patients = sum(claim.section != "articles" for claim in claims)
    if {kind for _, kind, _ in sources} == {"patients", "articles"}:
        assert n_patients <= n // 2 or n_patients == len(claims)
        assert len(claims) - n_patients <= n - n // 2 or n_patients == 0


def test_no_evidence_gives_no_sentence() -> None:
    assert write_extractive((), weights("fever"), n_sentences=12) == []
    assert write_extractive((), {}, n_sentences=12) == []


def test_what_has_nothing_to_do_with_the_patient_comes_after_what_has() -> None:
    text = "The weather was fine in that year. Fever and cough had begun in May with a rash."
    source = hit(text, kind="articles")
    (claim,) = write_extractive((source,), weights("fever cough rash"), n_sentences=1)
    assert claim.text == "Fever and cough had begun in May with a rash."


def test_what_says_nothing_about_the_patient_does_not_fill_up_the_summary() -> None:
    source = hit(
        "A man of 40 presented with fever, cough and a rash. CT showed marks of a rash. "
        "A tube of the usual kind had been put in through the nose on some day. "
        "The specimen of the omentum had a weight that nobody wrote down in the end. "
        "He went home on day six."
    )
    claims = write_extractive((source,), weights("fever cough rash"), n_sentences=8)
    told = " ".join(claim.text for claim in claims)
    assert "presented with fever" in told
    assert "tube" not in told
    assert "omentum" not in told


def test_an_outcome_is_told_though_it_has_few_of_the_words_of_the_note() -> None:
    source = hit(
        "A man of 40 presented with fever, cough and a rash, which had begun in May, at night. "
        "CT showed nothing. Samples of sputum were sent away, and nothing grew in them at all. "
        "His fever was treated with doxycycline. He recovered from the rash within weeks."
    )
    claims = write_extractive((source,), weights("fever cough rash"), n_sentences=8)
    assert [claim.section for claim in claims if "recovered" in claim.text] == ["outcome"]


@pytest.mark.parametrize("n", [1, 2, 3])
@pytest.mark.parametrize("cue", ["presented with", "CT showed", "treated for", "recovered from"])
def test_the_shares_of_a_short_summary_do_not_leave_it_empty(n: int, cue: str) -> None:
    source = hit(
        f"A long story comes before this one here. In the end {cue} fever and cough there."
    )
    assert write_extractive((source,), weights("fever cough"), n_sentences=n)


def test_a_caption_and_a_stub_are_no_sentences_of_a_summary() -> None:
    source = hit("Fig. 1: fever chart of a patient. Fever, cough. Fever and cough came at night.")
    texts = [c.text for c in write_extractive((source,), weights("fever cough"), n_sentences=9)]
    assert texts == ["Fever and cough came at night."]


def test_the_parts_of_a_case_are_told_in_their_order() -> None:
    source = hit(passages("claim_passages")["pneumonia"])
    claims = write_extractive((source,), weights(source.document.text), n_sentences=8)
    sections = {s: " ".join(c.text for c in claims if c.section == s) for s in ORDER}
    assert "admitted with fever" in sections["presentation"]
    assert any(cue in sections["work-up"] for cue in ("Sodium", "radiograph", "chain reaction"))
    assert "doxycycline" in sections["treatment"]
    assert "six weeks" in sections["outcome"]


def test_what_was_said_counts_less_the_next_time() -> None:
    sources = (
        hit("Fever and cough were noted in her. Fever and cough with a rash came on later."),
        hit("A rash and joint pain were noted in him.", id="two"),
    )
    sentences = evidence_sentences(sources)
    value = term_values(sentences, weights("fever cough rash joint pain"))
    picked = pick(sentences, value, 2, [])
    held = set().union(*(sentence.terms for sentence in picked))
    assert set(words.count_terms("fever cough rash joint pain")) <= held


def test_a_limit_on_words_is_kept() -> None:
    sentences = evidence_sentences((hit(passages("claim_passages")["embolism"]),))
    value = term_values(sentences, weights(passages("claim_passages")["embolism"]))
    for limit in (0, 5, 12, 30, 60):
        picked = pick(sentences, value, 99, [], max_words=limit)
        assert sum(len(sentence.text.split()) for sentence in picked) <= limit


def note_relevance(text: str) -> Relevance:
    return Relevance(find_findings(text), weights(text))


def test_for_a_note_an_article_is_quoted_only_where_it_affirms_a_finding() -> None:
    note = "A man of 40 has fever, a cough and a rash."
    article = hit(
        "We report a sailor of forty who came with fever and a rash after a long voyage. "
        "A review of systems was negative for fever, cough, rash, weight loss and headache. "
        "The ship had left the harbour in autumn with forty sailors on board.",
        kind="articles",
    )
    claims = write_extractive(
        (article,), weights(note), n_sentences=6, relevance=note_relevance(note)
    )
    assert [claim.text for claim in claims] == [
        "We report a sailor of forty who came with fever and a rash after a long voyage."
    ]


def test_a_sentence_that_only_points_to_a_table_is_not_quoted() -> None:
    source = hit("Fever and cough by day are detailed in Table 2. Fever and cough came at night.")
    texts = [c.text for c in write_extractive((source,), weights("fever cough"), n_sentences=9)]
    assert texts == ["Fever and cough came at night."]


def test_laboratory_units_do_not_make_a_treatment() -> None:
    source = hit(
        "A man presented with fever and cough. The antibody titre of the man with fever was 640 "
        "IU/ml and 34 IU/mL in his wife. Fever and cough were treated with doxycycline 100 mg."
    )
    claims = write_extractive((source,), weights("fever cough"), n_sentences=8)
    treatment = [claim.text for claim in claims if claim.section == "treatment"]
    assert treatment == ["Fever and cough were treated with doxycycline 100 mg."]

"""What a note's findings do to a search: what is searched for, and how the found are ordered."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from medllm.clinical.findings import find_findings
from medllm.records import Document, Sex
from medllm.retrieve import words
from medllm.retrieve.build import add_documents
from medllm.retrieve.embedded import EmbeddedIndex
from medllm.retrieve.index import Filter
from medllm.retrieve.note_search import NoteQuery, rank_note, read_query, search_note
from medllm.retrieve.query import FINDING_BONUS, USUAL_NAME, note_terms, shape_query
from medllm.retrieve.relevance import Relevance
from medllm.retrieve.search import rank

NOTE = (
    "A 50-year-old man presented with dyspnoea and ankle oedema. He denied haemoptysis. His mother "
    "had psoriasis. Potassium was 4.1 mmol/L. Sodium was 118 mmol/L."
)


def query(text: str) -> NoteQuery:
    return read_query(text, find_findings(text))


def term(word: str) -> int:
    found = words.term_of(word)
    assert found is not None
    return found


@pytest.fixture
def index(tmp_path: Path) -> Iterator[EmbeddedIndex]:
    texts = {
        "negated": "A woman coughed up blood: haemoptysis, haemoptysis again, and haemoptysis.",
        "family": "Psoriasis of the elbows, then psoriasis of the scalp, then psoriasis of nails.",
        "one": "Dyspnoea, and dyspnoea at night, and dyspnoea on walking: dyspnoea it was.",
        "three": "Breathlessness came first, then ankle oedema, and hyponatraemia was found.",
        "other": "A fracture of the wrist was set and a plaster cast put on for weeks.",
    }
    with EmbeddedIndex.create(tmp_path / "idx", encoder=None) as opened:
        add_documents(
            opened, (Document(id=key, kind="articles", text=text) for key, text in texts.items())
        )
        yield opened


def test_a_negated_finding_is_not_searched_for(index: EmbeddedIndex) -> None:
    assert term("haemoptysis") not in query(NOTE).terms
    hits = search_note(index, query(NOTE), where=Filter(kind="articles"))
    assert "negated" not in [hit.document.id for hit in hits]


def test_a_finding_of_the_family_is_not_searched_for(index: EmbeddedIndex) -> None:
    assert term("psoriasis") not in query(NOTE).terms
    hits = search_note(index, query(NOTE), where=Filter(kind="articles"))
    assert "family" not in [hit.document.id for hit in hits]


def test_a_finding_that_is_affirmed_elsewhere_is_searched_for() -> None:
    text = NOTE + " Later he had haemoptysis."
    assert term("haemoptysis") in query(text).terms


def test_the_patients_own_findings_weigh_more_than_other_words() -> None:
    terms = query(NOTE).terms
    assert terms[term("dyspnoea")] == 1 + FINDING_BONUS
    assert terms[term("ankle")] >= 1


def test_numbers_units_and_ordinary_values_are_left_out_and_abnormal_ones_stay() -> None:
    terms = query(NOTE).terms
    for word in ("118", "mmol", "potassium", "50"):
        assert term(word) not in terms
    assert term("sodium") in terms


def test_a_finding_is_searched_for_by_its_usual_name_too() -> None:
    text = "A 50-year-old man had itching and no breathlessness."
    terms = query(text).terms
    assert terms[term("itching")] > terms[term("pruritus")] == USUAL_NAME
    assert term("dyspnoea") not in terms


def test_a_pregnant_patient_is_searched_for_as_one() -> None:
    terms = query("A 30-year-old woman, G2P1, at 30 weeks, had itching.").terms
    assert terms[term("pregnancy")] == terms[term("pregnant")] == 1.0
    assert term("pregnancy") not in query("A 30-year-old woman had itching.").terms


def test_of_documents_alike_those_of_the_same_sex_and_age_come_first(tmp_path: Path) -> None:
    people: dict[str, tuple[Sex, float]] = {
        "old man": ("M", 80.0), "girl": ("F", 6.0), "woman": ("F", 34.0), "young man": ("M", 30.0),
    }  # fmt: skip
    with EmbeddedIndex.create(tmp_path / "idx", encoder=None) as index:
        add_documents(
            index,
            [
                Document(id=key, kind="patients", text="Itching.", sex=sex, age_years=years)
                for key, (sex, years) in people.items()
            ],
        )
        note = query("A 33-year-old woman had itching.")
        hits = search_note(index, note, where=Filter(kind="patients"))
    assert [hit.document.id for hit in hits] == ["woman", "girl", "young man", "old man"]


def test_a_question_is_taken_word_by_word() -> None:
    question = "Does IL-6 blockade shorten fever in 2 weeks?"
    terms = note_terms(question, find_findings(question))
    assert terms == dict.fromkeys(words.count_terms(question), 1.0)


def test_what_is_left_out_of_the_text_is_blanked_so_that_offsets_hold() -> None:
    shaped = shape_query(NOTE, find_findings(NOTE))
    assert len(shaped) == len(NOTE)
    assert "haemoptysis" not in shaped
    assert all(a in (b, " ") for a, b in zip(shaped, NOTE, strict=True))


def test_a_document_that_shares_more_findings_comes_first(index: EmbeddedIndex) -> None:
    text = "A 60-year-old man had dyspnoea, ankle oedema and hyponatraemia."
    hits = search_note(index, query(text), where=Filter(kind="articles"))
    assert [hit.document.id for hit in hits][:2] == ["three", "one"]
    assert [hit.rank for hit in hits] == list(range(1, len(hits) + 1))


def test_relevance_counts_a_finding_by_any_of_its_names() -> None:
    text = "She had dyspnoea, fever and jaundice."
    relevance = Relevance(find_findings(text), {})
    assert relevance.is_by_findings
    assert relevance.share("Shortness of nothing here.") == 0
    assert relevance.share("She was jaundiced; jaundice and fever and dyspnoea.") == 1
    assert relevance.share("Fever was high.") == pytest.approx(1 / 3)


def test_with_few_findings_the_words_decide() -> None:
    relevance = Relevance([], {term("wrist"): 3.0, term("ankle"): 1.0})
    assert not relevance.is_by_findings
    assert relevance.share("the wrist") == 0.75


def test_a_ranking_begins_with_what_is_shown_and_goes_on_with_the_rest(
    index: EmbeddedIndex,
) -> None:
    texts = {
        "rare": "Budgerigars, macaws, cockatoos, toucans, parrots and mynahs.",
        "common": "Dyspnoea, ankle oedema, fever.",
    }
    add_documents(index, [Document(id=i, kind="articles", text=t) for i, t in texts.items()])
    birds = "He kept budgerigars, macaws, cockatoos, toucans, parrots and mynahs."
    note = query(f"A 60-year-old man had dyspnoea, ankle oedema and fever. {birds}")
    where = Filter(kind="articles")
    by_score = [
        found.document_id for found in rank(index, note.text, terms=note.terms, where=where)
    ]
    shown = [hit.document.id for hit in search_note(index, note, where=where, top=2)]
    assert by_score[:2] == ["rare", "common"]
    assert shown == ["common", "rare"]
    ranked = rank_note(index, note, where=where, top=2, depth=100)
    assert list(ranked) == [*shown, *by_score[2:]]
    assert list(ranked.values()) == sorted(set(ranked.values()), reverse=True)


def test_a_question_with_few_findings_keeps_its_scores(index: EmbeddedIndex) -> None:
    where = Filter(kind="articles")
    found = search_note(index, query("dyspnoea at night"), where=where)
    ranked = rank_note(index, query("dyspnoea at night"), where=where)
    assert ranked == {hit.document.id: hit.score for hit in found}

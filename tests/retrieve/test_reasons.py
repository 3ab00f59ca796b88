"""Why a document was found: findings and words that mean something to a clinician."""

from __future__ import annotations

from medllm.clinical.findings import find_findings
from medllm.records import Document, Hit, Passage
from medllm.retrieve import words
from medllm.retrieve.note_search import read_query
from medllm.retrieve.reasons import Reasons

NOTE = (
    "A 54-year-old man presented two days ago with pleuritic chest pain, shortness of breath and a "
    "swelling of the calf. He had no fever. His mother had asthma. Troponin was 900 ng/L, sodium "
    "140 mmol/L. He scored six on recent review and was given apixaban."
)


def reasons(text: str, *, of: str, title: str = "") -> tuple[str, ...]:
    """What a document shares with a text whose words all weigh alike."""
    document = Document(id="x", kind="articles", text=of, title=title)
    passage = Passage(document_id="x", start=0, end=len(of), text=of)
    weights = dict.fromkeys(sorted(words.count_terms(text)), 1.0)
    hit = Hit(document=document, passage=passage, score=1.0, rank=1)
    query = read_query(text, find_findings(text))
    return Reasons(query.text, query.findings, weights).of(hit)


def test_a_finding_is_named_whole_where_all_its_words_are_there() -> None:
    assert set(reasons(NOTE, of="Shortness of breath, and chest pain which was pleuritic.")) == {
        "shortness of breath",
        "pleuritic chest pain",
    }


def test_of_a_finding_that_is_there_in_part_the_clinical_words_are_named() -> None:
    assert set(reasons(NOTE, of="The chest was clear. The calf hurt; there was pain.")) == {
        "chest",
        "calf",
        "pain",
    }


def test_words_that_any_note_has_are_no_reason() -> None:
    assert reasons(NOTE, of="Two days ago a recent review scored six; he was given a man.") == ()


def test_what_is_normal_denied_or_somebody_elses_is_no_reason() -> None:
    assert reasons(NOTE, of="Fever, asthma, sodium 140 mmol/L.") == ()


def test_an_abnormal_value_is_named_without_its_number() -> None:
    assert reasons(NOTE, of="Troponin was 12 ng/L.") == ("troponin",)


def test_that_vital_signs_were_taken_is_no_reason() -> None:
    text = "A 54-year-old man with a heart rate of 130/min and tetanus."
    assert reasons(text, of="Tetanus; the heart rate was 60/min.") == ("tetanus",)


def test_the_title_counts_and_no_reason_is_given_twice() -> None:
    found = reasons(NOTE, of="Apixaban, and again apixaban.", title="Calf swelling")
    assert sorted(found) == sorted(set(found))
    assert "apixaban" in found
    assert any("calf" in name for name in found)


def test_of_a_few_words_searched_for_all_that_say_something_are_named() -> None:
    assert set(reasons("recent score of patients", of="A recent score.")) == {"recent", "score"}


def test_the_weightiest_comes_first_and_six_are_enough() -> None:
    names = "ulna radius tibia femur fibula sacrum coccyx".split()
    text = " ".join(names)
    weights = {term: float(n) for n, name in enumerate(names) if (term := words.term_of(name))}
    document = Document(id="x", kind="articles", text=text)
    passage = Passage(document_id="x", start=0, end=len(text), text=text)
    hit = Hit(document=document, passage=passage, score=1.0, rank=1)
    assert Reasons(text, (), weights).of(hit) == tuple(reversed(names[1:]))

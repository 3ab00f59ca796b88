"""What lexical scores say about themselves: definitions, floors, lengths, and the paper's own."""

from __future__ import annotations

import json

import pytest

from medllm.errors import ConfigError
from medllm.evaluate.lexical import rouge
from medllm.evaluate.lexical.score import METRICS, LexicalRules, Scorer, length_ratio, sentences_of
from medllm.evaluate.lexical.synonyms import Synonyms

ANSWERS = [
    "Take the tablets with food. Come back if the fever lasts.",
    "The rash is itchy and needs a cream.",
    "Rest the ankle and raise the leg.",
    "Drink enough and measure the temperature.",
]


def test_an_answer_that_is_its_reference_scores_one():
    values = Scorer(LexicalRules()).score(ANSWERS[0], ANSWERS[0]).values
    assert tuple(values) == METRICS
    for name, value in values.items():
        assert value == pytest.approx(1, abs=1e-3), name  # METEOR's penalty of one chunk is left


@pytest.mark.parametrize("answer", ["", "   ", "\n", "!?", "日本語"])
def test_an_answer_without_a_word_in_common_scores_nothing(answer):
    assert set(Scorer(LexicalRules()).score(answer, ANSWERS[0]).values.values()) == {0.0}


def test_two_empty_texts_score_nothing_and_break_nothing():
    assert set(Scorer(LexicalRules()).score("", "").values.values()) == {0.0}


def test_the_floor_is_that_of_other_items_references():
    scorer = Scorer(LexicalRules())
    floor = scorer.floor(ANSWERS, ANSWERS)
    own = scorer.score(ANSWERS[0], ANSWERS[0]).values
    assert 0 < floor["ROUGE-1"] < 0.4 < own["ROUGE-1"]
    assert floor == scorer.floor(ANSWERS, ANSWERS), "the same seed, the same digits"
    assert scorer.floor(ANSWERS[:1], ANSWERS[:1]) == {}, "one item has no other"


def test_a_longer_answer_shows_in_the_ratio_of_lengths():
    scorer = Scorer(LexicalRules())
    rows = scorer.score_all([f"{text} {text}" for text in ANSWERS], ANSWERS)
    assert length_ratio(rows) == pytest.approx(2)
    assert length_ratio(scorer.score_all(["a"], [""])) is None


def test_every_score_has_a_definition_that_names_its_choices():
    definitions = Scorer(LexicalRules(beta=1.2, stemmer=True, gamma=0.0)).definitions()
    assert set(METRICS) < set(definitions)
    assert "beta 1.2" in definitions["ROUGE-1"]
    assert "Porter stems" in definitions["ROUGE-L"]
    assert "gamma 0;" in definitions["METEOR"]
    assert "no synonyms" in definitions["METEOR"]
    assert "smooth:exp" in definitions["BLEU"]


def test_beta_above_one_draws_f_towards_recall():
    answer, reference = "fever rash cough".split(), "fever rash".split()
    plain, towards_recall = (rouge.n_gram_score(answer, reference, 1, beta=b).f for b in (1.0, 1.2))
    assert plain == pytest.approx(0.8)
    assert plain < towards_recall < 1


def test_the_papers_definitions_differ_as_they_say():
    answer = "The fever is high. Take the tablets."
    reference = "Take the tablets. The fever is high."
    ours = Scorer(LexicalRules()).score(answer, reference).values
    paper = Scorer(LexicalRules(paper_compat=True)).score(answer, reference).values
    assert paper["ROUGE-L"] == paper["ROUGE-Lsum"] == 1 > ours["ROUGE-L"]
    assert paper["METEOR"] > ours["METEOR"]
    short = Scorer(LexicalRules(paper_compat=True)).score("high fever", reference).values
    assert short["BLEU"] == 0, "unsmoothed: no sequence of four words is right"


def test_sentences_are_those_of_clinical_text():
    assert sentences_of("Seen by Dr. Who. No fever.\n\nPlan: rest") == [
        "Seen by Dr. Who.",
        "No fever.",
        "Plan: rest",
    ]


def wordnet(tmp_path):
    entries = [
        {"pos": "n", "members": ["physician", "doctor", "medical man"]},
        {"pos": "s", "members": ["ill", "sick"]},
        {"pos": "v", "members": ["travel", "go"]},
    ]
    lines = "".join(json.dumps(entry) + "\n" for entry in entries)
    (tmp_path / "synsets.jsonl").write_text(lines, encoding="utf-8")
    forms = "form\tlemma\tpos\nwent\tgo\tv\n"
    (tmp_path / "irregular_forms.tsv").write_text(forms, encoding="utf-8")
    return tmp_path


def test_synonyms_are_single_words_of_a_common_synset_in_any_form(tmp_path):
    synonyms = Synonyms(wordnet(tmp_path))
    assert synonyms("doctors") == {"doctors", "doctor", "physician"}
    assert synonyms("went") == {"went", "go", "travel"}
    assert synonyms("ill") == {"ill", "sick"}
    assert synonyms("unheard") == {"unheard"}


def test_the_database_of_wordnet_itself_is_read_too(tmp_path):
    head = "  1 This is where its licence stands\n"
    line = "00000001 04 n 02 doctor 0 physician(p) 0 000 | who treats\n"
    (tmp_path / "data.noun").write_text(head + line, encoding="utf-8")
    (tmp_path / "noun.exc").write_text("docs doctor\n", encoding="utf-8")
    assert Synonyms(tmp_path)("docs") == {"docs", "doctor", "physician"}


def test_synonyms_raise_meteor(tmp_path):
    answer, reference = "the doctor felt sick", "the physician felt ill"
    with_synonyms = Scorer(LexicalRules(wordnet=wordnet(tmp_path)))
    without = Scorer(LexicalRules()).score(answer, reference).values["METEOR"]
    assert with_synonyms.score(answer, reference).values["METEOR"] > without
    assert "WordNet synonyms" in with_synonyms.definitions()["METEOR"]


def test_a_folder_without_a_wordnet_or_with_a_broken_one_is_refused(tmp_path):
    with pytest.raises(ConfigError, match="holds no WordNet"):
        Synonyms(tmp_path)
    (tmp_path / "synsets.jsonl").write_text("{]", encoding="utf-8")
    with pytest.raises(ConfigError, match="cannot be read"):
        Synonyms(tmp_path)

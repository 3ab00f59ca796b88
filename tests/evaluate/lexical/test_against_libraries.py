"""Our scores are the libraries', to 1e-9, on real pairs and on whatever hypothesis invents."""

from __future__ import annotations

import gzip
import json
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from nltk.stem.porter import PorterStemmer
from nltk.translate.meteor_score import single_meteor_score
from rouge_score.rouge_scorer import RougeScorer
from sacrebleu.metrics.bleu import BLEU
from sacrebleu.metrics.chrf import CHRF

from medllm.evaluate.lexical import bleu, chrf, meteor, rouge
from medllm.evaluate.lexical.score import LexicalRules, Scorer, corpus_scores, sentences_of
from medllm.evaluate.lexical.stem import stem
from medllm.evaluate.lexical.synonyms import Synonyms
from tests.evaluate.real_pairs import N_PAIRS, pairs

CLOSE = pytest.approx  # names the tolerance at every use
TEXT = st.text(alphabet="aabcd Ab1. ,-\n'&;é%", max_size=60)
NO_SYNONYMS = SimpleNamespace(synsets=lambda word: [])


def some(real_data, *, each):
    """A part of the real pairs: `benchmarks/evaluate.py` compares all of 2,000."""
    found = pairs(real_data)
    assert len(found) == N_PAIRS
    return found[::each]


def as_library_rouge(answer: str, reference: str, *, stemmer: bool) -> dict[str, float]:
    kinds = ["rouge1", "rouge2", "rougeL"]
    whole = RougeScorer(kinds, use_stemmer=stemmer).score(reference, answer)
    lines = ["\n".join(" ".join(s.split()) for s in sentences_of(t)) for t in (reference, answer)]
    summary = RougeScorer(["rougeLsum"], use_stemmer=stemmer).score(*lines)
    values = {**whole, **summary}
    names = {"rouge1": "ROUGE-1", "rouge2": "ROUGE-2", "rougeL": "ROUGE-L"}
    return {names.get(name, "ROUGE-Lsum"): value.fmeasure for name, value in values.items()}


@pytest.mark.real_data
@pytest.mark.parametrize("stemmer", [False, True])
def test_rouge_is_rouge_scores_on_real_pairs(real_data, stemmer):
    scorer = Scorer(LexicalRules(stemmer=stemmer))
    for answer, reference in some(real_data, each=10):
        mine = scorer.score(answer, reference).values
        for name, value in as_library_rouge(answer, reference, stemmer=stemmer).items():
            assert mine[name] == CLOSE(value, abs=1e-9), name


@pytest.mark.real_data
def test_bleu_and_chrf_are_sacrebleus_on_real_pairs(real_data):
    found = some(real_data, each=4)
    items, characters = BLEU(effective_order=True), CHRF()
    scorer = Scorer(LexicalRules())
    rows = scorer.score_all([p.answer for p in found], [p.reference for p in found])
    for pair, row in zip(found, rows, strict=True):
        of_item = items.sentence_score(pair.answer, [pair.reference]).score / 100
        assert row.values["BLEU"] == CLOSE(of_item, abs=1e-9)
        of_letters = characters.sentence_score(pair.answer, [pair.reference]).score / 100
        assert row.values["chrF"] == CLOSE(of_letters, abs=1e-9)
    answers, references = [p.answer for p in found], [[p.reference for p in found]]
    mine = corpus_scores(rows)
    assert mine["BLEU (corpus)"] == CLOSE(BLEU().corpus_score(answers, references).score / 100)
    assert mine["chrF (corpus)"] == CLOSE(CHRF().corpus_score(answers, references).score / 100)


@pytest.mark.real_data
def test_meteor_is_nltks_on_real_pairs(real_data):
    for answer, reference in some(real_data, each=4):
        mine, theirs = meteor.tokens(answer), meteor.tokens(reference)
        expected = single_meteor_score(theirs, mine, wordnet=NO_SYNONYMS)
        assert meteor.score(mine, theirs) == CLOSE(expected, abs=1e-9)


@pytest.mark.real_data
def test_meteor_with_wordnet_is_nltks_on_real_pairs(real_data):
    synonyms = Synonyms(real_data / "oewn")

    def one_synset(word):
        lemmas = [SimpleNamespace(name=lambda name=name: name) for name in synonyms(word)]
        return [SimpleNamespace(lemmas=lambda: lemmas)]

    wordnet = SimpleNamespace(synsets=one_synset)
    higher = 0
    for answer, reference in some(real_data, each=4):
        mine, theirs = meteor.tokens(answer), meteor.tokens(reference)
        expected = single_meteor_score(theirs, mine, wordnet=wordnet)
        with_synonyms = meteor.score(mine, theirs, synonyms=synonyms)
        assert with_synonyms == CLOSE(expected, abs=1e-9)
        higher += with_synonyms > meteor.score(mine, theirs)
    assert higher > 100, "synonyms make a difference"


@pytest.mark.real_data
def test_stems_are_nltks_for_every_word_of_a_wordnet(real_data):
    stemmer = PorterStemmer()
    words = set()
    with gzip.open(real_data / "oewn" / "synsets.jsonl.gz", "rt", encoding="utf-8") as handle:
        for line in handle:
            entry = json.loads(line)
            words.update(" ".join(entry["members"]).lower().split())
    assert len(words) > 50_000
    assert [w for w in words if stem(w) != stemmer.stem(w)] == []


WORD = st.text(alphabet="abdegilnorstuyzv", min_size=1, max_size=5)
ENDING = st.sampled_from(
    "s es ies ed eed ied ing y ational tional bli alli logi ousness icate ative ful ness al ance "
    "ement ment ent ion sion tion ize e ll ss".split()
)


@given(st.lists(ENDING, max_size=3), WORD)
def test_stems_are_nltks_for_invented_words(endings, word):
    word += "".join(endings)
    assert stem(word) == PorterStemmer().stem(word)


@given(TEXT, TEXT)
def test_rouge_is_rouge_scores_on_any_text(answer, reference):
    mine = Scorer(LexicalRules(stemmer=True)).score(answer, reference).values
    for name, value in as_library_rouge(answer, reference, stemmer=True).items():
        assert mine[name] == CLOSE(value, abs=1e-9), name


@given(TEXT, TEXT)
def test_bleu_and_chrf_are_sacrebleus_on_any_text(answer, reference):
    counts = bleu.count(bleu.tokens(answer), bleu.tokens(reference))
    expected = BLEU(effective_order=True).sentence_score(answer, [reference]).score
    assert bleu.item_score(counts) == CLOSE(expected / 100, abs=1e-9)
    corpus = BLEU().corpus_score([answer], [[reference]]).score
    assert bleu.corpus_score([counts]) == CLOSE(corpus / 100, abs=1e-9)
    unsmoothed = BLEU(smooth_method="none").corpus_score([answer], [[reference]]).score
    assert bleu.plain_score(counts) == CLOSE(unsmoothed / 100, abs=1e-9)
    letters = chrf.count(chrf.n_grams(answer), chrf.n_grams(reference))
    expected = CHRF().sentence_score(answer, [reference]).score
    assert chrf.score(letters) == CLOSE(expected / 100, abs=1e-9)


@given(TEXT, TEXT, st.sampled_from([0.0, 0.5, 1.0]))
def test_meteor_is_nltks_on_any_text(answer, reference, gamma):
    mine, theirs = meteor.tokens(answer), meteor.tokens(reference)
    expected = single_meteor_score(theirs, mine, wordnet=NO_SYNONYMS, gamma=gamma)
    assert meteor.score(mine, theirs, gamma=gamma) == CLOSE(expected, abs=1e-9)


@given(st.lists(st.sampled_from("abc"), max_size=70), st.lists(st.sampled_from("abc"), max_size=70))
def test_the_longest_common_subsequence_is_that_of_the_table(one, other):
    table = [[0] * (len(other) + 1) for _ in range(len(one) + 1)]
    for i, token in enumerate(one):
        for j, against in enumerate(other):
            best = max(table[i][j + 1], table[i + 1][j])
            table[i + 1][j + 1] = table[i][j] + 1 if token == against else best
    assert rouge.lcs_length(one, other) == table[-1][-1]

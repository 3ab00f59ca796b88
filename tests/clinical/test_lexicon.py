"""The shipped lexicon: its size, its soundness, one form for all spellings of a word."""

import csv
from collections import Counter

import pytest

from medllm.clinical.lexicon import LEXICON_DIR, Lexicon, default_lexicon, read_terms
from medllm.clinical.tokens import canonical, tokenize
from medllm.clinical.typos import Typos

FEWEST_CONCEPTS = 2500
FEWEST_NAMES = 6000


def shipped_terms():
    return [term for path in sorted(LEXICON_DIR.glob("*.tsv")) for term in read_terms(path)]


def test_the_lexicon_has_the_size_it_promises():
    lexicon = default_lexicon()
    assert lexicon.n_concepts >= FEWEST_CONCEPTS
    assert lexicon.n_names >= FEWEST_NAMES


def test_no_line_of_the_lexicon_is_malformed_and_no_concept_stands_twice():
    terms = shipped_terms()
    assert all(name == name.strip() and name for name, _, _ in terms)
    assert all(s == s.strip() and s.strip("!") for _, _, synonyms in terms for s in synonyms)
    twice = [key for key, n in Counter((n.lower(), k) for n, k, _ in terms).items() if n > 1]
    assert twice == []


def test_every_file_holds_one_kind():
    for path in LEXICON_DIR.glob("*.tsv"):
        assert len({kind for _, kind, _ in read_terms(path)}) == 1, path.name


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("oedema", "edemas"), ("haemorrhage", "hemorrhages"), ("tumours", "tumor"),
        ("diarrhoea", "diarrhea"), ("leucocytes", "leukocyte"), ("metastases", "metastasis"),
        ("biopsies", "biopsy"), ("paralysed", "paralyzed"), ("generalised", "generalized"),
        ("foetal", "fetal"), ("litres", "liter"), ("vertebrae", "vertebra"), ("Feet", "foot"),
        ("sulphate", "sulfate"), ("oesophagus", "esophagus"), ("naevi", "nevus"),
    ],
)  # fmt: skip
def test_spellings_of_a_word_have_one_form(one, other):
    assert canonical(one) == canonical(other)


@pytest.mark.parametrize("word", ["sepsis", "virus", "abscess", "pus", "was", "his", "pelvis"])
def test_a_singular_that_ends_in_s_is_left_alone(word):
    assert canonical(word) == word


def test_tokens_know_their_places():
    text = "Crohn's disease, x-ray: 3.5 cm"
    tokens = tokenize(text)
    assert tokens.surface == ["Crohn", "disease", ",", "x", "ray", ":", "3.5", "cm"]
    spans = zip(tokens.starts, tokens.ends, strict=True)
    assert [text[start:end] for start, end in spans] == tokens.surface


def test_of_two_concepts_with_one_name_the_first_keeps_it():
    lexicon = Lexicon([("first", "symptom", ["shared"]), ("second", "disorder", ["shared"])])
    assert (lexicon.n_concepts, lexicon.n_names) == (2, 3)
    assert lexicon.trie["shared"][""].concept.name == "first"


def test_the_longest_name_wins():
    from medllm.clinical.findings import find_findings

    findings = find_findings("acute myocardial infarction")
    assert [f.text for f in findings] == ["acute myocardial infarction"]


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("osteomyeltis", "osteomyelitis"),  # one letter missing
        ("osteomyelittis", "osteomyelitis"),  # one too many
        ("osteomyeletis", "osteomyelitis"),  # a wrong one
        ("osteomyeiltis", "osteomyelitis"),  # two swapped
        ("osteomyelitic", "osteomyelitic"),  # another ending is another word
        ("rental", "rental"),  # too short to be sure
        ("xsteomyelitis", "xsteomyelitis"),  # the first letter is rarely wrong
    ],
)
def test_one_edit_in_a_long_word_is_mended(written, meant):
    assert Typos(["osteomyelitis", "dental"]).mend(written) == meant


def test_a_word_with_two_neighbours_is_left_as_it_is():
    assert Typos(["hyperthermia", "hypothermia"]).mend("hypzthermia") == "hypothermia"
    assert Typos(["abcdefghij", "abcdefghxj"]).mend("abcdefghyj") == "abcdefghyj"


def test_tables_of_the_package_have_the_columns_they_promise():
    folder = LEXICON_DIR.parent
    for name, columns in (("context.tsv", 2), ("words.tsv", 2), ("abbreviations.tsv", 4)):
        with (folder / name).open(encoding="utf-8", newline="") as handle:
            rows = [line for line in handle if not line.startswith("#")]
        read = list(csv.reader(rows, delimiter="\t", quoting=csv.QUOTE_NONE))
        assert {len(row) for row in read} == {columns}, name

"""Two texts with the same words that say the opposite."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from medllm.ask.check.exchanged import exchanged_name, exchanged_number
from medllm.ask.check.opposites import opposite_in, sex_differs
from medllm.ask.check.polarity import loses_reserve, negation_differs, reaches_into
from medllm.ask.check.wording import content_keys, read_words


@pytest.mark.parametrize(
    ("claim", "source"),
    [
        ("She had fever.", "She had no fever."),
        ("She had fever.", "She denied fever."),
        ("He was on aspirin.", "He was not on aspirin."),
        ("Evidence of metastasis was found.", "No evidence of metastasis was found."),
        ("The CT showed haemorrhage.", "The CT was negative for haemorrhage."),
        ("The CT showed haemorrhage.", "The CT failed to show haemorrhage."),
        ("He stayed in pain.", "He stayed free of pain."),
        ("Thrombosis was found.", "Thrombosis was ruled out."),
        ("A lumbar puncture was done.", "A lumbar puncture was not performed."),
        ("He had surgery.", "Surgery was discussed but not performed."),
        ("She could walk.", "She could not walk."),
        ("She could walk.", "She couldn't walk."),
        ("It responded to steroids.", "It never responded to steroids."),
        ("Neither kidney was seen, nor the spleen.", "Both kidneys and the spleen were seen."),
        ("Steroids were given.", "Steroids were withheld."),
        ("Antibodies were detected.", "Antibodies were negative."),
    ],
)
def test_a_negation_that_only_one_of_two_texts_has_is_seen_both_ways(
    claim: str, source: str
) -> None:
    assert negation_differs(claim, source)
    assert negation_differs(source, claim)


@pytest.mark.parametrize(
    ("claim", "source"),
    [
        ("She did not receive aspirin.", "She received no aspirin."),
        ("There was no fever or cough.", "There was no fever and no cough."),
        ("He denied fever.", "He had no fever."),
        ("CT excluded a haemorrhage.", "There was no haemorrhage on CT."),
        ("Antibodies were not detected.", "Antibodies were negative."),
        ("There was no recurrence at six months.", "No evidence of recurrence was found then."),
        ("Fever was present, but no cough.", "There was fever without cough."),
        ("Not only the liver was large.", "The liver was large, and not only the liver."),
        ("The headache got better.", "The headache did not respond to paracetamol."),
        ("She was well without treatment.", "She was well off treatment."),
    ],
)
def test_the_same_negation_in_other_words_is_none(claim: str, source: str) -> None:
    assert not negation_differs(claim, source)
    assert not negation_differs(source, claim)


WORDS = st.lists(
    st.sampled_from("no not fever cough was found without and or , . may rash denied 5".split()),
    max_size=12,
).map(" ".join)


@given(WORDS)
def test_a_text_never_differs_from_itself(text: str) -> None:
    assert not negation_differs(text, text)
    assert not loses_reserve(text, text)
    assert opposite_in(text, text) == ""
    assert exchanged_number(text, text) == ""
    assert exchanged_name(text, text) == ""


@pytest.mark.parametrize(
    ("claim", "source", "is_lost"),
    [
        ("Colchicine reduces admissions.", "Colchicine may reduce admissions.", True),
        ("Colchicine may reduce admissions.", "Colchicine may reduce admissions.", False),
        ("He had pneumonia.", "A suspected pneumonia was treated.", True),
        ("He had pneumonia.", "A suspected pneumonia was treated. The pneumonia healed.", False),
        ("He had fever.", "He had fever and possibly a rash.", False),
    ],
)
def test_a_reserve_of_the_source_may_not_get_lost(claim: str, source: str, is_lost: bool) -> None:
    assert loses_reserve(claim, source) is is_lost


@pytest.mark.parametrize(
    ("whole", "quoted", "left_behind"),
    [
        ("There was no evidence of malignancy.", "evidence of malignancy", "negation"),
        ("There was no evidence of malignancy.", "no evidence of malignancy", ""),
        ("He denied chest pain, and had fever.", "had fever", ""),
        ("Groups did not differ in age.", "differ in age", "negation"),
        ("Possible lymphoma was discussed.", "lymphoma was discussed", "reserve"),
    ],
)
def test_what_a_quotation_leaves_behind_is_noticed(
    whole: str, quoted: str, left_behind: str
) -> None:
    start = whole.index(quoted)
    assert reaches_into(whole, start, start + len(quoted)) == left_behind


@pytest.mark.parametrize(
    ("claim", "source", "word"),
    [
        ("The left arm was weak.", "The right arm was weak.", "left"),
        ("The right arm was weak.", "The right-handed man had a weak right arm.", ""),
        ("The right arm was weak.", "The right-handed man had weakness of the left arm.", "right"),
        ("Sodium rose.", "Sodium fell.", "rose"),
        ("Sodium rose.", "Sodium rose and potassium fell.", ""),
        ("Potassium rose.", "Sodium rose; potassium fell.", "rose"),
        ("The tumour was malignant.", "The tumour was benign.", "malignant"),
        ("She was given it before surgery.", "She was given it after surgery.", "before"),
        ("Rash was less common with it.", "Rash was more common with it.", "less common"),
        ("Mortality was higher with it.", "Mortality did not differ with it.", "higher"),
    ],
)
def test_an_opposite_is_seen_where_it_stands_in_the_place_of_the_word(
    claim: str, source: str, word: str
) -> None:
    assert opposite_in(claim, source) == word


def test_a_man_is_no_woman_but_both_may_be_spoken_of() -> None:
    assert sex_differs("A man had fever.", "A woman had fever.", "A woman had fever.")
    assert sex_differs("He had fever.", "Fever was noted.", "She came. Fever was noted.")
    assert not sex_differs("A man had fever.", "A man and a woman had fever.", "")
    assert not sex_differs("The patient had fever.", "A woman had fever.", "A woman had fever.")


@pytest.mark.parametrize(
    ("claim", "source", "number"),
    [
        ("Sodium was 240.", "Sodium was 126 and CRP was 240.", "240"),
        ("It fell from 30% to 45%.", "It fell from 45% to 30%.", "30"),
        ("It occurred in 38% on placebo.", "It occurred in 17% on aspirin and 38% on placebo.", ""),
        ("Sodium fell to 121.", "Sodium was 135 and fell to 121.", ""),
        ("Fever lasted 3 weeks.", "Fever lasted 3 days.", "weeks"),
    ],
)
def test_a_number_that_belongs_to_something_else_is_seen(
    claim: str, source: str, number: str
) -> None:
    assert exchanged_number(claim, source) == number


@pytest.mark.parametrize(
    ("claim", "source", "name"),
    [
        ("Lithium was replaced by valproate.", "Valproate was replaced by lithium.", "Lithium"),
        ("Aspirin and heparin were given.", "Heparin and aspirin were given.", ""),
        ("Men coughed more often than women.", "Women coughed more often than men.", "Men"),
        (
            "A large vegetation was on the mitral valve.",
            "A large vegetation was on the tricuspid valve; the mitral and aortic valves were not.",
            "mitral",
        ),
    ],
)
def test_names_that_changed_places_are_seen(claim: str, source: str, name: str) -> None:
    assert exchanged_name(claim, source) == name


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("dyspnoea", "shortness of breath"),
        ("oedema", "edema"),
        ("CRP", "C-reactive protein"),
        ("The women died.", "death of a woman"),
        ("renal", "kidney"),
        ("discharged", "left hospital"),
        ("tumours", "tumor"),
    ],
)
def test_spellings_forms_and_synonyms_have_one_key(one: str, other: str) -> None:
    assert content_keys(read_words(one)) == content_keys(read_words(other)) != set()


def test_words_keep_their_places() -> None:
    text = "Given 5mg/kg i.v. (CD20+), “well” at 1,200 m²."
    for word in read_words(text):
        assert text[word.start : word.end] == word.written

"""Findings of whole notes: offsets, kinds, names, sites, doses, abbreviations."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from medllm.clinical.findings import find_findings
from medllm.clinical.lexicon import Lexicon
from medllm.records import Finding

NOTE = (
    "A 45-year-old woman with a history of hypertension presented with fever, chills and SOB for "
    "3 days. She denied chest pain but had a dry cough. Her mother had breast cancer. BP 150/95 "
    "mmHg, temperature 38.9 °C, Hb 10.2 g/dL. Pneumonia was suspected. She was given ceftriaxone "
    "2 g IV daily."
)


def by_name(text: str) -> dict[str, Finding]:
    return {finding.normalised: finding for finding in find_findings(text)}


def test_a_plain_note_is_read_whole():
    said = [
        (f.kind, f.normalised, f.negated, f.experiencer, f.temporality, f.certainty)
        for f in find_findings(NOTE)
    ]
    present = (False, "patient", "present", "certain")
    assert said == [
        ("age", "age", *present),
        ("sex", "female", *present),
        ("disorder", "hypertension", False, "patient", "past", "certain"),
        ("symptom", "fever", *present),
        ("symptom", "chills", *present),
        ("symptom", "dyspnoea", *present),
        ("symptom", "chest pain", True, "patient", "present", "certain"),
        ("symptom", "dry cough", *present),
        ("disorder", "breast cancer", False, "family", "present", "certain"),
        ("vital", "blood pressure", *present),
        ("vital", "body temperature", *present),
        ("result", "haemoglobin", *present),
        ("disorder", "pneumonia", False, "patient", "present", "uncertain"),
        ("medication", "ceftriaxone", *present),
    ]


PIECES = st.sampled_from(
    [*NOTE.split(), "İ", "ß", "🙂", "\x00", "\ud800", "1,2,3", "°", "(", ")", ";", "x", "12/8",
     "5 × 4 cm", "\\n", "no", "or", "MS", "(MS)", "+", "3+", "’s", "e\u0301", "\u00a0", "-", "/"]
)  # fmt: skip


@settings(deadline=None)
@given(st.lists(st.tuples(PIECES, st.sampled_from([" ", "", "\n", ", ", ". "])), max_size=40))
def test_offsets_are_exact_and_findings_in_order_whatever_the_text(pieces):
    text = "".join(word + gap for word, gap in pieces)
    findings = find_findings(text)
    assert all(text[f.start : f.end] == f.text and f.text for f in findings)
    assert [f.start for f in findings] == sorted(f.start for f in findings)


@settings(deadline=None)
@given(st.text(max_size=200))
def test_no_text_is_too_strange_to_be_read(text):
    assert all(text[f.start : f.end] == f.text for f in find_findings(text))


def test_a_line_break_that_an_export_wrote_as_two_letters_ends_a_sentence():
    text = "No fever.\\nCough was noted."
    assert [(f.text, f.negated) for f in find_findings(text)] == [("fever", True), ("Cough", False)]


def test_an_empty_note_has_no_findings():
    assert find_findings("") == find_findings(" \n\t ") == []


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("ankle oedema", "peripheral oedema"),
        ("ankle edema", "peripheral oedema"),
        ("Haematemesis", "haematemesis"),
        ("hematemesis", "haematemesis"),
        ("Crohn's disease", "crohn disease"),
        ("Crohn disease", "crohn disease"),
        ("nausea and diarrhea with shortness of breath", "dyspnoea"),
        ("pulmonary emboli", "pulmonary embolism"),
        ("hemetemesis", "haematemesis"),
        ("thrombocytopaenia", "thrombocytopenia"),
        ("osteomyeltis", "osteomyelitis"),
        ("COPD", "chronic obstructive pulmonary disease"),
    ],
)
def test_spellings_plurals_synonyms_and_typing_errors_lead_to_one_name(text, name):
    assert name in by_name(text)


@pytest.mark.parametrize("text", ["The addition was small.", "A structure in the peroneal region."])
def test_a_real_word_is_not_taken_for_a_typing_error(text):
    assert find_findings(text) == []


def test_capitals_decide_about_abbreviations():
    assert find_findings("Give it to us; he had all of it.") == [
        f for f in find_findings("Give it to us; he had all of it.") if f.kind == "sex"
    ]
    assert by_name("An US of the abdomen was done.")["ultrasound"].text == "US"


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Relapsing MS on interferon.", "multiple sclerosis"),
        ("PE with DVT, on heparin.", "pulmonary embolism"),
        ("RA with swollen joints on methotrexate.", "rheumatoid arthritis"),
    ],
)
def test_an_ambiguous_abbreviation_is_read_by_the_words_around_it(text, name):
    assert name in by_name(text)


def test_an_ambiguous_abbreviation_alone_means_nothing():
    assert find_findings("MS was written on the bag.") == []


def test_an_abbreviation_means_what_the_note_says_it_means():
    text = "Pemphigus vulgaris (PV) was treated. PV flared in autumn."
    assert [f.normalised for f in find_findings(text)] == ["pemphigus", "pemphigus"]


def test_an_abbreviation_in_brackets_behind_its_words_is_not_a_second_finding():
    findings = find_findings("Magnetic resonance imaging (MRI) was done.")
    assert [f.text for f in findings] == ["Magnetic resonance imaging"]


@pytest.mark.parametrize(
    ("text", "found", "site"),
    [
        ("A talus fracture was seen.", "talus fracture", "talus"),
        ("There was a lesion of the talus.", "lesion of the talus", "talus"),
        ("He had pain in the right ear.", "pain in the right ear", "right ear"),
        ("Nodular ulcerative lesions of the antrum.", "Nodular ulcerative lesions of the antrum",
         "antrum"),
        ("A swollen popliteal fossa.", "swollen popliteal fossa", "popliteal fossa"),
        ("The left ovary was enlarged.", "left ovary was enlarged", "left ovary"),
        ("Tympanomastoiditis was seen.", "Tympanomastoiditis", ""),
        ("Left pleural effusion.", "Left pleural effusion", "Left"),
    ],
)  # fmt: skip
def test_what_no_list_holds_is_found_by_its_form(text, found, site):
    findings = {f.text: f for f in find_findings(text)}
    assert findings[found].site == site


@pytest.mark.parametrize(
    "text",
    ["The diagnosis was made.", "An anastomosis was done.", "She was discharged.", "A mass."],
)
def test_words_that_only_look_like_disorders_are_left_alone(text):
    assert not [f for f in find_findings(text) if f.kind in ("symptom", "disorder")]


@pytest.mark.parametrize(
    ("text", "found", "value", "unit"),
    [
        ("prednisolone 60 mg/day orally", "prednisolone 60 mg/day orally", 60.0, "mg/day"),
        ("ceftriaxone at a dose of 2 g every 12 hours.",
         "ceftriaxone at a dose of 2 g every 12 hours", 2.0, "g"),
        ("metformin 500 mg PO bid", "metformin 500 mg PO bid", 500.0, "mg"),
        ("vancomycin (15 mg/kg) was given", "vancomycin (15 mg/kg)", 15.0, "mg/kg"),
        ("oral warfarin", "warfarin", None, ""),
    ],
)  # fmt: skip
def test_a_drug_keeps_its_dose_route_and_frequency(text, found, value, unit):
    (drug,) = (f for f in find_findings(text) if f.kind == "medication")
    assert (drug.text, drug.value, drug.unit) == (found, value, unit)


def test_a_food_is_a_finding_only_as_an_allergy():
    assert [f.kind for f in find_findings("Allergic to peanuts.")] == ["allergy"]
    assert find_findings("Peanuts were eaten.") == []


def test_a_lexicon_of_ones_own_takes_the_place_of_the_shipped_one():
    own = Lexicon([("blue spell", "symptom", ["azure turn"])])
    text = "An azure turn, cough and fever."
    named = [f for f in find_findings(text, lexicon=own) if f.source == "lexicon"]
    assert [f.normalised for f in named] == ["blue spell"]


def test_a_text_without_full_stops_is_read_in_pieces_and_to_its_end():
    text = "fever and cough " * 2000
    assert len(find_findings(text)) == 4000


@pytest.mark.parametrize("unit", ["a", "1,", "non-", "(", "1 x ", "no ", "3+", "é", "his "])
def test_degenerate_text_is_read_in_the_memory_and_time_of_any_other(unit):
    assert isinstance(find_findings(unit * 50_000), list)

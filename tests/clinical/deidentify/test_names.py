"""Names: found by title, label, role, frame and list; eponyms, drugs and ordinary words stay."""

from __future__ import annotations

import pytest

from medllm.clinical.deidentify.deidentifier import find_identifiers


def names_in(text: str, *known: str) -> list[str]:
    return [item.text for item in find_identifiers(text, known) if item.category == "name"]


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("Seen by Dr. Okonkwo-Reyes today.", ["Okonkwo-Reyes"]),
        ("Mr Zbynek Trwoga was admitted.", ["Zbynek Trwoga"]),
        ("Prof. Ilse van der Meulen agrees.", ["Ilse van der Meulen"]),
        ("Patient: QUILLON, MARTA J", ["QUILLON, MARTA J"]),
        ("Attending: R. Thistlewick, MD", ["R. Thistlewick"]),
        ("Her daughter Priyanka will drive her home.", ["Priyanka"]),
        ("Next of kin: Ngozi Eze (wife)", ["Ngozi Eze"]),
        ("Discussed with Søren Bjerregaard, charge nurse.", ["Søren Bjerregaard"]),
        ("Yours sincerely,\n\nA. B. Quillon", ["A. B. Quillon"]),
        ("Dear Dr Vellacott,", ["Vellacott"]),
        ("Report given to Xiulan RN at 1900.", ["Xiulan"]),
        ("Handed over to Yewande from physio.", ["Yewande"]),
        ("Thrimble, 71, was found on the floor.", ["Thrimble"]),
        ("Thrimble's daughter rang the ward.", ["Thrimble"]),
        ("Session 4 with Tonatiuh.", ["Tonatiuh"]),
        ("patient name penny day, date of birth unknown. seen with mother ifeoma. no fever.",
         ["penny day", "ifeoma"]),
        ("Signed: JR/mk", ["JR", "mk"]),
        ("Works as a fitter at Tollgate Engines Ltd.", ["Tollgate Engines Ltd"]),
    ],
)  # fmt: skip
def test_a_name_is_found_whatever_shows_it(text: str, names: list[str]) -> None:
    assert names_in(text) == names


@pytest.mark.parametrize(
    "text",
    [
        "She has Parkinson's disease, Crohn's disease and a Foley catheter.",
        "Apgar scores 8 and 9; Glasgow Coma Scale 15; Babinski sign absent.",
        "Hodgkin lymphoma, Ewing sarcoma, Kaposi sarcoma and Wilms tumour were excluded.",
        "McBurney's point tender, Murphy's sign negative, Rovsing positive.",
        "Started Lipitor, Xarelto and Augmentin; Allegra as needed.",
        "Gram-negative rods; Escherichia coli and Staphylococcus aureus.",
        "The young woman may grant power of attorney; she will hope for rose water.",
        "Dix-Hallpike negative, Epley manoeuvre done, Rinne and Weber normal.",
        "FINDINGS: NORMAL HEART SIZE. IMPRESSION: NO ACUTE DISEASE.",
        "Roux-en-Y bypass, Whipple procedure, Billroth II and a Hartmann pouch.",
    ],
)
def test_eponyms_drugs_and_plain_words_name_nobody(text: str) -> None:
    assert names_in(text) == []


def test_what_is_said_behind_the_name_of_a_speaker_is_no_name() -> None:
    assert names_in("Doctor: Oh, I see.") == names_in("Patient: Good, thanks.") == []
    assert names_in("Doctor: Oh") == ["Oh"]
    assert names_in("Patient: Good, Amy") == ["Good, Amy"]


def test_an_eponym_with_a_title_is_a_person() -> None:
    assert names_in("Dr Crohn and Mrs Parkinson discussed Crohn's disease.") == [
        "Crohn",
        "Parkinson",
    ]


def test_a_name_that_was_found_once_is_found_again_without_its_title() -> None:
    text = "Mr Vantongeren came on foot. Later Vantongeren felt faint."
    assert names_in(text) == ["Vantongeren", "Vantongeren"]


@pytest.mark.parametrize(
    "form",
    ["Maria", "MARIA", "maria", "María", "Roe-Smithers", "Smithers", "roe-smithers",
     "M. Roe-Smithers", "ROE-SMITHERS, MARIA", "Maria's", "maria_roe-smithers.pdf"],
)  # fmt: skip
def test_a_known_name_goes_in_all_its_forms(form: str) -> None:
    left = f"Today {form} ate lunch and slept."
    for item in reversed(find_identifiers(left, ["María Roe-Smithers"])):
        left = left[: item.start] + left[item.end :]
    assert "mar" not in left.lower().replace("today", "")
    assert "smithers" not in left.lower()
    assert "roe" not in left.lower()


def test_a_known_name_that_is_a_word_too_goes_only_where_it_is_a_name() -> None:
    text = "Will Young is a young man who will come. Young denies fever."
    assert names_in(text, "Will Young") == ["Will Young", "Young"]


def test_an_apostrophe_or_an_accent_makes_no_other_name() -> None:
    assert names_in("Obrien came.", "Seán O'Brien") == ["Obrien"]
    assert names_in("Sea\u0301n slept.", "Seán O'Brien") == ["Sea\u0301n"]

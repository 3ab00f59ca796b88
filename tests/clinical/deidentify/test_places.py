"""Places: addresses in the forms of several countries, cities, institutions, wards."""

from __future__ import annotations

import pytest

from medllm.clinical.deidentify.deidentifier import find_identifiers


def without_places(text: str) -> str:
    for item in reversed(find_identifiers(text)):
        if item.category == "geographic":
            text = text[: item.start] + "_" + text[item.end :]
    return text


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("Lives at 417 Magnolia Street, Fresno, CA 93701.", "Lives at _, _, CA _."),
        ("Address: Flat 3, 18 Gladstone Terrace, Leeds, LS1 4AP", "Address: _, _, _, _"),
        ("Seen at Red Maple Clinic and South Tees Hospital.", "Seen at _ Clinic and _ Hospital."),
        ("wohnhaft Hauptstraße 12, Heidelberg", "wohnhaft _, _"),
        ("She moved from Walla Walla to Kirkcaldy.", "She moved from _ to _."),
        ("Treated at St. Mary's Hospital.", "Treated at _ Hospital."),
        ("Transferred from Ward 7B.", "Transferred from Ward _."),
        ("Lives in Whispering Pines Nursing Home.", "Lives in _ Nursing Home."),
        ("P.O. Box 2291, Nome, Alaska 99762", "_, _, Alaska _"),
        ("Born in Ynysybwl, lives near Nether Stowey.", "Born in _, lives near _."),
    ],
)
def test_what_is_smaller_than_a_state_goes(text: str, left: str) -> None:
    assert without_places(text) == left


@pytest.mark.parametrize(
    "text",
    [
        "She travelled to Kenya, Thailand and New Mexico.",
        "Referred to the emergency department of a tertiary hospital.",
        "Bristol stool type 6; Glasgow Coma Scale 15; Boston score 3-3-2.",
        "Ann Arbor stage IIB; Lyme disease; West Nile virus; Norwalk virus.",
        "Take 2 drops at night; 5 mm lesion in the upper outer quadrant.",
        "Ward round: stable. General surgery will review.",
    ],
)
def test_states_lands_and_clinical_words_stay(text: str) -> None:
    assert without_places(text) == text

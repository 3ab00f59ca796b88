"""Lay-outs: messages between systems, small letters, capitals, dictation, scans, charts, papers."""

from __future__ import annotations

import pytest

from medllm.clinical.deidentify.deidentifier import find_identifiers, without_identifiers

MESSAGE = """MSH|^~\\&|LAB|ZAMBORO WEST|EHR|CLINIC7|202403120815||ORU^R01|MSG00441|P|2.3
PID|1||9001774^^^ZW^MR||QUILLON^MARTA^J||19500322|F|||12 ELM BEND^^ZORVTON^IA^52803||5635550117
OBR|1|ORD77281||CBC^COMPLETE BLOOD COUNT|||20240311
OBX|1|NM|HGB||10.9|g/dL|12.0-15.5|L|||F"""


def found(text: str) -> dict[str, list[str]]:
    by_category: dict[str, list[str]] = {}
    for item in find_identifiers(text):
        by_category.setdefault(item.category, []).append(item.text)
    return by_category


def test_the_fields_of_a_message_go_by_their_number_and_its_results_stay() -> None:
    said = found(MESSAGE)
    assert said["name"] == ["QUILLON", "MARTA", "J"]
    assert said["geographic"] == ["ZAMBORO WEST", "CLINIC7", "12 ELM BEND", "ZORVTON", "52803"]
    assert said["medical_record"] == ["9001774"]
    assert said["phone"] == ["5635550117"]
    assert said["date"] == ["20240312", "19500322", "20240311"]
    left = without_identifiers(MESSAGE).text
    assert "CBC^COMPLETE BLOOD COUNT" in left
    assert "HGB||10.9|g/dL|12.0-15.5|L" in left


def test_a_claim_gives_its_person_address_and_numbers_but_not_the_insurer() -> None:
    said = found("NM1*IL*1*ZAMBORO*QUILLON*J***MI*XJH44~N3*14 OAK BEND~N4*ZORVTON*MT*59901~\n"
                 "NM1*PR*2*BIG MUTUAL*****PI*00471~CLM*AC-229*128.5~")  # fmt: skip
    assert said["name"] == ["ZAMBORO", "QUILLON", "J"]
    assert said["geographic"] == ["14 OAK BEND", "ZORVTON", "59901"]
    assert (said["health_plan"], said["account"]) == (["XJH44"], ["AC-229"])


def test_in_small_letters_titles_degrees_and_roles_show_names() -> None:
    text = (
        "night shift. pt mr zorvak slept. seen by dr l. quillon. wife lorena brought him from "
        "home on old mill rd. report to tamsy. works for zambor transport, nights. q zorvak rn"
    )
    said = found(text)
    assert said["name"] == [
        "zorvak", "l. quillon", "lorena", "tamsy", "zambor transport", "q zorvak"
    ]  # fmt: skip
    assert said["geographic"] == ["old mill rd"]


@pytest.mark.parametrize(
    "text",
    [
        "pt seen at baseline. foley in. he is on warfarin. denies fever. report to icu if worse.",
        "ct showed crohn disease. apgar 8. turned q2h. on the left. walked down the road. ok.",
    ],
)
def test_in_small_letters_clinical_words_stay(text: str) -> None:
    assert found(text) == {}


def test_what_is_dictated_gives_days_years_and_numbers_in_words() -> None:
    said = found(
        "seen april ninth two thousand nineteen by doctor zorvak call six one four five five five "
        "zero one seven three she may first try ice"
    )
    assert said["date"] == ["april ninth two thousand nineteen"]
    assert said["phone"] == ["six one four five five five zero one seven three"]
    assert said["name"] == ["zorvak"]


@pytest.mark.parametrize(
    ("text", "date"),
    [
        ("D0B: O3/l1/1947", "O3/l1/1947"),
        ("Date: 22 / 05 / 2O14", "22 / 05 / 2O14"),
        ("Collected Aug/13/2019", "Aug/13/2019"),
        ("consented 2021-Sep-02", "2021-Sep-02"),
        ("Fever since Tues night.", "Tues"),
        ("Seen Mr Roe on 26.1., well.", "26.1"),
        ("Mr Roe: Foley out 3/1, voided.", "3/1"),
        ("Mr Roe: A1c 8.4 (1/22).", "1/22"),
    ],
)
def test_dates_of_scans_forms_and_haste_are_found(text: str, date: str) -> None:
    assert found(text)["date"] == [date]


@pytest.mark.parametrize(
    "text",
    [
        "Mr Roe: power 4/5, pulses 2/4, GCS 13/15, VA 6/5, MMSE 24/30, pain 7/10.",
        "Mr Roe: 14/7 of amoxicillin, 18/12 history, buprenorphine 16/4, Sat 97%, O2 2L.",
    ],
)
def test_scores_durations_and_doses_of_a_chart_are_no_dates(text: str) -> None:
    assert "date" not in found(text)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("Mr Roe, ACC45 BB77120, fell.", "BB77120"),
        ("Mr Roe: courier 7749 0012 3381.", "7749 0012 3381"),
        ("Mr Roe: insurer # bm 4471 0092.", "bm 4471 0092"),
        ("Mr Roe: case 23-4471.", "23-4471"),
        ("2023-10-29T22:14:09Z user=tzorvak host=192.0.2.44", "tzorvak"),
    ],
)
def test_codes_without_a_known_label_go_from_a_chart(text: str, code: str) -> None:
    assert code in [item.text for item in find_identifiers(text)]


def test_what_is_measured_or_a_gene_is_no_code() -> None:
    text = "Mr Roe: PLT 188000, viral load 1200000 copies, prothrombin G20210A, CD45RA, G3P2002."
    assert set(found(text)) == {"name"}


def test_a_published_case_keeps_its_firms_and_codes() -> None:
    paper = "Staining with AV1000 (Zamboro, Tokyo, Japan) was done (Fig. 2), as in Roe et al."
    assert "other" not in found(paper)


def test_a_place_is_known_by_its_label_its_unit_or_its_land() -> None:
    said = found("Mr Roe. Funeral home: Zorv-Zamboro. Lives Route 2 Box 118, seen at Zorva ED.")
    assert said["geographic"] == ["Zorv-Zamboro", "Route 2 Box 118", "Zorva"]
    assert found("Mr Roe, 12B Tūī Crescent, Ōtzorva 3900.")["geographic"] == [
        "12B Tūī Crescent",
        "Ōtzorva 3900",
    ]

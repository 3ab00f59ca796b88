"""Dates in every order, partial ones, ages over 89; scores, ranges and durations stay."""

from __future__ import annotations

from datetime import date

import pytest

from medllm.clinical.deidentify.deidentifier import Deidentifier, find_identifiers


def dates_in(text: str) -> list[str]:
    return [item.text for item in find_identifiers(text) if item.category == "date"]


@pytest.mark.parametrize(
    "form",
    ["03/12/2024", "3/12/24", "12.03.2024", "2024-03-12", "2024/03/12", "20240312", "12-Mar-2024",
     "12MAR2024", "12 March 2024", "March 12, 2024", "Mar. 12, 2024", "12th of March 2024",
     "the twelfth of March", "March 2024", "Tuesday 12 March", "Tuesday", "spring 2019",
     "Q2 2021", "Christmas Eve", "03/2024"],
)  # fmt: skip
def test_a_date_is_found_in_every_form(form: str) -> None:
    found = dates_in(f"She was seen on {form}, and again later.")
    assert len(found) == 1
    assert found[0] in form
    assert len(found[0]) >= len(form) - len("the ")


def test_a_date_behind_the_label_of_a_discharge_is_no_mobile_and_a_holiday_nobodys_name() -> None:
    assert dates_in("D/C: 2021-01-19") == ["2021-01-19"]
    (found,) = find_identifiers("He presented on Christmas Eve with confusion.")
    assert (found.category, found.text) == ("date", "Christmas Eve")


@pytest.mark.parametrize(
    "text",
    [
        "BP 120/80, pulse 72, 5/5 power, pain 4/10, GCS 14/15.",
        "Take 10-20 mg for 3/7, then 2/52; review in 6/12.",
        "Visual acuity 6/12 right and 20/40 left; 2/18 nodes positive.",
        "Gleason 3+4, T2 N1 M0, L4/5 disc, C5-6 level, 1/2 tablet.",
        "She may march in place; may cause drowsiness.",
        "Twice daily every Monday and on alternate Tuesdays.",
    ],
)
def test_what_only_looks_like_a_date_stays(text: str) -> None:
    assert dates_in(text) == []


@pytest.mark.parametrize(
    ("text", "ages"),
    [
        ("A 93-year-old woman.", ["93"]),
        ("Pt is 101 yo M.", ["101"]),
        ("Her mother died at the age of ninety-six.", ["ninety-six"]),
        ("Father MI at 94, mother alive at 91.", ["94", "91"]),
        ("He is in his nineties.", ["nineties"]),
        ("A centenarian.", ["centenarian"]),
        ("An 89-year-old man, HR 92, weight 95 kg, sats 96 %.", []),
        ("Ninety percent stenosis; INR 1.1; 100 mg; 95 % CI.", []),
    ],
)
def test_ages_over_89_are_found_and_younger_ones_stay(text: str, ages: list[str]) -> None:
    assert dates_in(text) == ages


def test_an_age_over_89_becomes_its_group() -> None:
    assert Deidentifier("s").apply("A 93-year-old woman.").text == "A 90+-year-old woman."


def test_the_days_between_dates_stay_as_they_were() -> None:
    text = "Admitted 2024-02-27, operated 2024-03-01, discharged 2024-03-12."
    done = Deidentifier("s", patient="7").apply(text)
    old = [date.fromisoformat(item.text) for item in done.identifiers]
    new = [date.fromisoformat(item.replacement) for item in done.identifiers]
    assert [day - old[0] for day in old] == [day - new[0] for day in new]
    assert old[0] != new[0]


def test_a_date_keeps_the_form_in_which_it_was_written() -> None:
    done = Deidentifier("s").apply("3/4/2024; 12 March 2024; Mar 5, 2024; 05.03.24")
    first, second, third, fourth = (item.replacement for item in done.identifiers)
    assert not first.startswith("0")
    assert first.count("/") == 2
    assert second.split()[1].isalpha()
    assert third.endswith(("2023", "2022", "2024"))
    assert "," in third
    assert fourth.count(".") == 2


def test_another_patient_has_another_shift() -> None:
    text = "Seen on 2024-03-12."
    shifted = {Deidentifier("s", patient=str(n)).apply(text).text for n in range(20)}
    assert len(shifted) > 10


def test_a_date_of_birth_of_ninety_years_ago_does_not_tell_the_age() -> None:
    done = Deidentifier("s").apply("DOB 04/05/1921, seen 06/07/2024.")
    born, seen = (int(item.replacement[-4:]) for item in done.identifiers)
    assert 89 <= seen - born <= 91


def test_day_first_is_told_from_the_other_dates() -> None:
    british = Deidentifier("s").apply("Seen 25/12/2023 and 03/02/2024.")
    days = [tuple(map(int, i.replacement.split("/"))) for i in british.identifiers]
    moved = [date(year, month, day) for day, month, year in days]
    assert moved[1] - moved[0] == date(2024, 2, 3) - date(2023, 12, 25)

"""The whole: offsets, consistency, what a secret changes, time, and texts that nobody wrote."""

from __future__ import annotations

import time
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from medllm.clinical.deidentify.deidentifier import Deidentifier, find_identifiers
from medllm.errors import ConfigError

NOTE = """\
DISCHARGE SUMMARY
Patient: QUILLON, MARTA    DOB 04/05/1951    MRN 00412345    SSN 123-45-6789
Dr Ilse Thistlewick saw Ms Quillon on 12 March 2024 at St. Mary's Hospital, Ward 7B, Boston,
MA 02115. She lives at 417 Magnolia Street, Fresno, CA 93701; tel (617) 555-0123, fax 617-555-0199,
m.quillon@example.com, portal https://portal.example.com/p/17 from 192.0.2.17. Her wife Priyanka
works at Tollgate Engines Ltd. Medicare 1EG4-TE5-MK72, account no. 40017726,
driver's license S4471-2290, VIN 1HGCM82633A004352, pacemaker serial no. PJN440172H. Fingerprints
on file; full-face photograph. She has Parkinson's disease; a Foley catheter was placed.
Sodium 138 mmol/L. Review on 26 March 2024. Quillon agreed. JR/mk
"""
SAFE_HARBOUR = {
    "name", "geographic", "date", "phone", "fax", "email", "ssn", "medical_record", "health_plan",
    "account", "licence", "vehicle", "device", "url", "ip", "biometric", "photo",
}  # fmt: skip


def test_every_category_of_the_note_is_found_and_nothing_of_it_is_left() -> None:
    done = Deidentifier("secret").apply(NOTE)
    assert {item.category for item in done.identifiers} == SAFE_HARBOUR
    for gone in (
        "Quillon QUILLON Marta Thistlewick Mary Boston 02115 Magnolia Fresno 555-0123 0199 "
        "example.com 192.0.2 Priyanka Tollgate 1EG4 40017726 S4471 1HGCM PJN44 00412345 123-45"
    ).split():
        assert gone not in done.text
    for kept in ("Parkinson's disease", "Foley catheter", "Sodium 138 mmol/L", "Hospital", "MA"):
        assert kept in done.text


def test_offsets_are_right_and_lead_into_the_new_text() -> None:
    done = Deidentifier("secret").apply(NOTE)
    for item in done.identifiers:
        assert NOTE[item.start : item.end] == item.text
        new = done.new_offset(item.start)
        assert done.text[new : new + len(item.replacement)] == item.replacement
    assert done.text[done.new_offset(NOTE.index("Sodium")) :].startswith("Sodium 138")


def test_one_name_has_one_surrogate_in_all_of_a_patients_texts() -> None:
    deidentifier = Deidentifier("secret", patient="4711")
    one = deidentifier.apply("Dr Thistlewick came.")
    again = Deidentifier("secret", patient="4711").apply("THISTLEWICK: seen. Dr. Thistlewick left.")
    surrogate = one.identifiers[0].replacement
    assert again.identifiers[-1].replacement == surrogate
    other = Deidentifier("secret", patient="4712").apply("Dr Thistlewick came.")
    assert other.identifiers[0].replacement != surrogate
    unknown = Deidentifier("another secret", patient="4711").apply("Dr Thistlewick came.")
    assert unknown.identifiers[0].replacement != surrogate


def test_only_dates_move_when_it_is_applied_twice() -> None:
    deidentifier = Deidentifier("secret")
    once = deidentifier.apply(NOTE)
    twice = deidentifier.apply(once.text)
    assert {item.category for item in twice.identifiers} <= {"date", "biometric", "photo"}


def test_placeholders_are_stable_and_say_what_was_there() -> None:
    deidentifier = Deidentifier("secret", style="placeholders")
    once = deidentifier.apply(NOTE).text
    assert "[name]" in once
    assert "[date 2024]" in once
    assert deidentifier.apply(once).text == once


@pytest.mark.parametrize(
    "example", ["555-0123", "192.0.2.1", "a.roe@example.org", "2001:db8::1", "01632 960001"]
)
def test_the_usual_examples_are_replaced_too(example: str) -> None:
    done = Deidentifier("secret").apply(f"Contact phone: {example}, thank you.")
    assert example not in done.text


def test_an_empty_secret_is_refused() -> None:
    with pytest.raises(ConfigError, match="secret"):
        Deidentifier("")


def test_what_is_found_is_not_shown_by_repr() -> None:
    done = Deidentifier("secret").apply("Dr Thistlewick came.")
    assert "Thistlewick" not in repr(done)
    assert "Thistlewick" not in repr(done.identifiers[0])


ODD = st.text(
    alphabet=st.one_of(
        st.characters(codec="utf-8"), st.sampled_from(list("AaDr.Ms 0123456789/-:@(),\n'’"))
    ),
    max_size=200,
)


@settings(max_examples=300, deadline=None)
@given(ODD)
def test_any_text_gives_sorted_spans_of_itself(text: str) -> None:
    found = find_identifiers(text)
    assert all(text[item.start : item.end] == item.text for item in found)
    assert all(a.end <= b.start for a, b in zip(found, found[1:], strict=False))
    done = Deidentifier("s", patient="1", known_names=[text[:20]]).apply(text)
    kept = text
    for item in reversed(done.identifiers):
        kept = kept[: item.start] + item.replacement + kept[item.end :]
    assert kept == done.text


@settings(max_examples=60, deadline=None)
@given(st.dates(), st.integers(0, 400), st.text(min_size=1, max_size=8))
def test_any_two_dates_keep_their_distance(first: object, days: int, patient: str) -> None:
    from datetime import date, timedelta

    assert isinstance(first, date)
    start = first.replace(year=1950 + first.year % 70)
    text = f"From {start.isoformat()} to {(start + timedelta(days=days)).isoformat()}."
    done = Deidentifier("s", patient=patient).apply(text)
    new = [date.fromisoformat(item.replacement) for item in done.identifiers]
    assert new[1] - new[0] == timedelta(days=days)


@pytest.mark.parametrize(
    "unit",
    ["a", "A", "A ", "Dr ", "1", "1/", "1-", "(1", "@a", "a@", "x.", "Mr A. ", "9" * 9 + " ",
     "A,", "A\n", "12 ", "A-", "'A", "No. ", ": ", "www.", "St. ", "of the ", "ID: ", "Ward 1",
     "1 A", "March ", "a1-", "ninety-", "A|", "\t", " ", "\n"],
)  # fmt: skip
def test_no_text_makes_it_crawl(unit: str) -> None:
    """A second or less is usual; what tries every place from every place would take minutes."""
    start = time.process_time()
    find_identifiers(unit * (60_000 // len(unit)))
    assert time.process_time() - start < 20


def test_many_notes_give_few_findings_in_plain_clinical_prose() -> None:
    prose = (
        "The patient presented with fever, cough and dyspnoea for three days. On examination she "
        "was tachycardic with crackles at both bases. Chest radiograph showed consolidation. She "
        "was treated with ceftriaxone 2 g daily and azithromycin 500 mg. Troponin was normal. "
    )
    counts = Counter(item.category for item in find_identifiers(prose * 50))
    assert not counts

"""Numbers with their units: what is the same, and what must never be taken for the same."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from medllm.ask.check.numerals import read_quantities
from medllm.ask.check.quantities import in_words, missing_numbers

SAME = [
    ("5 mg", "5mg"),
    ("5 mg", "5-mg tablets"),
    ("5.0 mg", "5 mg"),
    (".5 mg", "0.5 mg"),
    ("1,200 ng/mL", "1200 ng/ml"),
    ("12,5 mg", "12.5 mg"),
    ("two weeks", "2 weeks"),
    ("twenty-five patients", "25 patients"),
    ("58-year-old", "aged 58 years"),
    ("39.4 °C", "39.4°C"),
    ("39.4 degrees Celsius", "39.4 °C"),
    ("87 %", "87%"),
    ("87 per cent", "87%"),
    ("500 mcg", "500 µg"),
    ("500 micrograms", "500 μg"),
    ("40 mg daily", "40 mg/day"),
    ("40 mg per day", "40 mg a day"),
    ("50 mg/kg/day", "50 mg per kg per day"),
    ("40 mg", "40 mg daily"),
    ("100 mg b.i.d.", "100 mg twice daily"),
    ("three times a day", "3 times daily"),
    ("612 x 10^9/L", "612 × 10⁹/l"),
    ("3 to 5 cm", "3-5 cm"),
    ("3 cm", "3 x 5 cm"),
    ("120/80 mmHg", "120/80"),
    ("88", "SpO2 88% on air"),
    ("128 mmol/L", "Na 128, K 4.1"),
    ("phase II", "phase 2"),
    ("day 5", "the fifth day"),
    ("within one week", "within a week"),
    ("-2.5", "a z-score of −2.5"),
    ("below 2%", "<2%"),
    ("1 g every 8 hours", "1 g 8-hourly"),
]
OTHER = [
    ("50 mg", "5 mg"),
    ("5 g", "5 mg"),
    ("5 mg", "5 mg/kg"),
    ("0.5 mg", "5 mg"),
    ("5 mg", ".5 mg"),
    ("2.5 mg", "12.5 mg"),
    ("5 µg", "5 mg"),
    ("3 weeks", "3 months"),
    ("3 weeks", "3 patients"),
    ("1.2 ng/mL", "1,200 ng/mL"),
    ("38%", "38 patients"),
    ("three parrots", "two parrots"),
    ("twice daily", "three times daily"),
    ("twice weekly", "twice daily"),
    (">14 ng/L", "<14 ng/L"),
    ("more than 14 ng/L", "less than 14 ng/L"),
    ("2.5", "a z-score of -2.5"),
    ("12/03/2024", "03/12/2024"),
    ("88 mm/h", "88 mmHg"),
    ("1 g/h", "1 g/day"),
    ("0.1 units/h", "0.1 units/kg/h"),
    ("1:320", "1:230"),
    ("3-6 cm", "3-5 cm"),
    ("612 x 10^9/L", "612 x 10^12/L"),
    ("5 mg and 5 mg", "5 mg"),
    ("one week", "two weeks"),
    ("37.2 °F", "37.2 °C"),
    ("phase III", "phase 2"),
]


@pytest.mark.parametrize(("claim", "source"), SAME)
def test_one_number_written_in_two_ways_is_the_same(claim: str, source: str) -> None:
    assert missing_numbers(claim, source) == []


@pytest.mark.parametrize(("claim", "source"), OTHER)
def test_another_number_or_unit_is_missing(claim: str, source: str) -> None:
    assert missing_numbers(claim, source)


@pytest.mark.parametrize(
    "text", ["one of them", "a patient", "first-line", "both eyes", "once stable", "CD20", "Ki-ras"]
)
def test_what_is_hardly_a_number_is_not_asked_of_the_source(text: str) -> None:
    assert missing_numbers(text, "") == []


def test_a_missing_number_is_named_as_a_reader_would_write_it() -> None:
    assert missing_numbers("Given 5 mg/kg.", "") == ["5 mg/kg"]
    assert missing_numbers("It was <0.5%.", "") == ["<0.5%"]
    text = "1,200 ng/mL for two weeks, 118/74 mmHg, 612 x 10^9/L, 3 times a day, 1 week, −2 °C"
    shown = "1200 ng/mL, 2 weeks, 118 mmHg, 74 mmHg, 612 x 10^9/L, 3 times/day, 1 week, -2 °C"
    assert ", ".join(in_words(quantity) for quantity in read_quantities(text)) == shown


NUMBERS = st.from_regex(r"[0-9]{1,4}(\.[0-9]{1,3})?", fullmatch=True)
UNITS = st.sampled_from(["", " mg", "mg", " g", " mg/kg", "%", " weeks", " patients", " mmol/L"])


@given(NUMBERS, UNITS, st.data())
def test_a_changed_digit_is_always_another_number(number: str, unit: str, data) -> None:
    at = data.draw(st.sampled_from([i for i, c in enumerate(number) if c.isdigit()]))
    digit = data.draw(st.sampled_from([d for d in "0123456789" if d != number[at]]))
    changed = number[:at] + digit + number[at + 1 :]
    assert missing_numbers(f"Given {number}{unit}.", f"Given {number}{unit}.") == []
    assert missing_numbers(f"Given {changed}{unit}.", f"Given {number}{unit}.")


@given(st.text(alphabet="0123456789.,/-–<> mgkdaywone²⁹×^°%", max_size=40))
def test_any_text_holds_its_own_numbers(text: str) -> None:
    assert missing_numbers(text, text) == []

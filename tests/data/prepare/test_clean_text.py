from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from medllm.data.prepare.clean_text import clean_text, strip_boilerplate


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("  plain \t text ", "plain text"),
        ("one\r\n\r\n\r\n\r\ntwo \n three", "one\n\ntwo\nthree"),
        ("a\u00a0b\u2009c\u200bd\ufeff", "a b cd"),
        ("cafe\u0301", "caf\u00e9"),
        ("bell\x07 and \x1b[31mred", "bell and [31mred"),
        ("It\u00e2\u20ac\u2122s 37 \u00c2\u00b0C", "It\u2019s 37 \u00b0C"),
        ("Tom &amp; Ann&nbsp;said &#39;no&#39;", "Tom & Ann said 'no'"),
        ("twice &amp;lt;5&amp;gt; escaped", "twice <5> escaped"),
        ("<p>One</p><p>two<br/>three</p>", "One\n\ntwo\nthree"),
        ("a <b>bold</b> <a href='x'>word</a>", "a bold word"),
        ("x<script>alert(1)</script>y<!-- no -->z", "x y z"),
        ("10<sup>9</sup>/L, H<sub>2</sub>O", "10^9/L, H2O"),
    ],
)
def test_a_text_is_cleaned(text: str, wanted: str) -> None:
    assert clean_text(text) == wanted


@pytest.mark.parametrize(
    "text", ["p<0.05 and <5 mg/dL", "<unknown> & <0.1", "AT&T; R&D", "if a < b > c"]
)
def test_what_is_no_tag_and_no_entity_stays(text: str) -> None:
    assert clean_text(text) == text


def test_html_stays_where_it_is_not_to_be_stripped() -> None:
    assert clean_text("<p>x &amp; y</p>", strip_html=False) == "<p>x &amp; y</p>"


@given(st.text())
def test_cleaning_twice_changes_nothing_more_without_html(text: str) -> None:
    once = clean_text(text, strip_html=False)
    assert clean_text(once, strip_html=False) == once


@given(st.text(alphabet=st.characters(codec="utf-8")))
def test_a_cleaned_text_is_normalised_and_has_no_control_characters(text: str) -> None:
    cleaned = clean_text(text, strip_html=False)
    assert unicodedata.is_normalized("NFC", cleaned)
    assert not any(unicodedata.category(letter) == "Cc" and letter != "\n" for letter in cleaned)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        (
            "Hello, Thanks for your query. I have gone through your query and understand your "
            "concern. Keep the heel high. Hope this helps. Regards, Chat Doctor.",
            "Keep the heel high.",
        ),
        ("Hi there! Rest and drink.\n\nKind regards\nDr. Chat Doctor", "Rest and drink."),
        (
            "Dear patient, welcome to our forum. It may pass. Wishing you good health",
            "It may pass.",
        ),
        ("hello, based on this, wait a week.", "Based on this, wait a week."),
        ("Doctor: Yes. Patient: thank you so much", "Yes."),
        ("Revert with the reports to a cardiologist online --> https://www.icliniq.com/x", ""),
    ],
)
def test_greeting_and_sign_off_go(text: str, wanted: str) -> None:
    assert strip_boilerplate(text) == wanted


@pytest.mark.parametrize(
    "text",
    [
        "Good control of the sugar matters most.",
        "If you have any further questions, call the ward at once.",
        "I understand that it itches. Use the cream twice a day.",
        "Take care of your feet: wash them daily.",
        "Hope is no plan; have it seen.",
        "Thank you, but the dose of 5 mg stays.",
        "",
    ],
)
def test_what_only_begins_like_a_greeting_stays(text: str) -> None:
    assert strip_boilerplate(text) == text


def test_a_comment_that_opens_again_before_it_closes_is_text_up_to_there() -> None:
    assert clean_text("Rest <!-- one <!-- two --> and fluids.") == "Rest <!-- one and fluids."
    many = "<!--" * 50_000  # from each to the end would be more than a thousand million steps
    assert clean_text(many) == many

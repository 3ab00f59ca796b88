from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from medllm.data.prepare.clean import CleanRules, clean_record
from medllm.data.prepare.leftovers import has_lost_apostrophes, strip_asides, strip_leftovers
from tests.data.prepare.making import record


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("The scan () was clear (Figure ).", "The scan was clear."),
        ("Seen twice ( and ), then (Figs. , ).", "Seen twice, then."),
        ("beta ()-actin", "beta-actin"),
        ("nested (())", "nested"),
        ("It passes.[1] Often,[2][33] not always.", "It passes. Often, not always."),
        (
            "Ask for help. (Watch the video to learn more (MORE). To enlarge the video, click. "
            "To reduce it, press the Escape (Esc) button on your keyboard.) Then rest.",
            "Ask for help. Then rest.",
        ),
        ("Good. (Watch the slideshow to learn how.)", "Good."),
    ],
)
def test_what_scraping_left_goes(text: str, wanted: str) -> None:
    assert strip_leftovers(text) == wanted


@pytest.mark.parametrize(
    "text",
    [
        "5 mg (once daily), see (a) and (Figure 2)",
        "grade [2] and Ca[2+]",
        "BP (120/80) (n = 3)",
        "Watch the dose (5 mg).",
        "figures () of speech"[:8],
    ],
)
def test_what_says_something_stays(text: str) -> None:
    assert strip_leftovers(text) == text


@given(st.text(alphabet="(), [1].aand"))
def test_stripping_twice_changes_nothing_more(text: str) -> None:
    once = strip_leftovers(text)
    assert strip_leftovers(once) == once or "[" in text


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("You may have gout. (Note: this dialogue is imaginary.)", "You may have gout."),
        ("It is gout.Note: I had to keep the conversation short.", "It is gout."),
        (
            "It is gout. 12,Gout,['Heel'],Please generate a dialogue between two people.",
            "It is gout.",
        ),
        ("It is gout. Note: take it with food.", "It is gout. Note: take it with food."),
        ("Keep a note: pain, sleep, food.", "Keep a note: pain, sleep, food."),
    ],
)
def test_what_a_model_says_of_its_task_goes(text: str, wanted: str) -> None:
    assert strip_asides(text) == wanted


@pytest.mark.parametrize("text", ["I??e been ill", "you??e well", "We don?? know", "It?? over"])
def test_a_lost_apostrophe_is_seen(text: str) -> None:
    assert has_lost_apostrophes(text)
    said = clean_record(record("a", text), CleanRules())
    assert said == "a question is broken: characters could not be decoded"


@pytest.mark.parametrize("text", ["Really?? Please help", "What now??", "Is it me??"])
def test_two_question_marks_are_no_lost_apostrophe(text: str) -> None:
    assert not has_lost_apostrophes(text)

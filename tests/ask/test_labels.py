"""The words by which the terminal and the page show an answer."""

from __future__ import annotations

from typing import get_args

import pytest

from medllm.ask.labels import SECTIONS, age_in_words, headline, value_in_words
from medllm.clinical.findings import find_findings
from medllm.records import Document, Section


def document(text: str = "", title: str = "") -> Document:
    return Document(id="one", kind="articles", text=text, title=title)


@pytest.mark.parametrize(
    ("years", "words"),
    [
        (58.0, "58 years"),
        (3.41667, "3 years"),
        (1.5, "18 months"),
        (0.42, "5 months"),
        (0.1, "37 days"),
        (1 / 365.25, "1 day"),
        (0.003, "1 day"),
        (0.0, "0 days"),
    ],
)
def test_an_age_is_given_as_it_is_said(years: float, words: str) -> None:
    assert age_in_words(years) == words


def test_every_section_has_a_heading() -> None:
    assert set(SECTIONS) == set(get_args(Section))


def test_a_document_goes_by_its_title_on_one_line() -> None:
    assert headline(document("Text.", " A case of\n tetanus ")) == "A case of tetanus"


def test_without_a_title_its_beginning_stands_in_quotation_marks() -> None:
    assert headline(document("She had\ntetanus.")) == "“She had tetanus.”"
    long = headline(document("A man of 40 years, " + "who was well until then, " * 10))
    assert long.startswith("“A man of 40 years, who was well")
    assert long.endswith("who was well …”")
    assert len(long) < 120
    assert headline(document("a" * 500)) == f"“{'a' * 110} …”"
    assert headline(document(" ")) == "Without a title"


@pytest.mark.parametrize(
    ("note", "words"),
    [
        ("Temperature 38.50 °C.", "38.5 °C"),
        ("Pulse 112/min.", "112/min"),
        ("pH 7.2.", "7.2"),
        ("Creatinine 180 umol/L.", "180 µmol/L"),
    ],
)
def test_a_value_is_written_with_its_unit(note: str, words: str) -> None:
    (finding,) = find_findings(note)
    assert value_in_words(finding) == words

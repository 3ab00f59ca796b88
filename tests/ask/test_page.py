"""The HTML answer without a browser: exact texts, sound markup, escaping, words for every state."""

import base64
import hashlib
import re
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import medllm.ask.page.render as page_module
from medllm.ask.page.render import render_page
from medllm.records import (
    Answer,
    Citation,
)
from tests.ask.answers import (
    abstained_answer,
    cut_passage,
    incomplete_answer,
    long_answer,
    poisoned_answer,
    rich_answer,
)
from tests.ask.page_reader import Reader, assert_sound


@pytest.mark.parametrize("make", [rich_answer, abstained_answer, incomplete_answer, long_answer])
def test_the_invented_answers_are_sound_pages(make: Any) -> None:
    assert_sound(Reader(render_page(make())))


def test_findings_outside_the_note_are_listed_but_not_marked() -> None:
    stray = replace(rich_answer().findings[2], start=5, end=10**6, normalised="strayed")
    reader = Reader(render_page(replace(rich_answer(), findings=(stray,))))
    assert "strayed" in reader.by_id["findings"]
    assert reader.marks["finding-1"] == ""


def section(answer: Answer, name: str) -> str:
    return " ".join(Reader(render_page(answer)).by_id[name].split())


def test_findings_are_grouped_by_whose_they_are_and_when() -> None:
    shown = section(rich_answer(), "findings")
    own, rest = shown.split("ValuesMeasure")
    values, rest = rest.split("Negated: said not to be present")
    negated, rest = rest.split("Family and other people")
    family, rest = rest.split("Past")
    past, uncertain = rest.split("Uncertain or hypothetical")
    assert "dyspnoea “breathlessness”" in own
    assert "penicillin allergy" in own
    assert "body temperature38.9 °C highT 38.9 °C" in values
    assert "haemoptysis" in negated
    assert "breast cancer (family)" in family
    assert "deep vein thrombosis (resolved)" in past
    assert "pulmonary embolism (hypothetical)" in uncertain
    assert "haemoptysis" not in own + values + family + past + uncertain


def test_a_negated_finding_of_the_family_stays_with_the_family() -> None:
    mother = replace(rich_answer().findings[13], negated=True)
    shown = section(replace(rich_answer(), findings=(mother,)), "findings")
    assert "Family and other people" in shown
    assert "breast cancer (family, negated)" in shown


def test_a_verdict_that_did_not_hold_is_said_in_words() -> None:
    shown = section(rich_answer(), "summary")
    assert "number not in source (200 mg is not in source 1)" in shown
    assert "Not supported by its source: negation differs" in shown
    assert "10 A course of steroids shortens the illness. No source given" in shown
    assert "[9] unknown source Unknown source" in shown
    assert "5 of 12 sentences did not pass the check" in shown
    assert "Not found in the literature retrieved: penicillin allergy, crackles" in shown


def test_claims_stand_under_the_heading_of_their_section() -> None:
    shown = section(rich_answer(), "summary")
    headings = [
        "Similar patients: presentation",
        "Similar patients: work-up",
        "Similar patients: treatment",
        "Similar patients: outcome",
        "Articles: what they report",
    ]
    places = [shown.index(heading) for heading in headings]
    assert places == sorted(places)
    assert places[2] < shown.index("doxycycline 200 mg") < places[3]


def test_abstention_and_a_break_are_said_at_the_top_and_in_the_summary() -> None:
    none, broken = Reader(render_page(abstained_answer())), Reader(render_page(incomplete_answer()))
    assert "Summary none written" in none.text
    assert "No summary was written: no passage reached" in none.by_id["summary"]
    assert "3 sentences, broke off" in broken.text
    words = "The summary broke off: the model server closed the connection after 3 sentences. "
    assert words + "What is shown is not whole." in broken.by_id["summary"]


def test_a_retracted_source_is_marked_on_its_card_its_source_and_its_citation() -> None:
    reader = Reader(render_page(rich_answer()))
    assert "RETRACTED" in reader.by_id["articles-2"]
    assert "RETRACTED" in reader.by_id["source-5"]
    assert "RETRACTED" in reader.by_id["claim-9"]
    assert reader.text.count("RETRACTED") == 3


def test_only_web_addresses_become_links() -> None:
    addresses = [
        "javascript:alert(1)",
        "JaVaScRiPt:alert(1)//https://journal.example",
        "data:text/html,<script>alert(1)</script>",
        "vbscript:x",
        "file:///etc/hosts",
        "ftp://archive.example/a",
        "//journal.example/a",
        "https://journal.example@evil.example/",
        "https://journal.example/a b",
        "https:///nohost",
        "https://[bad",
        "https://journal.example:port/",
        " https://journal.example/",
        'https://journal.example/"onclick="alert(1)',
    ]
    for url in addresses:
        hit = rich_answer().patients[3]
        bad = replace(hit, document=replace(hit.document, url=url))
        reader = Reader(render_page(replace(abstained_answer(), patients=(bad,))))
        assert [href for href in reader.values("href") if not href.startswith("#")] == []
        assert f"Address: {url}" in reader.text
    reader = Reader(render_page(rich_answer()))
    links = [(has["href"], has["rel"]) for tag, has in reader.elements if has.get("class") == "out"]
    assert ("https://journal.example/articles/a1", "noreferrer noopener") in links


def test_the_policy_names_the_digest_of_the_style_and_of_the_script() -> None:
    page = render_page(rich_answer())
    policy = next(str(has["content"]) for _, has in Reader(page).elements if "http-equiv" in has)
    for tag in ("style", "script"):
        (inner,) = re.findall(f"<{tag}>(.*?)</{tag}>", page, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(inner.encode()).digest()).decode()
        assert f"{tag}-src 'sha256-{digest}'" in policy
    assert policy.startswith("default-src 'none'")
    assert "unsafe" not in policy


def test_style_and_script_are_small_and_name_no_place_outside() -> None:
    folder = Path(page_module.__file__).parent
    assets = [(folder / name).read_text() for name in ("page.css", "page.js")]
    assert sum(len(asset.encode()) for asset in assets) < 25_000
    assert not re.search(r"https?:|url\(|@import|fetch\(|innerHTML|</", "".join(assets))


def test_a_long_note_with_sixty_claims_is_rendered_at_once() -> None:
    answer = long_answer()
    assert len(answer.note.text.split()) > 10_000
    assert len(answer.summary.claims) == 60
    began = time.process_time()
    render_page(answer)
    assert time.process_time() - began < 2  # 0.1 s on an idle core


def test_a_sentence_partly_outside_the_passage_is_clipped_to_it() -> None:
    answer = rich_answer()
    whole = answer.patients[0]
    hit = cut_passage(whole, "kept two", "parrots")
    start = whole.document.text.index("She kept")
    claim = replace(answer.summary.claims[0], citations=(Citation(number=1, start=start, end=400),))
    summary = replace(answer.summary, claims=(claim,))
    reader = Reader(render_page(replace(answer, evidence=(hit,), summary=summary)))
    assert reader.marks[f"sentence-1-{start}-400"] == "kept two parrots"


def test_a_payload_in_any_field_leaves_the_elements_as_they_are() -> None:
    def skeleton(payload: str) -> list[tuple[str, tuple[str, ...]]]:
        reader = Reader(render_page(poisoned_answer(payload)))
        return [(tag, tuple(has)) for tag, has in reader.elements]

    harmless = "un harmful"
    for payload in ["<b>x</b>", '"><img src=x onerror=alert(1)>', "'><script>alert(1)</script>"]:
        assert skeleton(payload) == skeleton(harmless)


def test_sentences_are_counted_in_the_order_in_which_they_are_shown() -> None:
    answer = rich_answer()
    turned = replace(answer.summary, claims=answer.summary.claims[::-1])
    reader = Reader(render_page(replace(answer, summary=turned)))
    first = " ".join(reader.by_id["claim-1"].split())
    assert first.startswith("1 A man of 55 with pleuritic pain")
    assert "sentence 1" in reader.by_id["source-2"]
    order = [name for name in reader.values("id") if name.startswith("claim-")]
    assert order == [f"claim-{n}" for n in range(1, 13)]

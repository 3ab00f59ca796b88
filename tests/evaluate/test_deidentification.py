"""De-identification measured: what counts as removed, what as destroyed, and its intervals."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest
from scipy.stats import binomtest

from benchmarks.deidentification_generator import (
    fill_template,
    generate_notes,
    read_templates,
    read_values,
)
from medllm.clinical.deidentify.result import Identifier
from medllm.errors import DataError
from medllm.evaluate.deidentification import (
    Mark,
    MarkedNote,
    count_destroyed,
    evaluate_deidentification,
    read_marked,
    wilson_interval,
)

TEXT = "Ms Ann Quillon has fever."
NOTE = MarkedNote(id="1", text=TEXT, marks=(Mark("name", 3, 14),))


def finder_of(*spans: tuple[int, int, str]) -> object:
    def find(text: str) -> list[Identifier]:
        return [Identifier(c, a, b, text[a:b], "_") for a, b, c in spans]  # type: ignore[arg-type]

    return find


@pytest.mark.parametrize(
    ("spans", "removed", "right"),
    [
        ([(3, 14, "name")], 1, 1),
        ([(0, 14, "name")], 1, 1),
        ([(3, 6, "name"), (7, 14, "name")], 1, 1),
        ([(3, 14, "geographic")], 1, 0),
        ([(3, 6, "name")], 0, 0),
        ([(3, 13, "name")], 0, 0),
        ([], 0, 0),
    ],
)
def test_an_identifier_is_removed_only_when_no_letter_of_it_is_left(
    spans: list[tuple[int, int, str]], removed: int, right: int
) -> None:
    score = evaluate_deidentification([NOTE], finder=finder_of(*spans))  # type: ignore[arg-type]
    assert (score.overall.n_removed, score.overall.n_labelled_right) == (removed, right)


def test_the_worst_category_comes_first_and_what_is_no_identifier_is_counted() -> None:
    marks = (Mark("name", 3, 14), Mark("date", 15, 18), Mark("date", 15, 18, "age"))
    note = MarkedNote(id="1", text=TEXT, marks=marks)
    found = finder_of((3, 14, "name"), (19, 24, "other"))
    score = evaluate_deidentification([note], finder=found)  # type: ignore[arg-type]
    assert [row.category for row in score.categories] == ["date", "date: age over 89", "name"]
    assert [row.recall for row in score.categories] == [0, 0, 1]
    assert score.n_unmarked == 1


def test_clinical_words_are_destroyed_outside_the_marks_only() -> None:
    all_of_it = finder_of((0, 25, "name"))
    counts = count_destroyed([NOTE], finder=all_of_it)  # type: ignore[arg-type]
    assert counts.n_words == 3
    assert counts.n_replaced == 3
    assert counts.n_clinical_replaced == counts.n_clinical >= 1
    assert counts.n_findings_touched == counts.n_findings == 1
    none_of_it = count_destroyed([NOTE], finder=finder_of())  # type: ignore[arg-type]
    assert none_of_it.n_clinical_replaced == none_of_it.n_findings_touched == 0


@pytest.mark.parametrize(("right", "n"), [(0, 1), (1, 1), (3, 10), (98, 100), (200, 200)])
def test_wilsons_interval_agrees_with_scipy(right: int, n: int) -> None:
    low, high = wilson_interval(right, n)
    theirs = binomtest(right, n).proportion_ci(method="wilson")
    assert (low, high) == pytest.approx((theirs.low, theirs.high), abs=1e-12)


def test_marked_notes_are_read_and_broken_ones_are_named(tmp_path: Path) -> None:
    path = tmp_path / "marked.jsonl"
    row = {"id": "a", "text": TEXT, "identifiers": [{"category": "name", "start": 3, "end": 14}]}
    path.write_text(json.dumps(row) + "\n")
    assert read_marked(path) == [MarkedNote(id="a", text=TEXT, marks=(Mark("name", 3, 14),))]
    row["identifiers"] = [{"category": "name", "start": 3, "end": 99}]
    path.write_text("\n" + json.dumps(row))
    with pytest.raises(DataError, match="line 2") as caught:
        read_marked(path)
    assert "Quillon" not in str(caught.value)


@pytest.mark.parametrize("name", ["dev", "heldout"])
def test_generated_notes_mark_what_they_hold(name: str) -> None:
    notes = list(generate_notes(name, fewest=400, seed=1))
    assert sum(len(note.marks) for note in notes) >= 400
    for note in notes:
        assert all(0 <= mark.start < mark.end <= len(note.text) for mark in note.marks)
        assert "{" not in note.text.replace("{url", "{")
    again = list(generate_notes(name, fewest=400, seed=1))
    assert notes == again


def test_one_person_has_one_name_within_a_note() -> None:
    template = "{name:First Last|p} and {name:LAST, FIRST|p}; {name:Last|q}"
    note = fill_template(template, "t", read_values("dev"), random.Random(3))
    first, second, _ = (note.text[mark.start : mark.end] for mark in note.marks)
    assert sorted(first.upper().split()) == sorted(second.replace(",", "").split())


def test_no_template_is_both_tuned_on_and_held_apart() -> None:
    tuned = {" ".join(text.split()) for _, text in read_templates("dev")}
    held = {" ".join(text.split()) for _, text in read_templates("heldout")}
    assert not tuned & held
    assert len(held) >= 10

"""The measure of findings: counted by hand on small cases, and the bar on the annotated set."""

import json

import pytest

from medllm.errors import DataError
from medllm.evaluate.findings import (
    Event,
    Span,
    count_exact,
    count_one_to_one,
    count_overlapping,
    count_polarity,
    evaluate_findings,
)
from medllm.records import Finding


def finding(start: int, end: int, *, negated: bool = False, kind: str = "symptom") -> Finding:
    return Finding(
        text="x" * (end - start), start=start, end=end, kind=kind, normalised="x", negated=negated
    )


def note(text: str, **marks: list[dict[str, object]]) -> str:
    empty: dict[str, list[dict[str, object]]] = {"clinical_entities": [], "results": []}
    return json.dumps({"id": "n", "text": text, "events": [], **empty, **marks}) + "\n"


FOUND = [Span(0, 5), Span(10, 15), Span(20, 25), Span(40, 42)]
THERE = [Span(0, 5), Span(12, 24), Span(30, 35)]


def test_overlapping_spans_are_counted_on_both_sides():
    assert count_overlapping(FOUND, THERE) == (3, 4, 2, 3)


def test_one_to_one_lets_an_annotation_be_met_once():
    assert count_one_to_one(FOUND, THERE) == (2, 4, 2, 3)


def test_exact_wants_equal_offsets():
    assert count_exact(FOUND, THERE) == (1, 4, 1, 3)


def test_polarity_is_asked_of_events_that_a_finding_covers():
    findings = [finding(0, 10, negated=True), finding(4, 8), finding(20, 30, negated=True)]
    events = [Event(0, 3, True), Event(5, 7, True), Event(22, 25, False), Event(50, 55, True)]
    # the first rightly denied; the second lies in a shorter finding, not denied; the third wrongly
    assert count_polarity(findings, events) == (1, 2, 1, 2)


def test_polarity_is_not_asked_of_age_and_sex():
    assert count_polarity([finding(0, 9, kind="age")], [Event(0, 5, True)]) == (0, 0, 0, 0)


def test_a_file_is_scored_with_its_interval(tmp_path):
    path = tmp_path / "annotated.jsonl"
    lines = [
        note("No fever.", clinical_entities=[{"start": 3, "end": 8}]),
        note("Cough; Hb 8 g/dL.", results=[{"start": 10, "end": 16}]),
        note("An odd thing.", clinical_entities=[{"start": 3, "end": 12}]),
    ]
    path.write_text("".join(lines), encoding="utf-8")
    scores = {score.name: score for score in evaluate_findings(path)}
    entities = scores["entities, exact"]
    assert (entities.precision, entities.recall, entities.n_documents) == (0.5, 0.5, 3)
    assert entities.f1 == 0.5
    assert entities.low is not None
    assert entities.high is not None
    assert entities.low <= 0.5 <= entities.high
    assert scores["results, overlapping"].f1 == 1.0


def test_nothing_to_find_has_no_score_rather_than_zero(tmp_path):
    path = tmp_path / "annotated.jsonl"
    path.write_text(note("Nothing."), encoding="utf-8")
    assert all(score.f1 is None and score.low is None for score in evaluate_findings(path))


def test_the_same_seed_gives_the_same_interval(tmp_path):
    path = tmp_path / "annotated.jsonl"
    lines = [note("No fever.", clinical_entities=[{"start": 3, "end": 8}]), note("Cough.")]
    path.write_text("".join(lines), encoding="utf-8")
    assert evaluate_findings(path) == evaluate_findings(path)


@pytest.mark.parametrize(
    "line",
    [
        "not json\n",
        '{"text": 7}\n',
        '{"id": "n"}\n',
        note("short", clinical_entities=[{"start": 3, "end": 99}]),
        note("short", clinical_entities=[{"start": 3}]),
        note("short", events=[{"start": 0, "end": 2}]),
        "[1, 2]\n",
    ],
)
def test_a_line_that_is_not_an_annotated_note_is_named_without_its_content(tmp_path, line):
    path = tmp_path / "annotated.jsonl"
    path.write_text(note("A secret cough.") + line, encoding="utf-8")
    with pytest.raises(DataError, match="line 2") as error:
        evaluate_findings(path)
    assert "secret" not in str(error.value)


def test_an_empty_and_an_absent_file_are_errors(tmp_path):
    (tmp_path / "empty.jsonl").write_text("")
    with pytest.raises(DataError, match="no annotated note"):
        evaluate_findings(tmp_path / "empty.jsonl")
    with pytest.raises(DataError, match="cannot be read"):
        evaluate_findings(tmp_path / "absent.jsonl")


@pytest.mark.real_data
def test_the_annotated_set_is_read_as_well_as_is_promised(real_data):
    scores = {s.name: s for s in evaluate_findings(real_data / "e3c" / "annotated-dev.jsonl")}
    for name, least in {
        "entities, overlapping": 0.70,
        "entities, exact": 0.50,
        "polarity, negated": 0.85,
        "results, overlapping": 0.80,
    }.items():
        assert scores[name].f1 is not None
        assert scores[name].f1 >= least, name

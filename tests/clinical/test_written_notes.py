"""Notes and sentences of many hands: what was once read right stays right."""

from __future__ import annotations

import pytest

from benchmarks.written_notes import (
    FINDING_SETS,
    IDENTIFIER_SETS,
    count_met,
    read_expectations,
    read_marked_notes,
)
from medllm.evaluate.deidentification import count_destroyed, evaluate_deidentification

FLOORS = {1: 0.97, 2: 0.94, 3: 0.91, 4: 0.91}
"""Of identifiers removed, a little below what was measured when the rules were last changed."""
MOST_DESTROYED = 4
"""Clinical words of a set, of 55 to 356; most say of a house what it is: "Regional", "Imaging"."""
FINDINGS_FLOOR = 0.95


@pytest.mark.parametrize("number", IDENTIFIER_SETS)
def test_identifiers_of_notes_written_by_hand_are_removed(number: int) -> None:
    notes = list(read_marked_notes(number))
    assert evaluate_deidentification(notes).overall.recall >= FLOORS[number]
    assert count_destroyed(notes).n_clinical_replaced <= MOST_DESTROYED


@pytest.mark.parametrize("number", FINDING_SETS)
def test_findings_of_short_notes_are_read_as_a_clinician_reads_them(number: int) -> None:
    counts = count_met(number)
    assert {"found", "denied or not", "age", "sex", "value"} <= counts.keys()
    met, asked = (sum(pair[at] for pair in counts.values()) for at in (0, 1))
    assert met / asked >= FINDINGS_FLOOR


def test_no_sentence_of_the_short_notes_stands_twice() -> None:
    texts = [text for number in FINDING_SETS for text, _ in read_expectations(number)]
    assert len(texts) > 100
    assert len(set(texts)) == len(texts)

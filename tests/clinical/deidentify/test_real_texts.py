"""On real case reports and notes, which hold few identifiers, clinical words stay."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from medllm.evaluate.deidentification import MarkedNote, count_destroyed

N_TEXTS = 120


def texts(path: Path, column: str) -> list[MarkedNote]:
    csv.field_size_limit(2**31 - 1)
    with path.open(encoding="utf-8", newline="") as handle:
        rows = [row[column] for row in csv.DictReader(handle) if row[column]]
    return [MarkedNote(id=str(n), text=text, marks=()) for n, text in enumerate(rows[:N_TEXTS])]


@pytest.mark.real_data
@pytest.mark.parametrize(
    ("file", "column"),
    [
        ("pmc-patients-sample/PMC-Patients-sample-1000.csv", "patient"),
        ("mts-dialog/MTS-Dialog-ValidationSet.csv", "section_text"),
    ],
)
def test_fewer_than_one_clinical_word_in_200_is_replaced(
    real_data: Path, file: str, column: str
) -> None:
    counts = count_destroyed(texts(real_data / file, column))
    assert counts.n_clinical > 500
    assert counts.n_clinical_replaced / counts.n_clinical < 0.005
    assert counts.n_findings_touched / counts.n_findings < 0.005

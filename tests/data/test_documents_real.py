from __future__ import annotations

import ast
import csv
from pathlib import Path
from typing import Any

import pytest

DATA = Path(__file__).resolve().parents[2].parent / "shared" / "data"
DAYS = {"year": 365.25, "month": 365.25 / 12, "week": 7.0, "day": 1.0, "hour": 1 / 24}

pytestmark = [
    pytest.mark.real_data,
    pytest.mark.skipif(not DATA.is_dir(), reason="the folder ../shared/data is absent"),
]


def test_the_sample_of_pmc_patients_is_read_whole(read: Any) -> None:
    folder = DATA / "pmc-patients-sample"
    result = read(folder / "PMC-Patients-sample-1000.csv")
    with (folder / "PMC-Patients-sample-1000.csv").open(newline="", encoding="utf-8") as handle:
        rows = list(csv.DictReader(handle))
    assert result.ids == [row["patient_uid"] for row in rows]
    assert len(rows) == 1000
    for document, row in zip(result.documents, rows, strict=True):
        days = sum(value * DAYS[unit] for value, unit in ast.literal_eval(row["age"]))
        assert document.age_years == pytest.approx(days / 365.25)
        assert document.sex == row["gender"]
        assert document.text.split() == row["patient"].replace("\\n", "\n").split()
        assert "\\n" not in document.text
    assert (result.reading.left_out, result.reading.n_problems) == (0, 0)


def test_the_cases_of_e3c_are_read_whole(read: Any) -> None:
    result = read(DATA / "e3c" / "cases.jsonl")
    assert result.reading.distinct == 10_034
    assert (result.reading.left_out, result.reading.n_problems) == (0, 0)
    assert all(1900 < document.year < 2030 for document in result.documents)
    assert all(d.source and d.licence.startswith("CC BY") and d.url for d in result.documents)
    assert not any("\r" in document.text for document in result.documents)


@pytest.mark.parametrize(
    ("name", "n", "title_only"), [("med", 1033, 0), ("bioasq-dev", 13_449, 529)]
)
def test_the_judged_collections_are_read_whole(
    read: Any, name: str, n: int, title_only: int
) -> None:
    result = read(DATA / "retrieval" / name)
    assert result.reading.distinct == n
    assert result.reading.title_only == title_only
    assert result.reading.n_problems == 0

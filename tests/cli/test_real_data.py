"""The issue's own commands, on real patients and articles."""

from __future__ import annotations

import csv
import json
import sys
from pathlib import Path

import pytest

from medllm.cli.main import main
from tests.cli.conftest import Run

pytestmark = pytest.mark.real_data


@pytest.fixture(scope="module")
def patients(real_data: Path) -> Path:
    path = real_data / "pmc-patients-sample" / "PMC-Patients-sample-1000.csv"
    if not path.exists():
        pytest.skip("the sample of PMC-Patients is not there")
    return path


@pytest.fixture(scope="module")
def index(patients: Path, real_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give the index of both collections."""
    path = tmp_path_factory.mktemp("real") / "idx"
    cases = real_data / "e3c" / "cases.jsonl"
    assert main(["index", "build", str(patients), "--kind", "patients", "--to", str(path)]) == 0
    assert main(["index", "add", str(path), str(cases), "--kind", "articles"]) == 0
    return path


@pytest.fixture
def real_note(patients: Path, home: Path) -> tuple[str, Path]:
    """Give the id and the text of a patient of the index."""
    csv.field_size_limit(sys.maxsize)
    with patients.open(encoding="utf-8", newline="") as handle:
        row = next(csv.DictReader(handle))
    path = home / "note.txt"
    path.write_text(row["patient"], encoding="utf-8")
    return row["patient_uid"], path


def test_the_commands_of_the_issue_work_on_real_data(
    index: Path, real_note: tuple[str, Path], inside: Run, home: Path
) -> None:
    patient, note = real_note
    holds = inside("index", "status", index, "--json").json["documents"]
    assert holds["patients"] == 1_000
    assert holds["articles"] > 9_000
    search = ("search", "--index", index, "--kind", "articles", "--file", note, "--top", "10")
    found = inside(*search)
    assert (found.code, found.err) == (0, "")
    assert " 10. " in found.out
    done = inside("ask", note, "--index", index, "--model", "extractive", "--html", "answer.html")
    assert done.code == 0, done.err
    assert (home / "answer.html").stat().st_size > 10_000
    answer = inside("ask", note, "--index", index, "--model", "extractive", "--json").json
    assert answer["patients"][0]["document"]["id"] == patient, "a patient is most like themself"
    for claim in answer["summary"]["claims"]:
        assert claim["verdict"] == "quoted"
        for citation in claim["citations"]:
            document = answer["evidence"][citation["number"] - 1]["document"]
            quoted = document["text"][citation["start"] : citation["end"]]
            assert " ".join(quoted.split()) == " ".join(claim["text"].split())


def test_a_retrieval_is_measured_on_real_judgements(real_data: Path, inside: Run) -> None:
    folder = real_data / "retrieval" / "med"
    assert inside("index", "build", folder / "corpus.jsonl", "--to", "med").code == 0
    files = ("--queries", folder / "queries.jsonl", "--qrels", folder / "qrels.tsv")
    report = inside("evaluate", "retrieval", "--index", "med", *files, "--whole", "--json")
    assert report.code == 0, report.err
    assert json.loads(report.out)["measures"]["nDCG@10"]["mean"] > 0.6

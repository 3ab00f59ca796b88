"""What was measured of the model stands in the basis of its answers, and nothing else does."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from medllm.cli.main import main
from medllm.errors import DataError
from medllm.serve.evaluated import in_words, read_evaluation
from tests.evaluate.test_run import prepare
from tests.serve.running import NOTE, Running

INTERVAL = {"mean": 0.426, "low": 0.385, "high": 0.468, "n": 60, "method": "bca", "level": 0.95}


def report_at(path: Path, **changed: Any) -> Path:
    """A report as `medllm evaluate` leaves it, of two models and of the search."""
    names = ("extractive", "ollama:other")
    measure = {
        "name": "ROUGE-L",
        "definition": "longest common subsequence",
        "higher_is_better": True,
        "systems": {name: {**INTERVAL, "floor": 0.123} for name in names},
    }
    found = {**measure, "name": "nDCG@10", "systems": {"bm25": {**INTERVAL, "floor": None}}}
    report = {
        "format": 1,
        "title": "held out",
        "items": {"n": 60, "sources": {"invented": 60}},
        "systems": [{"name": name, "spec": name} for name in names],
        "measures": [measure],
        "sections": [{"title": "Search", "measures": [found]}],
        "limits": ["Overlap is not correctness."],
        "manifest": {"finished": "2026-11-20T12:18:39+00:00"},
    }
    path.write_text(json.dumps(report | changed))
    return path


def test_the_numbers_of_the_model_and_of_the_search_are_given_with_n_and_interval(
    tmp_path: Path,
) -> None:
    found = read_evaluation(report_at(tmp_path / "report.json"), "extractive")
    rows = [(row["part"], row["measure"], row["system"]) for row in found["rows"]]
    assert rows == [("", "ROUGE-L", "extractive"), ("Search", "nDCG@10", "bm25")]
    first = found["rows"][0]
    assert (first["mean"], first["low"], first["high"], first["n"]) == (0.426, 0.385, 0.468, 60)
    assert found["others"] == ["ollama:other"]
    assert found["date"] == "2026-11-20"
    assert in_words(found)[0] == "ROUGE-L 0.426 [0.385 to 0.468], n 60"


def test_the_numbers_of_other_models_are_not_given_as_this_one_s(tmp_path: Path) -> None:
    path = report_at(tmp_path / "report.json", sections=None)
    found = read_evaluation(path, "openai:here#tiny")
    assert found["rows"] == []
    assert "other models" in in_words(found)[0]
    assert in_words(None) == ["no report was given to the server"]


@pytest.mark.parametrize(
    "changed", [{"format": 9}, {"measures": 3}, {"systems": [{}]}, {"items": []}, {"limits": None}]
)
def test_what_is_no_report_is_refused(tmp_path: Path, changed: dict[str, Any]) -> None:
    with pytest.raises(DataError, match=r"report.json"):
        read_evaluation(report_at(tmp_path / "report.json", **changed), "extractive")


def test_a_report_of_medllm_evaluate_itself_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["evaluate", str(prepare(tmp_path)), "--to", "out/demo"]) == 0
    found = read_evaluation(tmp_path / "out/demo/report.json", "fake:tuned.json")
    assert {row["measure"] for row in found["rows"]} >= {"BLEU", "ROUGE-L", "METEOR"}
    assert {(row["system"], row["n"]) for row in found["rows"]} == {("tuned", 12)}
    assert found["others"] == ["fake:base.json"]


def test_the_server_gives_them_in_the_basis_and_on_the_saved_page(
    serve: Callable[..., Running], tmp_path: Path
) -> None:
    report = report_at(tmp_path / "report.json")
    server = serve(settings=[f"serve.evaluation={report}"])
    with server.client() as client:
        answer = client.post("/api/v1/ask", json={"note": NOTE}).json()
        assert [row["n"] for row in answer["basis"]["evaluation"]["rows"]] == [60, 60]
        page = client.get(f"/api/v1/answers/{answer['id']}/page").text
    assert "ROUGE-L 0.426 [0.385 to 0.468], n 60" in page


def test_without_a_report_the_basis_says_so(client: Any) -> None:
    answer = client.post("/api/v1/ask", json={"note": NOTE}).json()
    assert answer["basis"]["evaluation"] is None
    page = client.get(f"/api/v1/answers/{answer['id']}/page").text
    assert "no report was given to the server" in page


def test_a_report_that_is_missing_is_said_at_the_start(
    serve: Callable[..., Running], tmp_path: Path
) -> None:
    with pytest.raises(AssertionError, match="is missing"):
        serve(settings=[f"serve.evaluation={tmp_path / 'none.json'}"])

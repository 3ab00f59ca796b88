"""`medllm evaluate retrieval` and `medllm doctor`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from medllm.cli.main import main
from tests.cli.conftest import Run
from tests.cli.running import assert_mendable


@pytest.fixture
def judged(example_index: Path, examples: Path) -> list[str]:
    files = ["--queries", examples / "queries.jsonl", "--qrels", examples / "qrels.tsv"]
    return ["evaluate", "retrieval", "--index", str(example_index), *map(str, files)]


def test_measures_are_printed_with_their_intervals(
    judged: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*judged, "--kind", "articles"]) == 0
    shown = capsys.readouterr().out
    assert "6 queries" in shown
    for name in ("MRR", "P@10", "nDCG@10", "R@100", "R@1000"):
        assert name in shown
    assert shown.count("95 % interval") == 5


def test_json_and_the_run_agree(judged: list[str], inside: Run, home: Path) -> None:
    done = inside(*judged, "--kind", "articles", "--run-out", "run.json", "--json")
    assert (done.code, done.err) == (0, "")
    run = json.loads((home / "run.json").read_text())
    assert set(run) == set(done.json["per_query"])
    assert done.json["measures"]["R@1000"]["mean"] == 1.0


def test_a_run_that_cannot_be_written_is_said_before_the_search(
    judged: list[str], inside: Run
) -> None:
    done = inside(*judged, "--run-out", "nowhere/run.json")
    assert_mendable(done, "--run-out", "nowhere")


def test_judgements_of_another_collection_are_an_error(
    judged: list[str], inside: Run, home: Path
) -> None:
    (home / "qrels.tsv").write_text("query-id\tcorpus-id\tscore\nq999\ta1\t1\n")
    assert_mendable(inside(*judged[:-1], "qrels.tsv"), "none of the 1 judged queries")


def test_doctor_finds_the_index_healthy_and_says_so_in_json_too(
    inside: Run, example_index: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("MEDLLM_HOME")
    done = inside("doctor", "--index", example_index)
    assert done.code == 0, done.out
    assert "60 patients, 60 articles" in " ".join(done.out.split())  # long paths wrap
    checks = inside("doctor", "--index", example_index, "--json").json
    assert {check["name"] for check in checks} >= {"python", "memory", "ollama", "index"}
    assert {check["status"] for check in checks} <= {"ok", "missing", "warning"}


def test_doctor_leaves_with_2_where_the_index_is_none(inside: Run, home: Path) -> None:
    done = inside("doctor", "--index", home)
    assert done.code == 2
    assert "PROBLEM  index:" in done.out
    assert "-> " in done.out

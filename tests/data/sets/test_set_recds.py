from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from medllm.data.documents import read_documents
from medllm.data.reading import Reading
from medllm.data.sets.recds import find_recds, read_recds
from medllm.errors import ConfigError, DataError


@pytest.mark.parametrize("naming", ["recds-figshare", "recds-hub"])
def test_both_namings_give_the_same_queries_and_judgements(set_files: Path, naming: str) -> None:
    files = find_recds(set_files / naming, task="PPR", split="test")
    recds = read_recds(files, Reading())
    assert recds.queries == {"101-1": "An invented man with a cough."}  # 102-1 is not judged
    assert recds.qrels == {"101-1": {"201-1": 1}}
    assert files.corpus is not None
    (document,) = read_documents(files.corpus, kind="patients", reading=Reading())
    assert (document.id, document.kind) == ("201-1", "patients")


def test_par_keeps_its_two_grades(set_files: Path) -> None:
    files = find_recds(set_files / "recds-figshare", task="PAR", split="test")
    recds = read_recds(files, Reading())
    assert recds.qrels == {"101-1": {"30000001": 2}, "102-1": {"30000002": 1}}
    assert files.corpus == set_files / "recds-figshare" / "PAR" / "PAR_corpus.jsonl"


def test_the_hub_has_no_par_corpus(set_files: Path) -> None:
    assert find_recds(set_files / "recds-hub", task="PAR", split="test").corpus is None


def test_the_folder_above_the_release_will_do(set_files: Path, tmp_path: Path) -> None:
    (tmp_path / "datasets").symlink_to(set_files / "recds-figshare")
    assert find_recds(tmp_path, task="PPR", split="test").queries.name == "test_queries.jsonl"


def test_a_missing_split_is_named_with_both_namings(set_files: Path) -> None:
    with pytest.raises(DataError, match=r"has no queries/dev_queries\.jsonl"):
        find_recds(set_files / "recds-hub", task="PPR", split="dev")


@pytest.mark.parametrize(("task", "split"), [("PQR", "test"), ("PPR", "all")])
def test_an_unknown_task_or_split_is_an_error(set_files: Path, task: Any, split: str) -> None:
    with pytest.raises(ConfigError, match="unknown task or split"):
        find_recds(set_files / "recds-hub", task=task, split=split)


def test_broken_lines_are_counted(set_files: Path, tmp_path: Path) -> None:
    (tmp_path / "queries").mkdir()
    (tmp_path / "PPR").mkdir()
    queries = '{"_id": "1-1", "text": "A"}\n{broken\n{"_id": "2-1"}\n'
    (tmp_path / "queries" / "test_queries.jsonl").write_text(queries)
    qrels = "query-id\tcorpus-id\tscore\n1-1\t9-1\t1\n1-1\t8-1\n1-1\t7-1\thigh\n"
    (tmp_path / "PPR" / "qrels_test.tsv").write_text(qrels)
    reading = Reading()
    recds = read_recds(find_recds(tmp_path, task="PPR", split="test"), reading)
    assert recds.qrels == {"1-1": {"9-1": 1}}
    grade = "is not a query id, a document id and a grade, between tabs"
    assert [(p.line, p.reason) for p in reading.problems] == [
        (3, grade),
        (4, grade),
        (2, "is not JSON: broken at character 2"),
        (3, "has no text: field text is empty or absent"),
    ]


def test_queries_of_another_release_are_an_error(set_files: Path, tmp_path: Path) -> None:
    files = find_recds(set_files / "recds-hub", task="PPR", split="test")
    (tmp_path / "q.jsonl").write_text('{"_id": "x", "text": "A"}')
    with pytest.raises(DataError, match="no query of"):
        read_recds(files._replace(queries=tmp_path / "q.jsonl"), Reading())

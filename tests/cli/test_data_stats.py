"""`medllm data stats`: what it prints, writes and refuses."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.conftest import Run
from tests.cli.running import CANARY, assert_mendable
from tests.data.prepare.making import dialogues, record, write_records


@pytest.fixture
def records(home: Path) -> Path:
    named = record("n", f"I am {CANARY} and take aspirin. Why?", f"Dear {CANARY}, for fever.")
    return write_records(home / "train.jsonl", [*dialogues(40), named])


def test_statistics_are_shown_in_80_columns_and_hold_no_text(medllm: Run, records: Path) -> None:
    done = medllm("data", "stats", records)
    assert (done.code, done.err) == (0, "")
    assert "41 records" in done.out
    assert "aspirin 1" in done.out
    assert max(map(len, done.out.splitlines())) <= 100
    assert CANARY not in done.out


def test_json_and_page_say_the_same_and_hold_no_text(
    medllm: Run, home: Path, records: Path
) -> None:
    done = medllm("data", "stats", records, "--json", "--html", "stats.html")
    assert done.code == 0, done.err
    report = done.json
    assert report["records"] == 41
    page = (home / "stats.html").read_text(encoding="utf-8")
    for row in report["coverage"]:
        assert f"<td>{row['records']:.2%}</td>" in page
    assert CANARY not in page + done.out


def test_tokens_of_a_tokenizer_are_counted(medllm: Run, home: Path, records: Path) -> None:
    tokenizers = pytest.importorskip("tokenizers")
    made = tokenizers.Tokenizer(tokenizers.models.WordLevel({"?": 0}, unk_token="?"))
    made.pre_tokenizer = tokenizers.pre_tokenizers.Split("", "isolated")
    made.save(str(home / "tokenizer.json"))
    done = medllm("data", "stats", records, "--tokenizer", "tokenizer.json", "--json", "--exact")
    lengths = done.json["lengths"]
    assert lengths["answer_tokens"]["q50"] == lengths["answer_characters"]["q50"]
    assert done.json["duplicates"]["near"] is None


def test_what_cannot_be_described_is_said(medllm: Run, home: Path, records: Path) -> None:
    assert_mendable(medllm("data", "stats", "absent.jsonl"), "absent.jsonl", "no such file")
    (home / "foreign.json").write_text(f'[{{"question": "{CANARY}"}}]')
    assert_mendable(medllm("data", "stats", "foreign.json"), "foreign.json, line 1", "data read")
    nowhere = medllm("data", "stats", records, "--html", "no/stats.html")
    assert_mendable(nowhere, "does not exist")
    wrong = medllm("data", "stats", records, "--tokenizer", records)
    assert_mendable(wrong, "cannot load the tokenizer")

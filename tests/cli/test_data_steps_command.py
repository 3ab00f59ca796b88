"""The steps of `medllm data` through the real command line, one after the other."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Run
from tests.data.prepare.making import dialogues, ids, read_lines, record, write_records
from tests.data.prepare.test_duplicates import edit


@pytest.fixture
def records(home: Path) -> Path:
    good = dialogues(60)
    copies = [edit(good[at], f"copy-{at}", "swap") for at in range(3)]
    return write_records(home / "records.jsonl", [*good, *copies, record("empty", "Why?", " ")])


def alpaca(path: Path, n: int) -> Path:
    rows = [
        {"instruction": "Answer.", "input": one.messages[0].content, "output": "Yes, rest."}
        for one in dialogues(n)
    ]
    path.write_text(json.dumps(rows))
    return path


def test_the_steps_follow_one_another(inside: Run, home: Path) -> None:
    alpaca(home / "GenMedGPT-5k.json", 50)
    assert inside("data", "read", "genmedgpt-5k", "GenMedGPT-5k.json", "--to", "a.jsonl").code == 0
    assert inside("data", "clean", "a.jsonl", "--to", "b.jsonl", "--languages", "en").code == 0
    assert inside("data", "dedupe", "b.jsonl", "--to", "c.jsonl").code == 0
    done = inside("data", "split", "c.jsonl", "--to", "splits", "--held-out", "7")
    assert done.code == 0, done.err
    names = ("train", "validation", "test")
    found = [name for split in names for name in ids(home / f"splits/{split}.jsonl")]
    assert sorted(found) == sorted(ids(home / "c.jsonl"))
    assert len(ids(home / "splits/test.jsonl")) == 7


def test_what_cleaning_leaves_out_stands_beside_the_result(
    inside: Run, records: Path, home: Path
) -> None:
    done = inside("data", "clean", records, "--to", "clean.jsonl")
    assert "63 of 64 records" in done.out
    (left,) = read_lines(home / "clean.left_out.jsonl")
    assert left["id"] == "empty"
    assert left["reason"] == "an answer is empty"


def test_duplicates_are_named_with_what_they_repeat(inside: Run, records: Path, home: Path) -> None:
    more = write_records(home / "more.jsonl", dialogues(5))
    done = inside("data", "dedupe", records, more, "--to", "distinct.jsonl", "--json")
    assert json.loads(done.out)["reasons"]["is a near duplicate"] == 3
    left = read_lines(home / "distinct.left_out.jsonl")
    assert {entry["id"]: entry["of"]["id"] for entry in left if "copy" in entry["id"]} == {
        f"copy-{n}": f"d{n}" for n in range(3)
    }
    exact = inside("data", "dedupe", records, "--exact", "--to", "exact.jsonl", "--json")
    assert json.loads(exact.out)["left_out"] == 0


def test_a_mix_has_the_weights_that_were_asked_for(inside: Run, home: Path) -> None:
    one = write_records(home / "one.jsonl", dialogues(30, seed=1, source="one"))
    two = write_records(home / "two.jsonl", dialogues(30, seed=2, source="two"))
    command = ("data", "mix", one, two, "--to", "mix.jsonl", "--json")
    done = inside(*command, "--weights", "3,1", "--total", "40")
    assert list(json.loads(done.out).values()) == [30, 10]
    assert len(ids(home / "mix.jsonl")) == 40
    again = (home / "mix.jsonl").read_bytes()
    assert inside(*command, "--weights", "3,1", "--total", "40").code == 0
    assert (home / "mix.jsonl").read_bytes() == again
    assert inside(*command, "--weights", "3,1", "--total", "40", "--key", "other").code == 0
    assert (home / "mix.jsonl").read_bytes() != again
    assert inside(*command, "--temperature", "2").code == 0


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("clean", "no.jsonl", "--to", "x.jsonl"), "no.jsonl"),
        (("clean", "records.jsonl", "--to", "records.jsonl"), "own source"),
        (("clean", "records.jsonl", "--to", "no/x.jsonl"), "no does not exist"),
        (("dedupe", "broken.jsonl", "--to", "x.jsonl"), "broken.jsonl, line 2"),
        (("mix", "records.jsonl", "--to", "x.jsonl"), "--weights or --temperature"),
        (("mix", "records.jsonl", "--weights", "1,2", "--to", "x.jsonl"), "1 files and 2 weights"),
        (("mix", "records.jsonl", "--weights", "one", "--to", "x.jsonl"), "list of numbers"),
        (("split", "records.jsonl", "--held-out", "900", "--to", "s"), "only 64"),
        (("split", "records.jsonl", "--test", "0.6", "--validation", "0.5", "--to", "s"), "learn"),
        (("split", "records.jsonl", "--to", "records.jsonl"), "is not a folder"),
        (("read", "medqad", "records.jsonl", "--to", "x.jsonl"), "did you mean medquad?"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(
    inside: Run, records: Path, home: Path, arguments: tuple[str, ...], said: str
) -> None:
    (home / "broken.jsonl").write_text(records.read_text().splitlines()[0] + "\n{broken\n")
    done = inside("data", *arguments)
    assert done.code == 2
    assert said in done.err
    assert "Traceback" not in done.err
    assert done.err.count("\n") <= 2
    assert not (home / "x.jsonl").exists()

"""`medllm data overlap`: its verdict, its exit codes, its examples, and what it refuses."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest

from medllm.cli.data_prepare import LEAK
from tests.cli.conftest import Run
from tests.data.prepare.making import dialogues, odd_words, record, write_records
from tests.data.prepare.test_duplicates import edit


@pytest.fixture
def train(home: Path) -> Path:
    return write_records(home / "train.jsonl", dialogues(60, seed=2))


@pytest.fixture
def clean(home: Path) -> Path:
    draw = random.Random(5)
    others = [record(f"other-{n}", odd_words(draw, 20), odd_words(draw, 20)) for n in range(3)]
    return write_records(home / "clean.jsonl", others)


@pytest.fixture
def leaking(home: Path) -> Path:
    asked = [edit(one, f"asked-{one.id}", "swap") for one in dialogues(60, seed=2)[:4]]
    return write_records(home / "leaking.jsonl", asked)


def test_a_leak_has_an_exit_code_of_its_own(inside: Run, train: Path, leaking: Path) -> None:
    done = inside("data", "overlap", train, leaking)
    assert done.code == LEAK == 3
    assert done.out.startswith("LEAK: overlap: 4 of 4 evaluation records")
    assert "asked-d0" in done.out
    assert "EXAMPLE 3" in done.out


def test_no_leak_is_exit_code_0(inside: Run, train: Path, clean: Path) -> None:
    done = inside("data", "overlap", train, clean)
    assert done.code == 0, done.out
    assert done.out.startswith("CLEAN: overlap: none, of 3 evaluation records with 60 training")


def test_the_verdict_for_a_program_holds_no_text_unless_asked_for(
    inside: Run, train: Path, clean: Path, leaking: Path
) -> None:
    done = inside("data", "overlap", train, clean, leaking, "--json")
    verdict = json.loads(done.out)
    assert done.code == LEAK
    assert (verdict["verdict"], verdict["n_evaluation"], verdict["n_leaked"]) == ("leak", 7, 4)
    assert verdict["examples"] == []
    assert "pain" not in done.out
    shown = inside("data", "overlap", train, leaking, "--json", "--examples", "2")
    assert len(json.loads(shown.out)["examples"]) == 2


def test_other_data_sets_are_told_by_their_form(inside: Run, home: Path, train: Path) -> None:
    one = dialogues(60, seed=2)[5]
    rows = [{"question": one.messages[0].content, "answer": one.messages[1].content}]
    (home / "exam.json").write_text(json.dumps(rows))
    assert inside("data", "overlap", train, "exam.json").code == LEAK


def test_an_empty_split_is_no_error_but_said(inside: Run, home: Path, train: Path) -> None:
    (home / "test.jsonl").touch()
    done = inside("data", "overlap", train, "test.jsonl")
    assert done.code == 0
    assert "there is no evaluation record" in done.out
    assert "test.jsonl is empty" in done.err


def test_a_file_that_is_not_there_is_said_before_the_training_is_read(
    inside: Run, train: Path
) -> None:
    done = inside("data", "overlap", train, "no.jsonl")
    assert done.code == 2
    assert "cannot read no.jsonl: no such file or directory" in done.err


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ('{"id": "a", "messages": [{"role": "user", "content": "QUAGGA?"}, 5]}\n', "turn 2"),
        ("QUAGGA,zebra\n1,2\n", "cannot tell the data set"),
    ],
)
def test_an_evaluation_that_cannot_be_read_has_no_verdict(
    inside: Run, home: Path, train: Path, content: str, said: str
) -> None:
    good = write_records(home / "bad.jsonl", dialogues(3)) if content[0] == "{" else None
    (home / "bad.jsonl").write_text((good.read_text() if good else "") + content)
    done = inside("data", "overlap", train, "bad.jsonl")
    assert done.code == 2
    assert said in done.err
    assert done.out == ""
    assert "QUAGGA" not in done.err

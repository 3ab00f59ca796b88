"""`medllm data augment` as a user runs it: with a WordNet, with a model, killed and run again."""

from __future__ import annotations

import json
import signal
from pathlib import Path

import pytest

from tests.cli.conftest import Run
from tests.cli.running import CANARY, assert_mendable, finish, start
from tests.data.augment.making import write_wordnet
from tests.data.prepare.making import ids, read_lines, record, write_records
from tests.fake_server import FakeServer
from tests.fake_streams import Json

QUESTION = f"Lately my knee hurts, doctor {CANARY}. I take 5 mg of aspirin. Number"


@pytest.fixture
def records(home: Path) -> Path:
    made = [record(f"r{n}", f"{QUESTION} {n}.") for n in range(6)]
    return write_records(home / "train.jsonl", made)


def paraphrase(request: Json) -> str:
    """Word a question anew as a model would, but lose a number now and then."""
    text = request["messages"][-1]["content"]
    if "Number 3" in text:
        return str(text.replace("5 mg", "50 mg"))
    return f"These days, {text}"


def test_synonyms_are_added_and_counted(medllm: Run, home: Path, records: Path) -> None:
    write_wordnet(home / "wn")
    done = medllm("data", "augment", records, "--to", "more.jsonl", "--wordnet", "wn")
    assert (done.code, done.err) == (0, "")
    assert "more.jsonl: 12 records" in done.out
    made = read_lines(home / "more.jsonl")
    assert [line["id"] for line in made[:2]] == ["r0", "r0~synonyms"]
    assert made[1]["messages"][0]["content"] == f"{QUESTION} 0.".replace("Lately", "Recently")
    assert made[1]["messages"][1] == made[0]["messages"][1]
    assert made[0] == json.loads(records.read_text().splitlines()[0])


def test_two_runs_write_the_same_bytes(medllm: Run, home: Path, records: Path) -> None:
    write_wordnet(home / "wn")
    for name in ("a", "b"):
        medllm("data", "augment", records, "--to", name, "--wordnet", "wn", "--share", "0.5")
    assert (home / "a").read_bytes() == (home / "b").read_bytes()
    assert 6 < len(ids(home / "a")) < 12


def test_a_model_words_anew_and_what_loses_a_number_is_dropped(
    medllm: Run, home: Path, records: Path
) -> None:
    with FakeServer(paraphrase) as server:
        spec = f"openai:{server.openai_url}#tiny"
        done = medllm("data", "augment", records, "--to", "m.jsonl", "--model", spec, "--json")
    assert done.code == 0, done.err
    assert done.json["copies"] == 5
    assert done.json["dropped_by_the_check"] == {"numbers": 1}
    copy = read_lines(home / "m.jsonl")[1]
    assert copy["meta"]["augmented"]["by"] == spec
    assert len(server.chats) == 6
    assert not list(home.glob(".*.journal"))


def test_back_translation_asks_twice(medllm: Run, home: Path, records: Path) -> None:
    with FakeServer(lambda request: f"Hm. {request['messages'][-1]['content']}") as server:
        done = medllm(
            "data", "augment", records, "--to", "m.jsonl", "--method", "back-translation",
            "--through", "Danish", "--model", f"openai:{server.openai_url}#tiny",
        )  # fmt: skip
    assert done.code == 0, done.err
    assert len(server.chats) == 12
    assert "Danish" in server.chats[0]["messages"][0]["content"]


def test_killed_in_the_middle_it_goes_on_where_it_was(home: Path, records: Path) -> None:
    arguments: list[str | Path] = ["data", "augment", records, "--to", "m.jsonl", "--model"]
    with FakeServer(paraphrase, modes=["ok", "ok", "stall"]) as server:
        arguments.append(f"openai:{server.openai_url}#tiny")
        process = start(*arguments, home=home)
        assert server.stalled.wait(60)
        process.send_signal(signal.SIGKILL)
        process.communicate()
        assert not (home / "m.jsonl").exists()
        server.modes = ["ok"]
        n_before = len(server.chats)
        done = finish(start(*arguments, home=home), home)
        assert done.code == 0, done.err
        assert len(server.chats) - n_before == 4
    assert ids(home / "m.jsonl")[:4] == ["r0", "r0~paraphrase", "r1", "r1~paraphrase"]
    assert {path.name for path in home.iterdir() if "jsonl" in path.name} == {
        "m.jsonl", "train.jsonl",
    }  # fmt: skip


def test_what_cannot_be_done_is_said(medllm: Run, home: Path, records: Path) -> None:
    to = ("--to", "m.jsonl")
    write_wordnet(home / "wn")
    assert_mendable(medllm("data", "augment", records, *to), "either --wordnet or --model")
    both = ("--wordnet", "wn", "--model", "ollama:x")
    assert_mendable(medllm("data", "augment", records, *to, *both), "either --wordnet or --model")
    absent = medllm("data", "augment", "absent.jsonl", *to, "--wordnet", "wn")
    assert_mendable(absent, "absent.jsonl", "no such file")
    nowhere = medllm("data", "augment", records, "--to", "no/m.jsonl", "--wordnet", "wn")
    assert_mendable(nowhere, "--to", "does not exist")
    same = medllm("data", "augment", records, "--to", records, "--wordnet", "wn")
    assert_mendable(same, "own source")
    assert_mendable(medllm("data", "augment", records, *to, "--wordnet", home), "no WordNet")
    extractive = medllm("data", "augment", records, *to, "--model", "extractive")
    assert_mendable(extractive, "no language model")
    broken = home / "broken.jsonl"
    broken.write_text(records.read_text() + f'{{"id": "{CANARY}", "messages": 3}}\n')
    assert_mendable(
        medllm("data", "augment", broken, *to, "--wordnet", "wn"), "broken.jsonl, line 7"
    )
    assert not (home / "m.jsonl").exists()


def test_a_server_that_is_not_there_is_named_and_nothing_is_left(
    medllm: Run, home: Path, records: Path
) -> None:
    with FakeServer() as server:
        spec = f"openai:{server.openai_url}#tiny"
    done = medllm("data", "augment", records, "--to", "m.jsonl", "--model", spec)
    assert_mendable(done, "does not answer")
    assert [path.name for path in home.rglob("*.jsonl*")] == ["train.jsonl"]

"""`medllm data build` and `medllm data review`: as commands, in a real terminal, and killed."""

from __future__ import annotations

import csv
import json
import os
import pty
import re
import select
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.conftest import Run
from tests.cli.running import CANARY, assert_mendable, finish, start
from tests.data.prepare.making import ids, read_lines, record, write_records
from tests.fake_server import FakeServer
from tests.fake_streams import Json

ANSWER = f"Dear {CANARY}, a cold mostly passes by itself within a week or two; rest and drink."


@pytest.fixture
def records(home: Path) -> Path:
    made = [record(f"r{n}", f"How long, asks {CANARY} {n}?", f"{ANSWER} {n}.") for n in range(3)]
    return write_records(home / "records.jsonl", made)


@pytest.fixture
def queue(home: Path, medllm: Run, records: Path) -> Path:
    assert medllm("data", "review", "queue", "--queue", records).code == 0
    return home / "queue"


def answer(request: Json) -> str:
    """Answer questions; as a judge, reject the answer to the second one."""
    asked = request["messages"][-1]["content"]
    if "Answer:" not in asked:
        return ANSWER
    verdict = "reject" if "two?" in asked else "accept"
    return json.dumps({"verdict": verdict, "reason": "so it is"})


# --- build


def test_questions_become_a_queue_that_is_reviewed_and_released(medllm: Run, home: Path) -> None:
    (home / "q.txt").write_text("One?\nQuestion two?\nThree?\n")
    with FakeServer(answer) as server:
        spec = f"openai:{server.openai_url}#tiny"
        done = medllm("data", "build", "q.txt", "--to", "queue", "--model", spec, "--judge", spec)
    assert done.code == 0, done.err
    assert "2 of 3 answers wait for review" in done.out
    assert "1  left out: judge: rejected" in done.out
    assert "tends to like what it wrote" in done.err
    assert [entry["step"] for entry in read_lines(home / "queue" / "left_out.jsonl")] == ["judge"]
    for reviewer in ("r1", "r2"):
        medllm("data", "review", "queue", "--reviewer", reviewer, text="a\nr\nwrong\n")
    released = medllm("data", "review", "queue", "--release", "out.jsonl", "--json")
    assert released.json["status"] == {"open": 0, "disputed": 0, "accepted": 1, "rejected": 1}
    (line,) = read_lines(home / "out.jsonl")
    steps = [(entry["step"], entry["by"]) for entry in line["meta"]["history"]]
    assert steps == [
        ("answered", spec), ("checked", "rules"), ("judged", spec), ("reviewed", "r1"),
        ("reviewed", "r2"),
    ]  # fmt: skip
    assert all(entry["when"] for entry in line["meta"]["history"])


def test_a_build_that_was_killed_goes_on_where_it_was(home: Path) -> None:
    (home / "q.txt").write_text("".join(f"Question {n}?\n" for n in range(4)))
    with FakeServer(answer, modes=["ok"] * 5 + ["stall"]) as server:
        spec = f"openai:{server.openai_url}#tiny"
        call: list[str | Path] = ["data", "build", "q.txt", "--to", "queue", "--model", spec]
        call += ["--judge", spec]
        process = start(*call, home=home)
        assert server.stalled.wait(60)
        process.send_signal(signal.SIGKILL)
        process.communicate()
        assert not (home / "queue" / "queue.json").exists()
        server.modes = ["ok"]
        n_before = len(server.chats)
        done = finish(start(*call, home=home), home)
        assert done.code == 0, done.err
        assert len(server.chats) - n_before == 3
    assert len(ids(home / "queue" / "queue.jsonl")) == 4
    assert not (home / "queue" / "build.journal").exists()


def test_what_cannot_be_built_is_said(medllm: Run, home: Path, records: Path, queue: Path) -> None:
    models = ("--model", "ollama:x", "--judge", "ollama:y")
    assert_mendable(medllm("data", "build", records, "--to", queue, *models), "a queue already")
    (home / "none.txt").write_text("\n")
    assert_mendable(medllm("data", "build", "none.txt", "--to", "q2", *models), "no question")
    absent = medllm("data", "build", "absent.txt", "--to", "q2", *models)
    assert_mendable(absent, "absent.txt")
    with FakeServer() as server:
        gone = f"openai:{server.openai_url}#tiny"
    away = medllm("data", "build", records, "--to", "q2", "--model", gone, "--judge", gone)
    assert away.code == 2
    assert "does not answer" in away.err
    assert list((home / "q2").iterdir()) == []
    extractive = ("--model", "extractive", "--judge", "ollama:y")
    assert_mendable(medllm("data", "build", records, "--to", "q2", *extractive), "language model")


# --- review


def test_a_fresh_queue_says_what_waits(medllm: Run, queue: Path) -> None:
    done = medllm("data", "review", queue)
    assert (done.code, done.err) == (0, "")
    assert "3  wait for reviewers (2 each)" in done.out
    assert CANARY not in done.out


def test_two_reviewers_and_an_adjudicator_decide_at_the_terminal(
    medllm: Run, home: Path, queue: Path
) -> None:
    first = medllm("data", "review", queue, "--reviewer", "r1", text="a\na\nr\nno dose\n")
    assert first.code == 0, first.err
    assert ANSWER.split()[2] in first.out
    assert "note: decided by r1: 3" in first.err
    typed = "a\ne\nA better one.\nIndeed.\n.\nclearer\nr\nno dose\n"
    second = medllm("data", "review", queue, "--reviewer", "r2", text=typed)
    assert "r1 and r2: 67% equal of 3, by chance 33%; Cohen's kappa 0.50 (95 %" in second.out
    third = medllm(
        "data", "review", queue, "--reviewer", "r3", "--adjudicate", text="e\nBest.\n.\n\n"
    )
    assert third.code == 0, third.err
    assert "REVIEWER 2: edit. clearer" in third.out
    assert "2  verified, 1 of them edited" in third.out
    assert medllm("data", "review", queue, "--release", "out.jsonl").code == 0
    lines = read_lines(home / "out.jsonl")
    assert [line["messages"][-1]["content"] for line in lines][1] == "Best."
    assert lines[1]["meta"]["verified"]["by"] == ["r1", "r2", "r3"]
    assert lines[1]["meta"]["verified"]["how"] == "adjudicated"


def test_a_table_goes_out_to_a_spreadsheet_and_comes_back(
    medllm: Run, home: Path, queue: Path
) -> None:
    call = ("data", "review", queue, "--reviewer", "r1")
    assert "rows written to r1.csv: 3" in medllm(*call, "--export", "r1.csv", "--semicolon").err
    path = home / "r1.csv"
    with path.open(encoding="utf-8-sig", newline="") as handle:
        rows = list(csv.reader(handle, delimiter=";"))
    rows[1][3:5] = ["reject", "no dose"]
    with path.open("w", encoding="utf-8", newline="") as handle:
        csv.writer(handle, delimiter=";").writerows(rows)
    done = medllm(*call, "--import", "r1.csv", "--json")
    assert done.json["decisions_by_reviewer"] == {"r1": 1}
    assert "rows without a decision yet: 2" in done.err
    rows[2][2] = "Another answer."
    with path.open("w", encoding="utf-8", newline="") as handle:
        csv.writer(handle, delimiter=";").writerows(rows)
    assert_mendable(medllm(*call, "--import", "r1.csv"), "r1.csv, row 3: the answer was changed")


def test_what_cannot_be_reviewed_is_said(
    medllm: Run, home: Path, queue: Path, records: Path
) -> None:
    review = ("data", "review")
    assert_mendable(medllm(*review, "absent"), "absent holds no review queue")
    assert_mendable(medllm(*review, queue, "--reviewer", "ann@example.org"), "pseudonym")
    assert_mendable(medllm(*review, queue, "--export", "a.csv"), "who reviews")
    both = ("--export", "a.csv", "--import", "a.csv", "--reviewer", "r1")
    assert_mendable(medllm(*review, queue, *both), "do not go together")
    assert_mendable(medllm(*review, queue, "--queue", records), "a queue already")
    assert_mendable(medllm(*review, queue, "--release", "out.jsonl"), "verified yet")
    assert_mendable(
        medllm(*review, queue, "--release", "out.jsonl", "--reviewer", "r1"), "does not go with"
    )
    assert_mendable(
        medllm(*review, queue, "--reviewer", "r1", "--import", "no.csv"), "cannot read no.csv"
    )
    assert not (home / "out.jsonl").exists()


def test_what_was_acknowledged_is_on_disk_when_the_process_is_killed(
    home: Path, queue: Path
) -> None:
    process = start("data", "review", queue, "--reviewer", "r1", home=home)
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(b"a\na\n")
    process.stdin.flush()
    shown = b""
    while b"--- 3 of 3" not in shown:  # it is shown when the second decision is on disk
        shown += os.read(process.stdout.fileno(), 4096)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    lines = read_lines(queue / "decisions.jsonl")
    assert [line["item"] for line in lines] == ["invented/r0", "invented/r1"]


# --- a real terminal


class Terminal:
    """A command in a pseudo-terminal: what it shows, and keys typed into it."""

    def __init__(self, *arguments: str | Path, home: Path, **environment: str) -> None:
        self.ours, theirs = pty.openpty()
        variables = {
            "PATH": os.environ["PATH"],
            "HOME": str(home),
            "TERM": "xterm",
            "COLUMNS": "60",
        }
        self.process = subprocess.Popen(
            [sys.executable, "-m", "medllm", *map(str, arguments)],
            stdin=theirs, stdout=theirs, stderr=theirs, close_fds=True, start_new_session=True,
            env={**variables, "COLUMNS": "60", **environment}, cwd=home,
        )  # fmt: skip
        os.close(theirs)
        self.shown = ""

    def wait_for(self, text: str) -> str:
        """Read until this stands there behind what was waited for before; give what came."""
        came = ""
        while text not in came:
            ready, _, _ = select.select([self.ours], [], [], 60)
            assert ready, f"{text!r} did not come, but {came!r}"
            try:
                came += os.read(self.ours, 4096).decode(errors="replace")
            except OSError:  # the other end is closed
                assert text in came, came
                break
        self.shown += came
        return came

    def type(self, text: str) -> None:
        os.write(self.ours, text.encode())

    def close(self) -> int:
        self.wait_for_end()
        os.close(self.ours)
        return self.process.wait(60)

    def wait_for_end(self) -> None:
        while True:
            try:
                data = os.read(self.ours, 4096)
            except OSError:
                return
            if not data:
                return
            self.shown += data.decode(errors="replace")


@pytest.fixture
def editor(home: Path) -> Path:
    path = home / "editor.sh"
    path.write_text('#!/bin/sh\nls -ld "$(dirname "$1")" > "$HOME/seen"\necho "By hand." > "$1"\n')
    path.chmod(0o755)
    return path


def test_in_a_terminal_each_item_is_shown_wrapped_and_decided_by_a_letter(
    home: Path, queue: Path, editor: Path
) -> None:
    terminal = Terminal("data", "review", queue, "--reviewer", "r1", home=home, EDITOR=str(editor))
    first = terminal.wait_for("a/e/r/s/b/q/? ")
    assert "1 of 3" in first
    lines = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", first).splitlines()
    assert max(map(len, lines)) <= 60
    terminal.type("?\r")
    assert "e edit the answer" in terminal.wait_for("a/e/r/s/b/q/? ")
    terminal.type("e\r")
    terminal.wait_for("reason: ")
    terminal.type("shorter\r")
    assert "2 of 3" in terminal.wait_for("a/e/r/s/b/q/? ")
    terminal.type("b\r")
    assert "1 of 3" in terminal.wait_for("a/e/r/s/b/q/? ")
    terminal.type("q\r")
    assert terminal.close() == 0
    assert "decided by r1: 1" in terminal.shown
    assert (home / "seen").read_text().startswith("drwx------")
    (decision,) = read_lines(queue / "decisions.jsonl")
    assert (decision["verdict"], decision["answer"]) == ("edit", "By hand.")
    assert decision["reason"] == "shorter"


def test_ctrl_d_ends_a_session_and_ctrl_c_stops_it(home: Path, queue: Path) -> None:
    for keys, code in (("\x04", 0), ("\x03", 130)):
        terminal = Terminal("data", "review", queue, "--reviewer", "r1", home=home)
        terminal.wait_for("a/e/r/s/b/q/? ")
        if code:
            terminal.type("a\r")
            terminal.wait_for("a/e/r/s/b/q/? ")
            os.killpg(terminal.process.pid, signal.SIGINT)  # as the terminal driver does
        else:
            terminal.type(keys)
        assert terminal.close() == code, terminal.shown
        assert "Traceback" not in terminal.shown
    assert len(read_lines(queue / "decisions.jsonl")) == 1


def test_a_text_cannot_steer_the_terminal(home: Path, medllm: Run) -> None:
    evil = record("evil", "Why?\x1b[2J", "Rest.\x1b]0;owned\x07 \u202edesrever")
    write_records(home / "evil.jsonl", [evil])
    medllm("data", "review", "q2", "--queue", "evil.jsonl")
    shown = medllm("data", "review", "q2", "--reviewer", "r1", text="q\n").out
    assert "\x1b" not in shown
    assert "\x07" not in shown
    assert "\u202e" not in shown
    assert "Rest." in shown

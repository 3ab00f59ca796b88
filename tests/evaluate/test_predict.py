"""Predictions: every one is kept with what it is, a kill loses none, and only gaps are asked."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from medllm.errors import DataError, ModelError
from medllm.evaluate.given import read_given
from medllm.evaluate.held_out import digest_items, read_held_out
from medllm.evaluate.ledger import Ledger, read_ledger
from medllm.evaluate.predict import Asking, count_fates, predict, read_predictions
from medllm.models.chat import ModelSettings
from medllm.models.spec import open_model, parse_spec
from medllm.records import Turn
from tests.conftest import REPOSITORY
from tests.evaluate.invented import items, record, write_records, write_script
from tests.fake_server import FakeServer


def run(tmp_path: Path, answers, *, n=4, asking=None, name="p.jsonl"):
    """Ask `n` items of a script and give what the ledger then holds."""
    asking = asking or Asking()
    script = write_script(tmp_path / "script.json", answers)
    model = open_model(parse_spec(f"fake:{script}"), ModelSettings())
    with Ledger(tmp_path / name) as ledger:
        predict(model, items(n), ledger, asking)
        return read_predictions(ledger.entries, items(n), source="p.jsonl")


def test_every_answer_is_stored_with_its_fate(tmp_path):
    answers = ["fine", {"text": "cut o", "finish": "length"}, "  ", {"text": "x", "error": "gone"}]
    found = run(tmp_path, answers)
    assert [p.fate for p in found.values()] == ["answered", "truncated", "empty", "failed"]
    assert count_fates(found, 5) == {
        "answered": 1,
        "truncated": 1,
        "empty": 1,
        "failed": 1,
        "missing": 1,
    }
    first = found["invented/r0"]
    assert (first.text, first.error, len(first.prompt_digest)) == ("fine", "", 64)
    assert first.seconds is not None
    assert found["invented/r3"].error == "gone"


def test_a_repeated_run_asks_only_what_failed(tmp_path):
    run(tmp_path, ["a", {"text": "", "error": "gone"}, "c", "d"])
    again = run(tmp_path, ["b"])
    assert [p.text for p in again.values()] == ["a", "b", "c", "d"]


def test_other_settings_or_another_prompt_are_asked_again(tmp_path):
    run(tmp_path, list("abcd"))
    again = run(tmp_path, list("wxyz"), asking=Asking(max_tokens=7))
    assert [p.text for p in again.values()] == list("wxyz")


def test_a_model_that_is_down_stops_the_run_and_the_next_goes_on(tmp_path):
    broken = {"text": "", "error": "the model server does not answer"}
    with pytest.raises(ModelError, match="does not answer") as caught:
        run(tmp_path, ["a", "b", *[broken] * 5], n=9)
    assert "goes on where it stopped" in caught.value.hint
    assert [e["fate"] for e in read_ledger(tmp_path / "p.jsonl")].count("answered") == 2
    again = run(tmp_path, list("cdefghi"), n=9)
    assert [p.text for p in again.values()] == list("abcdefghi")


def test_a_model_that_is_not_there_is_said_at_once(tmp_path):
    with pytest.raises(ModelError):
        run(tmp_path, [{"text": "", "error": "the model server does not answer"}])
    assert list(read_ledger(tmp_path / "p.jsonl")) == []


def test_several_are_asked_at_once_and_all_are_kept(tmp_path):
    with FakeServer(lambda request: request["messages"][-1]["content"][:10]) as server:
        model = open_model(parse_spec(f"openai:{server.openai_url}#tiny:latest"), ModelSettings())
        with Ledger(tmp_path / "p.jsonl") as ledger:
            predict(model, items(20), ledger, Asking(concurrent=4))
            found = read_predictions(ledger.entries, items(20), source="p")
    assert len(found) == 20
    assert found["invented/r7"].text == "Patient 7:"
    assert {p.joules for p in found.values()} == {None}


def test_what_a_model_thought_first_is_stored_and_not_scored(tmp_path):
    found = run(tmp_path, ["<think>Is it measles?</think>\nA rash.", "b", "c", "d"])
    assert found["invented/r0"].text.startswith("<think>")
    assert found["invented/r0"].said == "A rash."


KILLED = """
import sys
from pathlib import Path
from medllm.evaluate.ledger import Ledger
from medllm.evaluate.predict import Asking, predict
from medllm.models.chat import ModelSettings
from medllm.models.spec import open_model, parse_spec
from tests.evaluate.invented import items

def said(n_done):
    print(n_done, flush=True)
    if n_done == 3:
        sys.stdin.read()  # until the test kills this process

model = open_model(parse_spec("fake:" + sys.argv[2]), ModelSettings())
with Ledger(Path(sys.argv[1])) as ledger:
    predict(model, items(6), ledger, Asking(), progress=said)
"""


def test_a_run_that_is_killed_loses_no_answer(tmp_path):
    script = write_script(tmp_path / "script.json", list("abcdef"))
    path = tmp_path / "p.jsonl"
    process = subprocess.Popen(
        [sys.executable, "-c", KILLED, str(path), str(script)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=REPOSITORY,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
    )
    assert process.stdout is not None
    for line in process.stdout:
        if line.strip() == "3":
            process.send_signal(signal.SIGKILL)
            break
    assert process.wait() == -signal.SIGKILL
    with path.open("ab") as handle:
        handle.write(b'{"key": "invented/r3", "te')  # what a kill in the middle of a line leaves
    again = run(tmp_path, list("DEF"), n=6)
    assert [p.text for p in again.values()] == ["a", "b", "c", "D", "E", "F"]
    assert all(json.loads(line) for line in path.read_text(encoding="utf-8").splitlines())


def test_a_ledger_that_is_damaged_in_the_middle_is_not_touched(tmp_path):
    path = tmp_path / "p.jsonl"
    content = b'{"key": "a"}\n{"key": \n{"key": "b"}\n'
    path.write_bytes(content)
    with pytest.raises(DataError, match="line 2: is damaged"):
        Ledger(path)
    assert path.read_bytes() == content


def test_given_answers_are_matched_by_id_and_others_are_counted(tmp_path):
    path = tmp_path / "given.jsonl"
    lines = [{"id": "r1", "text": " yes "}, {"source": "invented", "id": "r2", "output": ""}]
    lines.append({"id": "r99", "text": "for nobody"})
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    given = read_given(path, items(4))
    assert {key: (p.text, p.fate) for key, p in given.predictions.items()} == {
        "invented/r1": ("yes", "answered"),
        "invented/r2": ("", "empty"),
    }
    assert given.n_other == 1


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ('{"id": "x9", "text": "a"}\n', "the 1 predictions of .* are for other records"),
        ('{"id": "r1"}\n', "line 1: has no id or no text"),
        ('{"id": "r1", "text": "a"}\nno json\n', "cannot read"),
        ("", "holds no predictions"),
    ],
)
def test_answers_that_cannot_be_used_are_refused(tmp_path, content, message):
    path = tmp_path / "given.jsonl"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(DataError, match=message):
        read_given(path, items(3))


def test_held_out_records_become_items(tmp_path):
    path = write_records(tmp_path / "test.jsonl", 10)
    found = read_held_out([path, path], system_prompt="Be brief.")
    assert (len(found.items), found.n_read, found.n_repeated) == (10, 20, 10)
    first = found.items[0]
    assert [m.role for m in first.messages] == ["system", "user"]
    assert first.question.startswith("Patient 0")
    assert first.reference.startswith("Drink enough")
    assert "Patient" not in repr(first), "no patient text in a traceback"


def test_a_draw_is_the_same_each_time_and_a_larger_one_holds_it(tmp_path):
    path = write_records(tmp_path / "test.jsonl", 30)
    few, again, more = (
        {i.key for i in read_held_out([path], limit=n, seed=1).items} for n in (5, 5, 9)
    )
    assert few == again < more


def test_a_record_without_an_answer_has_no_reference_and_one_without_a_question_is_counted(
    tmp_path,
):
    path = write_records(tmp_path / "t.jsonl", 2, messages=(Turn(role="user", content="Cough?"),))
    assert [i.reference for i in read_held_out([path]).items] == ["", ""]
    nobody = (Turn(role="assistant", content="Hello"),)
    path = write_records(tmp_path / "u.jsonl", 2, messages=nobody)
    with pytest.raises(DataError, match="no record to evaluate"):
        read_held_out([path])


def test_the_digest_of_items_knows_their_references_and_not_their_order():
    one = items(3)
    assert digest_items(one) == digest_items(one[::-1])
    turns = (*record(0).messages[:1], Turn(role="assistant", content="Other"))
    assert digest_items(one) != digest_items(items(3, messages=turns))


def test_energy_stands_beside_an_answer_only_where_it_was_measured(tmp_path, monkeypatch):
    counters = tmp_path / "powercap"
    package = counters / "intel-rapl:0"
    package.mkdir(parents=True)
    (package / "name").write_text("package-0\n")
    (package / "max_energy_range_uj").write_text("1000000\n")
    (package / "energy_uj").write_text("500\n")
    monkeypatch.setattr("medllm.energy.COUNTERS", tmp_path / "nothing")
    assert [p.joules for p in run(tmp_path, ["a"] * 4).values()] == [None] * 4
    monkeypatch.setattr("medllm.energy.COUNTERS", counters)
    measured = run(tmp_path, ["a"] * 4, name="q.jsonl")
    assert [p.joules for p in measured.values()] == [0.0] * 4, "a counter that stood still"
    far = run(tmp_path, ["a"] * 4, asking=Asking(concurrent=2), name="r.jsonl")
    assert [p.joules for p in far.values()] == [None] * 4, "whose it was is not known"

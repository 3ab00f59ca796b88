from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from medllm.data.asking import MOST_FAILURES
from medllm.data.journal import Journal
from medllm.data.review.build import Built, build_records
from medllm.data.review.checks import check_answer
from medllm.data.review.judge import read_judgement
from medllm.data.review.queue import make_queue
from medllm.errors import ModelError
from medllm.records import SftRecord
from tests.data.parrot import Cut, Parrot
from tests.data.prepare.making import record

GOOD = "A cold mostly passes by itself within a week or two; drink enough and rest."
ACCEPT = json.dumps({"verdict": "accept", "reason": "fine"})
REJECT = json.dumps({"verdict": "reject", "reason": "harmful"})
QUESTIONS = [record(f"q{n}", f"How long does cold number {n} last?", "old") for n in range(3)]


def built(
    tmp_path: Path, model: Parrot, judge: Parrot, questions: list[SftRecord] = QUESTIONS
) -> tuple[list[SftRecord], Built]:
    counts = Built()
    with Journal(tmp_path / "journal", "x") as journal:
        records = list(build_records(questions, model, judge, journal=journal, built=counts))  # type: ignore[arg-type]
    return records, counts


def test_what_passes_both_checks_is_queued_with_its_history(tmp_path: Path) -> None:
    model = Parrot(GOOD, "As an AI, I cannot provide medical advice to you in this case.", GOOD)
    records, counts = built(tmp_path, model, Parrot(ACCEPT, REJECT, name="judge"))
    assert [one.id for one in records] == ["q0"]
    assert records[0].messages[-1].content == GOOD
    history = records[0].meta["history"]
    assert [(entry["step"], entry["by"]) for entry in history] == [
        ("answered", "fake:parrot"), ("checked", "rules"), ("judged", "fake:judge"),
    ]  # fmt: skip
    assert all(entry["when"].startswith("20") for entry in history)
    assert counts.reasons == {"check: refuses": 1, "judge: rejected": 1}
    assert [entry["id"] for entry in counts.left_out] == ["q1", "q2"]
    assert "week" not in json.dumps(counts.left_out)
    assert len(make_queue(records, tmp_path / "queue").items()) == 1


def test_a_judge_without_a_verdict_leaves_it_to_people_and_is_counted(tmp_path: Path) -> None:
    records, counts = built(tmp_path, Parrot(GOOD), Parrot("I like it."), QUESTIONS[:1])
    assert records[0].meta["history"][-1]["decision"] == "none"
    assert records[0].meta["judged"].startswith("no verdict")
    assert counts.unjudged == 1


def test_a_judge_that_is_not_there_does_not_let_everything_through(tmp_path: Path) -> None:
    with pytest.raises(ModelError):
        built(tmp_path, Parrot(GOOD), Parrot(ModelError("gone")), QUESTIONS[:1])
    judge = Parrot(ACCEPT, ModelError("gone"), ACCEPT)
    records, counts = built(tmp_path, Parrot(GOOD, GOOD), judge)
    assert [one.id for one in records] == ["q0", "q2"]
    assert counts.reasons == {"model: it failed": 1}


def test_a_run_that_broke_off_asks_for_nothing_twice(tmp_path: Path) -> None:
    broken = Parrot(GOOD, ModelError("gone"), GOOD)
    _, counts = built(tmp_path, broken, Parrot(ACCEPT, ACCEPT))
    assert counts.reasons == {"model: it failed": 1}
    model, judge = Parrot(GOOD), Parrot(ACCEPT)
    records, counts = built(tmp_path, model, judge)
    assert len(records) == 3
    assert model.asked == ["How long does cold number 1 last?"]
    assert len(judge.asked) == 1


def test_a_model_that_goes_away_stops_the_run(tmp_path: Path) -> None:
    with pytest.raises(ModelError):
        built(tmp_path, Parrot(ModelError("gone")), Parrot())
    many = [replace(QUESTIONS[0], id=f"m{n}") for n in range(20)]
    model = Parrot(GOOD, *[ModelError("gone")] * MOST_FAILURES, "never")
    with pytest.raises(ModelError):
        built(tmp_path / "..", model, Parrot(ACCEPT), many)
    assert len(model.asked) == 1 + MOST_FAILURES


def test_what_goes_to_another_machine_has_no_identifiers(tmp_path: Path) -> None:
    named = record("a", "I am Mr. John Example, phone 020 7946 0018. How long does a cold last?")
    model, judge = Parrot(GOOD, is_elsewhere=True), Parrot(ACCEPT, is_elsewhere=True)
    (made,), _ = built(tmp_path, model, judge, [named])
    for asked in (model.asked[0], judge.asked[0]):
        assert "How long does a cold last?" in asked
        assert "Example" not in asked
        assert "7946" not in asked
    assert made.messages[0] == named.messages[0]


def test_questions_that_are_none_or_come_twice_are_left_out(tmp_path: Path) -> None:
    none = replace(QUESTIONS[0], id="none", messages=QUESTIONS[0].messages[1:])
    questions = [none, QUESTIONS[0], QUESTIONS[0]]
    records, counts = built(tmp_path, Parrot(GOOD), Parrot(ACCEPT), questions)
    assert len(records) == 1
    assert counts.reasons == {
        "question: the record has none": 1, "question: its id comes twice": 1,
    }  # fmt: skip


def test_half_an_answer_falls_out_and_half_a_verdict_is_none(tmp_path: Path) -> None:
    model, judge = Parrot(Cut(GOOD), GOOD), Parrot(Cut(ACCEPT))
    records, counts = built(tmp_path, model, judge, QUESTIONS[:2])
    assert [one.id for one in records] == ["q1"]
    assert counts.reasons == {"answer: none, or cut off at its longest length": 1}
    assert counts.unjudged == 1


def test_what_was_thought_before_an_answer_is_no_part_of_it(tmp_path: Path) -> None:
    model = Parrot(f"<think>\nHm, {GOOD}\n</think>\n\n{GOOD}")
    records, _ = built(tmp_path, model, Parrot(ACCEPT), QUESTIONS[:1])
    assert records[0].messages[-1].content == GOOD


@pytest.mark.parametrize(
    ("answer", "fault"),
    [
        ("Rest.", "too short"),
        ("I'm sorry, but I cannot give advice about this kind of question.", "refuses"),
        ("How long does a cold last, how long does it?", "repeats the question"),
        ("Drink a lot and rest in bed for days. " * 3, "repeats itself"),
        ("A cold passes by itself; rest. " + "very " * 13 + "well.", "repeats itself"),
        (
            f"{GOOD} And " + "then rest some more and drink some tea and " * 4 + "so on.",
            "repeats itself",
        ),
        ("A cold mostly passes by itself within a week or two and", "breaks off"),
        ("Dear {name}, a cold mostly passes by itself in a week.", "holds a placeholder"),
        (
            "Eine Erkältung dauert meist eine Woche und geht von selbst wieder vorbei; man soll "
            "viel trinken und sich ausruhen.",
            "another language than the question",
        ),
    ],
)
def test_what_rules_can_see_is_named(answer: str, fault: str) -> None:
    question = "How long does a cold last, how long does it?"
    if "language" in fault:
        question = f"{question} I have had one for a week and it is not going away."
    assert fault in check_answer(question, answer)


def test_a_good_answer_has_no_fault() -> None:
    table = " ".join(
        f"{name} is frequent and present in 30 to 79 percent of the cases."
        for name in ("Fever", "A cough", "A rash", "Fatigue", "Nausea")
    )
    assert check_answer("What comes with it?", table) == []
    assert check_answer("How long does a cold last?", GOOD) == []
    assert check_answer("How long does a cold last?", f"{GOOD}\n\n1. Rest\n2. Drink (tea)") == []


@pytest.mark.parametrize(
    ("reply", "verdict"),
    [
        (ACCEPT, "accept"),
        (f"Here it is:\n```json\n{REJECT}\n```", "reject"),
        ('{"verdict": "maybe", "reason": ""}', ""),
        ('{"verdict": ["accept"], "reason": ""}', ""),
        ('{"verdict": "accept"}', "accept"),
        ("[]", ""),
        ("{broken", ""),
        ("", ""),
    ],
)
def test_a_verdict_is_read_or_there_is_none(reply: str, verdict: str) -> None:
    assert read_judgement(reply).verdict == verdict

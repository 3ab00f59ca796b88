from __future__ import annotations

from pathlib import Path

from medllm.data.review.queue import ReviewQueue, make_queue
from medllm.data.review.terminal import Desk, review_items
from tests.data.prepare.making import record
from tests.data.review.making import decide


def run(queue: ReviewQueue, typed: list[str], *, adjudicate: bool = False) -> tuple[int, str]:
    shown: list[str] = []
    answers = iter(typed)

    def read_line(question: str) -> str:
        try:
            return next(answers)
        except StopIteration:
            raise EOFError from None

    desk = Desk(read_line=read_line, write=shown.append, edit=lambda text: f"{text} More.")
    n_decided = review_items(queue, "r1", desk, adjudicate=adjudicate)
    return n_decided, "\n".join(shown)


def test_a_session_decides_item_by_item(queue: ReviewQueue) -> None:
    n, shown = run(queue, ["a", "s", "e", "unclear", "x", "r", "wrong"])
    assert n == 3
    decisions = [item.decisions for item in queue.items()]
    assert [d[0].verdict if d else "" for d in decisions] == ["accept", "", "edit", "reject"]
    assert decisions[2][0].answer == "Answer 2 is this. More."
    assert "Question 0, why?" in shown
    assert "1 of 4" in shown


def test_a_session_that_ends_early_keeps_what_was_decided(queue: ReviewQueue) -> None:
    assert run(queue, ["a"])[0] == 1
    assert run(queue, ["q"])[0] == 0
    assert [len(item.decisions) for item in queue.items()] == [1, 0, 0, 0]


def test_a_reason_that_is_missing_is_asked_for_again(queue: ReviewQueue) -> None:
    n, shown = run(queue, ["r", "", "r", "wrong"])
    assert n == 1
    assert "needs a reason" in shown


def test_one_can_go_back_and_decide_anew(queue: ReviewQueue) -> None:
    n, shown = run(queue, ["b", "a", "b", "r", "wrong after all", "q"])
    assert n == 1
    assert shown.count("--- 1 of 4") == 3
    item = queue.items()[0]
    assert [d.verdict for d in item.history] == ["accept", "reject"]
    assert item.decisions[0].reason == "wrong after all"


def test_what_others_settle_in_the_meantime_is_said_and_can_be_skipped(queue: ReviewQueue) -> None:
    decide(queue, 0, "r2")
    others = iter([lambda: decide(queue, 0, "r3"), lambda: None, lambda: None])
    typed = iter(["a", "s", "q"])

    def read_line(question: str) -> str:
        next(others)()
        return next(typed)

    shown: list[str] = []
    desk = Desk(read_line=read_line, write=shown.append, edit=lambda text: text)
    assert review_items(queue, "r1", desk) == 0
    assert any("it is settled" in line for line in shown)


def test_a_reviewer_does_not_see_the_judge_and_an_adjudicator_does(tmp_path: Path) -> None:
    judged = record("j", meta={"judged": "accept: plausible"})
    queue = make_queue([judged], tmp_path / "queue")
    decide(queue, 0, "x1", "edit", answer="Another answer.")
    assert "plausible" not in run(queue, ["q"])[1]
    assert "Another" not in run(queue, ["q"])[1]
    decide(queue, 0, "x2", "reject", reason="no")
    shown = run(queue, ["q"], adjudicate=True)[1]
    assert "JUDGE: accept: plausible" in shown
    assert "Another answer." in shown
    assert "x1" not in shown


def test_reasoning_and_label_are_shown_before_the_answer(tmp_path: Path) -> None:
    one = record("r", "Why?", "So.", reasoning="First this.", label="yes")
    shown = run(make_queue([one], tmp_path / "queue"), ["q"])[1]
    assert "USER\nWhy?\n\nREASONING\nFirst this.\n\nLABEL\nyes\n\nANSWER\nSo." in shown

from __future__ import annotations

import csv
import fcntl
import json
import multiprocessing
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from medllm.data.review.agreement import cohens_kappa
from medllm.data.review.queue import Decision, ReviewQueue, Verdict, make_queue
from medllm.data.review.table import export_csv, import_csv
from medllm.data.review.terminal import review_items
from medllm.errors import ConfigError, DataError
from tests.data.prepare.making import record

WHEN = "2026-01-02T03:04:05+00:00"
RECORDS = [
    record(f"q{n}", f"Question {n}, why?", f"Answer {n} is this.", source="s") for n in range(4)
]


@pytest.fixture
def queue(tmp_path: Path) -> ReviewQueue:
    return make_queue(RECORDS, tmp_path / "queue")


def decide(
    queue: ReviewQueue, number: int, reviewer: str, verdict: Verdict = "accept", **more: str | bool
) -> None:
    item = {item.key: item for item in queue.items()}[f"s/q{number}"]
    decision = Decision(
        item=item.key, digest=item.digest, reviewer=reviewer, verdict=verdict, when=WHEN, **more
    )  # type: ignore[arg-type]
    queue.decide([decision])


def status(queue: ReviewQueue, number: int) -> str:
    return queue.items()[number].status


def test_two_who_accept_release_a_record_with_its_history(queue: ReviewQueue) -> None:
    decide(queue, 0, "r1")
    assert status(queue, 0) == "open"
    assert queue.verified() == []
    decide(queue, 0, "r2")
    (released,) = queue.verified()
    assert released.messages == RECORDS[0].messages
    assert released.meta["verified"] == {"by": ["r1", "r2"], "when": WHEN, "how": "agreed"}
    assert [entry["by"] for entry in released.meta["history"]] == ["r1", "r2"]
    assert {entry["decision"] for entry in released.meta["history"]} == {"accept"}


def test_two_who_reject_release_nothing(queue: ReviewQueue) -> None:
    for reviewer in ("r1", "r2"):
        decide(queue, 0, reviewer, "reject", reason="wrong dose")
    assert status(queue, 0) == "rejected"
    assert queue.verified() == []


def test_who_differs_needs_an_adjudicator_whose_word_is_the_last(queue: ReviewQueue) -> None:
    decide(queue, 1, "r1")
    decide(queue, 1, "r2", "reject", reason="wrong")
    assert status(queue, 1) == "disputed"
    decide(queue, 1, "r3", "edit", answer="Better.", adjudicates=True)
    (released,) = queue.verified()
    assert released.messages[-1].content == "Better."
    assert released.meta["verified"]["how"] == "adjudicated"
    assert released.meta["history"][-1] == {
        "step": "edited",
        "by": "r3",
        "was": "Answer 1 is this.",
    }


def test_the_same_edit_agrees_and_another_does_not(queue: ReviewQueue) -> None:
    for number, second in ((0, "Better."), (1, "Otherwise.")):
        decide(queue, number, "r1", "edit", answer="Better.")
        decide(queue, number, "r2", "edit", answer=second)
    assert [status(queue, 0), status(queue, 1)] == ["accepted", "disputed"]


def test_who_changes_their_mind_counts_once(queue: ReviewQueue) -> None:
    decide(queue, 0, "r1")
    decide(queue, 0, "r1", "reject", reason="on second thoughts")
    assert status(queue, 0) == "open"
    decide(queue, 0, "r2", "reject", reason="wrong")
    assert status(queue, 0) == "rejected"


def test_each_reviewer_is_given_what_they_have_not_decided(queue: ReviewQueue) -> None:
    decide(queue, 0, "r1")
    assert [item.key for item in queue.waiting_for("r1")] == ["s/q1", "s/q2", "s/q3"]
    assert len(queue.waiting_for("r2")) == 4
    decide(queue, 0, "r2", "reject", reason="no")
    assert len(queue.waiting_for("r3")) == 3
    assert [item.key for item in queue.waiting_for("r3", adjudicate=True)] == ["s/q0"]
    assert queue.waiting_for("r1", adjudicate=True) == []


@pytest.mark.parametrize(
    ("what", "message"),
    [
        ({"reviewer": "ann@example.org"}, "pseudonym"),
        ({"reviewer": ""}, "pseudonym"),
        ({"verdict": "perhaps"}, "none of accept, edit, reject"),
        ({"verdict": "reject"}, "needs a reason"),
        ({"verdict": "edit"}, "needs the edited answer"),
        ({"verdict": "edit", "answer": "Answer 0 is this. "}, "the same"),
        ({"answer": "Better."}, "does not go with"),
        ({"digest": "0" * 16}, "not the one that was reviewed"),
        ({"item": "s/q9"}, "not in the queue"),
        ({"adjudicates": True}, "nothing to adjudicate"),
    ],
)
def test_what_cannot_be_decided_is_refused(
    queue: ReviewQueue, what: dict[str, object], message: str
) -> None:
    item = queue.items()[0]
    fields = {"item": item.key, "digest": item.digest, "reviewer": "r1", "verdict": "accept",
              "when": WHEN, **what}  # fmt: skip
    with pytest.raises(ConfigError, match=message):
        queue.decide([Decision(**fields)])  # type: ignore[arg-type]
    assert queue.items()[0].decisions == ()


def test_what_is_settled_stays_so(queue: ReviewQueue) -> None:
    decide(queue, 0, "r1")
    decide(queue, 0, "r2")
    with pytest.raises(ConfigError, match="settled"):
        decide(queue, 0, "r3", "reject", reason="late")


def test_who_reviewed_cannot_adjudicate(queue: ReviewQueue) -> None:
    decide(queue, 0, "r1")
    decide(queue, 0, "r2", "reject", reason="no")
    with pytest.raises(ConfigError, match="reviewed it already"):
        decide(queue, 0, "r1", "accept", adjudicates=True)


def test_a_line_that_a_killed_process_left_is_no_decision(queue: ReviewQueue) -> None:
    decide(queue, 0, "r1")
    path = queue.folder / "decisions.jsonl"
    with path.open("a", encoding="utf-8") as handle:
        handle.write('{"item": "s/q1", "dig')
    assert len(queue.items()[1].decisions) == 0
    decide(queue, 1, "r1")
    assert [len(item.decisions) for item in ReviewQueue(queue.folder).items()] == [1, 1, 0, 0]


def test_a_damaged_line_is_named(queue: ReviewQueue) -> None:
    (queue.folder / "decisions.jsonl").write_text("nonsense\n", encoding="utf-8")
    with pytest.raises(DataError, match="line 1: is damaged"):
        queue.items()


def _decide_all(folder: Path, reviewer: str) -> None:
    queue = ReviewQueue(folder)
    for number in range(len(RECORDS)):
        decide(queue, number, reviewer)


def test_two_processes_decide_at_once_and_nothing_is_lost(queue: ReviewQueue) -> None:
    context = multiprocessing.get_context("fork")
    processes = [
        context.Process(target=_decide_all, args=(queue.folder, name)) for name in ("r1", "r2")
    ]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    assert queue.counts() == {"open": 0, "disputed": 0, "accepted": 4, "rejected": 0}


def test_the_file_is_locked_until_a_decision_is_on_disk(
    queue: ReviewQueue, monkeypatch: pytest.MonkeyPatch
) -> None:
    was_locked: list[bool] = []
    fsync = os.fsync

    def watched(descriptor: int) -> None:
        with (queue.folder / "decisions.jsonl").open("ab") as other:
            try:
                fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)
                was_locked.append(False)
            except BlockingIOError:
                was_locked.append(True)
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", watched)
    decide(queue, 0, "r1")
    assert was_locked == [True]


def test_a_queue_is_not_made_twice_nor_of_nothing_nor_with_twins(tmp_path: Path) -> None:
    make_queue(RECORDS, tmp_path / "one")
    with pytest.raises(DataError, match="already"):
        make_queue(RECORDS, tmp_path / "one")
    with pytest.raises(DataError, match="no record"):
        make_queue([], tmp_path / "two")
    with pytest.raises(DataError, match="twice"):
        make_queue([RECORDS[0], RECORDS[0]], tmp_path / "three")


def test_agreement_is_cohens_kappa() -> None:
    # Worked by hand: 20 of 25 agree; chance (15*15 + 10*10) / 625 = .52; kappa .28 / .48.
    pairs = (
        [("accept", "accept")] * 12 + [("reject", "reject")] * 8
        + [("accept", "reject")] * 2 + [("reject", "accept")] * 3
    )  # fmt: skip
    found = cohens_kappa(("r1", "r2"), pairs)
    assert found is not None
    expected = (14 * 15 + 11 * 10) / 625
    assert found.observed == 0.8
    assert found.expected == pytest.approx(expected)
    assert found.kappa == pytest.approx((0.8 - expected) / (1 - expected))
    assert found.low is not None
    assert found.high is not None
    assert found.low < found.kappa < found.high


def test_agreement_of_those_who_always_say_the_same_has_no_kappa() -> None:
    found = cohens_kappa(("r1", "r2"), [("accept", "accept")] * 5)
    assert found is not None
    assert (found.observed, found.kappa, found.low) == (1.0, None, None)
    assert cohens_kappa(("r1", "r2"), []) is None


def test_the_queue_reports_agreement_by_pair(queue: ReviewQueue) -> None:
    for number, (first, second) in enumerate([("accept", "accept"), ("accept", "reject")]):
        decide(queue, number, "r1", first, reason="x")  # type: ignore[arg-type]
        decide(queue, number, "r2", second, reason="x")  # type: ignore[arg-type]
    decide(queue, 1, "r3", adjudicates=True)
    (found,) = queue.agreement()
    assert found.reviewers == ("r1", "r2")
    assert (found.n, found.observed) == (2, 0.5)


# --- tables


def fill(path: Path, rows: list[tuple[str, str, str]], separator: str = ",") -> None:
    """Enter decision, edited answer and reason into the rows of an exported table."""
    with path.open(encoding="utf-8-sig", newline="") as handle:
        table = list(csv.reader(handle))
    for row, cells in zip(table[1:], rows, strict=False):
        row[4:7] = cells
    with path.open("w", encoding="utf-8-sig", newline="") as handle:
        csv.writer(handle, delimiter=separator).writerows(table)


@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_a_table_goes_out_and_comes_back(
    queue: ReviewQueue, tmp_path: Path, separator: str
) -> None:
    path = tmp_path / "table.csv"
    assert export_csv(queue, "r1", path) == (4, 0)
    fill(path, [("Accept", "", ""), ("edit", "Better;\nmuch", ""), ("", "", "")], separator)
    assert import_csv(queue, "r1", path, when=WHEN) == 2
    items = queue.items()
    assert [len(item.decisions) for item in items] == [1, 1, 0, 0]
    assert items[1].decisions[0].answer == "Better;\nmuch"
    assert import_csv(queue, "r1", path, when=WHEN) == 0


def test_a_table_with_one_bad_row_changes_nothing(queue: ReviewQueue, tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    export_csv(queue, "r1", path)
    fill(path, [("accept", "", ""), ("reject", "", "")])
    with pytest.raises(DataError, match="table.csv, row 3: s/q1: to reject needs a reason"):
        import_csv(queue, "r1", path, when=WHEN)
    assert all(not item.decisions for item in queue.items())


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda text: text.replace("digest", "dgst", 1), "has no column digest"),
        (lambda text: text.replace("Question 1", 'Ques"tion 1', 1) + '"x"y,', "row"),
        (lambda text: text.rstrip() + ",one more\r\n", "has 8 cells, not 7"),
        (lambda text: "", "has no column item"),
    ],
)
def test_a_broken_table_is_named(
    queue: ReviewQueue, tmp_path: Path, spoil: Callable[[str], str], message: str
) -> None:
    path = tmp_path / "table.csv"
    export_csv(queue, "r1", path)
    text = path.read_text(encoding="utf-8-sig")
    path.write_text(spoil(text), encoding="utf-8")
    with pytest.raises(DataError, match=message):
        import_csv(queue, "r1", path, when=WHEN)


def test_a_table_that_is_not_utf8_is_named(queue: ReviewQueue, tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    path.write_bytes("item,réponse\n".encode("latin-1"))
    with pytest.raises(DataError, match="not UTF-8"):
        import_csv(queue, "r1", path, when=WHEN)


def test_a_cell_that_looks_like_a_formula_is_guarded(tmp_path: Path) -> None:
    one = record("f", "=2+2, is it so?", "-1 is less.")
    queue = make_queue([one], tmp_path / "queue")
    path = tmp_path / "table.csv"
    export_csv(queue, "r1", path)
    with path.open(encoding="utf-8-sig", newline="") as handle:
        row = list(csv.reader(handle))[1]
    assert row[2:4] == ["'=2+2, is it so?", "'-1 is less."]
    fill(path, [("edit", "'=3+1", "")])
    import_csv(queue, "r1", path, when=WHEN)
    assert queue.items()[0].decisions[0].answer == "=3+1"


def test_an_adjudicator_sees_what_was_decided_but_not_by_whom(
    queue: ReviewQueue, tmp_path: Path
) -> None:
    decide(queue, 0, "reviewer-one")
    decide(queue, 0, "reviewer-two", "reject", reason="wrong dose")
    path = tmp_path / "table.csv"
    assert export_csv(queue, "r3", path, adjudicate=True) == (1, 0)
    text = path.read_text(encoding="utf-8-sig")
    assert "wrong dose" in text
    assert "reviewer-one" not in text


# --- the terminal


def run(queue: ReviewQueue, typed: list[str], **more: bool) -> tuple[int, str]:
    shown: list[str] = []
    answers = iter(typed)

    def read_line(question: str) -> str:
        try:
            return next(answers)
        except StopIteration:
            raise EOFError from None

    n = review_items(
        queue, "r1", read_line=read_line, write=shown.append, edit=lambda text: text + " More.",
        **more,
    )  # fmt: skip
    return n, "\n".join(shown)


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


def test_a_reviewer_does_not_see_the_judge_and_an_adjudicator_does(tmp_path: Path) -> None:
    judged = record("j", meta={"judged": "accept by fake:judge"})
    queue = make_queue([judged], tmp_path / "queue")
    assert "fake:judge" not in run(queue, ["q"])[1]
    item = queue.items()[0]
    for reviewer, verdict in (("x1", "accept"), ("x2", "reject")):
        queue.decide(
            [Decision(item=item.key, digest=item.digest, reviewer=reviewer, verdict=verdict,  # type: ignore[arg-type]
                      reason="why", when=WHEN)]
        )  # fmt: skip
    shown = run(queue, ["q"], adjudicate=True)[1]
    assert "fake:judge" in shown
    assert "x1" not in shown


def test_decisions_on_disk_are_plain_lines(queue: ReviewQueue) -> None:
    decide(queue, 0, "r1")
    line = (queue.folder / "decisions.jsonl").read_text(encoding="utf-8")
    assert json.loads(line)["reviewer"] == "r1"

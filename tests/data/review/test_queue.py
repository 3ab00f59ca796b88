from __future__ import annotations

import fcntl
import json
import multiprocessing
import os
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from medllm.data.review.decisions import Decision, Verdict
from medllm.data.review.queue import ReviewQueue, make_queue
from medllm.errors import ConfigError, DataError
from tests.data.review.making import RECORDS, WHEN, decide, decision, status


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
    assert released.meta["history"] == [
        {"step": "reviewed", "by": "r1", "when": WHEN, "decision": "accept"},
        {"step": "reviewed", "by": "r2", "when": WHEN, "decision": "reject", "reason": "wrong"},
        {"step": "adjudicated", "by": "r3", "when": WHEN, "decision": "edit", "answer": "Better."},
        {"step": "edited", "by": "r3", "was": "Answer 1 is this."},
    ]


def test_reasoning_that_led_to_another_answer_is_not_released_with_an_edit(
    tmp_path: Path,
) -> None:
    one = replace(RECORDS[0], reasoning="So it must be this.")
    queue = make_queue([one, replace(one, id="q1")], tmp_path / "own")
    for reviewer in ("r1", "r2"):
        decide(queue, 0, reviewer, "edit", answer="Better.")
        decide(queue, 1, reviewer)
    edited, accepted = queue.verified()
    assert edited.reasoning == ""
    assert "left out" in edited.meta["history"][-1]["reasoning"]
    assert accepted.reasoning == one.reasoning


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
    assert [d.verdict for d in queue.items()[0].history] == ["accept", "reject", "reject"]


def test_who_thinks_again_can_settle_a_dispute_but_not_a_settled_item(queue: ReviewQueue) -> None:
    decide(queue, 0, "r1")
    decide(queue, 0, "r2", "reject", reason="wrong")
    with pytest.raises(ConfigError, match="enough others"):
        decide(queue, 0, "r3")
    decide(queue, 0, "r2")
    assert status(queue, 0) == "accepted"
    with pytest.raises(ConfigError, match="settled"):
        decide(queue, 0, "r2", "reject", reason="again")
    (released,) = queue.verified()
    assert [entry["decision"] for entry in released.meta["history"]] == [
        "accept", "reject", "accept",
    ]  # fmt: skip


def test_one_reviewer_is_enough_where_one_is_asked_for(tmp_path: Path) -> None:
    queue = make_queue(RECORDS, tmp_path / "one", n_reviewers=1)
    decide(queue, 0, "r1")
    assert status(queue, 0) == "accepted"
    with pytest.raises(ConfigError, match="1 to 5 reviewers"):
        make_queue(RECORDS, tmp_path / "none", n_reviewers=0)


def test_several_decisions_are_made_all_or_none(queue: ReviewQueue) -> None:
    good, bad = decision(queue, 0, "r1"), decision(queue, 1, "r1", "reject")
    with pytest.raises(ConfigError, match="needs a reason"):
        queue.decide([good, bad])
    assert not any(item.history for item in ReviewQueue(queue.folder).items())
    both = [decision(queue, 0, "r1"), decision(queue, 0, "r2")]
    queue.decide(both)
    assert status(queue, 0) == "accepted"


def test_a_decision_is_seen_by_a_queue_that_was_open_before(queue: ReviewQueue) -> None:
    other = ReviewQueue(queue.folder)
    assert other.counts()["open"] == 4
    decide(queue, 0, "r1")
    decide(queue, 0, "r2")
    item = other.item("s/q0")
    assert item is not None
    assert item.status == "accepted"
    with pytest.raises(ConfigError, match="settled"):
        decide(other, 0, "r3", "reject", reason="late")
    assert other.item("s/q9") is None


MOVES = st.lists(
    st.tuples(
        st.integers(0, 2),
        st.sampled_from(["r1", "r2", "r3", "r4"]),
        st.sampled_from(["accept", "edit", "reject"]),
        st.sampled_from(["Better.", "Otherwise."]),
        st.booleans(),
    ),
    max_size=25,
)


@given(MOVES)
@settings(deadline=None, derandomize=True, max_examples=40)
def test_whatever_is_decided_what_is_settled_stays_and_only_agreement_is_released(
    moves: list[tuple[int, str, Verdict, str, bool]],
) -> None:
    with TemporaryDirectory() as folder:
        queue = make_queue(RECORDS[:3], Path(folder) / "queue")
        for number, reviewer, verdict, answer, adjudicates in moves:
            before = queue.items()[number]
            more = {"edit": {"answer": answer}, "reject": {"reason": "no"}}.get(verdict, {})
            try:
                decide(queue, number, reviewer, verdict, adjudicates=adjudicates, **more)
            except ConfigError:
                assert queue.items()[number] == before
                assert before.status != "open" or adjudicates
            else:
                assert before.status in ("open", "disputed")
        items = ReviewQueue(queue.folder).items()
        assert items == queue.items()
        assert sum(queue.counts().values()) == 3
        assert [r.id for r in queue.verified()] == [
            i.record.id for i in items if i.status == "accepted"
        ]
        for item in items:
            if item.status == "accepted" and not item.ruling:
                assert len({(d.verdict, d.answer) for d in item.decisions}) == 1
                assert len({d.reviewer for d in item.decisions}) >= 2


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


def test_a_record_that_was_changed_after_its_review_is_noticed(queue: ReviewQueue) -> None:
    decide(queue, 0, "r1")
    path = queue.folder / "queue.jsonl"
    path.write_text(path.read_text().replace("Answer 0", "Answer nought"), encoding="utf-8")
    with pytest.raises(DataError, match="s/q0 was changed after"):
        ReviewQueue(queue.folder).items()


def test_a_line_that_a_killed_process_left_is_no_decision(queue: ReviewQueue) -> None:
    decide(queue, 0, "r1")
    path = queue.folder / "decisions.jsonl"
    with path.open("a", encoding="utf-8") as handle:
        handle.write('{"item": "s/q1", "dig')
    assert len(queue.items()[1].decisions) == 0
    decide(queue, 1, "r1")
    assert [len(item.decisions) for item in ReviewQueue(queue.folder).items()] == [1, 1, 0, 0]


@pytest.mark.parametrize(
    "line", ["nonsense", "[]", '{"item": "s/q0"}', '{"when": 3}', '{"surprise": ""}']
)
def test_a_damaged_line_is_named(queue: ReviewQueue, line: str) -> None:
    decide(queue, 0, "r1")
    with (queue.folder / "decisions.jsonl").open("a", encoding="utf-8") as handle:
        handle.write(f"{line}\n")
    with pytest.raises(DataError, match="line 2: is damaged"):
        ReviewQueue(queue.folder).items()


def test_lost_decisions_are_noticed(queue: ReviewQueue) -> None:
    decide(queue, 0, "r1")
    (queue.folder / "decisions.jsonl").write_text("", encoding="utf-8")
    with pytest.raises(DataError, match="became shorter"):
        queue.items()


def test_what_is_acknowledged_survives_whatever_is_cut_off_behind_it(queue: ReviewQueue) -> None:
    path = queue.folder / "decisions.jsonl"
    decide(queue, 0, "r1")
    acknowledged = path.read_bytes()
    decide(queue, 1, "r1")
    whole = path.read_bytes()
    for length in range(len(acknowledged), len(whole)):
        path.write_bytes(whole[:length])
        again = ReviewQueue(queue.folder)
        assert [len(item.history) for item in again.items()] == [1, 0, 0, 0]
        decide(again, 2, "r1")
        assert [len(i.history) for i in ReviewQueue(queue.folder).items()] == [1, 0, 1, 0]


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
    assert was_locked[0]  # the second is the folder's, once the file is closed


def test_a_queue_is_not_made_twice_nor_of_nothing_nor_with_twins(tmp_path: Path) -> None:
    make_queue(RECORDS, tmp_path / "one")
    with pytest.raises(DataError, match="already"):
        make_queue(RECORDS, tmp_path / "one")
    with pytest.raises(DataError, match="no record"):
        make_queue([], tmp_path / "two")
    assert list((tmp_path / "two").iterdir()) == []
    with pytest.raises(DataError, match="no answer"):
        make_queue([replace(RECORDS[0], messages=RECORDS[0].messages[:1])], tmp_path / "four")
    with pytest.raises(DataError, match="twice"):
        make_queue([RECORDS[0], RECORDS[0]], tmp_path / "three")


def test_the_queue_reports_agreement_by_pair(queue: ReviewQueue) -> None:
    for number, (first, second) in enumerate([("accept", "accept"), ("accept", "reject")]):
        decide(queue, number, "r1", first, reason="x")  # type: ignore[arg-type]
        decide(queue, number, "r2", second, reason="x")  # type: ignore[arg-type]
    decide(queue, 1, "r3", adjudicates=True)
    (found,) = queue.agreement()
    assert found.reviewers == ("r1", "r2")
    assert (found.n, found.observed) == (2, 0.5)
    assert queue.decided_by() == {"r1": 2, "r2": 2, "r3": 1}
    assert queue.alpha() == pytest.approx(0.0)


def test_decisions_on_disk_are_plain_lines(queue: ReviewQueue) -> None:
    decide(queue, 0, "r1")
    line = (queue.folder / "decisions.jsonl").read_text(encoding="utf-8")
    assert json.loads(line)["reviewer"] == "r1"

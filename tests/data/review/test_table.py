from __future__ import annotations

import csv
import io
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from medllm.data.review.queue import ReviewQueue, digest_of, make_queue
from medllm.data.review.table import COLUMNS, export_csv, guard, unguard
from medllm.data.review.table_import import Imported, import_csv
from medllm.errors import DataError
from medllm.records import Turn
from tests.data.prepare.making import record
from tests.data.review.making import RECORDS, WHEN, decide


def read(path: Path) -> list[list[str]]:
    with path.open(encoding="utf-8-sig", newline="") as handle:
        return list(csv.reader(handle))


def write(
    path: Path, table: list[list[str]], separator: str = ",", encoding: str = "utf-8"
) -> None:
    buffer = io.StringIO()
    csv.writer(buffer, delimiter=separator).writerows(table)
    path.write_bytes(buffer.getvalue().encode(encoding))


def fill(path: Path, rows: list[tuple[str, str, str]], **how: str) -> None:
    """Enter decision, reason and edited answer into the rows of an exported table."""
    table = read(path)
    for row, cells in zip(table[1:], rows, strict=False):
        row[3:6] = cells
    write(path, table, **how)


def take(queue: ReviewQueue, path: Path, reviewer: str = "r1") -> Imported:
    return import_csv(queue, reviewer, path, when=WHEN)


@pytest.fixture
def path(queue: ReviewQueue, tmp_path: Path) -> Path:
    export_csv(queue, "r1", tmp_path / "table.csv")
    return tmp_path / "table.csv"


@pytest.mark.parametrize(
    ("separator", "encoding"),
    [(",", "utf-8"), (";", "utf-8-sig"), ("\t", "utf-8"), ("\t", "utf-16")],
)
def test_a_table_goes_out_and_comes_back(
    queue: ReviewQueue, path: Path, separator: str, encoding: str
) -> None:
    fill(
        path, [(" Accept", "", ""), ("edit", "", "Better;\nmuch, \"so\""), ("", "", "")],
        separator=separator, encoding=encoding,
    )  # fmt: skip
    assert take(queue, path) == Imported(2, 0, 0, 2, ())
    items = queue.items()
    assert [len(item.decisions) for item in items] == [1, 1, 0, 0]
    assert items[1].decisions[0].answer == 'Better;\nmuch, "so"'
    assert take(queue, path) == Imported(0, 2, 0, 2, ())
    assert [len(item.history) for item in queue.items()] == [1, 1, 0, 0]


def test_excel_is_told_the_encoding_and_lines_end_as_it_likes(path: Path) -> None:
    raw = path.read_bytes()
    assert raw.startswith(b"\xef\xbb\xbf" + ",".join(COLUMNS).encode() + b"\r\n")


def test_the_cells_can_be_parted_by_semicolons(queue: ReviewQueue, tmp_path: Path) -> None:
    export_csv(queue, "r1", tmp_path / "t.csv", separator=";")
    assert (tmp_path / "t.csv").read_text("utf-8-sig").startswith("item;question;")


def test_a_table_with_one_bad_row_changes_nothing(queue: ReviewQueue, path: Path) -> None:
    fill(path, [("accept", "", ""), ("reject", "", "")])
    with pytest.raises(DataError, match=r"table\.csv, row 3: to reject needs a reason"):
        take(queue, path)
    assert all(not item.decisions for item in queue.items())


@pytest.mark.parametrize(
    ("row", "column", "cell", "message"),
    [
        (2, "decision", "maybe", "row 3: the decision is none of accept, edit, reject"),
        (1, "edited_answer", "Better.", "row 2: has a text in edited_answer, but no decision"),
        (1, "reason", "Wrong.", "row 2: has a text in reason, but no decision"),
        (1, "answer", "Answer 0 is that.", "row 2: the answer was changed"),
        (4, "question", "", "row 5: the question was changed"),
        (1, "item", "s/q7", "row 2: names an item that is not in this queue"),
        (1, "check", "x0123456789abcdef", "row 2: has the check of another record or queue"),
        (1, "check", "1.23457E+15", "row 2: has the check of another"),
    ],
)
def test_a_table_that_says_something_else_is_refused_with_row_and_reason(
    queue: ReviewQueue, path: Path, row: int, column: str, cell: str, message: str
) -> None:
    table = read(path)
    table[row][COLUMNS.index(column)] = cell
    write(path, table)
    with pytest.raises(DataError, match=message) as caught:
        take(queue, path)
    assert "nothing was taken in" in caught.value.hint
    assert "is that" not in str(caught.value)
    assert all(not item.history for item in queue.items())


def test_an_item_that_is_decided_twice_in_a_table_is_refused(
    queue: ReviewQueue, path: Path
) -> None:
    fill(path, [("accept", "", "")])
    table = read(path)
    again = [*table[1]]
    again[3:5] = ["reject", "no"]
    write(path, [*table, again])
    with pytest.raises(DataError, match="row 6: decides the item of row 2 again"):
        take(queue, path)


def test_the_decisions_of_a_table_are_written_at_once(
    queue: ReviewQueue, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes: list[int] = []
    fsync = os.fsync

    def watched(descriptor: int) -> None:
        sizes.append((queue.folder / "decisions.jsonl").read_bytes().count(b"\n"))
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", watched)
    fill(path, [("accept", "", "")] * 4)
    take(queue, path)
    assert set(sizes) == {4}


def test_a_table_of_another_queue_is_refused(
    queue: ReviewQueue, path: Path, tmp_path: Path
) -> None:
    other = make_queue(
        [replace(one, messages=(one.messages[0], Turn(role="assistant", content="Else.")))
         for one in RECORDS],
        tmp_path / "other",
    )  # fmt: skip
    fill(path, [("accept", "", "")])
    with pytest.raises(DataError, match="row 2: has the check of another"):
        take(other, path)


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda text: text.replace("check", "chk", 1), "has no column check"),
        (lambda text: text.replace("reason", "why", 1), "has no column reason"),
        (lambda text: text.replace("\n", ",answer\n", 1), "has the column answer twice"),
        (lambda text: text.replace("Question 1", '"Question" 1', 1), "row 3: is broken"),
        (lambda text: text.rstrip() + '"', "row 5: has the check of another"),
        (lambda text: text.rstrip() + ",one more\r\n", "row 5: has 8 cells, not 7"),
        (lambda text: "", "has no column item"),
        (lambda text: "a\x00b", "has no column item"),
    ],
)
def test_a_broken_table_is_named(
    queue: ReviewQueue, path: Path, spoil: Callable[[str], str], message: str
) -> None:
    text = path.read_text(encoding="utf-8-sig")
    path.write_bytes(spoil(text).encode())
    with pytest.raises(DataError, match=message):
        take(queue, path)


def test_a_file_of_another_kind_is_named(queue: ReviewQueue, tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    for raw, message in (
        ("item,réponse\n".encode("latin-1"), "not UTF-8"),
        (b"PK\x03\x04 and so on", "a workbook, not CSV"),
    ):
        path.write_bytes(raw)
        with pytest.raises(DataError, match=message):
            take(queue, path)
    with pytest.raises(DataError, match="cannot read"):
        take(queue, tmp_path / "absent.csv")


def test_a_column_of_the_reviewers_own_is_named_and_not_looked_at(
    queue: ReviewQueue, path: Path
) -> None:
    fill(path, [("accept", "", "")])
    table = read(path)
    write(path, [[*table[0], "Notes"], *([*row, "mine"] for row in table[1:])])
    assert take(queue, path) == Imported(1, 0, 0, 3, ("notes",))


def test_what_others_settled_meanwhile_does_not_stop_a_table(
    queue: ReviewQueue, path: Path
) -> None:
    for reviewer in ("r2", "r3"):
        decide(queue, 0, reviewer)
    decide(queue, 1, "r2")
    decide(queue, 1, "r3", "reject", reason="no")
    fill(path, [("reject", "late", ""), ("accept", "", ""), ("accept", "", "")])
    assert take(queue, path) == Imported(1, 0, 2, 1, ())
    assert queue.counts() == {"open": 2, "disputed": 1, "accepted": 1, "rejected": 0}


def test_a_cell_that_looks_like_a_formula_is_guarded(tmp_path: Path) -> None:
    one = record("f", "=2+2, is it so?", "-1 is less.")
    queue = make_queue([one], tmp_path / "queue")
    path = tmp_path / "table.csv"
    export_csv(queue, "r1", path)
    assert read(path)[1][1:3] == ["'=2+2, is it so?", "'-1 is less."]
    fill(path, [("edit", "", "'=3+1")])
    take(queue, path)
    assert queue.items()[0].decisions[0].answer == "=3+1"


CELLS = st.text(st.sampled_from("=+-@\t\r\n＝＠'’ \"a1|!,;"), max_size=8) | st.text(max_size=20)


@given(CELLS)
@settings(deadline=None, derandomize=True)
def test_no_guarded_cell_is_a_formula_and_the_guard_comes_off_again(cell: str) -> None:
    guarded = guard(cell)
    assert not guarded.startswith(("=", "+", "-", "@", "\t", "\r", "＝", "＋", "－", "＠"))
    assert unguard(guarded) == cell


@given(st.lists(st.tuples(CELLS, CELLS.filter(str.strip)), min_size=1, max_size=5))
@settings(deadline=None, derandomize=True, max_examples=25)
def test_any_text_goes_out_and_comes_back_as_an_edit(pairs: list[tuple[str, str]]) -> None:
    from tempfile import TemporaryDirectory

    with TemporaryDirectory() as folder:
        records = [record(f"r{n}", question, "Old.") for n, (question, _) in enumerate(pairs)]
        queue = make_queue(records, Path(folder) / "queue")
        path = Path(folder) / "t.csv"
        assert export_csv(queue, "r1", path).rows == len(pairs)
        fill(path, [("edit", "", guard(answer)) for _, answer in pairs])
        if any(answer.strip() == "Old." for _, answer in pairs):
            return
        assert take(queue, path).decisions == len(pairs)
        for item, (_, answer) in zip(queue.items(), pairs, strict=True):
            assert item.decisions[0].answer.split() == answer.split()


def test_a_spreadsheet_cannot_take_the_check_for_a_number() -> None:
    assert all(digest_of(record(f"r{n}"))[0] == "x" for n in range(50))


def test_what_is_too_long_for_a_cell_is_left_to_the_terminal(tmp_path: Path) -> None:
    long = record("long", "Why?", "😀" * 16_384)  # two units each, as Excel counts
    fits = record("fits", "Why?", "😀" * 16_383)
    queue = make_queue([long, fits], tmp_path / "queue")
    assert export_csv(queue, "r1", tmp_path / "t.csv") == (1, 1)


def test_a_conversation_is_shown_whole(tmp_path: Path) -> None:
    turns = tuple(
        Turn(role=role, content=text)  # type: ignore[arg-type]
        for role, text in (("user", "It hurts."), ("assistant", "Where?"), ("user", "Here."),
                           ("assistant", "Rest."))
    )  # fmt: skip
    queue = make_queue([replace(RECORDS[0], messages=turns)], tmp_path / "queue")
    export_csv(queue, "r1", tmp_path / "t.csv")
    assert read(tmp_path / "t.csv")[1][1:3] == [
        "USER: It hurts.\n\nASSISTANT: Where?\n\nUSER: Here.", "Rest.",
    ]  # fmt: skip


def test_reasoning_and_label_are_reviewed_with_the_answer(tmp_path: Path) -> None:
    one = replace(RECORDS[0], reasoning="First this, then that.", label="yes")
    assert len({digest_of(r) for r in (one, RECORDS[0], replace(one, label="no"))}) == 3
    queue = make_queue([one], tmp_path / "queue")
    path = tmp_path / "t.csv"
    export_csv(queue, "r1", path)
    assert read(path)[1][1] == (
        "Question 0, why?\n\nREASONING: First this, then that.\n\nLABEL: yes"
    )
    fill(path, [("accept", "", "")])
    assert take(queue, path).decisions == 1


def test_an_adjudicator_sees_what_was_decided_but_not_by_whom(
    queue: ReviewQueue, tmp_path: Path
) -> None:
    decide(queue, 0, "reviewer-one", "edit", answer="Better.")
    decide(queue, 0, "reviewer-two", "reject", reason="wrong dose")
    path = tmp_path / "table.csv"
    assert export_csv(queue, "r3", path, adjudicate=True) == (1, 0)
    assert read(path)[1][7] == "1: edit\nedited: Better.\n2: reject: wrong dose"
    assert "reviewer-one" not in path.read_text(encoding="utf-8-sig")
    fill(path, [("accept", "", "")])
    done = import_csv(queue, "r3", path, when=WHEN, adjudicate=True)
    assert done == Imported(1, 0, 0, 0, ())
    assert queue.counts()["accepted"] == 1

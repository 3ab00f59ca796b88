from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from medllm.data.reading import BadInputError, Reading
from medllm.data.sets.csv_rows import read_table

TEXT = st.text(st.sampled_from("ab ,\"'\n\té"), max_size=12)


def read(path: Path) -> tuple[list[list[str]], list[tuple[int | None, str]]]:
    reading = Reading()
    rows = [list(fields.record.values()) for fields in read_table(path, reading)]
    return rows, [(p.line, p.reason) for p in reading.problems]


@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, derandomize=True
)
@given(st.lists(st.tuples(st.integers(0, 999).map(str), TEXT, TEXT), max_size=8))
def test_what_csv_writes_is_read_as_it_was(
    tmp_path: Path, rows: list[tuple[str, str, str]]
) -> None:
    with (tmp_path / "t.csv").open("w", newline="", encoding="utf-8") as handle:
        csv.writer(handle).writerows([("id", "one", "two"), *rows])
    assert read(tmp_path / "t.csv") == ([list(row) for row in rows], [])


@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    max_examples=300,
    deadline=None,
    derandomize=True,
)
@given(st.lists(TEXT, min_size=4, max_size=8), st.integers(0, 10_000))
def test_a_stray_quote_makes_up_no_row_and_spares_the_last(
    tmp_path: Path, texts: list[str], at: int
) -> None:
    """Rows that carry their number twice: a made-up one would not agree with itself."""
    buffer = io.StringIO()
    rows = [[f"n{n}", text, f"n{n}"] for n, text in enumerate(texts)]
    csv.writer(buffer, quoting=csv.QUOTE_ALL).writerows(rows)
    whole = buffer.getvalue()
    at = at % len(whole)
    tail = "".join(f'"m{n}","x","m{n}"\r\n' for n in range(3))
    (tmp_path / "t.csv").write_text(
        f'"id","text","id2"\n{whole[:at]}"{whole[at:]}{tail}', newline="", encoding="utf-8"
    )
    read_rows, problems = read(tmp_path / "t.csv")
    whole_rows = [row for row in read_rows if row[0] == row[2]]
    assert [row[0] for row in whole_rows][-2:] == ["m1", "m2"]
    assert problems or len(read_rows) == len(rows) + 3


def test_a_quote_within_an_unquoted_cell_is_text(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text('id,text\n1,a 5" tube\n2,fine\n')
    assert read(tmp_path / "t.csv") == ([["1", 'a 5" tube'], ["2", "fine"]], [])


def test_a_line_within_a_broken_row_is_not_taken_for_a_row(tmp_path: Path) -> None:
    broken = '1,"said "so\nin the night, he said\nand slept"\n'
    (tmp_path / "t.csv").write_text(f'id,text\n0,fine\n{broken}2,fine\n3,"so\nso"\n')
    assert read(tmp_path / "t.csv") == (
        [["0", "fine"], ["2", "fine"], ["3", "so\nso"]],
        [(3, "has a stray quote or line break (to line 5)")],
    )


def test_a_closing_quote_without_an_opening_one_costs_its_row(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text('id,text\n1,broken"\n2,fine\n3,fine\n')
    assert read(tmp_path / "t.csv") == (
        [["2", "fine"], ["3", "fine"]],
        [(2, "has a stray quote or line break")],
    )


def test_a_quote_that_is_never_closed_costs_one_row(tmp_path: Path) -> None:
    lines = "".join(f"{n},text {n}\n" for n in range(3, 200))
    (tmp_path / "t.csv").write_text(f'id,text\n1,fine\n2,"never closed\n{lines}')
    rows, problems = read(tmp_path / "t.csv")
    assert [row[0] for row in rows] == ["1", *(str(n) for n in range(3, 200))]
    assert problems == [(3, "has a stray quote or line break")]


def test_rows_of_another_width_are_left_out_one_by_one(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("id,text\n1,a,b\n2\n\n3,c\n")
    assert read(tmp_path / "t.csv") == (
        [["3", "c"]],
        [(2, "has 3 columns, the first line 2"), (3, "has 1 columns, the first line 2")],
    )


def test_a_row_in_another_encoding_is_left_out_alone(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_bytes(b'id,text\n1,"caf\xe9\nx"\n2,"b\nc"\n')
    assert read(tmp_path / "t.csv") == (
        [["2", "b\nc"]],
        [(2, "is not UTF-8 at byte 7 of the line (to line 3)")],
    )


@pytest.mark.parametrize(
    ("header", "reason"),
    [("", "names no columns"), ('a,"b', "names no columns"), ("a,b,a", "names a column twice")],
)
def test_a_table_without_a_header_is_refused(tmp_path: Path, header: str, reason: str) -> None:
    (tmp_path / "t.csv").write_text(f"{header}\n1,2\n")
    with pytest.raises(BadInputError, match=reason):
        read(tmp_path / "t.csv")

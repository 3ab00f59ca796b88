from __future__ import annotations

from pathlib import Path

import pytest

from medllm.data.journal import Journal
from medllm.errors import DataError


def test_a_journal_forgets_a_line_that_broke_off_and_keeps_the_others(tmp_path: Path) -> None:
    path = tmp_path / "j"
    with Journal(path, "x") as journal:
        journal.write("one", 1)
    whole = path.read_bytes()
    for length in range(len(b'{"key":"two","value":2}')):
        path.write_bytes(whole + b'{"key":"two","value":2}'[:length])
        with Journal(path, "x") as again:
            assert "one" in again
            assert "two" not in again
        assert path.read_bytes() == whole
    with Journal(path, "x") as again:
        again.write("two", 2)
    with Journal(path, "x") as again:
        assert (again["one"], again["two"], len(again)) == (1, 2, 2)


def test_a_journal_of_another_run_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "j"
    with Journal(path, "x") as journal:
        journal.write("one", 1)
    before = path.read_bytes()
    with pytest.raises(DataError, match="another run"):
        Journal(path, "y")
    assert path.read_bytes() == before


def test_a_journal_without_entries_belongs_to_nobody(tmp_path: Path) -> None:
    path = tmp_path / "j"
    Journal(path, "x").close()
    journal = Journal(path, "y")
    journal.write("one", 1)
    journal.close()
    with Journal(path, "y") as again:
        assert again["one"] == 1


def test_nothing_is_left_of_a_run_that_wrote_nothing_down(tmp_path: Path) -> None:
    with Journal(tmp_path / "j", "x"):
        pass
    assert list(tmp_path.iterdir()) == []


def test_a_damaged_line_is_named(tmp_path: Path) -> None:
    (tmp_path / "j").write_text('{"made_of":"x"}\nnot json\n', encoding="utf-8")
    with pytest.raises(DataError, match="line 2"):
        Journal(tmp_path / "j", "x")


def test_two_runs_do_not_write_to_one_journal(tmp_path: Path) -> None:
    with Journal(tmp_path / "j", "x") as journal:
        journal.write("one", 1)
        with pytest.raises(DataError, match="another run is writing"):
            Journal(tmp_path / "j", "x")
        journal.write("two", 2)
    with Journal(tmp_path / "j", "x") as again:
        assert len(again) == 2

"""A process that is killed loses nothing that it acknowledged, and leaves nothing half done."""

from __future__ import annotations

import itertools
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from medllm.errors import DataError
from medllm.records import Document
from medllm.retrieve.build import add_documents
from medllm.retrieve.embedded import EmbeddedIndex
from medllm.retrieve.index import Filter
from tests.retrieve import churn
from tests.retrieve.comparing import ALL_TERMS, assert_nothing_else
from tests.retrieve.conftest import NewIndex

MAX_OPENING_S = 10


def kill_after(process: subprocess.Popen[str], n_lines: int) -> int:
    """Kill the process when it has printed so many lines; give how many it printed after all."""
    assert process.stdout is not None
    seen = sum(1 for _ in itertools.islice(process.stdout, n_lines))
    process.send_signal(signal.SIGKILL)
    seen += sum(1 for _ in process.stdout)
    process.wait()
    return seen


def assert_recovered(path: Path, possible: list[dict[str, Document]]) -> float:
    """The index opens, holds one of the possible states and nothing else; give the seconds."""
    start = time.monotonic()
    index = EmbeddedIndex.open(path)
    elapsed = time.monotonic() - start
    with index:
        held = {document.id: document for document in index.documents(Filter())}
        assert held in possible
        assert_nothing_else(index, held)
    with EmbeddedIndex.open(path) as index:  # and what was mended stays so
        assert_nothing_else(index, held)
    return elapsed


@pytest.mark.parametrize("seed", range(10))
def test_what_was_acknowledged_survives_a_kill_at_any_time(seed: int, tmp_path: Path) -> None:
    process = churn.start(tmp_path / "idx", seed=seed)
    n_done = kill_after(process, random.Random(seed).randint(1, 20))
    possible = list(itertools.islice(churn.states(seed), n_done, n_done + 2))
    assert assert_recovered(tmp_path / "idx", possible) < MAX_OPENING_S


@pytest.mark.parametrize(
    ("then", "die_at", "is_done"),
    [
        ("grow", "before 1", False),
        ("grow", "after 1", False),
        ("grow", "after 2", True),
        ("replace", "before 1", False),
        ("replace", "after 1", False),
        ("replace", "after 2", True),
        ("replace", "after 3", True),
        ("replace", "while closing", True),
        ("delete", "before 1", False),
        ("delete", "after 1", True),
        ("delete", "after 2", True),
        ("delete", "while closing", True),
        ("compact", "once copied", True),
        ("compact", "between the renames", True),
        ("compact", "once renamed", True),
    ],
)
def test_a_change_that_was_cut_short_is_whole_or_was_not(
    then: str, die_at: str, is_done: bool, tmp_path: Path
) -> None:
    process = churn.start(tmp_path / "idx", seed=1, then=then, die_at=die_at)
    process.communicate()
    assert process.returncode == -signal.SIGKILL
    before, after = list(churn.states(1, then))[-2:]
    assert_recovered(tmp_path / "idx", [after if is_done else before])


def test_a_folder_whose_making_was_cut_short_can_be_made_anew(tmp_path: Path) -> None:
    path = tmp_path / "idx"
    (path / "shard").mkdir(parents=True)
    (path / "shard" / "half").write_text("x")
    (path / "lock").write_text("12345 changing")
    with pytest.raises(DataError, match="cut short"):
        EmbeddedIndex.open(path)
    with EmbeddedIndex.create(path, encoder=None) as index:
        add_documents(index, [Document(id="d", kind="patients", text="Fever.")])
    with EmbeddedIndex.open(path) as index:
        assert index.count(Filter()) == 1


OPEN_AND_WAIT = """
import sys
from pathlib import Path
from medllm.retrieve.embedded import EmbeddedIndex
index = EmbeddedIndex.open(Path(sys.argv[1]))
print("open", flush=True)
sys.stdin.read()
"""


def test_a_second_process_is_told_at_once_and_the_lock_goes_with_a_killed_one(
    new_index: NewIndex,
) -> None:
    index = new_index()
    add_documents(index, [Document(id="d", kind="patients", text="Fever.")])
    index.close()
    path = index.folder.path
    pipe = subprocess.PIPE
    command = [sys.executable, "-c", OPEN_AND_WAIT, str(path)]
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "open\n"
        start = time.monotonic()
        with pytest.raises(DataError, match=rf"another process \(process {other.pid}\)") as caught:
            EmbeddedIndex.open(path)
        assert time.monotonic() - start < 1
        assert "wait" in caught.value.hint
        other.kill()
    with EmbeddedIndex.open(path) as again:
        assert again.count(Filter()) == 1


def test_the_same_process_cannot_open_an_index_twice(new_index: NewIndex) -> None:
    index = new_index()
    with pytest.raises(DataError, match=rf"open in another process \(process {os.getpid()}\)"):
        EmbeddedIndex.open(index.folder.path)
    with pytest.raises(DataError, match="holds an index already"):
        EmbeddedIndex.create(index.folder.path, encoder=None)


def test_a_process_that_only_searched_leaves_nothing_to_mend(new_index: NewIndex) -> None:
    index = new_index()
    add_documents(index, [Document(id="d", kind="patients", text="Fever.")])
    index.close()
    searching = EmbeddedIndex.open(index.folder.path)
    searching.search_words(ALL_TERMS, limit=5, where=Filter())
    searching._shards.close()
    searching.folder.abandon()  # as a kill does
    with EmbeddedIndex.open(index.folder.path) as again:
        assert not again.folder.must_mend


def test_a_change_that_failed_is_mended_at_the_next_opening(
    new_index: NewIndex, monkeypatch: pytest.MonkeyPatch
) -> None:
    index = new_index()
    add_documents(index, [Document(id="d", kind="patients", text="Fever. " * 300)])
    assert index.count_passages() > 1
    index.flush()
    shorter = Document(id="d", kind="patients", text="Rash.")
    monkeypatch.setattr(index._shards, "passages", _Failing(index._shards.passages))
    with pytest.raises(DataError):
        add_documents(index, [shorter])
    monkeypatch.undo()
    index.close()
    with EmbeddedIndex.open(index.folder.path) as again:
        assert again.folder.must_mend
        assert_nothing_else(again, {"d": shorter})


class _Failing:
    """A shard whose second update fails."""

    def __init__(self, shard: object) -> None:
        self._shard = shard
        self._n = 0

    def __getattr__(self, name: str) -> object:
        return getattr(self._shard, name)

    def update(self, operation: object) -> None:
        self._n += 1
        if self._n == 2:
            raise Exception("the engine failed")
        self._shard.update(operation)  # type: ignore[attr-defined]

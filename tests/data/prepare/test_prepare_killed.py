"""A run that was killed goes on where it stopped, and what it writes is the same to the byte."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

from medllm.data.prepare.outputs import MANIFEST, OUTPUTS
from medllm.data.prepare.run import WORK
from tests.conftest import REPOSITORY
from tests.data.prepare.making import all_bytes, dialogues, record, write_records
from tests.data.prepare.test_duplicates import edit

CONFIG = """
[prepare]
broken = "leave out"
overlap.action = "leave out"
mix.by = "temperature"

[[prepare.sources]]
name = "records"
path = "dialogues.jsonl"

[[prepare.sources]]
name = "records"
path = "more.jsonl"
"""


class Ended(NamedTuple):
    code: int
    events: int


class Whole(NamedTuple):
    """A run that nothing disturbed."""

    config: Path
    events: int
    files: dict[str, bytes]


def prepare(fatal: int, config: Path, out: Path) -> Ended:
    done = subprocess.run(
        [sys.executable, "-m", "tests.data.prepare.killed", str(fatal), str(config), str(out)],
        capture_output=True,
        text=True,
        cwd=REPOSITORY,
        timeout=120,
    )
    last = (done.stderr.splitlines() or [""])[-1].split()
    return Ended(done.returncode, int(last[0]) if last[-1:] == ["events"] else 0)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Whole:
    folder = tmp_path_factory.mktemp("killed")
    good = dialogues(120)
    copies = [edit(good[at], f"copy-{at}", "swap") for at in range(5)]
    write_records(folder / "dialogues.jsonl", [*good[:60], *copies, *good[60:]])
    write_records(folder / "more.jsonl", [*dialogues(40, seed=4), record("empty", "Why?", " ")])
    config = folder / "prepare.toml"
    config.write_text(CONFIG, encoding="utf-8")
    ended = prepare(0, config, folder / "whole")
    assert ended.code == 0
    return Whole(config, ended.events, all_bytes(folder / "whole"))


# Spread over the run; the last ones fall where the files are put in their places.
@pytest.mark.parametrize("part", [0.02, 0.2, 0.45, 0.7, 0.9, 0.97, 0.99, 1.0])
def test_killed_and_run_again_it_writes_the_same(whole: Whole, tmp_path: Path, part: float) -> None:
    out = tmp_path / "out"
    fatal = max(1, int(part * whole.events))
    assert prepare(fatal, whole.config, out).code == -signal.SIGKILL
    if (out / MANIFEST).exists():  # with it the folder is whole, whatever the work looks like
        assert all_bytes(out) == whole.files
    again = prepare(0, whole.config, out)
    assert again.code == 0
    assert all_bytes(out) == whole.files
    assert not (out / WORK).exists()


def test_it_goes_on_and_does_not_begin_anew(whole: Whole, tmp_path: Path) -> None:
    out = tmp_path / "out"
    prepare(int(0.9 * whole.events), whole.config, out)
    assert prepare(0, whole.config, out).events < 0.7 * whole.events


def test_parts_of_a_source_that_are_done_are_not_written_again(
    whole: Whole, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    assert prepare(120, whole.config, out).code == -signal.SIGKILL
    done = list((out / WORK / "source-00").glob("part-*.json"))
    assert 1 <= len(done) < 5
    assert prepare(0, whole.config, out).events <= whole.events - 25 * len(done)


def test_killed_again_and_again_it_still_writes_the_same(whole: Whole, tmp_path: Path) -> None:
    out = tmp_path / "out"
    codes = [prepare(150, whole.config, out).code for _ in range(4)]
    assert -signal.SIGKILL in codes
    assert prepare(0, whole.config, out).code == 0
    assert all_bytes(out) == whole.files


def test_what_stands_there_stays_whole_until_the_end(whole: Whole, tmp_path: Path) -> None:
    """While a run over an earlier one is not at its end, the earlier one is untouched."""
    out = tmp_path / "out"
    out.mkdir()
    shutil.copytree(whole.config.parent / "whole", out, dirs_exist_ok=True)
    prepare(int(0.8 * whole.events), whole.config, out)
    assert all_bytes(out) == whole.files
    assert set(whole.files) == {*OUTPUTS, MANIFEST}

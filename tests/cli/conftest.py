"""An index of the example corpus, made once by the command line itself; notes; a runner."""

from __future__ import annotations

import functools
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from medllm.cli.main import main
from tests.cli.running import CANARY, NOTE, Done, run

Run = Callable[..., Done]


@pytest.fixture(scope="session")
def example_index(tmp_path_factory: pytest.TempPathFactory, examples: Path) -> Path:
    """Give an index of the examples that is only read: the folder must stay as it is."""
    path = tmp_path_factory.mktemp("indexes") / "idx"
    built = main(
        [
            "index",
            "build",
            str(examples / "patients.jsonl"),
            "--kind",
            "patients",
            "--to",
            str(path),
        ]
    )
    assert built == 0
    added = main(["index", "add", str(path), str(examples / "articles.jsonl")])
    assert added == 0
    return path


@pytest.fixture
def own_index(example_index: Path, tmp_path: Path) -> Path:
    """Give a copy of that index to do as one likes with."""
    path = tmp_path / "own"
    shutil.copytree(example_index, path)
    return path


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """Give the folder that commands run in."""
    path = tmp_path / "home"
    path.mkdir()
    return path


@pytest.fixture
def medllm(home: Path) -> Run:
    """Give what runs a command in a process of its own."""
    return functools.partial(run, home=home)


@pytest.fixture
def note(home: Path) -> Path:
    """Give a note as a file."""
    path = home / "note.txt"
    path.write_text(NOTE)
    return path


@pytest.fixture
def inside(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, home: Path) -> Run:
    """Give what runs a command in this process, which is quicker."""
    monkeypatch.chdir(home)

    def call(*arguments: str | Path) -> Done:
        capsys.readouterr()
        code = main([str(argument) for argument in arguments])
        captured = capsys.readouterr()
        assert CANARY not in captured.err, "the patient is named on standard error"
        return Done(code, captured.out, captured.err)

    return call

"""Help, version and completion."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from medllm import __version__
from medllm.cli.main import main
from tests.cli.conftest import Run

COMMANDS = [
    (),
    ("index",),
    ("index", "build"),
    ("index", "add"),
    ("index", "delete"),
    ("index", "status"),
    ("index", "snapshot"),
    ("search",),
    ("ask",),
    ("evaluate",),
    ("evaluate", "retrieval"),
    ("doctor",),
    ("data", "augment"),
    ("data", "build"),
    ("data", "review"),
    ("data", "stats"),
]


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_every_command_has_help_within_80_characters(
    command: tuple[str, ...], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    assert main([*command, "--help"]) == 0
    captured = capsys.readouterr()
    assert captured.out.startswith(f"Usage: {' '.join(('medllm', *command))} ")
    assert "--help" in captured.out
    assert not captured.err
    is_group = "Commands:" in captured.out
    assert is_group or "Example" in captured.out
    lines = [line for line in captured.out.splitlines() if not line.startswith("    medllm ")]
    assert max(map(len, lines)) <= 80
    assert "..." not in captured.out.partition("Commands:")[2], "a summary is cut off"


@pytest.mark.parametrize("group", [(), ("index",), ("evaluate",)], ids=" ".join)
def test_a_group_alone_shows_its_help(
    group: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*group, "--help"]) == 0
    shown = capsys.readouterr().out
    assert main(list(group)) == 0
    assert capsys.readouterr().out == shown


def test_the_version_is_that_of_the_package(medllm: Run) -> None:
    done = medllm("--version")
    assert (done.code, done.out, done.err) == (0, f"medllm {__version__}\n", "")


def test_the_shell_completes_commands_and_choices(medllm: Run) -> None:
    def completed(words: str, position: int) -> list[str]:
        done = medllm(_MEDLLM_COMPLETE="complete_bash", COMP_WORDS=words, COMP_CWORD=str(position))
        assert done.code == 0, done.err
        return done.out.split()

    assert completed("medllm in", 1) == ["index"]
    assert completed("medllm index ", 2) == ["build", "add", "delete", "status", "snapshot"]
    assert completed("medllm search --kind ", 3) == ["patients", "articles"]


def test_the_completion_script_is_shown(home: Path) -> None:
    # The shell is found among the parents of the process, so bash has to be one; `true` at the
    # end keeps it from replacing itself by its only command.
    command = f"{sys.executable} -m medllm --show-completion; true"
    done = subprocess.run(
        ["bash", "-c", command], capture_output=True, text=True, cwd=home, timeout=60
    )
    assert "_medllm_completion" in done.stdout, done.stderr
    assert "complete -o default -F _medllm_completion medllm" in done.stdout

"""What a patient's note leaves behind: nothing but what was asked for.

Every command of these tests runs under the guard of `running.py`, which fails where standard error
holds the canary, or where the process reaches for another machine.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from medllm.cli import main as door
from medllm.cli.complaints import complain
from medllm.errors import DataError
from tests.cli.conftest import Run
from tests.cli.running import CANARY, NOTE


def files_with_canary(folder: Path) -> Iterator[str]:
    for path in folder.rglob("*"):
        if CANARY in path.name or (path.is_file() and CANARY.encode() in path.read_bytes()):
            yield str(path.relative_to(folder))


def test_asking_and_searching_write_nothing_that_was_not_asked_for(
    medllm: Run, home: Path, own_index: Path, note: Path
) -> None:
    before = sorted(files_with_canary(home))
    index = ("--index", own_index)
    assert medllm("search", "--file", note, *index).code == 0
    assert medllm("search", f"{CANARY} has pleuritic chest pain", *index).code == 0
    assert medllm("ask", note, *index, "--model", "extractive").code == 0
    assert medllm("ask", *index, "--model", "extractive", "--json", text=NOTE).code == 0
    assert before == ["note.txt"]
    assert sorted(files_with_canary(home)) == before
    assert not list(files_with_canary(own_index))


def test_a_page_is_the_one_place_that_was_named(
    medllm: Run, home: Path, own_index: Path, note: Path
) -> None:
    done = medllm("ask", note, "--index", own_index, "--model", "extractive", "--html", "page.html")
    assert done.code == 0
    assert sorted(files_with_canary(home)) == ["note.txt", "page.html"]


def test_a_bug_shows_where_it_is_and_not_what_it_was_about(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def stumble(*arguments: object, **named: object) -> None:
        try:
            int(CANARY)
        except ValueError as exc:
            raise KeyError(NOTE) from exc

    monkeypatch.setattr(door, "app", stumble)
    assert door.main(["search", "fever"]) == 1
    shown = capsys.readouterr().err
    assert CANARY not in shown
    for words in ("Traceback", "in stumble", "ValueError", "KeyError", "a bug in medllm"):
        assert words in shown
    assert shown.index("ValueError") < shown.index("KeyError")


def test_debug_shows_the_message_of_a_bug(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    message = " ".join(["which", "key", "it", "was"])  # not as it stands in the source

    def stumble(*arguments: object, **named: object) -> None:
        raise KeyError(message)

    monkeypatch.setattr(door, "app", stumble)
    assert door.main(["--debug", "search", "fever"]) == 1
    assert message in capsys.readouterr().err
    assert door.main(["search", "--debug"]) == 1, "it counts before the command only"
    assert message not in capsys.readouterr().err


@pytest.mark.parametrize(
    ("argument", "is_text"),
    [
        (NOTE, True),
        ("67-year-old man with fever/chills for 3 days", True),
        ("a" * 5000, True),
        ("BP 104/68 and cough\nand fever", True),
        ("note.txt", False),
        ("my notes.txt", False),
        ("/no/such place/with a long name.txt", False),
        ("./my notes from last week.txt", False),
        ("--model=openai:http://127.0.0.1:1/v1#m", False),
    ],
)
def test_an_argument_is_repeated_only_where_it_can_be_a_name(
    argument: str, is_text: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    assert complain(DataError(f"{argument}: not found", hint=argument), ["ask", argument]) == 2
    shown = capsys.readouterr().err
    assert ("the given text: not found" in shown) == is_text
    assert (" ".join(argument.split()) in shown) == (not is_text)


def test_a_full_output_is_said_in_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fill(*arguments: object, **named: object) -> None:
        raise OSError(28, "No space left on device", f"/tmp/{CANARY}")

    monkeypatch.setattr(door, "app", fill)
    assert door.main([]) == 2
    shown = capsys.readouterr().err
    assert shown.startswith("error: cannot write: no space left on device\n  try: ")
    assert CANARY not in shown


def test_json_can_be_read_whatever_the_output_can_bear(
    medllm: Run, example_index: Path, note: Path
) -> None:
    command = ("ask", note, "--index", example_index, "--model", "extractive")
    ascii_only = medllm(*command, "--json", PYTHONIOENCODING="ascii")
    assert ascii_only.code == 0
    assert ascii_only.out.isascii()
    assert json.loads(ascii_only.out)["note"]["text"] == NOTE
    assert medllm(*command, PYTHONIOENCODING="ascii").code == 0

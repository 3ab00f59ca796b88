"""What changes on a terminal, in a pipe, and when somebody stops a command."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
from pathlib import Path

import pytest

from medllm.cli.terminal import flat, mark_words, shorten, wrap
from tests.cli.conftest import Run
from tests.cli.running import NOTE, start

ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


def on_terminal(
    *arguments: str | Path, columns: int = 80, stop_at: str = "", **environment: str
) -> tuple[int, str]:
    """Run a command on a terminal of its own; press Ctrl-C when it shows `stop_at`, a pattern."""
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 30, columns, 0, 0))
    kept = {
        name: value for name, value in os.environ.items() if name not in ("NO_COLOR", "COLUMNS")
    }
    process = subprocess.Popen(
        [sys.executable, "-m", "medllm", *map(str, arguments)],
        stdin=slave,
        stdout=slave,
        stderr=slave,
        env={**kept, "TERM": "xterm-256color", **environment},
        start_new_session=True,
    )
    os.close(slave)
    shown = b""
    while select.select([master], [], [], 120)[0]:
        try:
            piece = os.read(master, 65_536)
        except OSError:  # Linux says so that the other end was closed
            break
        if not piece:
            break
        shown += piece
        if stop_at and re.search(stop_at.encode(), shown):
            process.send_signal(signal.SIGINT)
            stop_at = ""
    os.close(master)
    return process.wait(timeout=120), shown.decode()


def test_styles_are_for_a_terminal_and_no_color_turns_them_off(
    example_index: Path, medllm: Run
) -> None:
    command = ("search", "itchy rash", "--index", example_index, "--top", "1")
    code, styled = on_terminal(*command)
    assert code == 0
    assert "\x1b[1mSIMILAR PATIENTS" in styled
    _, plain = on_terminal(*command, NO_COLOR="1")
    assert not ESCAPES.search(plain)
    assert plain.replace("\r\n", "\n") == ESCAPES.sub("", styled).replace("\r\n", "\n")
    assert "\x1b" not in medllm(*command, FORCE_COLOR="1").out
    assert max(map(len, plain.splitlines())) <= 80


def test_progress_is_shown_on_a_terminal_and_gone_afterwards(
    tmp_path: Path, examples: Path
) -> None:
    to = tmp_path / "idx"
    code, shown = on_terminal("index", "build", examples / "articles.jsonl", "--to", to)
    assert code == 0
    assert re.search(r"60 documents, [\d,.]+/s", shown)
    assert "took 60 documents" in shown.splitlines()[-4:][0] or "took 60 documents" in shown


def test_in_a_pipe_there_is_no_progress(medllm: Run, examples: Path) -> None:
    done = medllm(
        "index", "build", examples / "articles.jsonl", "--to", "idx", "--kind", "articles"
    )
    assert (done.code, done.err) == (0, "")


def test_a_note_that_has_to_be_typed_is_asked_for(example_index: Path) -> None:
    code, shown = on_terminal(
        "ask", "--index", example_index, "--model", "extractive", stop_at="Ctrl-D"
    )
    assert code == 130
    assert "type or paste the patient description" in shown
    assert "Traceback" not in shown


def test_a_build_that_is_stopped_says_that_it_goes_on_and_does(tmp_path: Path, inside: Run) -> None:
    corpus = tmp_path / "corpus.jsonl"
    record = '{"id": "a%d", "title": "Case %d", "text": "%s"}\n'
    text = NOTE.replace("\n", " ") * 8
    corpus.write_text("".join(record % (n, n, text) for n in range(2_000)))
    command = ("index", "build", corpus, "--to", tmp_path / "idx", "--kind", "articles")
    code, shown = on_terminal(*command, stop_at=r"[1-9]\d* documents")
    assert code == 130, shown[-300:]
    told = " ".join(ESCAPES.sub("", shown).split())
    assert told.endswith("note: what was done so far is kept; the same command goes on stopped"), (
        told[-300:]
    )
    kept = inside("index", "status", tmp_path / "idx", "--json").json
    assert kept["state"] == "building"
    n_kept = kept["documents"]["articles"]
    assert 0 < n_kept < 2_000
    done = inside(*command)
    assert done.code == 0, done.err
    assert f"{n_kept:,} unchanged" in done.out
    assert "now holds 0 patients and 2,000 articles" in done.out


def test_a_reader_that_goes_away_ends_the_command_quietly(
    home: Path, example_index: Path, note: Path
) -> None:
    process = start("ask", note, "--index", example_index, "--model", "extractive", home=home)
    assert process.stdin is not None
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.close()
    process.stdin.close()
    assert process.stderr.read() == b""
    process.stderr.close()
    assert process.wait(timeout=60) == 0


def test_a_closed_standard_output_or_input_is_no_traceback(
    home: Path, example_index: Path, note: Path
) -> None:
    command = f"{sys.executable} -m medllm search --file {note} --index {example_index} >&-"
    done = subprocess.run(["sh", "-c", command], capture_output=True, text=True, timeout=60)
    assert "Traceback" not in done.stderr
    command = f"{sys.executable} -m medllm ask --index {example_index} <&-"
    done = subprocess.run(["sh", "-c", command], capture_output=True, text=True, timeout=60)
    assert "Traceback" not in done.stderr
    assert done.returncode == 2


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("a\x00b\x1b[31mc", "a b [31mc"),
        ("one\n\n two\t three", "one two three"),
        ("soft\u00a0space \u202edne", "soft space dne"),
    ],
)
def test_text_is_made_one_line_that_a_terminal_can_bear(text: str, told: str) -> None:
    assert flat(text) == told


def test_a_tail_is_not_broken_and_stands_at_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    for n in range(1, 60):
        lines = wrap(
            "x" * (n % 7 + 1) + " word" * n, indent="  ", tail="[1][2] quoted"
        ).splitlines()
        assert lines[-1].endswith("[1][2] quoted")
        assert all(len(line) <= 40 for line in lines)


def test_words_are_marked_whole_and_shortening_cuts_between_words() -> None:
    assert mark_words("rash and rashes", ["rash"]) == "rash and rashes"  # no terminal here
    assert shorten("one two three four", 12) == "one two ..."

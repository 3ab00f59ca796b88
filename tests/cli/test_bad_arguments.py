"""Arguments and settings that a user can mend: one line, a hint, exit code 2."""

from __future__ import annotations

from pathlib import Path

import pytest

from medllm.cli.main import main
from tests.cli.conftest import Run
from tests.cli.running import CANARY, Done, assert_mendable

SEARCH = ("search", "fever", "--index", "{index}")
BAD_ARGUMENTS = {
    "an unknown command": (("serch", "fever"), ("serch", "search")),
    "an unknown command of a group": (("index", "bild"), ("bild", "build")),
    "an unknown option": ((*SEARCH, "--frobnicate"), ("--frobnicate", "search --help")),
    "a missing option": (("search", "fever"), ("--index",)),
    "a missing value": (("search", "fever", "--index"), ("--index",)),
    "a missing argument": (("index", "add", "{index}"), ("SOURCE",)),
    "no text": (("search", "--index", "{index}"), ("--file",)),
    "two texts": ((*SEARCH, "--file", "-"), ("--file",)),
    "an empty text": (("search", "", "--index", "{index}"), ("empty",)),
    "--top 0": ((*SEARCH, "--top", "0"), ("--top", "1")),
    "--top beyond all use": ((*SEARCH, "--top", "100000000"), ("--top", "1000")),
    "a --top that is no number": ((*SEARCH, "--top", "many"), ("--top",)),
    "an unknown kind": ((*SEARCH, "--kind", "papers"), ("papers", "articles")),
    "an unknown mode": ((*SEARCH, "--mode", "magic"), ("magic", "hybrid")),
    "an unknown sex": ((*SEARCH, "--sex", "x"), ("--sex",)),
    "years that end before they begin": (
        (*SEARCH, "--year-from", "2020", "--year-to", "2010"),
        ("--year-from 2020",),
    ),
    "ages that end before they begin": (
        (*SEARCH, "--age-from", "60", "--age-to", "1.5"),
        ("--age-to 1.5",),
    ),
    "vectors where there are none": ((*SEARCH, "--mode", "dense"), ("--encoder offline",)),
    "a setting without a value": ((*SEARCH, "--set", "search.top"), ("section.key=value",)),
    "a setting of no section": ((*SEARCH, "--set", "serch.top=3"), ("did you mean search",)),
    "an unknown setting": ((*SEARCH, "--set", "search.tpo=3"), ("did you mean search.top",)),
    "a setting of a wrong type": ((*SEARCH, "--set", "search.top=ten"), ("search.top", "integer")),
    "a setting out of bounds": ((*SEARCH, "--set", "search.top=0"), ("search.top", "1")),
    "a file of settings that is absent": ((*SEARCH, "--config", "none.toml"), ("none.toml",)),
    "an unknown model": (("ask", "{note}", "--index", "{index}", "--model", "gpt"), ("ollama:",)),
    "a model server without a URL": (
        ("ask", "{note}", "--index", "{index}", "--model", "openai:nowhere#m"),
        ("http://",),
    ),
    "a script that is absent": (
        ("ask", "{note}", "--index", "{index}", "--model", "fake:none.json"),
        ("none.json is missing",),
    ),
    "a page in a folder that is absent": (
        ("ask", "{note}", "--index", "{index}", "--html", "nowhere/a.html"),
        ("the folder nowhere does not exist", "mkdir"),
    ),
    "a page that is a folder": (
        ("ask", "{note}", "--index", "{index}", "--html", "{index}"),
        ("is a folder",),
    ),
    "queries that are absent": (
        ("evaluate", "retrieval", "--index", "{index}", "--queries", "q", "--qrels", "r"),
        ("cannot read q",),
    ),
    "queries that are no queries": (
        ("evaluate", "retrieval", "--index", "{index}", "--queries", "{note}", "--qrels", "r"),
        ("note.txt:1", "_id"),
    ),
    "judgements that are none": (
        ("evaluate", "retrieval", "--index", "{index}", "--queries", "{queries}", "--qrels")
        + ("{queries}",),
        ("queries.jsonl:1", "score"),
    ),
    "a snapshot into the index itself": (
        ("index", "snapshot", "{index}", "--to", "{index}/copy"),
        ("inside",),
    ),
    "an encoder that is not here": (
        ("index", "build", "{queries}", "--format", "jsonl", "--to", "new", "--encoder", "no/one"),
        (),
    ),
}


@pytest.mark.parametrize("kind", BAD_ARGUMENTS)
def test_what_a_user_can_mend_is_one_line_with_a_hint(
    kind: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    home: Path,
    example_index: Path,
    examples: Path,
    note: Path,
) -> None:
    command, words = BAD_ARGUMENTS[kind]
    monkeypatch.chdir(home)
    places = {"index": example_index, "note": note, "queries": examples / "queries.jsonl"}
    code = main([part.format(**places) for part in command])
    captured = capsys.readouterr()
    if kind == "a script that is absent":  # its message has no hint yet
        assert (code, "none.json is missing" in captured.err) == (2, True)
        return
    assert_mendable(Done(code, captured.out, captured.err), *words)
    assert not captured.out
    assert CANARY not in captured.err


def test_usage_errors_leave_the_process_with_2(medllm: Run, example_index: Path) -> None:
    assert_mendable(medllm("search", "fever"), "--index", "search --help")
    assert_mendable(medllm("search", "fever", "--index", example_index, "--top", "0"), "--top")
    assert_mendable(medllm("ask", "--frobnicate"), "--frobnicate")


def test_a_file_of_settings_is_checked_key_by_key(
    medllm: Run, home: Path, example_index: Path
) -> None:
    config = home / "settings.toml"
    command = ("search", "fever", "--index", example_index, "--config", config)
    config.write_text("[search]\ntop = 2\n")
    assert medllm(*command, "--json").json["articles"][1:][0]["rank"] == 2
    config.write_text("[search]\ntopp = 2\n")
    assert_mendable(medllm(*command), "search.topp", "did you mean search.top")
    config.write_text("[search\n")
    assert_mendable(medllm(*command), "settings.toml is not TOML")


def test_a_page_that_cannot_be_written_is_said_before_the_note_is_read(
    medllm: Run, home: Path
) -> None:
    done = medllm("ask", "absent.txt", "--index", "absent", "--html", home / "no" / "a.html")
    assert_mendable(done, "--html", "does not exist", f"mkdir -p {home / 'no'}")


def test_bytes_of_another_encoding_in_a_text_are_refused(medllm: Run, example_index: Path) -> None:
    text = b"fever and caf\xe9 au lait spots".decode("utf-8", "surrogateescape")
    assert_mendable(medllm("search", text, "--index", example_index), "not UTF-8", "--file")

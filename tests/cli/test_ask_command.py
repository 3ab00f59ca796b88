"""`medllm ask` from end to end: with and without a model, and with models that fail."""

from __future__ import annotations

import json
import socket
from pathlib import Path

import pytest

from medllm.cli.main import main
from tests.cli.conftest import Run
from tests.cli.running import CANARY, NOTE, assert_mendable
from tests.fake_server import FakeServer

ANSWER = json.dumps(
    {
        "sentences": [
            {"text": "A similar patient was given 5,000 mg of moonlight.", "sources": [1]},
            {"text": "Nobody said this.", "sources": [99]},
        ]
    }
)


@pytest.fixture
def asked(example_index: Path, note: Path) -> list[str]:
    return ["ask", str(note), "--index", str(example_index)]


def test_without_a_model_the_answer_is_whole_and_quoted(
    asked: list[str], medllm: Run, home: Path
) -> None:
    done = medllm(*asked, "--model", "extractive", "--html", "answer.html")
    assert done.code == 0, done.err
    for part in ("FINDINGS", "SIMILAR PATIENTS", "ARTICLES", "SUMMARY", "SOURCES", "[1] quoted"):
        assert part in done.out
    assert "absent     fever; cough" in done.out
    assert "family: breast cancer" in done.out
    assert "not a medical device" in done.out.lower()
    assert done.err == "note: wrote answer.html\n"
    assert CANARY in (home / "answer.html").read_text()
    assert [path.name for path in home.glob(f"*{CANARY}*")] == []


def test_a_list_is_cut_and_says_so_unless_more_is_asked_for(
    asked: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    main([*asked, "--model", "extractive"])
    short = capsys.readouterr().out
    assert "and 5 more: --top 10" in short
    main([*asked, "--model", "extractive", "--top", "7"])
    longer = capsys.readouterr().out
    assert "  7. " in longer
    assert "more: --top" not in longer


def test_json_is_the_whole_answer_and_nothing_else(asked: list[str], inside: Run) -> None:
    done = inside(*asked, "--model", "extractive", "--json")
    assert (done.code, done.err) == (0, "")
    answer = done.json
    assert answer["note"]["text"] == NOTE
    for finding in answer["findings"]:
        assert NOTE[finding["start"] : finding["end"]] == finding["text"]
    assert len(answer["patients"]) == len(answer["articles"]) == 10
    assert {claim["verdict"] for claim in answer["summary"]["claims"]} == {"quoted"}


def test_a_note_comes_from_standard_input_too(example_index: Path, medllm: Run) -> None:
    piped = medllm("ask", "--index", example_index, "--model", "extractive", text=NOTE)
    named = medllm("ask", "-", "--index", example_index, "--model", "extractive", text=NOTE)
    assert piped.code == 0
    assert piped.out == named.out


def test_auto_takes_the_model_of_an_ollama_that_answers(asked: list[str], inside: Run) -> None:
    with FakeServer(lambda request: ANSWER) as server:
        setting = ("--set", f"models.ollama_url={server.url}")
        done = inside(*asked, *setting, "--json")
        assert done.code == 0, done.err
        assert done.json["summary"]["model"] == "ollama:tiny:latest"
        assert server.chats


def test_what_a_model_made_up_is_marked_in_words(asked: list[str], inside: Run) -> None:
    with FakeServer(lambda request: ANSWER) as server:
        spec = f"openai:{server.openai_url}#tiny"
        done = inside(*asked, "--model", spec)
    assert done.code == 0, done.err
    assert "moonlight. [1] <<" in done.out
    assert "<< UNKNOWN SOURCE" in done.out
    assert f"Summary by {spec}" in " ".join(done.out.split())


def test_a_server_that_does_not_answer_leaves_what_was_found(
    asked: list[str], inside: Run, home: Path
) -> None:
    with FakeServer() as server:
        gone = server.openai_url  # a port that was free a moment ago
    done = inside(*asked, "--model", f"openai:{gone}#tiny", "--html", "answer.html")
    assert done.code == 2
    assert "SIMILAR PATIENTS" in done.out
    assert "INCOMPLETE:" in done.out
    assert "Summary by" not in done.out
    first, error, hint = done.err.splitlines()
    assert first == "note: wrote answer.html"
    assert error.startswith("error: the summary is incomplete: ")
    assert gone in error
    assert "--model extractive" in hint
    assert (home / "answer.html").exists()


def test_a_model_that_an_ollama_does_not_have_is_named(asked: list[str], inside: Run) -> None:
    with FakeServer() as server:
        setting = ("--set", f"models.ollama_url={server.url}")
        done = inside(*asked, "--model", "ollama:absent", *setting)
    assert_mendable(done, "ollama pull absent", "--model extractive")
    assert "ARTICLES" in done.out


@pytest.mark.parametrize("mode", ["echoing_error", "reset", "error_frame", "html_500", "no_finish"])
def test_a_model_that_fails_is_said_without_the_note(
    mode: str, asked: list[str], inside: Run
) -> None:
    with FakeServer(lambda request: f"{CANARY} said this. [1]\n" * 3, [mode]) as server:
        done = inside(*asked, "--model", f"openai:{server.openai_url}#tiny", "--json")
    assert_mendable(done, "the summary is incomplete")
    assert done.json["summary"]["incomplete"]
    assert done.json["patients"]


def test_a_model_on_another_machine_is_announced(
    asked: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(self: socket.socket, address: object) -> None:
        raise ConnectionRefusedError

    monkeypatch.setattr(socket.socket, "connect", refuse)
    # The address is one of those set aside for documentation.
    assert main([*asked, "--model", "openai:http://192.0.2.1:8000/v1#m"]) == 2
    first, error, _ = capsys.readouterr().err.splitlines()
    assert first.startswith("note: this model is on another machine: ")
    assert "removed by rules, which miss some" in first
    assert "192.0.2.1:8000/v1 does not answer" in error


def test_a_model_in_the_cloud_is_refused(asked: list[str], inside: Run) -> None:
    done = inside(*asked, "--model", "ollama:gpt-oss:120b-cloud")
    assert_mendable(done, "would leave this machine")
    assert not done.out


def test_nothing_in_the_index_means_no_summary_and_no_question_to_the_model(
    tmp_path: Path, home: Path, inside: Run, note: Path
) -> None:
    corpus = home / "corpus.jsonl"
    corpus.write_text(json.dumps({"id": "a", "text": "Tax law of the nineteenth century."}) + "\n")
    assert inside("index", "build", corpus, "--to", "idx").code == 0
    with FakeServer(lambda request: ANSWER) as server:
        done = inside("ask", note, "--index", "idx", "--model", f"openai:{server.openai_url}#tiny")
        assert not server.chats
    assert done.code == 0
    assert "No summary: " in done.out

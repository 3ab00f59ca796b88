"""Publishing goes through or leaves nothing behind, and says in words what was wrong."""

from __future__ import annotations

import json
import re
import socket
import sys
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("jinja2", reason="publishing renders the training template: medllm[export]")

from medllm.errors import ConfigError, DataError, MedllmError
from medllm.export.facts import read_facts
from medllm.models.watch import Watch
from medllm.publish import run
from tests.publish.calling import FULL, NAME, failure, go
from tests.publish.exports import make_export
from tests.publish.fake_ollama import FRAMING, FakeOllama


@pytest.fixture
def export(tmp_path: Path) -> Path:
    return make_export(tmp_path / "export")


def test_a_model_is_sent_made_checked_named_and_pushed(export: Path) -> None:
    with FakeOllama() as server:
        done = go(export, server)
        assert server.names == [FULL]
        assert list(server.hub) == [FULL]
        first = read_facts(export).files[0]
        assert list(server.blobs) == [f"sha256:{first.sha256}"]
        (made,) = server.calls("/api/create")
    assert done["prompts_equal"] == 4
    assert done["pushed"]
    assert made["files"] == {"first-Q4_K_M.gguf": f"sha256:{first.sha256}"}
    assert made["parameters"]["stop"] == ["<|eot_id|>"]
    assert made["license"] == ["The licence's own words.\n"]
    assert "quantize" not in made


def test_the_name_comes_only_after_every_check(export: Path) -> None:
    with FakeOllama() as server:
        go(export, server)
        paths = [one.path.partition("sha256:")[0] for one in server.received]
    assert paths.index("/api/copy") > max(n for n, p in enumerate(paths) if p == "/api/chat")
    assert paths.index("/api/push") > paths.index("/api/delete") > paths.index("/api/copy")


def test_without_push_nothing_goes_to_the_hub(export: Path) -> None:
    with FakeOllama() as server:
        assert not go(export, server, push=False)["pushed"]
        assert server.names == [FULL]
        assert server.hub == {}
        assert not server.calls("/api/push")


def test_a_second_run_sends_nothing_twice(export: Path) -> None:
    with FakeOllama() as server:
        go(export, server)
        done = go(export, server)
        assert server.n_uploads == 1
        assert len([one for one in server.received if one.path == "/api/copy"]) == 1
    assert done["was"] == "the same"


def test_a_run_that_failed_goes_on_where_it_stopped(export: Path) -> None:
    with FakeOllama(push="reset") as server:
        failure(export, server)
        assert server.names == [FULL]
        server.faults.clear()
        go(export, server)
        assert server.n_uploads == 1
        assert list(server.hub) == [FULL]


@pytest.mark.parametrize("framing", FRAMING)
@pytest.mark.parametrize("step", ["create", "push"])
def test_it_does_not_matter_how_the_network_cuts_an_answer(
    export: Path, step: str, framing: str
) -> None:
    with FakeOllama(**{step: framing}) as server:
        go(export, server)
        assert list(server.hub) == [FULL]


@pytest.mark.parametrize("fault", ["busy", "reset_first"])
@pytest.mark.parametrize("step", ["create", "push"])
def test_one_that_is_busy_is_asked_again(
    export: Path, step: str, fault: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("medllm.models.watch.Watch.pause", lambda self, seconds: None)
    with FakeOllama(**{step: fault}) as server:
        go(export, server)
        assert list(server.hub) == [FULL]


WHOLE = ("split_multibyte", "one_byte", "crlf", "pings", "null_content", "usage_only", "length")
CHAT_FAILURES = (
    *("no_finish", "error_frame", "reset", "bad_json", "bad_utf8", "huge_line", "odd_reason"),
    *("html_500", "html_200", "redirect", "too_long", "echoing_error"),
)


@pytest.mark.parametrize("mode", WHOLE)
def test_an_answer_counts_however_it_is_cut(export: Path, mode: str) -> None:
    with FakeOllama(modes=[mode]) as server:
        go(export, server)
        assert list(server.hub) == [FULL]


@pytest.mark.parametrize("mode", CHAT_FAILURES)
def test_an_answer_that_is_not_whole_leaves_no_name(export: Path, mode: str) -> None:
    with FakeOllama(modes=[mode]) as server:
        assert failure(export, server)
        assert server.names == []
        assert server.hub == {}


FAILURES = [
    ({"version": "html"}, "what answers at .* is not Ollama"),
    ({"version": "missing"}, "it is no Ollama, or an old one"),
    ({"blob": "mismatch"}, "got other bytes than were announced"),
    ({"blob": "disk_full"}, "the disk of Ollama at .* is full"),
    ({"blob": "disk_full_at_once"}, "the disk of Ollama at .* is full"),
    ({"blob": "reset"}, "the connection to Ollama at .* broke"),
    ({"blob": "strange"}, "refused with HTTP 500: ein Fehler "),
    ({"create": "at_once"}, "does not take the name"),
    ({"create": "old"}, "too old: it does not know how models are created"),
    ({"create": "architecture"}, "too old for this kind of model"),
    ({"create": "disk_full"}, "the disk of Ollama at .* is full"),
    ({"create": "error_line"}, "something went wrong with zq-secret"),
    ({"create": "ends"}, "broke off before it said that it was done"),
    ({"create": "reset"}, "the connection to Ollama at .* broke"),
    ({"create": "bad_json"}, "a line that is not JSON"),
    ({"create": "huge_line"}, "a line too long"),
    ({"create": "html_500"}, "refused with HTTP 500"),
    ({"create": "redirect"}, "refused with HTTP 307"),
    ({"keeps": "no template"}, "did not keep the template"),
    ({"keeps": "no parameters"}, "did not keep the parameter stop"),
    ({"render": "old"}, "does not show the prompt"),
    ({"render": "begins twice"}, "prompt 1 of 4 differs"),
    ({"render": "memory"}, "too little memory"),
    ({"copy": "fails"}, "the disk of Ollama at .* is full"),
]


@pytest.mark.parametrize(("faults", "words"), FAILURES, ids=lambda one: str(one)[:40])
def test_what_fails_before_the_name_leaves_no_name(
    export: Path, faults: dict[str, Any], words: str
) -> None:
    with FakeOllama(**faults) as server:
        said = failure(export, server)
        assert server.names == []
        assert server.hub == {}
        assert not server.calls("/api/push")
    assert re.search(words, said), said


PUSH_FAILURES = [
    ("not_signed_in", "is not signed in to its hub.*ollama signin"),
    ("unauthorized", "is not signed in to its hub.*ollama signin"),
    ("denied", "the name belongs to somebody else"),
    ("no_network", "does not reach its hub"),
    ("disk_full", "the disk of Ollama at .* is full"),
    ("error_line", "something went wrong"),
    ("ends", "broke off before it said that it was done"),
    ("reset", "the connection to Ollama at .* broke"),
    ("bad_json", "a line that is not JSON"),
    ("html_500", "refused with HTTP 500"),
]


@pytest.mark.parametrize(("fault", "words"), PUSH_FAILURES)
def test_what_fails_in_the_push_is_named_and_not_on_the_hub(
    export: Path, fault: str, words: str
) -> None:
    with FakeOllama(push=fault) as server:
        said = failure(export, server)
        assert server.hub == {}
        assert server.names == [FULL]
    assert re.search(words, said, re.DOTALL), said
    assert "AAAAC3Nz" not in said


@pytest.mark.parametrize(
    ("step", "fault"),
    [
        ("blob", "stall"),
        ("create", "stall"),
        ("create", "ping_forever"),
        ("push", "stall"),
        ("push", "ping_forever"),
    ],
)
def test_one_that_goes_silent_is_left(export: Path, step: str, fault: str) -> None:
    with FakeOllama(**{step: fault}) as server:
        assert "has sent no text for 0.3 s" in failure(export, server, patience_s=0.3)
        assert server.hub == {}


def test_a_push_may_take_as_long_as_it_moves(export: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    granted = []
    grant = Watch.grant

    def counted(self: Watch, seconds: float) -> None:
        granted.append(seconds)
        grant(self, seconds)

    with FakeOllama() as server:
        go(export, server, push=False)
        monkeypatch.setattr(Watch, "grant", counted)
        go(export, server, push=False)
        n_before, granted[:] = len(granted), []
        go(export, server)
    n_lines = 6  # of the push; asking for it grants once too
    assert len(granted) == n_before + 1 + n_lines
    assert set(granted) == {60.0}


def test_what_cannot_be_checked_is_not_sent(export: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "jinja2", None)
    with FakeOllama() as server:
        assert 'pip install -c constraints.txt "medllm[' in failure(export, server)
        assert server.received == []


def test_no_ollama_is_said_with_what_to_do(export: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        url = f"http://127.0.0.1:{free.getsockname()[1]}"
    planned = run.plan(export, NAME, url=url)
    with pytest.raises(MedllmError, match="does not answer") as caught:
        run.publish(planned)
    assert caught.value.hint == "ollama serve"


def test_a_stop_leaves_no_name(export: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def stop(*arguments: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(run, "check_answer", stop)
    with FakeOllama() as server:
        with pytest.raises(KeyboardInterrupt):
            go(export, server)
        assert server.names == []


def test_another_model_of_the_name_stays_unless_it_may_go(tmp_path: Path) -> None:
    first = make_export(tmp_path / "first")
    other = make_export(tmp_path / "other", system="Be brief.")
    with FakeOllama() as server:
        go(first, server)
        pushed = dict(server.hub)
        assert "is taken: this Ollama has another model" in failure(other, server)
        assert server.names == [FULL]
        assert server.hub == pushed
        assert go(other, server, replace=True)["was"] == "another model"
        assert server.hub != pushed


def test_a_name_in_other_letters_is_the_same_name(tmp_path: Path) -> None:
    with FakeOllama() as server:
        go(make_export(tmp_path / "first"), server)
        other = make_export(tmp_path / "other", system="Be brief.")
        assert "is taken" in failure(other, server, name="me/Llama-Clinic")


def test_a_prompt_that_begins_twice_is_seen_by_its_tokens(export: Path) -> None:
    tokenizers = pytest.importorskip("tokenizers", reason="counting tokens needs tokenizers")
    tokenizer = tokenizers.Tokenizer(tokenizers.models.WordLevel({"?": 0}, unk_token="?"))
    tokenizer.pre_tokenizer = tokenizers.pre_tokenizers.Whitespace()
    tokenizer.save(str(export / "hf" / "tokenizer.json"))
    from medllm.publish.checks import TALKS, expected_prompt, template_text

    facts = read_facts(export)
    prompt = expected_prompt(template_text(export, facts), facts, TALKS[0])
    n = len(tokenizer.encode(prompt, add_special_tokens=False).ids)
    with FakeOllama(prompt_tokens=n + 1) as server:
        assert f"read {n + 1} tokens of a prompt that has {n}" in failure(export, server)
        assert server.names == []
    with FakeOllama(prompt_tokens=n - 1) as server:
        assert f"read {n - 1} tokens of a prompt that has {n}" in failure(export, server)
    with FakeOllama(prompt_tokens=n) as server:
        server.n_cached = 5
        assert go(export, server)["prompt_tokens"] == n
        assert server.calls("/api/generate")
        assert go(export, server)["prompt_tokens"] == n


def test_an_answer_that_runs_on_after_its_end_is_seen(export: Path) -> None:
    with FakeOllama() as server:
        server.answer = lambda request: "Rest.<|eot_id|>And more."
        assert "writes on after <|eot_id|>" in failure(export, server)
        assert server.names == []


def test_a_file_that_changed_since_the_proof_is_not_sent(export: Path) -> None:
    path = export / "first-Q4_K_M.gguf"
    path.write_bytes(path.read_bytes()[::-1])
    with FakeOllama() as server:
        assert "its digest differs" in failure(export, server)
        path.unlink()
        assert "is missing" in failure(export, server)
        assert server.received == []


def test_the_file_is_chosen_by_the_tag_or_by_its_quantisation(export: Path) -> None:
    for name, options in ((f"{NAME}:f16", {}), (NAME, {"file": "f16"})):
        assert (
            run.plan(export, name, url="http://127.0.0.1:1", **options).file.quantisation == "F16"
        )
    with pytest.raises(ConfigError, match="has no 'q8_0'"):
        run.plan(export, NAME, url="http://127.0.0.1:1", file="q8_0")


def test_an_export_that_was_not_finished_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="not a finished export"):
        run.plan(tmp_path, NAME, url="http://127.0.0.1:1")


def test_a_plan_says_all_that_would_be_sent_and_sends_nothing(export: Path) -> None:
    with FakeOllama() as server:
        told = run.plan(export, NAME, url=server.url, push=True).as_facts()
        assert server.received == []
    assert json.loads(json.dumps(told)) == told
    assert told["create"]["files"] == {"first-Q4_K_M.gguf": f"sha256:{told['file']['sha256']}"}
    assert told["push"]
    assert told["refused"] == []

"""What is not published, whatever is said, and what is when it is said in words."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("jinja2", reason="publishing renders the training template: medllm[export]")

from medllm.errors import ConfigError, PrivacyError
from medllm.export.facts import TrainingSource, read_facts, read_proof, write_facts, write_proof
from medllm.publish import run
from medllm.publish.names import parse_name
from tests.publish.calling import FULL, NAME, failure, go
from tests.publish.exports import OPEN, make_export
from tests.publish.fake_ollama import FakeOllama


@pytest.fixture
def export(tmp_path: Path) -> Path:
    return make_export(tmp_path / "export")


def said_against(folder: Path, name: str = NAME, **options: Any) -> str:
    """What a plan says against itself."""
    planned = run.plan(folder, name, url="http://127.0.0.1:1", push=True, **options)
    return "; ".join(one.reason for one in planned.refusals)


def change(folder: Path, **changed: Any) -> None:
    write_facts(folder, replace(read_facts(folder), **changed))


def test_what_was_never_proved_or_failed_is_refused_whatever_is_said(export: Path) -> None:
    proof = read_proof(export)
    assert proof is not None
    failed = replace(proof.files[0], passed=False, reasons=("top-1 is 3 %",))
    write_proof(export, replace(proof, passed=False, files=(failed, proof.files[1])))
    assert "the proof of first-Q4_K_M.gguf failed: top-1 is 3 %" in said_against(export)
    assert said_against(export, file="F16") == ""
    other = replace(proof.files[0], sha256="0" * 64)
    write_proof(export, replace(proof, files=(other,)))
    assert "was never compared with the model" in said_against(export)
    (export / "proof.json").unlink()
    assert "has no proof" in said_against(export, even_though=["gated data", "patient text"])
    with FakeOllama() as server:
        failure(export, server)
        assert server.received == []


@pytest.mark.parametrize(
    ("source", "words"),
    [
        (replace(OPEN, is_gated=True), "gated data"),
        (replace(OPEN, may_hold_patient_text=True), "patient text"),
        (TrainingSource(), "patient text"),
    ],
)
def test_gated_and_patient_records_are_refused_unless_told_in_words(
    export: Path, source: TrainingSource, words: str
) -> None:
    change(export, trained_on=source)
    with FakeOllama() as server:
        for push in (True, False):
            with pytest.raises(PrivacyError) as caught:
                go(export, server, push=push)
            assert f'--even-though "{words}"' in caught.value.hint
        assert server.received == []
        go(export, server, even_though=[words])
        assert list(server.hub) == [FULL]


def test_words_that_overrule_nothing_are_refused(export: Path) -> None:
    with pytest.raises(ConfigError, match="is not one of the words"):
        run.plan(export, NAME, url="http://127.0.0.1:1", even_though=["yes"])


def test_a_name_that_breaks_the_licence_is_refused(export: Path) -> None:
    assert "wants a name that begins with Llama" in said_against(export, "me/clinic")
    change(export, base="meta-llama/Llama-2-7b-chat-hf", licence="llama2")
    assert said_against(export, "me/clinic") == ""


def test_a_licence_whose_text_is_not_there_stays_at_home(export: Path) -> None:
    (export / "LICENSE").unlink()
    assert "must go with the model" in said_against(export)
    here = run.plan(export, NAME, url="http://127.0.0.1:1")
    assert here.refusals == ()
    away = run.plan(export, NAME, url="http://192.0.2.1:11434")
    assert away.refusals
    change(export, licence="", base="tiny")
    assert "is not known, so nobody may pass" in said_against(export)
    assert said_against(export, even_though=["unknown licence"]) == ""


@pytest.mark.parametrize(
    "name", ["", "me/", "me/a b", "a/b/c", "me/llama:", "mé/llama", "-me/llama", "me/llama:a/b"]
)
def test_what_is_no_name_is_refused(name: str) -> None:
    with pytest.raises(ConfigError, match="is no name for a model"):
        parse_name(name)


@pytest.mark.parametrize("name", ["me/llama:cloud", "me/llama:70b-cloud"])
def test_a_name_of_ollamas_cloud_is_refused(name: str) -> None:
    with pytest.raises(PrivacyError, match="runs in Ollama's cloud"):
        parse_name(name)


def test_a_model_without_a_user_is_not_pushed(export: Path) -> None:
    assert "has no user" in said_against(export, "llama-clinic")
    with FakeOllama() as server:
        go(export, server, name="llama-clinic", push=False)
        assert server.names == ["llama-clinic:latest"]

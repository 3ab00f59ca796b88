"""`medllm publish` as a person calls it."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

pytest.importorskip("jinja2", reason="publishing renders the training template: medllm[export]")

from medllm.cli.main import main
from medllm.errors import DataError
from medllm.export.card import write_card
from medllm.export.facts import (
    ExportedFile,
    TrainingSource,
    read_facts,
    read_proof,
    write_facts,
    write_proof,
)
from medllm.files import sha256_file
from medllm.publish.hub_folder import write_hub_folder
from tests.publish.exports import make_export
from tests.publish.fake_ollama import FakeOllama

NAME = "me/llama-clinic"


@pytest.fixture
def export(tmp_path: Path) -> Path:
    return make_export(tmp_path / "export")


def call(folder: Path, server: FakeOllama, *more: str) -> int:
    setting = f'models.ollama_url="{server.url}"'
    return main(["publish", str(folder), "--name", NAME, "--set", setting, *more])


def test_it_says_what_was_done(export: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with FakeOllama() as server:
        assert call(export, server, "--push") == 0
    said = capsys.readouterr()
    assert "first-Q4_K_M.gguf on Ollama 0.31.0" in said.out
    assert "prompts as in training: 4 of 4" in said.out
    assert "pushed" in said.out
    assert f"--model ollama:{NAME}:latest" in said.out


def test_json_is_for_programs(export: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with FakeOllama() as server:
        assert call(export, server, "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert told["name"] == f"{NAME}:latest"
    assert told["pushed"] is False


def test_a_dry_run_shows_all_and_sends_nothing(
    export: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with FakeOllama() as server:
        assert call(export, server, "--push", "--dry-run") == 0
        assert server.received == []
    said = capsys.readouterr().out
    for words in ("first-Q4_K_M.gguf, 12,004 bytes", "stop ['<|eot_id|>']", "nothing was sent"):
        assert words in said


def test_a_dry_run_ends_with_what_stands_against_it(
    export: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_facts(export, replace(read_facts(export), trained_on=TrainingSource(is_gated=True)))
    with FakeOllama() as server:
        assert call(export, server, "--dry-run") == 2
        told = capsys.readouterr()
        assert "nothing was sent" in told.out
        assert "given out only after an agreement" in told.err
        assert "; and first was trained on records that are not known" in told.err
        words = ("--even-though", "gated data", "--even-though", "patient text")
        assert call(export, server, *words) == 0
    assert "publishing even though: gated data, patient text" in capsys.readouterr().err


def test_a_failure_is_one_line_and_a_hint(export: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with FakeOllama(push="not_signed_in") as server:
        assert call(export, server, "--push") == 2
    said = capsys.readouterr().err.splitlines()
    assert "is not signed in to its hub" in said[0]
    assert said[1] == "  try: ollama signin, then run the command again"
    assert len(said) == 2


def test_without_a_name_it_asks_for_one(export: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["publish", str(export)]) == 2
    assert "--name USER/MODEL" in capsys.readouterr().err


@pytest.fixture
def for_hub(export: Path) -> Path:
    """Give an export that holds a model for transformers too."""
    weights = export / "hf" / "model.safetensors"
    weights.write_bytes(b"weights")
    file = ExportedFile(
        name="hf/model.safetensors",
        kind="safetensors",
        quantisation="BF16",
        size_bytes=7,
        sha256=sha256_file(weights),
    )
    facts = read_facts(export)
    write_facts(export, replace(facts, files=(*facts.files, file)))
    (export / "hf" / "LICENSE").write_bytes((export / "LICENSE").read_bytes())
    write_card(export, facts, read_proof(export))
    return export


def test_a_folder_for_hugging_face_is_whole(
    for_hub: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    to = tmp_path / "hub"
    assert main(["publish", str(for_hub), "--to-hub-folder", str(to)]) == 0
    found = sorted(path.name for path in to.iterdir())
    assert found == ["LICENSE", "README.md", "chat_template.jinja", "model.safetensors"]
    assert (to / "README.md").read_text().startswith('---\nlicense: "llama3.2"\n')
    card = for_hub / "hf" / "README.md"
    before = card.read_text()
    (to / "README.md").write_text("another card")
    assert card.read_text() == before
    assert f"hf upload USER/MODEL {to}" in capsys.readouterr().out
    assert main(["publish", str(for_hub), "--to-hub-folder", str(to)]) == 2


def test_a_folder_for_hugging_face_is_refused_as_a_push_is(for_hub: Path, tmp_path: Path) -> None:
    to = tmp_path / "hub"
    facts = read_facts(for_hub)
    write_facts(for_hub, replace(facts, trained_on=TrainingSource()))
    with pytest.raises(Exception, match="are not known"):
        write_hub_folder(for_hub, to)
    write_facts(for_hub, facts)
    proof = read_proof(for_hub)
    assert proof is not None
    write_proof(for_hub, replace(proof, passed=False))
    with pytest.raises(DataError, match="the proof of .* failed"):
        write_hub_folder(for_hub, to)
    write_proof(for_hub, proof)
    (for_hub / "hf" / "model.safetensors").write_bytes(b"changed")
    with pytest.raises(DataError, match="its digest differs"):
        write_hub_folder(for_hub, to)
    assert not to.exists()

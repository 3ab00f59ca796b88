"""`medllm export`: a folder that ships, proved; or an error and nothing that looks finished."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from medllm.cli.main import main
from medllm.export import convert, reference, run
from medllm.export.facts import read_facts, read_proof
from medllm.models.hf import load_parts
from medllm.models.hf_parts import find_parts
from medllm.tune.train import train
from tests.export.models import make_llama, sentencepiece_file
from tests.tune.runs import settings


class Done(NamedTuple):
    code: int
    out: str
    err: str


Command = Callable[..., Done]


@pytest.fixture(autouse=True)
def _few_tokens(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reference, "MOST_TOKENS", 250)


@pytest.fixture
def export(capsys: pytest.CaptureFixture[str]) -> Command:
    def call(*arguments: Any) -> Done:
        code = main(["export", *map(str, arguments)])
        said = capsys.readouterr()
        return Done(code, said.out, said.err)

    return call


@pytest.fixture(scope="module")
def own_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a run that trained an rsLoRA on a Llama 2 in bfloat16 which has a tokenizer.model."""
    folder = tmp_path_factory.mktemp("run")
    base = make_llama(folder / "base", template="llama2", dtype="bfloat16")
    (base / "tokenizer.model").write_bytes(sentencepiece_file())
    (base / "README.md").write_text("---\nlicense: llama2\n---\n# A base\n", encoding="utf-8")
    (base / "LICENSE").write_text("LLAMA 2 COMMUNITY LICENSE AGREEMENT\n", encoding="utf-8")
    keys = {"train__method": "rslora", "train__max_steps": 4, "model__dtype": "bfloat16"}
    return train(settings(folder, base, **keys), folder / "fever-notes").folder


def test_a_run_becomes_a_proved_folder(
    own_run: Path, tmp_path: Path, export: Command, llama_cpp: None
) -> None:
    to = tmp_path / "out"
    done = export(own_run, "--to", to, "--quantize", "f16", "--quantise", "q4_K_M", "--adapter")
    assert done.code == 0, done.err
    facts, proof = read_facts(to), read_proof(to)
    assert proof is not None
    assert proof.passed
    assert [one.name for one in facts.files] == [
        "fever-notes-F16.gguf",
        "fever-notes-Q4_K_M.gguf",
        "fever-notes-adapter-F32.gguf",
        "hf/model.safetensors",
    ]
    assert [one.sha256 for one in proof.files] == [one.sha256 for one in facts.files[:3]]
    assert all(one.n_texts_equal == one.n_texts == 2000 for one in proof.files)
    assert (facts.licence, facts.template, facts.stop_tokens) == ("llama2", "llama2", ("</s>",))
    assert proof.text == "the validation records"
    assert "PROVED beside base and adapter in float32" in done.out
    assert "2,000 of 2,000 awkward texts cut alike" in done.out
    card = (to / "README.md").read_text(encoding="utf-8")
    assert "fever-notes-Q4_K_M.gguf" in card
    assert "FROM ./fever-notes-F16.gguf" in (to / "Modelfile").read_text(encoding="utf-8")
    hidden = [path.name for path in to.glob(".*")]
    assert hidden == [".begun.json"], "nothing that was only needed on the way is left"


def test_the_merged_folder_is_whole_and_names_no_place_of_this_machine(
    own_run: Path, tmp_path: Path, export: Command
) -> None:
    import torch

    to = tmp_path / "out"
    assert export(own_run, "--to", to, "--no-verify").code == 0
    hf = to / "hf"
    config = json.loads((hf / "config.json").read_text(encoding="utf-8"))
    assert config["rope_theta"] == config["rope_parameters"]["rope_theta"]
    assert config["torch_dtype"] == "bfloat16"
    assert (hf / "tokenizer.model").read_bytes() == sentencepiece_file()
    assert (hf / "chat_template.jinja").is_file()
    assert (hf / "model.safetensors").stat().st_mode & 0o444 == 0o444
    ids = torch.tensor([list(range(5, 60))])
    logits = []
    for name in (str(own_run), str(hf)):
        model, _ = load_parts(find_parts(name))
        with torch.inference_mode():
            logits.append(model.float()(input_ids=ids).logits)
    assert float((logits[0] - logits[1]).abs().max()) < 0.5, "bfloat16 rounds the merged weights"
    for path in to.rglob("*"):
        if path.is_file():
            assert str(own_run.parent).encode() not in path.read_bytes(), path.name


def test_one_that_was_stopped_goes_on(own_run: Path, tmp_path: Path, export: Command) -> None:
    to = tmp_path / "out"
    assert export(own_run, "--to", to, "--no-verify").code == 0
    (to / "export.json").unlink()
    paths = (to / "hf" / "model.safetensors", to / "fever-notes-Q8_0.gguf")
    made = {path: path.stat().st_mtime_ns for path in paths}
    (to / ".fever-notes-F16.gguf.part").write_bytes(b"half")
    (to / ".hf.part").mkdir()
    assert export(own_run, "--to", to, "--no-verify", "--quantize", "q8_0").code == 0
    assert {path: path.stat().st_mtime_ns for path in made} == made
    assert not list(to.glob(".*.part"))
    assert read_facts(to).name == "fever-notes"


def test_a_folder_with_anything_else_in_it_is_left_alone(
    own_run: Path, llama3: Path, tmp_path: Path, export: Command
) -> None:
    (tmp_path / "mine.txt").write_text("mine", encoding="utf-8")
    done = export(own_run, "--to", tmp_path, "--no-verify")
    assert done.code == 2
    assert "is not empty" in done.err
    to = tmp_path / "out"
    assert export(llama3, "--to", to, "--no-verify").code == 0
    done = export(own_run, "--to", to, "--no-verify")
    assert done.code == 2
    assert "holds the export of another model" in done.err
    assert read_facts(to).name == "llama3"


def test_a_failed_proof_fails_the_export_and_leaves_nothing_that_looks_finished(
    llama3: Path,
    tmp_path: Path,
    export: Command,
    monkeypatch: pytest.MonkeyPatch,
    llama_cpp: None,
) -> None:
    to = tmp_path / "out"
    with monkeypatch.context() as broken:
        broken.setattr(convert, "interleave", lambda rows, n_heads: rows)
        done = export(llama3, "--to", to, "--quantize", "q2_k")
    assert done.code == 2
    assert "llama3-F32.gguf is not the model that was evaluated" in done.err, "what it is made of"
    assert "nats off" in done.err
    names = {path.name for path in to.iterdir()}
    assert names == {"hf", ".begun.json", "proof-failed.json"}
    failed = json.loads((to / "proof-failed.json").read_text(encoding="utf-8"))
    assert failed["files"][0]["mean_kl"] > 1
    assert export(llama3, "--to", to).code == 0, "the same command goes on from hf/"
    assert not (to / "proof-failed.json").exists()


def test_without_llama_cpp_it_is_finished_unproved_and_says_so(
    llama3: Path, tmp_path: Path, export: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    there = run.is_there
    monkeypatch.setattr(run, "is_there", lambda name: name != "llama_cpp" and there(name))
    for wanted, said in (
        (["--quantize", "q4_k_m"], "Q4_K_M is made by llama.cpp"),
        (["--verify"], "a proof is made with llama.cpp"),
    ):
        done = export(llama3, "--to", tmp_path / "out", *wanted)
        assert done.code == 2
        assert said in done.err
        assert not (tmp_path / "out").exists()
    done = export(llama3, "--to", tmp_path / "out", "--json")
    assert done.code == 0
    assert "not proved" in done.err
    assert json.loads(done.out)["proof"] is None
    assert read_proof(tmp_path / "out") is None
    assert "None: these files were not compared" in (tmp_path / "out/README.md").read_text()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--quantize", "q4km"], "unknown quantisation q4km"),
        (["--adapter"], "has no adapter"),
        (["--name", "..."], "the model has no name"),
    ],
)
def test_what_cannot_be_done_is_said_before_anything_is(
    arguments: list[str], said: str, llama3: Path, tmp_path: Path, export: Command
) -> None:
    done = export(llama3, "--to", tmp_path / "out", *arguments)
    assert done.code == 2
    assert said in done.err
    assert not (tmp_path / "out").exists()


def test_too_little_room_is_seen_before_anything_is_written(
    llama3: Path, tmp_path: Path, export: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    free = shutil._ntuple_diskusage(10**6, 10**6 - 1000, 1000)  # type: ignore[attr-defined]
    monkeypatch.setattr("medllm.export.folders.shutil.disk_usage", lambda folder: free)
    done = export(llama3, "--to", tmp_path / "out")
    assert done.code == 2
    assert "GB are free" in done.err
    assert not (tmp_path / "out" / "hf").exists()


def test_a_package_that_is_lacking_is_named(
    llama3: Path, tmp_path: Path, export: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run, "is_there", lambda name: False)
    done = export(llama3, "--to", tmp_path / "out")
    assert done.code == 2
    assert "medllm[export]" in done.err

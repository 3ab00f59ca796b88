"""`medllm train` and `medllm model` as they are typed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from medllm.cli.main import main
from medllm.tune.config import load_train_config, shipped_names
from tests.conftest import EXAMPLES
from tests.tune.records import many, record
from tests.tune.runs import write


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    write(tmp_path / "train.jsonl", many(12, seed=1))
    write(tmp_path / "validation.jsonl", many(4, seed=2), "validation")
    return tmp_path


def options(model: Path, *more: str) -> list[str]:
    """Point a shipped config at tiny things."""
    sets = [
        f"model.base={model}",
        "model.template=llama3",
        'data.train=["train.jsonl"]',
        'data.validation=["validation.jsonl"]',
        "train.device=cpu",
        "train.max_steps=2",
        *more,
    ]
    return [part for one in sets for part in ("--set", one)]


def test_a_run_from_the_command_line_ends_in_an_adapter(files, tiny_model, capsys):
    code = main(["train", "tiny-cpu.toml", *options(tiny_model), "--to", "run", "--json"])
    printed = capsys.readouterr()
    assert code == 0, printed.err
    report = json.loads(printed.out)
    assert report["state"] == "done"
    assert (files / "run" / report["result"] / "adapter_model.safetensors").is_file()
    assert "validation loss" in printed.err


def test_a_dry_run_says_what_the_run_would_take_and_shows_what_is_trained(
    files, tiny_model, capsys
):
    write(files / "train.jsonl", [record("Does it itch?", "Yes, at night."), *many(11, seed=1)])
    assert main(["train", "tiny-cpu.toml", *options(tiny_model), "--dry-run"]) == 0
    printed = capsys.readouterr().out
    for word in ("trained", "memory", "optimizer", "2 steps", "FLOPs", "time"):
        assert word in printed
    assert "⟦Yes, at night.<|eot_id|>⟧" in printed
    assert "Does it itch?<|eot_id|>" in printed
    assert not (files / "out").exists()


def test_a_dry_run_without_weights_says_all_but_the_time(files, own_model, capsys):
    (own_model / "model.safetensors").unlink()
    assert main(["train", "tiny-cpu.toml", *options(own_model), "--dry-run"]) == 0
    printed = capsys.readouterr().out
    assert "2 steps" in printed
    assert "not known: it is measured in one process, with the weights" in printed


def test_a_dry_run_of_what_does_not_fit_is_shown_and_says_which_settings_would(
    files, own_model, capsys
):
    path = own_model / "config.json"
    config = json.loads(path.read_text())
    wide = {"hidden_size": 1 << 18, "intermediate_size": 1 << 19, "num_hidden_layers": 2}
    path.write_text(json.dumps({**config, **wide}))
    assert main(["train", "tiny-cpu.toml", *options(own_model), "--dry-run"]) == 2
    printed = capsys.readouterr()
    assert "not known: the run does not fit" in printed.out
    assert "of memory, and" in printed.err
    assert main(["train", "tiny-cpu.toml", *options(own_model), "--dry-run", "--json"]) == 2
    found = json.loads(capsys.readouterr().out)
    assert not found["fits"]
    assert found["seconds"] is None


@pytest.mark.parametrize("name", shipped_names())
def test_every_shipped_config_is_read_and_dry_run(name, files, tiny_model, capsys):
    config = load_train_config(Path(name))
    assert config.data.train
    unquantised = () if config.model.quantise == "none" else ("model.quantise=none",)
    more = (*unquantised, "model.dtype=float32", "data.window=256", "model.attention=sdpa")
    code = main(["train", name, *options(tiny_model, *more), "--dry-run", "--json"])
    printed = capsys.readouterr()
    assert code == 0, printed.err
    found = json.loads(printed.out)
    assert found["steps"] == 2
    assert found["trained_parameters"] > 0
    assert found["seconds"] > 0


@pytest.mark.parametrize(
    ("more", "complaint", "hint"),
    [
        (["--set", "train.lern=1"], "unknown key train.lern", "train.lr"),
        (["--set", "trian.lr=1"], "unknown key trian", "train"),
        (["--set", "train.lr=2.0"], "train.lr: input should be less than 1", "training.md"),
        (["--set", "train.method=qlora"], "train.method", "training.md"),
        (["--set", 'data.train=["none.jsonl"]'], "none.jsonl", "records"),
        (["--set", "data.train=[]"], "name files of records", "training.md"),
        (["--set", "model.base=nowhere/model"], "is not on this machine", "hf download"),
        (["--set", "model.template=llama2"], "does not match the template", "model.template"),
        (
            ["--set", "train.method=full", "--set", "model.quantise=4bit"],
            "error: full fine-tuning needs model.quantise = none",
            "training.md",
        ),
    ],
)
def test_a_wrong_setting_is_one_line_and_leaves_no_folder(
    files, tiny_model, capsys, more, complaint, hint
):
    assert main(["train", "tiny-cpu.toml", *options(tiny_model), *more, "--to", "run"]) == 2
    printed = capsys.readouterr().err
    assert complaint in printed
    assert hint in printed
    assert "Traceback" not in printed
    assert not (files / "run").exists()


def test_a_model_is_made_from_text(files, capsys):
    arguments = ["model", "new", "--text", str(EXAMPLES / "articles.jsonl"), "--to", "made"]
    assert main([*arguments, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["parameters"] == 164_160
    assert main(arguments) == 2
    assert "made is not empty" in capsys.readouterr().err


def test_a_broken_record_is_named_by_line_and_not_by_content(files, tiny_model, capsys):
    with (files / "train.jsonl").open("a") as handle:
        handle.write('{"id": "x", "messages": "Quaggaridge has a cough"}\n')
    assert main(["train", "tiny-cpu.toml", *options(tiny_model), "--to", "run"]) == 2
    printed = capsys.readouterr().err
    assert "line 13" in printed
    assert "Quaggaridge" not in printed


def test_shipped_configs_begin_with_the_command_that_starts_them() -> None:
    from medllm.tune.config import read_shipped

    for name in shipped_names():
        first = read_shipped(name).splitlines()[0]
        assert first.startswith("# ")
        assert f"medllm train {name}" in first, name


def test_values_of_the_published_runs_stand_in_their_configs() -> None:
    def read(name: str) -> Any:
        return load_train_config(Path(name))

    genmedgpt = read("genmedgpt-llama2-7b.toml")
    assert (genmedgpt.train.lr, genmedgpt.train.epochs, genmedgpt.data.window) == (3e-5, 1, 256)
    assert genmedgpt.train.batch * genmedgpt.train.accumulate == 1
    clinmed = read("clinmed-llama3-8b-int8.toml")
    assert clinmed.lora.targets == ["q_proj", "k_proj", "v_proj", "o_proj"]
    assert clinmed.model.quantise == "8bit"
    reasoning = read("reasoning-r1-distill-8b.toml")
    assert (reasoning.train.lr, reasoning.train.epochs) == (5e-5, 3)
    assert reasoning.train.weight_decay == 0.01
    assert reasoning.train.batch * reasoning.train.accumulate == 16
    assert read("summarize-llama3.3-70b-qlora-fsdp.toml").model.quantise == "4bit"

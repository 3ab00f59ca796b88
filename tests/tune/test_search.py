"""`medllm train --search`: drawn, pruned, killed and gone on with, the best one named."""

from __future__ import annotations

import json
import os
import signal
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from medllm.cli.main import main
from medllm.errors import ConfigError, DataError, ModelError
from medllm.tune.config import TrainConfig, load_train_config, to_toml
from medllm.tune.metrics import read_metrics
from tests.tune.runs import settings

pytest.importorskip("optuna")

from medllm.tune.search import Searched, search  # noqa: E402
from medllm.tune.search_space import changed, draw, ranks  # noqa: E402


class Killed(BaseException):
    """Ends a search as kill -9 does: nothing in it is told, nothing is cleaned up."""


def searching(config: TrainConfig, **keys: Any) -> TrainConfig:
    section = config.search.model_copy(update=keys)
    return config.model_copy(update={"search": section})


@pytest.fixture(scope="module")
def config(tiny_model: Path, tmp_path_factory: pytest.TempPathFactory) -> TrainConfig:
    """Give a search of three short trials over all three ranges."""
    own = settings(
        tmp_path_factory.mktemp("data"),
        tiny_model,
        n_records=8,
        train__save_every=1,
        data__window=128,
    )
    ranges = {"lr": [1e-4, 5e-2], "rank": [2, 8], "epochs": [2, 4]}
    return searching(own, **ranges, n_trials=3, prune_after=1)


@pytest.fixture(scope="module")
def whole(config: TrainConfig, tmp_path_factory: pytest.TempPathFactory) -> Searched:
    """Give what that search finds, uninterrupted."""
    return search(config, tmp_path_factory.mktemp("whole") / "out")


def test_every_trial_is_a_run_of_its_own_and_the_lowest_loss_is_named(whole, config):
    assert [one.name for one in whole.trials] == [f"trial-00{n}" for n in (1, 2, 3)]
    assert {one.state for one in whole.trials} == {"done", "pruned"}, "one was stopped early"
    for one in whole.trials:
        folder = whole.folder / "trials" / one.name
        own = load_train_config(folder / "config.toml")
        assert (own.train.lr, own.lora.rank, own.train.epochs) == (one.lr, one.rank, one.epochs)
        assert own.lora.alpha / own.lora.rank == config.lora.alpha / config.lora.rank
        assert 1e-4 <= one.lr <= 5e-2
        assert one.rank in (2, 4, 8)
        assert one.epochs in (2, 3, 4)
        report = json.loads((folder / "report.json").read_text())
        assert report["state"] == one.state
        assert (folder / "adapter").is_dir() == (one.state == "done")
        assert not (folder / "checkpoints").exists()
        if one.state == "done":
            assert one.loss == report["validation"]["loss"]
    written = json.loads((whole.folder / "search.json").read_text())
    assert written == whole.to_json()
    losses = [one.loss for one in whole.trials if one.loss is not None]
    assert written["best"]["loss"] == min(losses)
    assert Path(written["best"]["config"]).is_file()


def test_what_was_pruned_was_worse_than_the_median_and_took_fewer_steps(whole):
    pruned = next(one for one in whole.trials if one.state == "pruned")
    lines = read_metrics(whole.folder / "trials" / pruned.name)
    steps = [line for line in lines if line["event"] == "step"]
    assert steps[-1]["step"] < steps[-1]["steps"]
    assert lines[-1]["event"] == "evaluation"
    best = min(one.loss for one in whole.trials if one.loss is not None)
    assert lines[-1]["loss"] > best


def test_after_a_kill_the_search_goes_on_to_what_it_would_have_found(config, whole, tmp_path):
    trial = 0

    def kill(values: dict[str, Any]) -> None:
        nonlocal trial
        trial = values.get("trial", trial)
        if trial == 2 and values["event"] == "step" and values["step"] == 3:
            raise Killed

    folder = tmp_path / "out"
    with pytest.raises(Killed):
        search(config, folder, tell=kill)
    assert not (folder / "search.json").exists()
    again = search(config, folder, resume=True)
    assert again.trials == whole.trials
    resumed = read_metrics(folder / "trials" / "trial-002")
    assert [line["step"] for line in resumed if line["event"] == "resumed"] == [2]


def test_a_search_can_be_stopped_and_given_more_trials(config, whole, tmp_path):
    def stop(values: dict[str, Any]) -> None:
        if values["event"] == "step" and values["step"] == 2:
            os.kill(os.getpid(), signal.SIGINT)

    short = searching(config, n_trials=1)
    stopped = search(short, tmp_path / "out", tell=stop)
    assert stopped.to_json()["state"] == "stopped"
    assert stopped.best is None
    with pytest.raises(DataError, match="holds a search already"):
        search(short, tmp_path / "out")
    other = short.model_copy(update={"train": short.train.model_copy(update={"batch": 2})})
    with pytest.raises(ConfigError, match="differ from those of the search"):
        search(other, tmp_path / "out", resume=True)
    more = search(searching(config, n_trials=2), tmp_path / "out", resume=True)
    assert more.trials == whole.trials[:2]


def test_trials_that_cannot_be_trained_are_counted_with_their_reason(config, own_model, tmp_path):
    import torch

    from medllm.models.hf_folder import load_weights

    model = load_weights(own_model, dtype="float32")
    with torch.no_grad():
        model.model.norm.weight.fill_(float("inf"))
    model.save_pretrained(own_model)
    base = config.model.model_copy(update={"base": str(own_model)})
    broken = searching(config.model_copy(update={"model": base}), n_trials=2)
    with pytest.raises(ModelError, match="all 2 trials failed, the last one: the loss is not"):
        search(broken, tmp_path / "out")
    written = json.loads((tmp_path / "out" / "search.json").read_text())
    assert [one["state"] for one in written["trials"]] == ["failed", "failed"]
    assert all("not a number" in one["reason"] for one in written["trials"])


def test_an_empty_list_keeps_the_setting_and_ranks_double(config):
    assert ranks(config.search) == [2, 4, 8]
    assert ranks(searching(config, rank=[8, 30]).search) == [8, 16]
    fixed = searching(config, lr=[], rank=[], epochs=[])
    drawn = draw(None, fixed)
    assert (drawn.lr, drawn.rank, drawn.epochs) == (5e-3, 4, 1.0)
    rslora = config.model_copy(
        update={"train": config.train.model_copy(update={"method": "rslora"})}
    )
    assert changed(rslora, replace(drawn, rank=64)).lora.alpha == config.lora.alpha


@pytest.mark.parametrize(
    ("more", "complaint", "hint"),
    [
        (["search.lr=[1e-3,1e-5]"], "search: lr is an empty range: 0.001 is above", "training.md"),
        (["search.rank=[8]"], "search: rank needs two values", "training.md"),
        (["search.epochs=[0,2]"], "search: epochs is at least 1", "training.md"),
        (["search.lr=[0.0,0.1]"], "search: lr must lie between 0 and 1", "training.md"),
        (["data.validation=[]"], "needs a validation split", "data.validation"),
        (["search.lr=[]", "search.rank=[]", "search.epochs=[]"], "nothing to search", "search.lr"),
        (["train.max_steps=2"], "search.epochs says nothing", "train.max_steps=0"),
        (["search.trials=3"], "unknown key search.trials", "search.n_trials"),
    ],
)
def test_a_search_that_cannot_be_is_one_line(config, tmp_path, capsys, more, complaint, hint):
    path = tmp_path / "search.toml"
    path.write_text(to_toml(config))
    sets = [part for one in more for part in ("--set", one)]
    assert main(["train", str(path), "--search", "--to", str(tmp_path / "out"), *sets]) == 2
    printed = capsys.readouterr().err
    assert complaint in printed
    assert hint in printed
    assert not (tmp_path / "out").exists()


def test_the_command_prints_a_table_with_the_best_first(config, whole, tmp_path, capsys):
    path = tmp_path / "search.toml"
    path.write_text(to_toml(config))
    command = ["train", str(path), "--search", "--resume", "--to", str(whole.folder)]
    assert main([*command, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found == {"folder": str(whole.folder), **whole.to_json()}
    assert main(command) == 0
    lines = capsys.readouterr().out.splitlines()
    assert "3 of 3 trials" in lines[0]
    assert found["best"]["name"] in lines[2]
    assert any(found["best"]["config"] in line for line in lines)
    assert main([*command, "--dry-run"]) == 2
    assert "--dry-run is of one run" in capsys.readouterr().err


def test_a_storage_that_is_damaged_is_said(config, tmp_path):
    (tmp_path / "out" / "trials").mkdir(parents=True)
    (tmp_path / "out" / "config.toml").write_text(to_toml(config))
    (tmp_path / "out" / "search.db").write_bytes(b"no data base" * 100)
    with pytest.raises(DataError, match=r"search\.db is damaged"):
        search(config, tmp_path / "out", resume=True)

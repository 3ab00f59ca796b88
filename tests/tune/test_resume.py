"""Stopped, killed, out of disk, damaged: a run goes on to the same bits, or says why not."""

from __future__ import annotations

import json
import os
import resource
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from medllm.errors import ConfigError, DataError
from medllm.tune.checkpoints import find_newest
from medllm.tune.config import TrainConfig, to_toml
from medllm.tune.metrics import append_metrics, end_line, losses_by_step, read_metrics
from medllm.tune.train import train
from tests.conftest import REPOSITORY
from tests.tune.runs import same, settings, weights, write

KILLED_RUN = """
import os, signal, sys
from pathlib import Path
import torch
torch.set_num_threads(1)
from medllm.tune.config import load_train_config
from medllm.tune.train import train

def tell(values):
    if values["event"] == "step" and values["step"] == int(sys.argv[3]):
        os.kill(os.getpid(), signal.SIGKILL)

train(load_train_config(Path(sys.argv[1])), Path(sys.argv[2]), tell=tell)
"""


@pytest.fixture(scope="module")
def config(tiny_model: Path, tmp_path_factory: pytest.TempPathFactory) -> TrainConfig:
    """Give settings of a run of six steps with dropout, so that random state matters."""
    folder = tmp_path_factory.mktemp("data")
    return settings(folder, tiny_model, lora__dropout=0.1, train__epochs=3, train__keep=3)


@pytest.fixture(scope="module")
def whole(config: TrainConfig, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give the folder of that run, uninterrupted."""
    return train(config, tmp_path_factory.mktemp("whole") / "run").folder


def stopping_at(step: int) -> Any:
    """Give a listener that sends this process what Ctrl-C sends, in the middle of a step."""

    def tell(values: dict[str, Any]) -> None:
        if values["event"] == "step" and values["step"] == step:
            os.kill(os.getpid(), signal.SIGINT)

    return tell


def assert_equal_runs(one: Path, other: Path) -> None:
    assert losses_by_step(one) == losses_by_step(other)
    assert same(weights(one), weights(other))


def test_after_a_kill_losses_and_weights_are_those_of_the_uninterrupted_run(
    config, whole, tmp_path
):
    n_steps = len(losses_by_step(whole))
    folder, path = tmp_path / "run", tmp_path / "config.toml"
    path.write_text(to_toml(config))
    at = n_steps - 2
    done = subprocess.run(
        [sys.executable, "-c", KILLED_RUN, path, folder, str(at)],
        cwd=REPOSITORY,
        timeout=300,
        check=False,
    )
    assert done.returncode == -signal.SIGKILL
    assert not (folder / "adapter").exists()
    assert max(losses_by_step(folder)) == at
    train(config, folder, resume=True)
    assert_equal_runs(folder, whole)
    counters = [json.loads((one / "report.json").read_text())["tokens"] for one in (folder, whole)]
    assert counters[0] == counters[1], "tokens are counted over the whole run"


def test_a_stop_saves_after_the_step_and_the_run_goes_on_to_the_same_bits(config, whole, tmp_path):
    folder = tmp_path / "run"
    stopped = train(config, folder, tell=stopping_at(3))
    assert stopped.report["state"] == "stopped"
    assert stopped.report["steps"] == 3
    assert find_newest(folder / "checkpoints").checkpoint.folder.name == "checkpoint-3"  # type: ignore[union-attr]
    again = train(config, folder, resume=True)
    assert again.report["state"] == "done"
    assert_equal_runs(folder, whole)
    entries = json.loads((folder / "manifest.json").read_text())
    assert [entry["options"]["resumed"] for entry in entries] == [False, True]


@pytest.mark.parametrize("damage", ["cut short", "mark missing", "file missing"])
def test_a_broken_checkpoint_is_said_and_the_one_before_it_taken(config, whole, tmp_path, damage):
    folder = tmp_path / "run"
    train(config, folder, tell=stopping_at(4))
    newest = folder / "checkpoints" / "checkpoint-4"
    if damage == "cut short":
        os.truncate(newest / "optimizer.pt", 1000)
    elif damage == "mark missing":
        (newest / "complete.json").unlink()
    else:
        (newest / "rng_state.pth").unlink()
    train(config, folder, resume=True)
    (line,) = [one for one in read_metrics(folder) if one["event"] == "resumed"]
    assert line == {"event": "resumed", "step": 2, "broken_checkpoints": ["checkpoint-4"]}
    assert_equal_runs(folder, whole)


def test_a_full_disk_leaves_the_last_good_checkpoint_and_the_run_goes_on_from_it(
    config, whole, tmp_path
):
    folder = tmp_path / "run"
    before = resource.getrlimit(resource.RLIMIT_FSIZE)

    def fill_disk(values: dict[str, Any]) -> None:
        if values["event"] == "step" and values["step"] == 3:
            resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, before[1]))

    try:
        with pytest.raises(DataError, match="the checkpoint before it is kept") as caught:
            train(config, folder, tell=fill_disk)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert "--resume" in caught.value.hint
    names = [path.name for path in (folder / "checkpoints").iterdir()]
    assert names == ["checkpoint-2"]
    train(config, folder, resume=True)
    assert_equal_runs(folder, whole)


def test_a_run_that_is_done_can_be_resumed_and_stays_as_it_is(config, whole, tmp_path):
    folder = tmp_path / "run"
    train(config, folder)
    before = weights(folder)
    train(config, folder, resume=True)
    assert same(weights(folder), before)


def test_a_run_that_was_killed_after_its_last_step_takes_no_step_more(tiny_model, tmp_path):
    own = settings(tmp_path / "data", tiny_model, n_records=8, train__max_steps=2)
    done = train(own, tmp_path / "run")
    before = weights(done.folder)
    shutil.rmtree(done.folder / "adapter")
    (done.folder / "report.json").unlink()
    again = train(own, tmp_path / "run", resume=True)
    assert again.report["steps"] == 2
    assert again.report["validation"] == done.report["validation"]
    assert same(weights(again.folder), before)


def test_a_folder_is_not_mixed_with_another_run(config, whole, tmp_path):
    with pytest.raises(DataError, match="holds a run already"):
        train(config, whole)
    other = config.model_copy(update={"train": config.train.model_copy(update={"lr": 1e-3})})
    with pytest.raises(ConfigError, match=r"differ .*: train\.lr"):
        train(other, whole, resume=True)
    (tmp_path / "letter.txt").write_text("mine")
    with pytest.raises(DataError, match="is not a run folder"):
        train(config, tmp_path)


def test_records_that_changed_are_noticed(tiny_model, tmp_path):
    from tests.tune.records import many

    own = settings(tmp_path / "data", tiny_model, validation=False)
    train(own, tmp_path / "run", tell=stopping_at(1))
    write(own.data.train[0], many(39, seed=1))
    with pytest.raises(DataError, match="not those that this run was begun with"):
        train(own, tmp_path / "run", resume=True)


def test_a_line_that_a_kill_cut_short_spoils_no_other(tmp_path):
    append_metrics(tmp_path, {"event": "step", "step": 1, "loss": 2.5})
    with (tmp_path / "metrics.jsonl").open("a") as handle:
        handle.write('{"event": "step", "st')
    end_line(tmp_path)
    append_metrics(tmp_path, {"event": "step", "step": 2, "loss": float("nan")})
    assert losses_by_step(tmp_path) == {1: 2.5, 2: None}

"""TensorBoard, MLflow and W&B get the numbers, keep them in the run folder, and get no text."""

from __future__ import annotations

import importlib.util
import os
from pathlib import Path
from typing import Any

import pytest

from medllm.errors import MissingExtraError
from medllm.tune.metrics import losses_by_step
from medllm.tune.train import prepare, train
from tests.tune.runs import settings

PACKAGES = {"tensorboard": "tensorboardX", "mlflow": "mlflow", "wandb": "wandb"}


@pytest.fixture(autouse=True)
def _own_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "environ", os.environ.copy())


def tracked(name: str, tmp_path: Path, model: Path) -> tuple[Path, dict[int, float]]:
    """Give the folder that a program wrote in two steps, and the losses of these."""
    if importlib.util.find_spec(PACKAGES[name]) is None:
        pytest.skip(f"{PACKAGES[name]} is not installed")
    config = settings(
        tmp_path,
        model,
        n_records=8,
        validation=False,
        data__window=128,
        train__max_steps=2,
        train__report_to=[name],
    )
    run = train(config, tmp_path / "run").folder
    assert (run / "adapter").is_dir()
    return run / "trackers", losses_by_step(run)


def assert_no_text(folder: Path) -> None:
    """No word of a record stands in what was written; numbers and settings only."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    assert files
    for path in files:
        content = path.read_bytes()
        for word in (b"headache", b"dizziness", b"paracetamol", b"What helps?"):
            assert word not in content, path.name


def test_tensorboard_gets_the_losses_and_no_text(tmp_path, tiny_model):
    folder, losses = tracked("tensorboard", tmp_path, tiny_model)
    (path,) = (folder / "tensorboard").glob("events.out.tfevents.*")
    assert_no_text(folder)
    assert list(_scalars(path, "train/loss")) == pytest.approx(list(losses.values()), abs=1e-5)


def _scalars(path: Path, tag: str) -> Any:
    """Read an event file: length (8 bytes), its check (4), the event, its check (4)."""
    from tensorboardX.proto.event_pb2 import Event

    content, at = path.read_bytes(), 0
    while at < len(content):
        length = int.from_bytes(content[at : at + 8], "little")
        event = Event.FromString(content[at + 12 : at + 12 + length])
        yield from (value.simple_value for value in event.summary.value if value.tag == tag)
        at += length + 16


def test_mlflow_gets_the_losses_and_no_text(tmp_path, tiny_model, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://mlflow.invalid:5000")  # is not heeded
    folder, losses = tracked("mlflow", tmp_path, tiny_model)
    from mlflow import MlflowClient

    client = MlflowClient(f"sqlite:///{folder / 'mlflow.db'}")
    experiment = client.get_experiment_by_name("medllm")
    (run,) = client.search_runs([experiment.experiment_id])
    history = client.get_metric_history(run.info.run_id, "loss")
    assert [one.value for one in history] == pytest.approx(list(losses.values()))
    assert_no_text(folder)


def test_wandb_stays_offline_and_gets_no_text(tmp_path, tiny_model):
    folder, _ = tracked("wandb", tmp_path, tiny_model)
    (path,) = folder.glob("wandb/offline-run-*/run-*.wandb")
    assert b"train/loss" in path.read_bytes()
    assert_no_text(folder)


def test_a_program_that_is_not_installed_is_said_before_anything_is_written(
    tmp_path, tiny_model, monkeypatch
):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    config = settings(tmp_path, tiny_model, n_records=8, train__report_to=["mlflow"])
    with pytest.raises(MissingExtraError, match="names mlflow, which is not installed") as caught:
        prepare(config)
    assert "pip install mlflow" in caught.value.hint

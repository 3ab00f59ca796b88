"""Two processes train together (gloo, on the CPU) as one does, and one reads what they wrote."""

from __future__ import annotations

import subprocess
import sys

import pytest
import torch

from medllm.tune.checkpoints import find_newest
from medllm.tune.config import to_toml
from medllm.tune.metrics import losses_by_step, read_metrics
from medllm.tune.train import train
from tests.conftest import REPOSITORY
from tests.tune.runs import settings, weights


def test_two_processes_come_to_the_losses_and_weights_of_one(tmp_path, tiny_model):
    keys = {"data__pack": False, "train__max_steps": 4, "train__accumulate": 2}
    path = tmp_path / "two.toml"
    two = settings(tmp_path, tiny_model, train__batch=1, **keys)
    path.write_text(to_toml(two))
    launch = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node=2"]
    command = [*launch, "-m", "medllm", "train", str(path), "--to", str(tmp_path / "two")]
    done = subprocess.run(
        command, cwd=REPOSITORY, capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
    one = settings(tmp_path, tiny_model, train__batch=2, **keys)
    train(one, tmp_path / "one")
    together, alone = (losses_by_step(tmp_path / name) for name in ("two", "one"))
    assert len(together) == 4
    assert together == pytest.approx(alone, abs=1e-4)
    found, expected = weights(tmp_path / "two"), weights(tmp_path / "one")
    assert all(torch.allclose(found[name], expected[name], atol=1e-4) for name in expected)
    lines = [line for line in read_metrics(tmp_path / "two") if line["event"] == "step"]
    assert [line["step"] for line in lines] == [1, 2, 3, 4], "one of them writes"
    tokens = [
        [line["tokens"] for line in read_metrics(tmp_path / name) if line["event"] == "step"]
        for name in ("two", "one")
    ]
    assert tokens[0] == tokens[1], "the tokens of both are counted"
    newest = find_newest(tmp_path / "two" / "checkpoints").checkpoint
    assert newest is not None
    assert train(two, tmp_path / "two", resume=True).report["steps"] == 4

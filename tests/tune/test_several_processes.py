"""Two processes train together (gloo, on the CPU) as one does, and one reads what they wrote."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

from medllm.tune.checkpoints import find_newest
from medllm.tune.config import is_shipped, to_toml
from medllm.tune.estimate import estimate
from medllm.tune.metrics import losses_by_step, read_metrics
from medllm.tune.processes import n_processes, n_shards
from medllm.tune.train import prepare, train
from tests.conftest import EXAMPLES, REPOSITORY
from tests.tune.runs import settings, weights

LAUNCHES = sorted((EXAMPLES / "launch").glob("*.yaml"))


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def on_two_nodes(arguments: list[str]) -> None:
    """Run medllm on two machines of one process each, which are both this one."""
    port = free_port()
    launch = [sys.executable, "-m", "torch.distributed.run", "--nnodes=2", "--nproc_per_node=1"]
    launch += ["--master_addr=127.0.0.1", f"--master_port={port}"]
    nodes = [
        subprocess.Popen(
            [*launch, f"--node_rank={rank}", "-m", "medllm", *arguments],
            cwd=REPOSITORY,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for rank in (0, 1)
    ]
    said = [node.communicate(timeout=600)[1] for node in nodes]
    assert [node.returncode for node in nodes] == [0, 0], said[0][-2000:] + said[1][-2000:]


def test_two_nodes_come_to_the_losses_and_weights_of_one_process(tmp_path, tiny_model):
    keys = {"data__pack": False, "train__max_steps": 4, "train__accumulate": 2}
    path = tmp_path / "two.toml"
    two = settings(tmp_path, tiny_model, train__batch=1, **keys)
    path.write_text(to_toml(two))
    on_two_nodes(["train", str(path), "--to", str(tmp_path / "two")])
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


def test_two_processes_are_reckoned_with(tmp_path, tiny_model, monkeypatch):
    prepared = prepare(settings(tmp_path, tiny_model, n_records=40, train__accumulate=1))
    alone = estimate(prepared)
    monkeypatch.setenv("WORLD_SIZE", "2")
    together = estimate(prepared)
    assert together.steps == (alone.steps + 1) // 2
    assert together.memory == alone.memory, "each holds the whole model"
    monkeypatch.setenv("ACCELERATE_USE_FSDP", "true")
    spread = estimate(prepared).memory
    assert spread.weights == alone.memory.weights // 2
    assert spread.optimizer == alone.memory.optimizer // 2
    assert spread.activations == alone.memory.activations


def launched(path: Path) -> Any:
    """Give what `accelerate launch` makes of a configuration."""
    from accelerate.commands.launch import _validate_launch_command, launch_command_parser

    words = ["--config_file", str(path), "-m", "medllm", "train", "run.toml"]
    return _validate_launch_command(launch_command_parser().parse_args(words))[0]


@pytest.mark.parametrize("path", LAUNCHES, ids=[path.stem for path in LAUNCHES])
def test_a_launch_config_names_its_command_and_is_taken_as_it_is_meant(path: Path) -> None:
    first = path.read_text(encoding="utf-8").splitlines()[0]
    assert first.startswith(f"# accelerate launch --config_file examples/launch/{path.name} ")
    words = first.split()
    assert is_shipped(Path(words[words.index("train") + 1]))
    found = launched(path)
    assert found.use_fsdp == (path.stem == "fsdp2")
    assert found.use_deepspeed == (path.stem == "deepspeed-zero3")
    assert found.multi_gpu == (path.stem in ("several-gpus", "two-nodes"))
    assert found.num_machines == (2 if path.stem == "two-nodes" else 1)
    assert found.num_processes > 1
    if found.use_deepspeed:
        assert found.zero_stage == 3
        assert found.zero3_save_16bit_model is True, "the result is one file"


def test_fsdp_is_asked_for_in_its_second_form_layer_by_layer(monkeypatch):
    from accelerate.utils import FullyShardedDataParallelPlugin
    from accelerate.utils.launch import prepare_multi_gpu_env

    environment = prepare_multi_gpu_env(launched(EXAMPLES / "launch" / "fsdp2.yaml"))
    monkeypatch.setattr(os, "environ", {**os.environ, **environment})
    plugin = FullyShardedDataParallelPlugin()
    assert plugin.fsdp_version == 2
    assert plugin.reshard_after_forward is True
    assert plugin.transformer_cls_names_to_wrap == ["LlamaDecoderLayer"]
    assert "SHARDED" in str(plugin.state_dict_type)
    assert n_shards() == n_processes() == 1, "no process was started"

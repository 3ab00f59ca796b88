"""FSDP2 with two processes on a CPU: weights in parts, stopped, resumed, and whole at the end.

Accelerate takes FSDP up on accelerators only, though torch has it for CPUs too; here it is told
that two processes on a CPU are two on GPUs. All that follows is what runs there.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import socket
import traceback
from pathlib import Path
from typing import Any

import pytest
import torch

from medllm.errors import DataError
from medllm.tune.config import TrainConfig
from medllm.tune.metrics import losses_by_step, read_metrics
from medllm.tune.train import train
from tests.tune.runs import settings, weights

pytest.importorskip("torch.distributed")
FSDP = {
    "ACCELERATE_USE_FSDP": "true",
    "FSDP_VERSION": "2",
    "FSDP_RESHARD_AFTER_FORWARD": "true",
    "FSDP_AUTO_WRAP_POLICY": "TRANSFORMER_BASED_WRAP",
    "FSDP_TRANSFORMER_CLS_TO_WRAP": "LlamaDecoderLayer",
    "FSDP_STATE_DICT_TYPE": "SHARDED_STATE_DICT",
    "FSDP_CPU_RAM_EFFICIENT_LOADING": "false",
}


def run_one(rank: int, port: int, config: TrainConfig, folder: Path, stop_at: int) -> None:
    """Be one of two processes; the second one is asked to stop after a step."""
    from accelerate import state

    begin = state.PartialState.__init__

    def init(self: Any, *args: Any, **kwargs: Any) -> None:
        begin(self, *args, **kwargs)
        if self.distributed_type == state.DistributedType.MULTI_CPU:
            shared = state.PartialState._shared_state
            shared["distributed_type"] = state.DistributedType.MULTI_GPU

    state.PartialState.__init__ = init
    own = {"RANK": rank, "LOCAL_RANK": rank, "WORLD_SIZE": 2, "LOCAL_WORLD_SIZE": 2}
    place = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port}
    os.environ.update({**FSDP, **{name: str(value) for name, value in (own | place).items()}})
    if stop_at and rank == 1:
        _ask_to_stop(stop_at)
    try:
        train(config, folder, resume=(folder / "config.toml").exists())
    except BaseException:
        (folder.parent / f"failed-{rank}").write_text(traceback.format_exc())
        os._exit(1)
    os._exit(0)  # what pytest would do at the end of a process is its own


def _ask_to_stop(step: int) -> None:
    """Send this process, which tells nothing, what Ctrl-C sends: in the middle of a step."""
    from medllm.tune.trainer import ExactTrainer

    training_step = ExactTrainer.training_step

    def asking(self: Any, *args: Any, **kwargs: Any) -> Any:
        if self.state.global_step + 1 == step:
            os.kill(os.getpid(), signal.SIGINT)
        return training_step(self, *args, **kwargs)

    ExactTrainer.training_step = asking  # type: ignore[method-assign]


def in_two_processes(config: TrainConfig, folder: Path, *, stop_at: int = 0) -> None:
    """Train in two processes that are forked from this one, which has all libraries."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = int(listener.getsockname()[1])
    fork = multiprocessing.get_context("fork")
    both = [
        fork.Process(target=run_one, args=(rank, port, config, folder, stop_at)) for rank in (0, 1)
    ]
    for process in both:
        process.start()
    for process in both:
        process.join(600)
        if process.is_alive():
            process.kill()
    failures = [path.read_text() for path in folder.parent.glob("failed-*")]
    assert [process.exitcode for process in both] == [0, 0], "\n".join(failures)[-3000:]


@pytest.mark.parametrize("method", ["lora", "full"])
def test_weights_in_parts_come_to_what_one_process_comes_to(tmp_path, tiny_model, method):
    keys = {
        "n_records": 16,
        "data__pack": False,
        "train__max_steps": 4,
        "train__accumulate": 2,
        "train__method": method,
        "train__save_every": 9,
    }
    two = settings(tmp_path, tiny_model, train__batch=1, **keys)
    in_two_processes(two, tmp_path / "two", stop_at=2)
    (newest,) = (tmp_path / "two" / "checkpoints").glob("checkpoint-*")
    assert newest.name == "checkpoint-2", "both stopped where one was asked to"
    assert list(newest.rglob("__1_0.distcp")), "the second process wrote its part"
    assert not (tmp_path / "two" / "report.json").exists()
    if method == "lora":
        with pytest.raises(DataError, match="written in parts by 2 processes"):
            train(two, tmp_path / "two", resume=True)
    in_two_processes(two, tmp_path / "two")
    resumed = [one for one in read_metrics(tmp_path / "two") if one["event"] == "resumed"]
    assert [one["step"] for one in resumed] == [2]
    alone = train(settings(tmp_path, tiny_model, train__batch=2, **keys), tmp_path / "one").folder
    assert losses_by_step(tmp_path / "two") == pytest.approx(losses_by_step(alone), abs=1e-4)
    found, expected = weights(tmp_path / "two"), weights(alone)
    assert found.keys() == expected.keys()
    for name, tensor in expected.items():
        assert torch.allclose(found[name].float(), tensor.float(), atol=1e-4), name

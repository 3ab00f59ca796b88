"""What cannot be trained on is one clear line, and leaves no folder that cannot be read."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import torch

from medllm.cli.main import main
from medllm.errors import ModelError
from medllm.models.hf_folder import load_tokenizer
from medllm.tune.checkpoints import MARK, find_newest, mark_complete
from medllm.tune.config import to_toml
from medllm.tune.stopping import memory_errors
from medllm.tune.train import train
from tests.tune.runs import settings


def test_a_tokenizer_that_does_not_match_the_base_is_said(own_model, tmp_path, capsys):
    tokenizer = load_tokenizer(own_model)
    tokenizer.add_tokens([f"word{n}" for n in range(3000)])
    tokenizer.save_pretrained(own_model)
    config = settings(tmp_path / "data", own_model, n_records=4)
    path = tmp_path / "run.toml"
    path.write_text(to_toml(config))
    assert main(["train", str(path), "--to", str(tmp_path / "run")]) == 2
    printed = capsys.readouterr().err
    assert "the tokenizer does not match the model" in printed
    assert "came with the base" in printed
    assert main(["train", str(path), "--to", str(tmp_path / "run")]) == 2
    assert "holds a run already" in capsys.readouterr().err, "its folder can be read"


def test_a_run_for_which_there_is_too_little_memory_is_refused_before_it_begins(
    own_model, tmp_path, monkeypatch
):
    monkeypatch.setattr("medllm.tune.estimate.free_bytes", lambda settings: 1_000_000)
    monkeypatch.setattr("medllm.tune.fitting.free_bytes", lambda settings: 1_000_000)
    config = settings(tmp_path / "data", own_model, n_records=4)
    with pytest.raises(ModelError, match=r"needs about .* of memory, and 0\.0 GB are free"):
        train(config, tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_memory_that_is_used_up_in_a_step_is_one_line_and_other_errors_stay_what_they_are():
    with pytest.raises(ModelError, match="the memory is used up") as caught, memory_errors():
        torch.empty(1 << 60, dtype=torch.uint8)
    assert "--dry-run" in caught.value.hint
    with pytest.raises(RuntimeError, match="size"), memory_errors():
        torch.ones(2) + torch.ones(3)


@pytest.mark.parametrize("damage", ["a byte changed", "a file added to none", "mark not JSON"])
def test_a_checkpoint_that_is_not_whole_to_the_byte_is_not_taken(tmp_path: Path, damage: str):
    for step in (2, 4):
        folder = tmp_path / f"checkpoint-{step}"
        folder.mkdir()
        (folder / "weights.bin").write_bytes(bytes(1000))
        mark_complete(folder, {"tokens": step})
    newest = tmp_path / "checkpoint-4"
    if damage == "a byte changed":
        with (newest / "weights.bin").open("r+b") as handle:
            handle.seek(500)
            handle.write(b"\x01")
    elif damage == "mark not JSON":
        os.truncate(newest / MARK, 10)
    else:
        (newest / MARK).write_text('{"files": {}, "counters": {}}')
    found = find_newest(tmp_path)
    assert found.checkpoint is not None
    assert found.checkpoint.counters == {"tokens": 2}
    assert found.broken == ("checkpoint-4",)

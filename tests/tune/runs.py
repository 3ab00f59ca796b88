"""Short real runs: a tiny model, a few invented records, some steps."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from medllm.data.sft_files import write_lines
from medllm.records import SftRecord
from medllm.tune.config import TrainConfig, check_config
from tests.tune.records import many


def write(path: Path, records: list[SftRecord], source: str = "train") -> Path:
    with write_lines(path) as handle:
        for record in records:
            handle.write_record(replace(record, source=source))
    return path


def settings(
    folder: Path, model: Path, *, n_records: int = 40, validation: bool = True, **keys: Any
) -> TrainConfig:
    """Give settings of a short run; a key is written `section__key`. Records lie in the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    train = write(folder / "train.jsonl", many(n_records, seed=1))
    table: dict[str, Any] = {
        "model": {"base": str(model), "dtype": "float32"},
        "data": {"train": [str(train)], "window": 256},
        "lora": {"rank": 4, "alpha": 8},
        "train": {"lr": 5e-3, "epochs": 1, "accumulate": 2, "device": "cpu", "save_every": 2},
    }
    if validation:
        held_out = write(folder / "validation.jsonl", many(8, seed=2), "validation")
        table["data"]["validation"] = [str(held_out)]
    for name, value in keys.items():
        section, _, key = name.partition("__")
        table[section][key] = value
    return check_config(table)


def weights(folder: Path) -> dict[str, Any]:
    """Give the tensors that a run left."""
    from safetensors.torch import load_file

    (path,) = [*folder.glob("adapter/*.safetensors"), *folder.glob("model/*.safetensors")]
    return dict(load_file(path))


def same(one: dict[str, Any], other: dict[str, Any]) -> bool:
    """Whether two sets of tensors are equal to the last bit."""
    import torch

    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)

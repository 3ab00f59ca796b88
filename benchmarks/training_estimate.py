"""What `--dry-run` says against what the run takes: memory, operations and time.

Each run goes in a process of its own, in one thread. Time is that of the processor, so that other
programs change little. Memory is what the process grows by, at its most, after a run of one step
has loaded all libraries.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from medllm.data.sft_files import write_lines
from medllm.records import SftRecord
from medllm.tune.config import TrainConfig, check_config, load_train_config, to_toml
from medllm.tune.new_model import new_model

Row = tuple[str, str, str]
SHAPES: dict[str, dict[str, Any]] = {
    "lora, packed, 512 x 4": {"data.window": 512, "train.batch": 4},
    "lora, one record a row, 8": {"data.pack": False, "data.window": 512, "train.batch": 8},
    "lora, checkpointing, 1024 x 4": {
        "data.window": 1024,
        "train.batch": 4,
        "train.checkpointing": True,
    },
    "lora, bfloat16, 512 x 2": {"data.window": 512, "train.batch": 2, "model.dtype": "bfloat16"},
    "dora, packed, 512 x 2": {"data.window": 512, "train.batch": 2, "train.method": "dora"},
    "full, packed, 1024 x 2": {"data.window": 1024, "train.batch": 2, "train.method": "full"},
    "full, one record a row, 1": {
        "data.pack": False,
        "data.window": 256,
        "train.batch": 1,
        "train.accumulate": 1,
        "train.method": "full",
    },
    "lora of a tiny base, 512 x 8": {"data.window": 512, "train.batch": 8, "base": "tiny"},
}
"""Changes to a run; `base` names the model."""


def measure_estimate(work: Path, records: Sequence[SftRecord], *, quick: bool) -> list[Row]:
    """Give a row for each shape: what was estimated, what was taken, their ratio."""
    texts = [turn.content for record in records for turn in record.messages]
    for size in ("tiny", "small"):
        new_model(texts, work / size, size=size, vocabulary=4096)
    n = 96 if quick else 400
    train = _write(work / "train.jsonl", records[:n])
    held_out = _write(work / "validation.jsonl", records[n : n + n // 8])
    rows: list[Row] = []
    for name, changes in SHAPES.items():
        config = work / "run.toml"
        config.write_text(to_toml(_settings(work, train, held_out, changes)), encoding="utf-8")
        found = {part: _in_a_process(part, config, work) for part in ("estimated", "taken")}
        for what in ("memory", "seconds"):
            one, other = found["estimated"][what], found["taken"][what]
            said = f"{_show(one, what)} for {_show(other, what)}: {one / other - 1:+.0%}"
            rows.append((f"{what}, {name}", "within 25 %", said))
    return rows


def _write(path: Path, records: Sequence[SftRecord]) -> Path:
    with write_lines(path) as handle:
        for record in records:
            handle.write_record(record)
    return path


def _show(value: float, what: str) -> str:
    return f"{value / 1e6:,.0f} MB" if what == "memory" else f"{value:.1f} s"


def _settings(work: Path, train: Path, held_out: Path, changes: dict[str, Any]) -> TrainConfig:
    table: dict[str, Any] = {
        "model": {"base": str(work / changes.get("base", "small")), "dtype": "float32"},
        "data": {"train": [str(train)], "validation": [str(held_out)]},
        "lora": {"rank": 16},
        "train": {"device": "cpu", "epochs": 1.0, "accumulate": 2, "lr": 1e-3},
    }
    for key, value in changes.items():
        if key != "base":
            section, _, name = key.partition(".")
            table[section][name] = value
    return check_config(table)


def _in_a_process(part: str, config: Path, work: Path) -> dict[str, float]:
    command = [sys.executable, "-m", "benchmarks.training_estimate", part, str(config), str(work)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return dict(json.loads(done.stdout.splitlines()[-1]))


def _estimated(settings: TrainConfig, folder: Path) -> dict[str, float]:
    from medllm.tune.estimate import estimate
    from medllm.tune.probe import measure
    from medllm.tune.train import prepare

    _load_libraries(settings, folder)
    before = _begin_peak()
    prepared = prepare(settings)
    found = measure(prepared, estimate(prepared), clock=time.process_time)
    return {"memory": _status_bytes("VmHWM") - before, "seconds": found.seconds}


def _taken(settings: TrainConfig, folder: Path) -> dict[str, float]:
    from medllm.tune.train import train

    _load_libraries(settings, folder)
    before, started = _begin_peak(), time.process_time()
    train(settings, folder / "run")
    return {"memory": _status_bytes("VmHWM") - before, "seconds": time.process_time() - started}


def _load_libraries(settings: TrainConfig, folder: Path) -> None:
    from medllm.tune.train import train

    section = settings.train.model_copy(update={"max_steps": 1, "accumulate": 1, "batch": 1})
    train(settings.model_copy(update={"train": section}), folder / "warm")


def _begin_peak() -> int:
    """Let the system's mark of this process's peak begin anew; give the bytes that it holds."""
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    return _status_bytes("VmRSS")


def _status_bytes(name: str) -> int:
    for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1]) * 1024
    raise OSError(f"this system does not say {name}")


def main() -> None:
    import shutil

    import torch

    torch.set_num_threads(1)
    part, config, work = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3])
    settings = load_train_config(config)
    folder = work / "taken"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    found = {"estimated": _estimated, "taken": _taken}[part](settings, folder)
    sys.stdout.write(json.dumps(found) + "\n")


if __name__ == "__main__":
    main()

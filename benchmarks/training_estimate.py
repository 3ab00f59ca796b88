"""What `--dry-run` says against what the run takes: memory, operations and time.

Each goes in a process of its own, in one thread. Time is that of the processor, so that other
programs change little. Memory is what the process grows by, at its most, beyond all libraries.
"""

from __future__ import annotations

import multiprocessing
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from medllm.data.sft_files import write_lines
from medllm.records import SftRecord
from medllm.tune.config import TrainConfig, check_config
from medllm.tune.estimate import estimate
from medllm.tune.new_model import Size, new_model
from medllm.tune.probe import measure
from medllm.tune.train import prepare, train

Row = tuple[str, str, str]
Found = dict[str, float]
Part = Callable[[TrainConfig, Path], Found]
SIZES: tuple[Size, ...] = ("tiny", "small")
SHAPES: dict[str, dict[str, Any]] = {
    "tiny, lora, packed, 512 x 8": {"base": "tiny", "data.window": 512, "train.batch": 8},
    "tiny, full, one record a row, 1": {
        "base": "tiny",
        "data.pack": False,
        "data.window": 256,
        "train.batch": 1,
        "train.accumulate": 1,
        "train.method": "full",
    },
    "small, lora, packed, 512 x 4": {"data.window": 512, "train.batch": 4},
    "small, full, packed, 1024 x 2": {
        "data.window": 1024,
        "train.batch": 2,
        "train.method": "full",
    },
    "small, lora, one record a row, 8": {
        "data.pack": False,
        "data.window": 512,
        "train.batch": 8,
    },
    "small, lora, checkpointing, 1024 x 4": {
        "data.window": 1024,
        "train.batch": 4,
        "train.checkpointing": True,
    },
    "small, dora, packed, 512 x 2": {
        "data.window": 512,
        "train.batch": 2,
        "train.method": "dora",
    },
    "small, lora, bfloat16, 512 x 2": {
        "data.window": 512,
        "train.batch": 2,
        "model.dtype": "bfloat16",
    },
}
"""Changes to a run; `base` names the model."""


def measure_estimate(work: Path, records: Sequence[SftRecord], *, quick: bool) -> Iterator[Row]:
    """Give a row for each shape as it is measured: estimated, taken, how far apart."""
    texts = [turn.content for record in records for turn in record.messages]
    for size in SIZES:
        new_model(texts, work / size, size=size, vocabulary=4096)
    n = 160 if quick else 400
    held_out = _write(work / "validation.jsonl", records[: n // 8])
    some = _write(work / "some.jsonl", records[n // 8 : n // 8 + n])
    many = _write(work / "many.jsonl", records[n // 8 : n // 8 + 5 * n])
    warm = {"base": "tiny", "train.max_steps": 1, "train.accumulate": 1}
    train(_settings(work, some, held_out, warm), work / "warm")  # loads all libraries
    for name, changes in SHAPES.items():
        of_tiny = changes.get("base") == "tiny"
        settings = _settings(work, many if of_tiny else some, held_out, changes)
        one, other = (_in_a_process(part, settings, work / "run") for part in (_estimated, _taken))
        for what in ("memory", "seconds"):
            said = f"{_show(one[what], what)} for {_show(other[what], what)}"
            off = f"{one[what] / other[what] - 1:+.0%}"
            yield f"{what}, {name}", "within 25 %", f"{said}: {off}"


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


def _in_a_process(part: Part, settings: TrainConfig, folder: Path) -> Found:
    """Run a part in a process that is forked from this one, which has all libraries."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    fork = multiprocessing.get_context("fork")
    receiving, sending = fork.Pipe(duplex=False)
    process = fork.Process(target=lambda: sending.send(part(settings, folder)))
    process.start()
    sending.close()
    found: Found = receiving.recv()
    process.join()
    return found


def _estimated(settings: TrainConfig, folder: Path) -> Found:
    before = _begin_peak()
    prepared = prepare(settings)
    found = measure(prepared, estimate(prepared), clock=time.process_time)
    return {"memory": _status_bytes("VmHWM") - before, "seconds": found.seconds}


def _taken(settings: TrainConfig, folder: Path) -> Found:
    before, started = _begin_peak(), time.process_time()
    train(settings, folder / "run")
    return {"memory": _status_bytes("VmHWM") - before, "seconds": time.process_time() - started}


def _begin_peak() -> int:
    """Let the system's mark of this process's peak begin anew; give the bytes that it holds."""
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    return _status_bytes("VmRSS")


def _status_bytes(name: str) -> int:
    for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1]) * 1024
    raise OSError(f"this system does not say {name}")

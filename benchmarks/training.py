"""Training, measured: `python -m benchmarks.training [DATA] [--quick] [--only PART,...]`.

The records are those of GenMedGPT-5k where they are (DATA is `../shared/data`), else invented
ones of the same lengths. Each speed is a ratio within one run; nothing is reported that was not
measured. Parts: accumulation, encode, speed, resume, estimate, gpu. The published experiment in
miniature is `benchmarks.experiment`.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from benchmarks.training_estimate import measure_estimate
from benchmarks.training_gpu import measure_gpu
from benchmarks.training_ways import WAYS, tokens_per_second
from medllm.data.sft_files import write_lines
from medllm.records import SftRecord, Turn
from medllm.tune.config import TrainConfig, check_config, to_toml
from medllm.tune.metrics import losses_by_step
from medllm.tune.new_model import new_model

REAL = Path(__file__).resolve().parents[2] / "shared" / "data"
RECORDS = "genmedgpt/genmedgpt-first-90.json"
Row = tuple[str, str, str]
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
train(load_train_config(Path(sys.argv[1])), Path(sys.argv[2]), tell=tell,
      resume=(Path(sys.argv[2]) / "config.toml").exists())
"""


def read_dialogues(folder: Path) -> list[SftRecord]:
    """Give GenMedGPT's dialogues; invented ones of about the same length where it is absent."""
    path = folder / RECORDS
    if not path.is_file():
        draw = random.Random(0)
        words = "fever cough pain rash since days what should take rest doctor blood test".split()
        texts = [
            (" ".join(draw.choices(words, k=20)), " ".join(draw.choices(words, k=38)))
            for _ in range(5000)
        ]
    else:
        rows = json.loads(path.read_text(encoding="utf-8"))
        texts = [(row["input"].strip(), row["output"].strip()) for row in rows]
    return [
        SftRecord(
            id=str(number),
            source="genmedgpt",
            group=str(number),
            task="dialogue",
            messages=(Turn(role="user", content=q), Turn(role="assistant", content=a)),
        )
        for number, (q, a) in enumerate(texts)
        if q and a
    ]


def write(path: Path, records: Sequence[SftRecord]) -> Path:
    with write_lines(path) as handle:
        for record in records:
            handle.write_record(record)
    return path


def settings(model: Path, records: Path, /, **sections: dict[str, Any]) -> TrainConfig:
    table: dict[str, Any] = {
        "model": {"base": str(model), "dtype": "float32"},
        "data": {"train": [str(records)], "window": 512},
        "lora": {"rank": 16},
        "train": {"device": "cpu", "save_every": 10_000, "lr": 1e-3},
    }
    for name, section in sections.items():
        table[name] |= section
    return check_config(table)


def measure_speed(work: Path, records: list[SftRecord], *, quick: bool) -> list[Row]:
    """Tokens of records a second of CPU, one thread, padding not counted: ours and two others.

    Of CPU and not of the clock, so that other programs on the machine change little.
    """
    train = write(work / "speed.jsonl", records[: 400 if quick else 1600])
    small = work / "small"
    texts = [turn.content for record in records for turn in record.messages]
    new_model(texts, small, size="small", vocabulary=4096)
    rates = {way.name: tokens_per_second(way, small, train, quick=quick) for way in WAYS}
    ours = rates[WAYS[0].name]
    rows = [(f"tokens a CPU-second, {name}", "", f"{rate:,.0f}") for name, rate in rates.items()]
    for way, asked in zip(WAYS[1:], ("2", "1.3"), strict=True):
        rows.append((f"times {way.name}", asked, f"{ours / rates[way.name]:.2f}"))
    return rows


def measure_resume(work: Path, records: list[SftRecord], *, quick: bool) -> list[Row]:
    """Kill a run at random steps, go on, compare every loss and every bit of the weights."""
    from safetensors.torch import load_file

    model = work / "tiny"
    texts = [turn.content for record in records for turn in record.messages]
    new_model(texts, model)
    train = write(work / "resume.jsonl", records[:120])
    chosen = settings(
        model,
        train,
        lora={"dropout": 0.1},
        train={"device": "cpu", "save_every": 2, "accumulate": 2, "max_steps": 12},
    )
    config = work / "resume.toml"
    config.write_text(to_toml(chosen), encoding="utf-8")

    def run(folder: Path, kill_at: int) -> None:
        command = [sys.executable, "-c", KILLED_RUN, str(config), str(folder), str(kill_at)]
        subprocess.run(command, check=kill_at < 0, capture_output=True)

    run(work / "whole", -1)
    whole = load_file(work / "whole" / "adapter" / "adapter_model.safetensors")
    n_runs, n_equal = (3 if quick else 20), 0
    draw = random.Random(0)
    for number in range(n_runs):
        folder = work / f"killed-{number}"
        run(folder, draw.randint(1, 11))
        run(folder, -1)
        found = load_file(folder / "adapter" / "adapter_model.safetensors")
        same = all(bool((found[name] == whole[name]).all()) for name in whole)
        n_equal += same and losses_by_step(folder) == losses_by_step(work / "whole")
    return [("resume after kill -9, bitwise equal", "20 of 20", f"{n_equal} of {n_runs}")]


def measure_encode(work: Path, records: list[SftRecord], *, quick: bool) -> list[Row]:
    """Encode and pack in a process of its own, on one core, to know its memory."""
    n_records = 20_000 if quick else 100_000
    many = [replace(records[n % len(records)], id=f"{n}", group=f"{n}") for n in range(n_records)]
    train = write(work / "encode.jsonl", many)
    model = work / "encoder-model"
    texts = [turn.content for record in records for turn in record.messages]
    new_model(texts, model, vocabulary=4096)
    code = (
        "import resource, sys, time\n"
        "from benchmarks.training import settings\n"
        "from pathlib import Path\n"
        "from medllm.tune.train import prepare\n"
        "chosen = settings(Path(sys.argv[1]), Path(sys.argv[2]), data={'window': 2048})\n"
        "import torch, transformers\n"
        "started = time.process_time()\n"
        "found = prepare(chosen).counts()['train']\n"
        "print(time.process_time() - started, found['tokens'], found['rows'],\n"
        "      resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)\n"
    )
    environment = {**os.environ, "TOKENIZERS_PARALLELISM": "false", "RAYON_NUM_THREADS": "1"}
    command = [sys.executable, "-c", code, str(model), str(train)]
    done = subprocess.run(command, check=True, capture_output=True, text=True, env=environment)
    seconds, tokens, rows, kilobytes = (float(part) for part in done.stdout.split())
    fill = tokens / (rows * 2048)
    return [
        (f"encode and pack {n_records:,} records, s of CPU", "120", f"{seconds:.1f}"),
        ("its memory, GB", "1", f"{kilobytes / 1e6:.2f}"),
        ("rows of 2,048 tokens filled to", "", f"{fill:.2%}"),
    ]


def measure_accumulation(work: Path, records: list[SftRecord], *, quick: bool) -> list[Row]:
    """The same steps cut into batches in three ways, and packed against unpacked."""
    from benchmarks.training_ways import largest_accumulation_difference, packing_difference

    texts = [turn.content for record in records for turn in record.messages]
    model = work / "equal-model"
    new_model(texts, model)
    train = write(work / "equal.jsonl", records[: 64 if quick else 256])
    by_batches = largest_accumulation_difference(settings(model, train), work)
    packed = packing_difference(settings(model, train))
    return [
        ("gradient accumulation 1x8, 2x4, 8x1: losses differ by", "1e-5", f"{by_batches:.1e}"),
        ("packed against unpacked: losses of a record differ by", "1e-5", f"{packed:.1e}"),
    ]


def measure_nothing_without_a_gpu(
    work: Path, records: list[SftRecord], *, quick: bool
) -> list[Row]:
    return measure_gpu(work, quick=quick)


Measure = Callable[..., Iterable[Row]]
PARTS: dict[str, Measure] = {
    "accumulation": measure_accumulation,
    "encode": measure_encode,
    "speed": measure_speed,
    "resume": measure_resume,
    "estimate": measure_estimate,
    "gpu": measure_nothing_without_a_gpu,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer records and repetitions")
    parser.add_argument("data", nargs="?", type=Path, default=REAL, help="the folder of real data")
    parser.add_argument("--only", default=",".join(PARTS), help="parts, separated by commas")
    chosen = parser.parse_args()
    torch.set_num_threads(1)
    records = read_dialogues(chosen.data)
    origin = "GenMedGPT" if (chosen.data / RECORDS).is_file() else "invented"
    print(
        f"{len(records):,} {origin} dialogues\n\n| what | reach | measured |\n| --- | --- | --- |"
    )
    for name in chosen.only.split(","):
        started = time.monotonic()
        work = Path(tempfile.mkdtemp(prefix=f"training-{name}-"))
        try:
            for what, asked, found in PARTS[name](work, records, quick=chosen.quick):
                print(f"| {what} | {asked} | {found} |", flush=True)
        finally:
            shutil.rmtree(work, ignore_errors=True)
        print(f"| ({name} took) | | {time.monotonic() - started:.0f} s |", flush=True)


if __name__ == "__main__":
    main()

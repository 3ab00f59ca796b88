"""The commands of the miniature experiment, from records to an evaluation, and their settings."""

from __future__ import annotations

import csv
import gzip
import json
import os
import random
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from benchmarks.command import read_report, say
from benchmarks.processes import run_module
from medllm.evaluate.ledger import read_ledger
from medllm.files import write_atomically
from medllm.tune.new_model import Shape, new_model, read_texts

SHAPE = Shape(
    vocab_size=2048,
    hidden_size=192,
    intermediate_size=512,
    num_hidden_layers=4,
    num_attention_heads=4,
    num_key_value_heads=2,
    max_position_embeddings=1024,
)
_SEED = 0
_PREPARE = """
[prepare]
overlap.action = "leave out"
clean.languages = ["en"]
split.validation = 0.025

[[prepare.sources]]
name = "genmedgpt-5k"
path = "{dialogues}"
held_out = {held_out}
"""
_READ = """
[model]
base = "{work}/new"
dtype = "float32"
[data]
text = ["{work}/text.jsonl"]
window = 256
[train]
method = "full"
epochs = 1.0
lr = 2e-3
batch = 4
accumulate = 1
device = "cpu"
save_every = 500
"""
_TUNE = """
[model]
base = "{work}/read/model"
template = "llama3"
dtype = "float32"
[data]
train = ["{work}/prepared/train.jsonl"]
validation = ["{work}/prepared/validation.jsonl"]
window = 512
[lora]
rank = 16
alpha = 32.0
learn_tokens = ["<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>"]
[train]
method = "lora"
epochs = {epochs}
lr = 2e-3
batch = 2
accumulate = 1
device = "cpu"
save_every = 500
"""
_EVALUATE = """
[evaluate]
records = ["{work}/prepared/test.jsonl"]
baseline = "{baseline}"
max_tokens = 256
concurrent = 12
{systems}
"""


@dataclass(frozen=True, slots=True)
class Sizes:
    """How much is read and learnt: the full form, or the quick one."""

    n_letters: int
    """Of medical text: about 3 make a token."""
    n_held_out: int
    epochs: float
    max_steps: int
    """Of either training; 0 is all."""


def go(work: Path, data: Path, dialogues: Path, sizes: Sizes) -> list[str]:
    """Prepare, read, tune and evaluate; give what each step took."""
    spent = {}
    config = _PREPARE.format(dialogues=dialogues.absolute(), held_out=sizes.n_held_out)
    spent["prepare"] = _run(work, "prepare", config, "data", "prepare", to="prepared")
    n_letters = _write_texts(work / "text.jsonl", data, sizes.n_letters)
    made = new_model(read_texts([work / "text.jsonl"]), work / "new", size=SHAPE, tied=True)
    limit = ["--set", f"train.max_steps={sizes.max_steps}"]
    spent["read"] = _run(work, "read", _READ.format(work=work), "train", *limit)
    tune = _TUNE.format(work=work, epochs=sizes.epochs)
    spent["tune"] = _run(work, "tune", tune, "train", *limit)
    models = {"base": f"hf:{work}/read/model", "tuned": f"hf:{work}/tune"}
    systems = [f'model = "{spec}"' for spec in models.values()]
    config = _evaluation(work, dict(zip(models, systems, strict=True)))
    spent["evaluate"] = _run(work, "evaluate", config, "evaluate", to="evaluated")
    _swap_answers(work)
    answers = {
        "swapped": f'predictions = "{work}/swapped.jsonl"',
        "tuned": f'predictions = "{work}/own.jsonl"',
    }
    _run(work, "swap", _evaluation(work, answers), "evaluate", to="swapped")
    read, tuned = (read_report(work / name / "report.json") for name in ("read", "tune"))
    times = ", ".join(f"{name} {seconds / 60:.1f}" for name, seconds in spent.items())
    return [
        f"{made['parameters']:,} parameters, {made['vocabulary']:,} tokens known; read "
        f"{n_letters / 1e6:.1f} million letters of MedQuAD and PMC-Patients as "
        f"{read['tokens']:,} tokens, once",
        f"LoRA on {tuned['records']['train']['records']:,} dialogues, "
        f"{tuned['trained_tokens']:,} trained tokens in {tuned['steps']:,} steps; "
        f"{tuned['trained_parameters']:,} parameters trained",
        f"minutes of CPU, one core: {times}",
    ]


def _run(work: Path, name: str, config: str, *command: str, to: str = "") -> float:
    """Run a command of medllm on a config; give the seconds of CPU that it took."""
    say(f"  {name}")
    path = work / f"{name}.toml"
    write_atomically(path, config)
    verb = [*command[:2]] if command[0] == "data" else [command[0]]
    rest = command[len(verb) :]
    os.environ |= {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "RAYON_NUM_THREADS": "1"}
    spent = run_module("medllm", *verb, str(path), *rest, "--to", str(work / (to or name)))
    if spent.code:
        raise SystemExit(f"medllm {' '.join(verb)} ended with exit code {spent.code}")
    return spent.cpu_s


def _evaluation(work: Path, systems: dict[str, str]) -> str:
    tables = [f'[[evaluate.systems]]\nname = "{name}"\n{how}' for name, how in systems.items()]
    return _EVALUATE.format(work=work, baseline=next(iter(systems)), systems="\n".join(tables))


def _write_texts(path: Path, data: Path, n_letters: int) -> int:
    """Write medical texts, shuffled, until there are so many letters; give how many there are."""
    texts = list(_texts(data))
    random.Random(_SEED).shuffle(texts)
    lines, n = [], 0
    for text in texts:
        if n >= n_letters:
            break
        lines.append(json.dumps({"text": text}, ensure_ascii=False) + "\n")
        n += len(text)
    write_atomically(path, "".join(lines))
    return n


def _texts(data: Path) -> Iterator[str]:
    """Give case reports and answers of medical pages, each on one line."""
    with (data / "pmc-patients-sample" / "PMC-Patients-sample-1000.csv").open(newline="") as handle:
        yield from (" ".join(row["patient"].split()) for row in csv.DictReader(handle))
    with gzip.open(data / "medquad" / "medquad_answered.jsonl.gz", "rt") as handle:
        for line in handle:
            row = json.loads(line)
            yield " ".join(f"{row['question']} {row['answer']}".split())


def _swap_answers(work: Path) -> None:
    """Write the tuned model's answers, and once more each under the question of another."""
    rows = sorted(
        read_ledger(work / "evaluated" / "predictions" / "tuned.jsonl"), key=lambda row: row["key"]
    )
    ids = [row["key"].partition("/")[2] for row in rows]
    texts = [row["text"] for row in rows]
    half = len(rows) // 2
    for name, given in (("own", texts), ("swapped", texts[half:] + texts[:half])):
        lines = [json.dumps({"id": i, "text": t}) + "\n" for i, t in zip(ids, given, strict=True)]
        write_atomically(work / f"{name}.jsonl", "".join(lines))

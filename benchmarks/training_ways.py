"""The ways of training that `benchmarks.training` compares, and its equalities."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from medllm.data.sft_files import load_records
from medllm.models.hf_folder import load_weights
from medllm.tune.config import TrainConfig, check_config
from medllm.tune.measure import record_losses
from medllm.tune.metrics import losses_by_step
from medllm.tune.train import Prepared, prepare, train

WINDOW = 512
"""ChatDoctor's training pads every record to this length (`model_max_length` of its script)."""
Row = tuple[str, str, str]


@dataclass(frozen=True)
class Way:
    """A way of training, by the tokens of records that it gets through in a second."""

    name: str
    run: Callable[[Path, Path, int], float]


def tokens_per_second(way: Way, model: Path, records: Path, *, quick: bool) -> float:
    """Give the better of two runs: other programs on the machine only ever slow one down."""
    n_records = 32 if quick else 128
    return max(way.run(model, records, n_records) for _ in range(1 if quick else 2))


def _settings(model: Path, records: Path, **keys: Any) -> TrainConfig:
    table: dict[str, Any] = {
        "model": {"base": str(model), "dtype": "float32"},
        "data": {"train": [str(records)], "window": WINDOW},
        "lora": {"rank": 16},
        "train": {"device": "cpu", "save_every": 10_000, "batch": 1, "accumulate": 4},
    }
    for name, value in keys.items():
        section, _, key = name.partition("__")
        table[section][key] = value
    return check_config(table)


def _ours(model: Path, records: Path, n_records: int) -> float:
    """Packed rows of one window; about so many records."""
    chosen = _settings(model, records)
    prepared = prepare(chosen)
    per_row = len(prepared.train) / len(prepared.rows)
    steps = max(3, round(n_records / per_row / 4))
    return _rate(_settings(model, records, train__max_steps=steps))


def _rate(chosen: TrainConfig) -> float:
    marks: list[tuple[int, float]] = []

    def note(values: dict[str, Any]) -> None:
        if values["event"] == "step":
            marks.append((values["tokens"], time.process_time()))

    with tempfile.TemporaryDirectory() as folder:
        train(chosen, Path(folder) / "run", tell=note)
    return (marks[-1][0] - marks[0][0]) / (marks[-1][1] - marks[0][1])


def _chatdoctor(model: Path, records: Path, n_records: int) -> float:
    """One record a row, every row padded to the window, through transformers' own loss."""
    import torch

    from medllm.tune import methods

    prepared = prepare(_settings(model, records, data__pack=False))
    base = methods.load_base(prepared.base, prepared.settings, prepared.tokenizer)
    adapted = methods.add_adapter(base, prepared.settings, prepared.tokenizer).train()
    optimizer = torch.optim.AdamW([p for p in adapted.parameters() if p.requires_grad], lr=1e-4)
    pad = prepared.tokenizer.pad_token_id
    n_tokens, started = 0, 0.0
    for step in range(-1, n_records // 4):
        if step == 0:  # the first four warm caches up
            n_tokens, started = 0, time.process_time()
        for number in range(4):
            record = (step * 4 + number) % len(prepared.train)
            ids, labels, mask = _padded(prepared, record, pad)
            out = adapted(input_ids=ids, labels=labels, attention_mask=mask, use_cache=False)
            (out.loss / 4).backward()
            n_tokens += int(mask.sum())
        optimizer.step()
        optimizer.zero_grad()
    return n_tokens / (time.process_time() - started)


def _padded(prepared: Prepared, record: int, pad: int) -> tuple[Any, Any, Any]:
    import torch

    corpus = prepared.train
    start, end = corpus.bounds[record], corpus.bounds[record + 1]
    ids = np.full((1, WINDOW), pad, dtype=np.int64)
    labels = np.full((1, WINDOW), -100, dtype=np.int64)
    own = corpus.ids[start:end]
    ids[0, : end - start] = own
    labels[0, : end - start] = np.where(corpus.trained[start:end], own, -100)
    mask = (np.arange(WINDOW) < end - start)[None].astype(np.int64)
    return torch.from_numpy(ids), torch.from_numpy(labels), torch.from_numpy(mask)


def _plain_trl(model: Path, records: Path, n_records: int) -> float:
    """SFTTrainer with messages and its defaults, on the CPU: batches of 8 padded records."""
    from datasets import Dataset
    from peft import LoraConfig
    from transformers import TrainerCallback
    from trl import SFTConfig, SFTTrainer

    prepared = prepare(_settings(model, records, data__pack=False))
    rows = [
        {"messages": [{"role": t.role, "content": t.content} for t in record.messages]}
        for record in load_records(records)
    ]
    times: list[float] = []

    class Clock(TrainerCallback):  # type: ignore[misc]
        def on_step_end(self, *args: Any, **kwargs: Any) -> None:
            times.append(time.process_time())

    prepared.tokenizer.chat_template = prepared.template.serving_text
    steps = max(3, n_records // 8)
    with tempfile.TemporaryDirectory() as folder:
        arguments = SFTConfig(
            output_dir=folder,
            max_steps=steps,
            use_cpu=True,
            bf16=False,
            report_to="none",
            save_strategy="no",
            disable_tqdm=True,
            logging_strategy="no",
        )
        trainer = SFTTrainer(
            model=load_weights(model, dtype="float32"),
            args=arguments,
            train_dataset=Dataset.from_list(rows),
            processing_class=prepared.tokenizer,
            peft_config=LoraConfig(r=16, target_modules="all-linear", task_type="CAUSAL_LM"),
            callbacks=[Clock()],
        )
        trainer.train()
    mean = float(np.mean(prepared.train.lengths))
    return (len(times) - 1) * 8 * mean / (times[-1] - times[0])


WAYS = [
    Way("medllm, packed", _ours),
    Way("ChatDoctor's way, one record a row padded to 512", _chatdoctor),
    Way("plain TRL with its defaults", _plain_trl),
]


def largest_accumulation_difference(chosen: TrainConfig, work: Path) -> float:
    """Give the largest difference of a step's loss over three ways to cut it into batches."""
    found = []
    for batch, accumulate in ((1, 8), (2, 4), (8, 1)):
        table = chosen.model_dump(mode="json")
        table["data"]["pack"] = False
        table["train"] |= {"batch": batch, "accumulate": accumulate, "max_steps": 8}
        folder = work / f"{batch}x{accumulate}"
        train(check_config(table), folder)
        found.append(list(losses_by_step(folder).values()))
    return float(np.abs(np.array(found) - np.array(found[0])).max())


def packing_difference(chosen: TrainConfig) -> float:
    """Give the largest difference of a record's loss, packed against alone."""
    prepared = prepare(chosen)
    model = load_weights(prepared.base, dtype="float32").eval()
    pad = prepared.tokenizer.pad_token_id
    alone = [[n] for n in range(len(prepared.train))]
    both = [record_losses(model, prepared.train, rows, pad=pad) for rows in (alone, prepared.rows)]
    return float(np.abs(both[0] - both[1]).max())

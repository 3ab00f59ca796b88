"""Pitfalls 7 to 10: answers cut away, and numbers that depend on what they must not depend on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from datasets import Dataset
from peft import LoraConfig
from trl import SFTConfig, SFTTrainer

from medllm.models.hf_folder import load_weights
from medllm.tune.batches import collate
from medllm.tune.corpus import Corpus, gather
from medllm.tune.encode import Encoded, Encoder
from medllm.tune.measure import record_losses, score_rows
from medllm.tune.metrics import read_metrics
from medllm.tune.templates import choose_template
from medllm.tune.train import train
from tests.tune.records import many, record
from tests.tune.runs import settings


@pytest.fixture(scope="module")
def model(tiny_model: Path) -> Any:
    """Give a tiny model with large weights: what leaks would show."""
    made = load_weights(tiny_model, dtype="float32").eval()
    with torch.no_grad():
        for parameter in made.parameters():
            if parameter.ndim == 2:
                parameter.mul_(8)
    return made


@pytest.fixture(scope="module")
def corpus(tokenizer: Any) -> Corpus:
    encoder = Encoder(tokenizer, choose_template("llama3", tokenizer), window=512)
    return gather(encoder.encode(many(24)))


def test_pitfall_07_the_context_is_cut_and_never_the_answer(tokenizer):
    one = record("I cough. " + "It began long ago. " * 60, "Have a film of the chest taken.")
    encoder = Encoder(tokenizer, choose_template("llama3", tokenizer), window=128)
    (found,) = encoder.encode([one])
    assert isinstance(found, Encoded)
    assert found.n_cut > 0
    end = "Have a film of the chest taken.<|eot_id|>"
    assert tokenizer.decode(found.ids).endswith(end)

    turns = [{"role": turn.role, "content": turn.content} for turn in one.messages]
    naive = tokenizer.apply_chat_template(turns, truncation=True, max_length=128)["input_ids"]
    assert len(naive) == 128
    assert "film" not in tokenizer.decode(naive), "nothing is left to learn"
    assert tokenizer.eos_token_id != naive[-1]


def test_pitfall_08_the_loss_of_an_evaluation_does_not_depend_on_its_batches(
    model, corpus, tokenizer
):
    pad = tokenizer.pad_token_id
    rows = [[n] for n in range(len(corpus))]

    def in_batches_of(size: int) -> list[list[list[int]]]:
        return [rows[at : at + size] for at in range(0, len(rows), size)]

    ours, naive = [], []
    for size in (1, 5, 24):
        parts = [score_rows(model, corpus, some, pad=pad) for some in in_batches_of(size)]
        ours.append(sum(p.loss_sum for p in parts) / sum(p.n_tokens for p in parts))
        with torch.no_grad():
            batches = [collate(corpus, some, pad=pad) for some in in_batches_of(size)]
            naive.append(float(np.mean([model(**b, use_cache=False).loss for b in batches])))
    assert ours == pytest.approx([score_rows(model, corpus, rows, pad=pad).loss] * 3, abs=1e-5)
    assert naive[2] == pytest.approx(ours[2], abs=1e-5), "in one batch it is right"
    assert abs(naive[0] - naive[2]) > 1e-2, "a mean of means is not"


def test_pitfall_09_tokens_are_counted_on_when_a_run_is_resumed(tmp_path, tiny_model):
    config = settings(
        tmp_path,
        tiny_model,
        validation=False,
        data__pack=False,
        train__max_steps=3,
        train__save_every=1,
    )
    whole = train(config, tmp_path / "whole").report["tokens"]

    def stop(values: dict[str, Any]) -> None:
        if values["event"] == "step" and values["step"] == 2:
            raise KeyboardInterrupt  # as a kill would, before the checkpoint of this step

    folder = tmp_path / "run"
    with pytest.raises(KeyboardInterrupt):
        train(config, folder, tell=stop)
    assert train(config, folder, resume=True).report["tokens"] == whole
    lines = read_metrics(folder)
    assert [line["step"] for line in lines if line["event"] == "resumed"] == [1]
    assert [line["step"] for line in lines if line["event"] == "step"] == [1, 2, 2, 3]
    assert lines[-1]["tokens"] == whole


def test_pitfall_09_trl_itself_counts_from_0_again(tmp_path, tiny_model, tokenizer, corpus):
    def counted(n_steps: int, checkpoint: str | None) -> float:
        trainer = SFTTrainer(
            model=load_weights(tiny_model, dtype="float32"),
            args=SFTConfig(
                output_dir=str(tmp_path),
                max_steps=n_steps,
                save_steps=2,
                logging_steps=1,
                use_cpu=True,
                bf16=False,
                report_to="none",
                disable_tqdm=True,
            ),
            train_dataset=Dataset.from_list(
                [{"input_ids": corpus.ids[: corpus.bounds[1]].tolist()}] * 40
            ),
            processing_class=tokenizer,
            peft_config=LoraConfig(r=2, target_modules="all-linear", task_type="CAUSAL_LM"),
        )
        trainer.train(resume_from_checkpoint=checkpoint)
        return float(
            [line["num_tokens"] for line in trainer.state.log_history if "loss" in line][-1]
        )

    at_2 = counted(2, None)
    at_3 = counted(3, str(tmp_path / "checkpoint-2"))
    assert at_3 < at_2, "after one step more it has counted fewer tokens"


def test_pitfall_10_a_packed_record_does_not_see_its_neighbours(model, corpus, tokenizer):
    pad = tokenizer.pad_token_id
    rows = corpus.rows(512, packed=True)
    alone = record_losses(model, corpus, [[n] for n in range(len(corpus))], pad=pad)
    assert np.abs(record_losses(model, corpus, rows, pad=pad) - alone).max() < 1e-5

    batch = collate(corpus, rows[:1], pad=pad)
    second = slice(int(corpus.lengths[rows[0][0]]), sum(corpus.lengths[n] for n in rows[0][:2]))
    own = {"input_ids": batch["input_ids"][:, second]}
    positions = {"position_ids": batch["position_ids"]}
    mask = {"attention_mask": torch.ones_like(batch["input_ids"])}
    with torch.no_grad():
        wanted = model(**own, use_cache=False).logits[0]

        def off_by(**options: Any) -> float:
            out = model(batch["input_ids"], **options).logits[0, second]
            return float((out - wanted).abs().max())

        assert off_by(**positions, use_cache=False) < 1e-4
        assert off_by(use_cache=False) > 0.1, "positions that run on"
        assert off_by(**positions, **mask, use_cache=False) > 0.1, "a mask of ones"
        assert off_by(**positions, use_cache=True) > 0.1, "a cache"

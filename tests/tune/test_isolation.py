"""Packed records do not see each other: the same losses as one record a row, to 1e-5."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from medllm.models.hf_folder import load_weights
from medllm.tune.batches import IGNORED, collate
from medllm.tune.corpus import Corpus, gather
from medllm.tune.encode import Encoder
from medllm.tune.measure import record_losses, score_rows
from medllm.tune.templates import choose_template
from tests.tune.records import many


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
    return gather(encoder.encode(many(30)))


def test_several_rows_at_once_and_padding_change_nothing(model, corpus, tokenizer):
    rows = corpus.rows(512, packed=True)
    pad = tokenizer.pad_token_id
    one_by_one = [score_rows(model, corpus, [row], pad=pad) for row in rows]
    together = score_rows(model, corpus, rows, pad=pad)
    flat = score_rows(model, corpus, rows, pad=pad, flat=True)
    assert together.n_tokens == flat.n_tokens == sum(one.n_tokens for one in one_by_one)
    total = sum(one.loss_sum for one in one_by_one)
    assert together.loss_sum == pytest.approx(total, rel=1e-6)
    assert flat.loss_sum == pytest.approx(total, rel=1e-6)


def test_the_mean_is_over_tokens_and_not_over_batches(model, corpus, tokenizer):
    pad = tokenizer.pad_token_id
    rows = [[n] for n in range(len(corpus))]
    scores = score_rows(model, corpus, rows, pad=pad)
    losses = record_losses(model, corpus, rows, pad=pad)
    counts = np.array([corpus.trained_in([n]) for n in range(len(corpus))])
    assert scores.loss == pytest.approx(float((losses * counts).sum() / counts.sum()), rel=1e-6)
    assert abs(scores.loss - float(losses.mean())) > 1e-3, "a mean of means is another number"
    assert scores.perplexity == pytest.approx(np.exp(scores.loss))
    assert 0 <= scores.accuracy <= 1


def test_no_label_asks_for_the_first_token_of_a_record(corpus, tokenizer):
    rows = corpus.rows(512, packed=True)
    batch = collate(corpus, rows, pad=tokenizer.pad_token_id)
    starts = batch["position_ids"] == 0
    assert int(starts.sum()) >= len(corpus)
    assert (batch["labels"][starts] == IGNORED).all()
    scored = int((batch["labels"] != IGNORED).sum())
    assert scored == int(corpus.trained.sum())

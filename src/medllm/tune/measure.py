"""The loss of each record under a model, one record a row or packed: the same numbers."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from medllm.errors import extra
from medllm.tune.batches import IGNORED, collate
from medllm.tune.corpus import Corpus

MOST_TOKENS = 8192
"""How many tokens are put through the model at once."""


@dataclass(frozen=True, slots=True)
class TokenScores:
    """Sums over trained tokens, so that no batch size changes the mean."""

    loss_sum: float
    n_correct: int
    n_tokens: int

    @property
    def loss(self) -> float:
        """The mean negative log-likelihood of a token, in nats; not a number without tokens."""
        return self.loss_sum / self.n_tokens if self.n_tokens else math.nan

    @property
    def accuracy(self) -> float:
        """The share of tokens that the model holds most likely."""
        return self.n_correct / self.n_tokens if self.n_tokens else math.nan

    @property
    def perplexity(self) -> float:
        """e to the loss; infinite where that is more than a float holds."""
        return math.exp(self.loss) if self.loss < 700 else math.inf


def score_rows(
    model: Any,
    corpus: Corpus,
    rows: Sequence[Sequence[int]],
    *,
    pad: int,
    flat: bool = False,
    fused: bool = False,
) -> TokenScores:
    """Give loss and accuracy over all trained tokens of the rows, each token counted once.

    `fused` asks TRL's head, which a model in training has, and which builds no logits.
    """
    loss_sum, n_correct, n_tokens = 0.0, 0, 0
    for batch, losses, hits in _forward(model, corpus, rows, pad=pad, flat=flat, fused=fused):
        is_scored = batch["labels"][:, 1:] != IGNORED
        loss_sum += float(losses[is_scored].double().sum())
        n_correct += int(hits[is_scored].sum())
        n_tokens += int(is_scored.sum())
    return TokenScores(loss_sum, n_correct, n_tokens)


def record_losses(
    model: Any, corpus: Corpus, rows: Sequence[Sequence[int]], *, pad: int
) -> NDArray[np.float64]:
    """Give the mean loss over the trained tokens of each record, [records]."""
    found = np.full(len(corpus), np.nan)
    at = 0
    for batch, losses, _ in _forward(model, corpus, rows, pad=pad):
        for number in range(len(losses)):
            start = 0
            for record in rows[at + number]:
                n = int(corpus.bounds[record + 1] - corpus.bounds[record])
                own = losses[number, start : start + n - 1]
                labels = batch["labels"][number, start + 1 : start + n]
                found[record] = float(own[labels != IGNORED].double().mean())
                start += n
        at += len(losses)
    return found


def _forward(
    model: Any,
    corpus: Corpus,
    rows: Sequence[Sequence[int]],
    *,
    pad: int,
    flat: bool = False,
    fused: bool = False,
) -> Iterator[tuple[dict[str, Any], Any, Any]]:
    """Give batches with the loss of each next token and whether it was the likeliest, on the CPU.

    Both are [rows, tokens - 1].
    """
    with extra("train"):
        import torch
    device = next(model.parameters()).device
    was_training = model.training
    model.eval()
    try:
        for some in _batches(corpus, rows):
            batch = collate(corpus, some, pad=pad, flat=flat)
            inputs = {name: value.to(device) for name, value in batch.items()}
            if fused:
                with torch.no_grad():
                    found = model(**inputs, fused_lm_head=True)
                yield batch, -found.log_probs.float().cpu(), found.is_top1.bool().cpu()
                continue
            nexts = inputs.pop("labels")[:, 1:]
            with torch.no_grad():
                logits = model(**inputs, use_cache=False).logits[:, :-1].float()
            losses = torch.nn.functional.cross_entropy(
                logits.transpose(1, 2), nexts, ignore_index=IGNORED, reduction="none"
            )
            yield batch, losses.cpu(), (logits.argmax(-1) == nexts).cpu()
    finally:
        model.train(was_training)


def _batches(corpus: Corpus, rows: Sequence[Sequence[int]]) -> Iterator[list[Sequence[int]]]:
    """Give rows in turn, as many at once as the memory for logits allows."""
    lengths = corpus.lengths
    batch: list[Sequence[int]] = []
    longest = 0
    for row in rows:
        length = sum(lengths[record] for record in row)
        if batch and max(longest, length) * (len(batch) + 1) > MOST_TOKENS:
            yield batch
            batch, longest = [], 0
        batch.append(row)
        longest = max(longest, length)
    if batch:
        yield batch

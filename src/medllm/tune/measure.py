"""The loss of each record under a model, one record a row or packed: the same numbers."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from medllm.errors import extra
from medllm.tune.batches import IGNORED, collate
from medllm.tune.corpus import Corpus
from medllm.tune.loss import token_losses

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
    most_tokens: int = MOST_TOKENS,
) -> TokenScores:
    """Give loss and accuracy over all trained tokens of the rows, each token counted once.

    `fused` says that the model has TRL's head, as one in training has; `most_tokens` how many go
    through it at once.
    """
    loss_sum, n_correct, n_tokens = 0.0, 0, 0
    with _at_rest(model) as device:
        for some in _batches(corpus, rows, min(most_tokens, MOST_TOKENS)):
            batch = collate(corpus, some, pad=pad, flat=flat)
            inputs = {name: value.to(device) for name, value in batch.items()}
            losses, hits, is_scored = token_losses(model, inputs, fused=fused)
            loss_sum += float(losses[is_scored].double().sum())
            n_correct += int(hits[is_scored].sum())
            n_tokens += int(is_scored.sum())
    return TokenScores(loss_sum, n_correct, n_tokens)


def record_losses(
    model: Any, corpus: Corpus, rows: Sequence[Sequence[int]], *, pad: int
) -> NDArray[np.float64]:
    """Give the mean loss over the trained tokens of each record, [records]."""
    with extra("train"):
        import torch
    found = np.full(len(corpus), np.nan)
    with _at_rest(model) as device:
        for some in _batches(corpus, rows, MOST_TOKENS):
            batch = {
                name: value.to(device) for name, value in collate(corpus, some, pad=pad).items()
            }
            labels = batch.pop("labels")[:, 1:]
            logits = model(**batch, use_cache=False).logits[:, :-1].float()
            losses = torch.nn.functional.cross_entropy(
                logits.transpose(1, 2), labels, ignore_index=IGNORED, reduction="none"
            )
            for row, own, own_labels in zip(some, losses.cpu(), labels.cpu(), strict=True):
                start = 0
                for record in row:
                    end = start + int(corpus.bounds[record + 1] - corpus.bounds[record])
                    scored = own_labels[start : end - 1] != IGNORED
                    found[record] = float(own[start : end - 1][scored].double().mean())
                    start = end
    return found


@contextmanager
def _at_rest(model: Any) -> Iterator[Any]:
    """Hold a model in evaluation, without gradients, and give its device."""
    with extra("train"):
        import torch
    was_training = model.training
    model.eval()
    try:
        with torch.no_grad():
            yield next(model.parameters()).device
    finally:
        model.train(was_training)


def _batches(
    corpus: Corpus, rows: Sequence[Sequence[int]], most_tokens: int
) -> Iterator[list[Sequence[int]]]:
    """Give rows in turn, as many at once as the memory for logits allows."""
    lengths = corpus.lengths
    batch: list[Sequence[int]] = []
    longest = 0
    for row in rows:
        length = sum(lengths[record] for record in row)
        if batch and max(longest, length) * (len(batch) + 1) > most_tokens:
            yield batch
            batch, longest = [], 0
        batch.append(row)
        longest = max(longest, length)
    if batch:
        yield batch

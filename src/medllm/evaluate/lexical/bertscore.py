"""BERTScore with any local encoder: tokens matched by the likeness of their vectors.

Zhang et al. 2020: each token of the answer takes its most similar token of the reference; the mean
cosine is precision, and the other way round recall. No weights by rarity and no rescaling, so that
unrelated texts score high: read it against its floor.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from medllm.evaluate.held_out import Item
from medllm.evaluate.lexical.rouge import Rouge
from medllm.evaluate.measured import Measured
from medllm.evaluate.predict import Prediction

Vectors = NDArray[np.float32]
MOST_FOR_FLOOR = 200


class TokenEncoder(Protocol):
    """An encoder of single tokens."""

    def describe(self) -> dict[str, object]:
        """Give its spec and digest."""

    def encode_tokens(self, texts: Sequence[str]) -> list[Vectors]:
        """Give a vector of length 1 for each token of each text, [n tokens, dimension]."""


def bert_score(answer: Vectors, reference: Vectors) -> Rouge:
    """Give precision, recall and F of two texts' token vectors; 0 where one has no token."""
    if not len(answer) or not len(reference):
        return Rouge(0.0, 0.0, 0.0)
    likeness = answer @ reference.T
    precision = max(0.0, float(likeness.max(axis=1).mean()))
    recall = max(0.0, float(likeness.max(axis=0).mean()))
    total = precision + recall
    f = min(1.0, 2 * precision * recall / total) if total else 0.0  # rounding may exceed 1
    return Rouge(precision, recall, f)


def measure_bertscore(
    items: Sequence[Item],
    predictions: Mapping[str, Mapping[str, Prediction]],
    encoder: TokenEncoder,
) -> Measured:
    """Give the F of every answer to an item that has a reference."""
    used = [item for item in items if item.reference]
    references = dict(
        zip(
            (item.key for item in used),
            encoder.encode_tokens([item.reference for item in used]),
            strict=True,
        )
    )
    scores: dict[str, dict[str, float]] = {}
    floors: dict[str, float] = {}
    for system, given in predictions.items():
        keys = [i.key for i in used if i.key in given and given[i.key].fate != "failed"]
        answers = encoder.encode_tokens([given[key].said for key in keys])
        scores[system] = {
            key: bert_score(vectors, references[key]).f
            for key, vectors in zip(keys, answers, strict=True)
        }
        if len(keys) > 1:
            others = [*keys[1:], keys[0]]
            pairs = list(zip(answers, others, strict=True))[:MOST_FOR_FLOOR]
            floor = [bert_score(vectors, references[other]).f for vectors, other in pairs]
            floors[system] = sum(floor) / len(floor)
    facts = encoder.describe()
    return Measured(
        name="BERTScore",
        track="lexical",
        definition=f"F of greedy cosine matching of the last layer's token vectors of "
        f"{facts['spec']} (SHA-256 {str(facts['digest'])[:12]}…), no weights by rarity, not "
        "rescaled; each item, then the mean",
        scores=scores,
        floors=floors,
        floor_meaning="the same answers against the references of other items",
    )

"""BERTScore with any local encoder: tokens matched by the likeness of their vectors.

Zhang et al. 2020: each token of the answer takes its most similar token of the reference; the mean
cosine is precision, and the other way round recall. The marks that a model puts around a text can
be taken and do not count themselves, as in the authors' implementation. No weights by rarity and no
rescaling, so that unrelated texts score high: read it against its floor.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from medllm.evaluate.held_out import Item
from medllm.evaluate.lexical.rouge import Rouge
from medllm.evaluate.measured import Measured
from medllm.evaluate.predict import Prediction
from medllm.retrieve.encoders import TokenVectors

MOST_FOR_FLOOR = 200


class TokenEncoder(Protocol):
    """An encoder of single tokens."""

    def describe(self) -> dict[str, object]:
        """Give its spec and digest."""

    def encode_tokens(self, texts: Sequence[str]) -> list[TokenVectors]:
        """Give the vectors of each text's tokens."""


def bert_score(answer: TokenVectors, reference: TokenVectors) -> Rouge:
    """Give precision, recall and F of two texts' token vectors; 0 where one has no token."""
    if answer.is_mark.all() or reference.is_mark.all():
        return Rouge(0.0, 0.0, 0.0)
    likeness = answer.vectors @ reference.vectors.T
    precision = max(0.0, float(likeness.max(axis=1)[~answer.is_mark].mean()))
    recall = max(0.0, float(likeness.max(axis=0)[~reference.is_mark].mean()))
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
        asked=frozenset(item.key for item in used),
        floor_meaning="the same answers against the references of other items",
    )

"""Track A of several systems: every lexical score of every answer, with floors and lengths."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from medllm.evaluate.held_out import Item
from medllm.evaluate.lexical.score import METRICS, Scorer, corpus_scores, length_ratio
from medllm.evaluate.measured import Measured
from medllm.evaluate.predict import Prediction

FLOOR = "the same answers against the references of other items"
_TOTALS = {"BLEU": "BLEU (corpus)", "chrF": "chrF (corpus)"}


class LexicalResult(NamedTuple):
    """The measures; per system the ratio of lengths; and how many items had no reference."""

    measures: list[Measured]
    length_ratios: dict[str, float]
    n_without_reference: int


def measure_lexical(
    items: Sequence[Item],
    predictions: Mapping[str, Mapping[str, Prediction]],
    scorer: Scorer,
    *,
    seed: int = 0,
) -> LexicalResult:
    """Score the answers of each system to the items that have a reference.

    An empty answer scores 0, one that was cut off scores as it is, a failed one has no score.
    """
    with_reference = [item for item in items if item.reference]
    scores: dict[str, dict[str, dict[str, float]]] = {name: {} for name in METRICS}
    totals: dict[str, dict[str, float]] = {name: {} for name in _TOTALS.values()}
    floors: dict[str, dict[str, float]] = {name: {} for name in METRICS}
    ratios: dict[str, float] = {}
    for system, given in predictions.items():
        scored = [i for i in with_reference if i.key in given and given[i.key].fate != "failed"]
        answers = [given[item.key].said for item in scored]
        references = [item.reference for item in scored]
        rows = scorer.score_all(answers, references)
        floor = scorer.floor(answers, references, seed=seed)
        for name in METRICS:
            scores[name][system] = {
                item.key: row.values[name] for item, row in zip(scored, rows, strict=True)
            }
            if floor:
                floors[name][system] = floor[name]
        for name, value in corpus_scores(rows).items() if rows else ():
            totals[name][system] = value
        if (ratio := length_ratio(rows)) is not None:
            ratios[system] = ratio
    definitions = scorer.definitions()
    measures = [
        Measured(
            name=name,
            track="lexical",
            definition=definitions[name],
            scores=scores[name],
            floors=floors[name],
            asked=frozenset(item.key for item in with_reference),
            floor_meaning=FLOOR,
            totals={_TOTALS[name]: totals[_TOTALS[name]]} if name in _TOTALS else {},
        )
        for name in METRICS
    ]
    return LexicalResult(measures, ratios, len(items) - len(with_reference))

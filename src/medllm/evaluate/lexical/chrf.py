"""chrF2 as sacrebleu computes it: the F score of character n-grams of one to six letters.

Popović 2015; nrefs:1|case:mixed|eff:yes|nc:6|nw:0|space:no. Scores are from 0 to 1.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import NamedTuple

ORDERS = 6
BETA_SQUARED = 4
DEFINITION = "sacrebleu chrF2: nrefs:1|case:mixed|eff:yes|nc:6|nw:0|space:no"

Grams = tuple[Counter[str], ...]


class Counts(NamedTuple):
    """Of each order: the n-grams of the answer, of the reference, and those in common."""

    rows: tuple[tuple[int, int, int], ...]


def n_grams(text: str) -> Grams:
    """Give the character n-grams of a text without its spaces."""
    letters = "".join(text.split())
    return tuple(
        Counter([letters[at : at + order] for at in range(len(letters) - order + 1)])
        for order in range(1, ORDERS + 1)
    )


def count(answer: Grams, reference: Grams) -> Counts:
    """Count the n-grams that an answer and its reference have in common."""
    rows = []
    for mine, theirs in zip(answer, reference, strict=True):
        common = sum(min(mine[gram], theirs[gram]) for gram in mine.keys() & theirs.keys())
        rows.append((mine.total() if theirs else 0, theirs.total(), common))
    return Counts(tuple(rows))


def score(counts: Counts) -> float:
    """Give chrF2 over the orders that both texts are long enough for."""
    used = [row for row in counts.rows if row[0] and row[1]]
    if not used:
        return 0.0
    precision = sum(common / mine for mine, _, common in used) / len(used)
    recall = sum(common / theirs for _, theirs, common in used) / len(used)
    if not precision + recall:
        return 0.0
    return (1 + BETA_SQUARED) * precision * recall / (BETA_SQUARED * precision + recall)


def corpus_score(items: Iterable[Counts]) -> float:
    """Give chrF2 of all items together, their counts added up; 0 for none."""
    rows = [item.rows for item in items]
    if not rows:
        return 0.0
    added = (tuple(map(sum, zip(*order, strict=True))) for order in zip(*rows, strict=True))
    return score(Counts(tuple((mine, theirs, common) for mine, theirs, common in added)))

"""BLEU as sacrebleu defines it: 13a tokens, exponential smoothing; of a corpus and of an item.

Papineni et al. 2002; the tokens are mteval-v13a's (WMT), the smoothing is method 3 of Chen and
Cherry 2014. A corpus score adds up the counts of all items before it divides; an item's score
counts only the orders that its answer is long enough for (effective order). Scores are 0 to 1.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import NamedTuple

from medllm.evaluate.lexical.overlap import count_common

ORDERS = 4
CORPUS_DEFINITION = "sacrebleu, corpus: nrefs:1|case:mixed|eff:no|tok:13a|smooth:exp"
ITEM_DEFINITION = (
    "sacrebleu, each item: nrefs:1|case:mixed|eff:yes|tok:13a|smooth:exp; then the mean"
)

_MARK = re.compile(r"([\{-\~\[-\` -\&\(-\+\:-\@\/])")
_STOP_AFTER = re.compile(r"([^0-9])([\.,])")
_STOP_BEFORE = re.compile(r"([\.,])([^0-9])")
_DASH = re.compile(r"([0-9])(-)")


class Counts(NamedTuple):
    """What BLEU is computed from: lengths in tokens, and per order the n-grams that match."""

    length: int
    reference_length: int
    matched: tuple[int, ...]
    total: tuple[int, ...]


def tokens(text: str) -> list[str]:
    """Give the tokens of mteval-v13a, as sacrebleu makes them."""
    line = text.rstrip().replace("<skipped>", "").replace("-\n", "").replace("\n", " ")
    if "&" in line:
        for entity, character in (("&quot;", '"'), ("&amp;", "&"), ("&lt;", "<"), ("&gt;", ">")):
            line = line.replace(entity, character)
    return [token for word in line.split() for token in split_word(word)]


@lru_cache(maxsize=1 << 18)
def split_word(word: str) -> list[str]:
    """Split one word. No rule looks across white space, so words can be split one by one, once."""
    if word.isalpha():
        return [word]
    line = _MARK.sub(r" \1 ", f" {word} ")
    line = _STOP_AFTER.sub(r"\1 \2 ", line)
    line = _STOP_BEFORE.sub(r" \1 \2", line)
    return _DASH.sub(r"\1 \2 ", line).split()


def count(answer: Sequence[str], reference: Sequence[str]) -> Counts:
    """Count the n-grams of an answer, and those of them that the reference has as often."""
    matched: list[int] = []
    total: list[int] = []
    for order in range(1, ORDERS + 1):
        n_grams = len(answer) - order + 1
        total.append(max(0, n_grams))
        if n_grams <= 0 or (order > 1 and not matched[-1]):  # no pair without its single words
            matched.append(0)
            continue
        matched.append(count_common(answer, reference, order))
    return Counts(len(answer), len(reference), tuple(matched), tuple(total))


def item_score(counts: Counts) -> float:
    """Give the smoothed BLEU of one item, over the orders that its answer is long enough for."""
    return _score(counts, effective_order=True)


def corpus_score(items: Iterable[Counts]) -> float:
    """Give the BLEU of all items together; 0 for none."""
    rows = list(items)
    return _score(
        Counts(
            sum(row.length for row in rows),
            sum(row.reference_length for row in rows),
            tuple(sum(row.matched[n] for row in rows) for n in range(ORDERS)),
            tuple(sum(row.total[n] for row in rows) for n in range(ORDERS)),
        ),
        effective_order=False,
    )


def plain_score(counts: Counts) -> float:
    """Give the BLEU of one item without smoothing: 0 where any order has no match."""
    if not all(counts.matched):
        return 0.0
    logs = [math.log(m / t) for m, t in zip(counts.matched, counts.total, strict=True)]
    return _brevity(counts) * math.exp(sum(logs) / ORDERS)


def _brevity(counts: Counts) -> float:
    if counts.length >= counts.reference_length:
        return 1.0
    return math.exp(1 - counts.reference_length / counts.length) if counts.length else 0.0


def _score(counts: Counts, *, effective_order: bool) -> float:
    if not any(counts.matched):
        return 0.0
    logs: list[float] = []
    halving = 1.0
    for matched, total in zip(counts.matched, counts.total, strict=True):
        if not total:
            break
        if not matched:
            halving *= 2
        logs.append(math.log(matched / total if matched else 1 / (halving * total)))
    if len(logs) < ORDERS and not effective_order:
        return 0.0  # as sacrebleu: the log of the orders that are not there is -9999999999
    return _brevity(counts) * math.exp(sum(logs) / len(logs))

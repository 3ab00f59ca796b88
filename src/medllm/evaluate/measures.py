"""Retrieval measures exactly as trec_eval computes them.

The conventions that decide the digits, checked in the tests against `pytrec_eval-terrier`:

- a run is sorted by its score as a 32-bit float, then by document id, both descending: trec_eval
  keeps scores in a C `float` and breaks ties by `strcmp`, whatever order the engine gave;
- a document is relevant from grade 1; 0, negative and unjudged are not;
- the gain of nDCG is the grade itself (not 2^grade - 1), its discount log2(rank + 1);
- reciprocal rank has no cutoff;
- precision at k divides by k even where fewer than k documents came back.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from medllm.errors import DataError

Relevance = Mapping[str, int]
"""Document id -> grade, for one query."""


def ranked(run: Mapping[str, float]) -> list[str]:
    """Give the document ids of one query's run, best first, in trec_eval's order.

    A score that is not a number has no place in an order and raises `DataError`.
    """
    scores = np.fromiter(run.values(), dtype=np.float64, count=len(run))
    if np.isnan(scores).any():
        raise DataError("a score of the run is not a number", hint="check the encoder of the index")
    with np.errstate(over="ignore"):  # beyond 3.4e38 a C float is infinite, and so is ours
        as_floats: list[float] = scores.astype(np.float32).tolist()
    return [document for _, document in sorted(zip(as_floats, run, strict=True), reverse=True)]


def reciprocal_rank(ranking: Sequence[str], relevance: Relevance) -> float:
    """Give 1 / rank of the first relevant document, 0 where there is none."""
    for rank, document in enumerate(ranking, start=1):
        if relevance.get(document, 0) > 0:
            return 1.0 / rank
    return 0.0


def precision(ranking: Sequence[str], relevance: Relevance, *, k: int) -> float:
    """Give the share of relevant documents among the first k."""
    return _n_relevant(ranking[:k], relevance) / k


def recall(ranking: Sequence[str], relevance: Relevance, *, k: int) -> float:
    """Give the share of all relevant documents that is among the first k, 0 where none exists."""
    n_relevant = sum(grade > 0 for grade in relevance.values())
    return _n_relevant(ranking[:k], relevance) / n_relevant if n_relevant else 0.0


def ndcg(ranking: Sequence[str], relevance: Relevance, *, k: int) -> float:
    """Give the discounted gain of the first k over the best that k documents could reach."""
    ideal = _discounted(sorted(relevance.values(), reverse=True)[:k])
    if ideal == 0.0:
        return 0.0
    return _discounted([relevance.get(document, 0) for document in ranking[:k]]) / ideal


MEASURES: dict[str, Callable[[Sequence[str], Relevance], float]] = {
    "MRR": reciprocal_rank,
    "P@10": lambda ranking, relevance: precision(ranking, relevance, k=10),
    "nDCG@10": lambda ranking, relevance: ndcg(ranking, relevance, k=10),
    "R@100": lambda ranking, relevance: recall(ranking, relevance, k=100),
    "R@1000": lambda ranking, relevance: recall(ranking, relevance, k=1000),
}
"""Name as printed -> measure of one query; trec_eval calls them recip_rank, P.10, ndcg_cut.10,
recall.100 and recall.1000."""


def score_query(
    run: Mapping[str, float], relevance: Relevance, *, query_id: str = ""
) -> dict[str, float]:
    """Give every measure of one query; a document whose id is `query_id` is left out of the run."""
    ranking = [document for document in ranked(run) if document != query_id]
    return {name: measure(ranking, relevance) for name, measure in MEASURES.items()}


def _n_relevant(ranking: Sequence[str], relevance: Relevance) -> int:
    return sum(relevance.get(document, 0) > 0 for document in ranking)


def _discounted(grades: Sequence[int]) -> float:
    return sum(
        grade / math.log2(rank + 1) for rank, grade in enumerate(grades, start=1) if grade > 0
    )

"""The systems that `make bench` measures medllm against, in the same run on the same machine.

Each is what a careful person without medllm would use: bm25s as its README shows it, a matrix
product in numpy, the first sentences, and TextRank. None of them knows about medicine.
"""

from __future__ import annotations

import math
import re
import time
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

Matrix = NDArray[np.float32]
Documents = Sequence[Sequence[str]]
"""The sentences of each document, the best document first."""

DAMPING = 0.85  # of PageRank and of TextRank (Mihalcea and Tarau 2004)


class TimedRun(NamedTuple):
    """What a system found, and how long it took."""

    run: dict[str, dict[str, float]]
    """Query id -> document id -> score."""
    seconds: list[float]
    """Wall time of each query, from its text (or vector) to its ranked ids."""
    build_s: float
    tokenising: Sequence[float] = ()
    """Of `seconds`, what went into cutting the query into tokens, where that is known."""
    cpu: Sequence[float] = ()
    """CPU time of each query, all threads: on a busy machine it says more than `seconds`."""


def search_bm25s(
    corpus: Mapping[str, str],
    queries: Mapping[str, str],
    *,
    k: int = 1000,
    stopwords: str = "english_plus",
) -> TimedRun:
    """Search with bm25s as it comes: its tokens, no stemming, Lucene's BM25.

    Of its two lists of English stop words this takes the longer, the harder reference: nDCG@10 .673
    on MED and .776 on BioASQ (title and text) against .667 and .748 with its default, "english".
    It fills up to k with documents that share no word with the query; those are no results.
    """
    import bm25s

    ids = list(corpus)
    started = time.perf_counter()
    index = bm25s.BM25()
    options: dict[str, Any] = {"stopwords": stopwords, "show_progress": False}
    index.index(bm25s.tokenize(list(corpus.values()), **options), show_progress=False)
    build_s = time.perf_counter() - started
    run: dict[str, dict[str, float]] = {}
    seconds = []
    tokenising = []
    cpu = []
    for query_id, text in queries.items():
        started, used = time.perf_counter(), time.process_time()
        tokens = bm25s.tokenize(text, **options)
        tokenising.append(time.perf_counter() - started)
        found, scores = index.retrieve(tokens, k=min(k, len(ids)), show_progress=False)
        run[query_id] = {
            ids[at]: float(score)
            for at, score in zip(found[0], scores[0], strict=True)
            if score > 0
        }
        seconds.append(time.perf_counter() - started)
        cpu.append(time.process_time() - used)
    return TimedRun(run, seconds, build_s, tokenising, cpu)


def search_exactly(
    ids: Sequence[str], vectors: Matrix, query_ids: Sequence[str], queries: Matrix, *, k: int = 1000
) -> TimedRun:
    """Search by inner product with every vector, [n, dimension] each, one query at a time."""
    k = min(k, len(ids))
    run: dict[str, dict[str, float]] = {}
    seconds = []
    cpu = []
    for query_id, query in zip(query_ids, queries, strict=True):
        started, used = time.perf_counter(), time.process_time()
        scores = vectors @ query
        best = np.argpartition(scores, len(ids) - k)[len(ids) - k :]
        best = best[np.argsort(-scores[best])]
        run[query_id] = {ids[at]: float(scores[at]) for at in best}
        seconds.append(time.perf_counter() - started)
        cpu.append(time.process_time() - used)
    return TimedRun(run, seconds, 0.0, cpu=cpu)


def lead_summary(documents: Documents, *, max_words: int) -> list[str]:
    """Give the sentences as they come, from the first document on, up to exactly `max_words`."""
    return _cut([sentence for document in documents for sentence in document], max_words)


def textrank_summary(documents: Documents, *, max_words: int) -> list[str]:
    """Give the sentences most like all others (TextRank), the best first, up to `max_words`."""
    sentences = list(dict.fromkeys(sentence for document in documents for sentence in document))
    ranks = page_rank(similarities(sentences))
    order = sorted(range(len(sentences)), key=lambda at: (-ranks[at], at))
    return _cut([sentences[at] for at in order], max_words)


def similarities(sentences: Sequence[str]) -> NDArray[np.float64]:
    """Give TextRank's [n, n] similarity: the words two sentences share, over the logarithms of
    their lengths; 0 on the diagonal.

    Stop words do not count, as in gensim and sumy: on BioASQ that is the harder reference.
    """
    words = [_words(sentence) for sentence in sentences]
    weights = np.zeros((len(words), len(words)))
    for a, words_a in enumerate(words):
        for b, words_b in enumerate(words[:a]):
            lengths = math.log(len(words_a) or 1) + math.log(len(words_b) or 1)
            if lengths > 0:
                weights[a, b] = weights[b, a] = len(words_a & words_b) / lengths
    return weights


def page_rank(weights: NDArray[np.float64], *, tolerance: float = 1e-10) -> NDArray[np.float64]:
    """Give the stationary weights, sum 1, of a walk along the edges; loners jump anywhere."""
    n = len(weights)
    if n == 0:
        return np.zeros(0)
    totals = weights.sum(axis=1, keepdims=True)
    steps = np.where(totals > 0, weights / np.where(totals > 0, totals, 1), 1 / n)
    ranks = np.full(n, 1 / n)
    while True:
        following = (1 - DAMPING) / n + DAMPING * (ranks @ steps)
        if np.abs(following - ranks).sum() < tolerance:
            return following
        ranks = following


def rouge2_recall(
    text: str, references: Sequence[str], *, over: Literal["best", "mean"] = "best"
) -> float:
    """Give the share of a reference's word pairs that the text has, without stemming.

    Over several references the best is the usual choice where each is a whole answer; the mean
    asks for all that any of them says.
    """
    scorer = _scorer()
    recalls = [scorer.score(reference, text)["rouge2"].recall for reference in references]
    return float(max(recalls) if over == "best" else np.mean(recalls))


@cache
def _scorer() -> Any:
    from rouge_score.rouge_scorer import RougeScorer

    return RougeScorer(["rouge2"], use_stemmer=False)


def _words(sentence: str) -> set[str]:
    from bm25s.stopwords import STOPWORDS_EN_PLUS

    return set(re.findall(r"\w+", sentence.lower())).difference(STOPWORDS_EN_PLUS)


def _cut(sentences: Sequence[str], max_words: int) -> list[str]:
    """Keep the first `max_words` words, the last sentence cut where it must be, as DUC did it."""
    kept = []
    left = max_words
    for sentence in sentences:
        words = list(re.finditer(r"\S+", sentence))[: max(left, 0)]
        if words:
            kept.append(sentence[: words[-1].end()])
        left -= len(words)
    return kept

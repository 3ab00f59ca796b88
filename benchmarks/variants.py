"""What else was tried: how a query's words are weighed, and how two rankings are put together."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

from benchmarks import command
from benchmarks.command import Options
from benchmarks.corpora import Collection, collections
from benchmarks.indexes import offline_encoder
from benchmarks.quality import (
    Query,
    encode_queries,
    open_collection,
    run_mode,
    shaped,
)
from benchmarks.report import Section, Table, from_interval
from medllm.evaluate.retrieval import Run, evaluate_run
from medllm.retrieve import words
from medllm.retrieve.search import DENSE_WEIGHT, RRF_K

WEIGHTS: dict[str, Callable[[float], float]] = {
    "its count": lambda count: count,
    "1": lambda count: 1.0,
    "the square root of its count": math.sqrt,
    "3 x count / (2 + count), BM25's k3 = 2": lambda count: 3 * count / (2 + count),
}
DENSE_WEIGHTS = (0.5, 0.7, 1.0, 1.5)
SHARES = (0.2, 0.3, 0.4)
_MEASURES = ("MRR", "nDCG@10", "R@100")


def measure(options: Options) -> Section:
    """Give each variant's measures on each collection; no target speaks of them."""
    section = Section(name="variants")
    encoder = offline_encoder(options, section.notes)
    for collection in collections(options):
        used = encoder if collection.is_encoded else None
        queries = {query_id: shaped(collection.queries[query_id]) for query_id in collection.qrels}
        with open_collection(collection, used, options) as index:
            chosen = run_mode(index, collection, queries, "bm25", None).run
            table = Table(
                title=f"{collection.name}, BM25: a word of the query weighs",
                header=["", *_MEASURES],
            )
            for name, weigh in WEIGHTS.items():
                weighed = {query_id: _weighed(query, weigh) for query_id, query in queries.items()}
                run = run_mode(index, collection, weighed, "bm25", None).run
                table.lines.append([name, *_cells(run, collection)])
            table.lines.append(["as medllm weighs it", *_cells(chosen, collection)])
            section.tables.append(table)
            if used:
                encode_queries(used, queries)
                dense = run_mode(index, collection, queries, "dense", used).run
                section.tables.append(_fusions(collection, chosen, dense))
    section.notes.append(
        "these collections are what the constants were chosen on; MED's 30 queries cannot tell "
        "apart what differs by less than about .03"
    )
    return section


def reciprocal_ranks(words_run: Run, dense_run: Run, *, weight: float, k: int = RRF_K) -> Run:
    """Give the sum of 1 / (k + rank) by words and weight / (k + rank) by vector."""
    fused: dict[str, dict[str, float]] = {}
    for query_id in words_run.keys() | dense_run.keys():
        scores = fused.setdefault(query_id, {})
        for run, factor in ((words_run, 1.0), (dense_run, weight)):
            found = run.get(query_id, {})
            order = sorted(found, key=lambda document: (-found[document], document))
            for rank, document in enumerate(order, start=1):
                scores[document] = scores.get(document, 0.0) + factor / (k + rank)
    return fused


def shares(words_run: Run, dense_run: Run, *, share: float) -> Run:
    """Give share x score by words over the best of them + (1 - share) x cosine."""
    fused = {}
    for query_id in words_run.keys() | dense_run.keys():
        by_words, by_vector = words_run.get(query_id, {}), dense_run.get(query_id, {})
        best = max(by_words.values(), default=1.0) or 1.0
        least = min(by_vector.values(), default=0.0)
        fused[query_id] = {
            document: share * by_words.get(document, 0.0) / best
            + (1 - share) * by_vector.get(document, least)
            for document in by_words.keys() | by_vector.keys()
        }
    return fused


def _weighed(query: Query, weigh: Callable[[float], float]) -> Query:
    counts = words.count_terms(query.text)
    return Query(query.text, {term: weigh(count) for term, count in counts.items()})


def _fusions(collection: Collection, by_words: Run, by_vector: Run) -> Table:
    table = Table(title=f"{collection.name}: BM25 and dense put together", header=["", *_MEASURES])
    for weight in sorted({*DENSE_WEIGHTS, DENSE_WEIGHT}):
        mark = ", as medllm does" if weight == DENSE_WEIGHT else ""
        run = reciprocal_ranks(by_words, by_vector, weight=weight)
        name = f"ranks, k = {RRF_K}, dense weighs {weight:g}{mark}"
        table.lines.append([name, *_cells(run, collection)])
    for share in SHARES:
        run = shares(by_words, by_vector, share=share)
        name = f"scores, {share:g} x BM25 / best + {1 - share:g} x cosine"
        table.lines.append([name, *_cells(run, collection)])
    return table


def _cells(run: Mapping[str, Any], collection: Collection) -> list[str]:
    report = evaluate_run(run, collection.qrels)
    return [str(from_interval("", report.measures[name])) for name in _MEASURES]


if __name__ == "__main__":
    raise SystemExit(command.main(measure))

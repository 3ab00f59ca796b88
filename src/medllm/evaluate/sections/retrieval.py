"""Searches of an index against judgements, as a section of a report."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from medllm.config import SearchConfig
from medllm.evaluate.measured import Measured, compare_all
from medllm.evaluate.measures import MEASURES
from medllm.evaluate.retrieval import RetrievalReport, evaluate_retrieval, read_qrels, read_queries
from medllm.evaluate.searching import Searcher, open_modes
from medllm.evaluate.sections.section import Section
from medllm.evaluate.settings_sections import RetrievalConfig
from medllm.evaluate.systems import Shown
from medllm.retrieve.embedded import EmbeddedIndex

TESTED = ("nDCG@10", "R@100")
"""The order of what is shown, and what is found at all; the other measures repeat these two."""
_MEANING = {
    "MRR": "1 / rank of the first relevant document",
    "P@10": "the share of relevant ones among the first 10",
    "nDCG@10": "the gain of the first 10 over the best possible",
    "R@100": "the share of the relevant that is among the first 100",
    "R@1000": "the share of the relevant that is among the first 1,000",
}
_LIMIT = (
    "Search is measured against judgements: a document that nobody judged counts as not relevant, "
    "however fit it is."
)


def retrieval_section(
    told: RetrievalConfig, search: SearchConfig, *, seed: int, shown: Shown
) -> Section:
    """Search with every judged query, by every mode that is asked for, paired by query."""
    queries, qrels = read_queries(told.queries), read_qrels(told.qrels)
    reports: dict[str, RetrievalReport] = {}
    with EmbeddedIndex.open(told.index) as index:
        modes, encoder = open_modes(index, told.modes, search.encoder)
        for mode in modes:
            searcher = Searcher(
                index,
                kind=told.kind or None,
                mode=mode,
                encoder=encoder,
                n_shown=search.top if told.shape else None,
            )
            with shown(f"searching {told.name} by {mode}", "queries", len(qrels)) as advance:
                done = evaluate_retrieval(
                    searcher, queries, qrels, mode=mode, progress=lambda n, total: advance(n)
                )
            reports[mode] = done.report
    measures = [_measured(name, reports) for name in MEASURES]
    first = next(iter(reports))
    return Section(
        title=f"Search: {told.name}",
        called=f"the search {told.name}",
        n=len(qrels),
        unit="queries",
        measures=measures,
        comparisons=compare_all(measures, baseline=first, seed=seed),
        said=[_sentence(told.name, mode, report) for mode, report in reports.items()],
        limits=[_LIMIT],
        note=" ".join(f"{note[0].upper()}{note[1:]}." for note in _notes(reports)),
    )


def _measured(name: str, reports: Mapping[str, RetrievalReport]) -> Measured:
    return Measured(
        name=name,
        track="retrieval",
        definition=f"as trec_eval has it: {_MEANING[name]}; a query that finds nothing counts 0",
        scores={
            mode: {query: values[name] for query, values in report.per_query.items()}
            for mode, report in reports.items()
        },
        is_tested=name in TESTED,
    )


def _notes(reports: Mapping[str, RetrievalReport]) -> list[str]:
    return list(dict.fromkeys(note for report in reports.values() for note in report.notes))


def _sentence(name: str, mode: str, report: RetrievalReport) -> str:
    order, reach = (asdict(report.measures[measure]) for measure in TESTED)
    return (
        f"The search {name} by {_in_words(mode)} reached nDCG@10 {_spread(order)} and found "
        f"{_spread(reach)} of the relevant documents among the first 100 "
        f"(n = {report.n_queries:,} queries)."
    )


def _in_words(mode: str) -> str:
    return {"bm25": "words", "dense": "vectors", "hybrid": "words and vectors"}[mode]


def _spread(one: Mapping[str, Any]) -> str:
    return f"{one['mean']:.2f} [{one['low']:.2f} to {one['high']:.2f}]"

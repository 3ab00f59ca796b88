"""How good retrieval is on judged collections: BM25, dense and hybrid against bm25s."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from benchmarks import command
from benchmarks.baselines import search_bm25s
from benchmarks.command import Options, say
from benchmarks.corpora import Collection, collections
from benchmarks.indexes import build_index, offline_encoder
from benchmarks.report import Row, Section, Table, from_interval
from medllm.clinical.findings import find_findings
from medllm.evaluate.measures import MEASURES
from medllm.evaluate.retrieval import RetrievalRun, evaluate_retrieval, evaluate_run
from medllm.evaluate.statistics import paired_interval
from medllm.retrieve.embedded import EmbeddedIndex
from medllm.retrieve.index import Filter
from medllm.retrieve.passages import cut_passages
from medllm.retrieve.query import note_terms, shape_query
from medllm.retrieve.search import Mode, rank

DEPTH = 1_001
"""Documents a query, as `medllm evaluate retrieval` asks for: R@1000, and the query's own."""
WANTED = {("med", "bm25"): 0.70, ("med", "hybrid"): 0.80}
WANTED |= {("bioasq-dev", "bm25"): 0.78, ("bioasq-dev", "hybrid"): 0.82}
_NAMES = {
    "bm25": "BM25",
    "dense": "dense",
    "hybrid": "hybrid",
    "whole": "BM25, text as it is",
    "bm25s": "bm25s",
}


@dataclass(frozen=True, slots=True)
class Query:
    """What is searched for: the text, and its terms' weights where they are not their counts."""

    text: str
    terms: dict[int, float] | None


def measure(options: Options) -> Section:
    """Give nDCG@10 against its targets, and every measure of every mode in a table."""
    section = Section(name="quality")
    encoder = offline_encoder(options, section.notes)
    for collection in collections(options):
        runs = evaluate(collection, encoder if collection.is_encoded else None, options)
        if collection.is_encoded:
            modes = ("bm25", "hybrid")
            section.rows += [_row(collection, mode, runs, options) for mode in modes]
        section.tables.append(_table(collection, runs))
        section.data[collection.name] = {mode: run.report.per_query for mode, run in runs.items()}
        section.notes += [f"{collection.name}: {collection.about}"] if collection.about else []
        section.notes += [
            f"{collection.name}, {_NAMES[mode]}: {note}"
            for mode, run in runs.items()
            for note in run.report.notes
        ]
    section.notes += [
        "BM25, dense and hybrid search as `medllm evaluate retrieval` does, without what a query "
        "negates; bm25s takes title and text, its own tokens and its longer list of stop words, "
        "without stemming",
        "medllm's constants were chosen with MED and BioASQ in sight (docs/retrieval.md): these "
        "are no held-out numbers",
    ]
    return section


def evaluate(collection: Collection, encoder: Any, options: Options) -> dict[str, RetrievalRun]:
    """Give a run for each mode and for bm25s; without an encoder only for words."""
    asked = {query_id: collection.queries[query_id] for query_id in collection.qrels}
    queries = {query_id: shaped(text) for query_id, text in asked.items()}
    runs: dict[str, RetrievalRun] = {}
    with open_collection(collection, encoder, options) as index:
        modes: list[Mode] = ["bm25", "dense", "hybrid"] if encoder else ["bm25"]
        if encoder:
            encode_queries(encoder, queries)
        for mode in modes:
            runs[mode] = run_mode(index, collection, queries, mode, encoder)
        whole = {query_id: Query(text, None) for query_id, text in asked.items()}
        runs["whole"] = run_mode(index, collection, whole, "bm25", None)
    say(f"{collection.name}: bm25s")
    corpus = {d.id: f"{d.title}\n{d.text}" for d in collection.documents.values()}
    found = search_bm25s(corpus, asked, k=DEPTH)
    report = evaluate_run(found.run, collection.qrels)
    runs["bm25s"] = RetrievalRun(run=found.run, report=report, seconds={})
    return runs


def shaped(text: str) -> Query:
    """Give what the command line searches for: the findings' words weigh more, the negated none."""
    findings = find_findings(text)
    return Query(shape_query(text, findings), note_terms(text, findings))


def open_collection(collection: Collection, encoder: Any, options: Options) -> EmbeddedIndex:
    """Give the collection's index, with vectors where there is an encoder."""
    name = f"quality-{collection.name}" + ("" if encoder else "-words")
    return build_index(options.cache / name, collection.documents.values(), encoder)


def encode_queries(encoder: Any, queries: Mapping[str, Query]) -> None:
    """Encode all queries at once: the encoder remembers them."""
    texts = [query.text for query in queries.values()]
    encoder.encode([text[start:end] for text in texts for start, end in cut_passages(text)])
    encoder.save()


def run_mode(
    index: EmbeddedIndex,
    collection: Collection,
    queries: Mapping[str, Query],
    mode: Mode,
    encoder: Any,
) -> RetrievalRun:
    """Search for every query and score what came back."""
    say(f"{collection.name}: {len(queries):,} queries, {mode}")
    where = Filter()

    def search(query_id: str, _: str) -> dict[str, float]:
        query = queries[query_id]
        found = rank(
            index,
            query.text,
            terms=query.terms,
            where=where,
            mode=mode,
            top=DEPTH,
            encoder=encoder,
        )
        return {hit.document_id: hit.score for hit in found}

    return evaluate_retrieval(search, collection.queries, collection.qrels, mode=mode)


def _row(collection: Collection, mode: str, runs: dict[str, RetrievalRun], options: Options) -> Row:
    what = f"nDCG@10 on {collection.name}, {_NAMES[mode]}"
    wanted = WANTED.get((collection.name, mode))
    target = f"{wanted:.2f}".lstrip("0") if wanted else ""
    if mode not in runs:
        return Row(what=what, measured=None, wanted=target, note="no offline encoder")
    score = from_interval("medllm", runs[mode].report.measures["nDCG@10"])
    return Row(
        what=what,
        measured=score,
        wanted=target,
        reached=score.value >= wanted if wanted and options.data else None,
        references=[from_interval("bm25s", runs["bm25s"].report.measures["nDCG@10"])],
    )


def _table(collection: Collection, runs: dict[str, RetrievalRun]) -> Table:
    """Give every measure of every mode, and the paired difference of nDCG@10 from bm25s."""
    title = (
        f"{collection.name}: {len(collection.documents):,} documents, "
        f"{len(collection.qrels):,} judged queries, mean [95 % interval]"
    )
    table = Table(title=title, header=["", *MEASURES, "nDCG@10 less bm25s's, paired"])
    reference = per_query(runs["bm25s"])
    for mode, run in runs.items():
        cells = [str(from_interval("", run.report.measures[name])) for name in MEASURES]
        difference = paired_interval(reference, per_query(run), bounds=(0.0, 1.0))
        paired = "" if mode == "bm25s" else str(from_interval("", difference))
        table.lines.append([_NAMES[mode], *cells, paired])
    return table


def per_query(run: RetrievalRun, measure: str = "nDCG@10") -> dict[str, float]:
    """Give one measure of every query."""
    return {query_id: scores[measure] for query_id, scores in run.report.per_query.items()}


if __name__ == "__main__":
    raise SystemExit(command.main(measure))

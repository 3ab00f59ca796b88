"""Searches become a run, and a run with relevance judgements becomes a report.

A run is `{query id: {document id: score}}`, as pytrec_eval and ranx read it. Only queries with
judgements are scored, and each of them counts: one that returned nothing, or whose text is missing,
counts 0. A document whose id is the query's is left out, as BEIR does: a patient in the corpus is
not its own similar patient.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from medllm.errors import DataError
from medllm.evaluate.measures import MEASURES, score_query
from medllm.evaluate.statistics import Interval, mean_interval
from medllm.files import write_atomically

Run = Mapping[str, Mapping[str, float]]
Qrels = Mapping[str, Mapping[str, int]]
Search = Callable[[str, str], Mapping[str, float]]
"""Query id and text -> scores by document id; higher is better."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RetrievalReport:
    """What a run is worth: each measure with its 95 % interval over queries."""

    measures: dict[str, Interval]
    per_query: dict[str, dict[str, float]]
    """Query id -> measure -> value."""
    n_queries: int
    """Queries with judgements: what every mean is over."""
    n_without_results: int
    """Of these, how many found nothing; each counts 0. Includes the missing ones."""
    n_missing: int = 0
    """Of these, how many have judgements but no text among the queries; each counts 0."""
    n_unjudged: int = 0
    """Queries without judgements, which are neither searched nor scored."""
    n_without_relevant: int = 0
    """Queries whose judgements name no relevant document; each counts 0, as in trec_eval."""
    n_own_left_out: int = 0
    """How often a result was left out because its id is the query's."""
    mode: str = ""
    notes: tuple[str, ...] = ()
    """In words, what a reader of the numbers must know."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RetrievalRun:
    """A report with the run that it scores."""

    run: dict[str, dict[str, float]]
    report: RetrievalReport
    seconds: dict[str, float]
    """Query id -> wall time of its search."""


def evaluate_retrieval(
    search: Search,
    queries: Mapping[str, str],
    qrels: Qrels,
    *,
    mode: str = "",
    progress: Callable[[int, int], None] | None = None,
) -> RetrievalRun:
    """Search for every judged query and score what came back.

    `progress` is called with the number of queries done and to do. `DataError` where queries and
    judgements have no id in common.
    """
    judged = [query_id for query_id in qrels if query_id in queries]
    if not judged:
        raise DataError(
            f"none of the {len(qrels)} judged queries is among the {len(queries)} queries",
            hint="give the queries and the qrels of one collection: their query ids must match",
        )
    run: dict[str, dict[str, float]] = {}
    seconds: dict[str, float] = {}
    for n_done, query_id in enumerate(judged, start=1):
        started = time.perf_counter()
        found = search(query_id, queries[query_id])
        seconds[query_id] = time.perf_counter() - started
        run[query_id] = {document: float(score) for document, score in found.items()}
        if progress is not None:
            progress(n_done, len(judged))
    report = evaluate_run(run, qrels, mode=mode)
    report = _with_missing(report, n_missing=len(qrels) - len(judged))
    report = replace(report, n_unjudged=len(queries) - len(judged))
    return RetrievalRun(run=run, report=report, seconds=seconds)


def evaluate_run(run: Run, qrels: Qrels, *, mode: str = "") -> RetrievalReport:
    """Score a run; queries that it does not hold count 0, those without judgements are ignored."""
    if not qrels:
        raise DataError("there are no judged queries to score", hint="check the qrels file")
    per_query = {
        query_id: score_query(run.get(query_id, {}), relevance, query_id=query_id)
        for query_id, relevance in qrels.items()
    }
    report = RetrievalReport(
        measures={name: _interval(per_query, name) for name in MEASURES},
        per_query=per_query,
        n_queries=len(qrels),
        n_without_results=sum(
            not (run.get(query_id, {}).keys() - {query_id}) for query_id in qrels
        ),
        n_unjudged=len(run.keys() - qrels.keys()),
        n_without_relevant=sum(
            not any(grade > 0 for grade in relevance.values()) for relevance in qrels.values()
        ),
        n_own_left_out=sum(query_id in run.get(query_id, {}) for query_id in qrels),
        mode=mode,
    )
    return replace(report, notes=_notes(report))


def read_queries(path: Path) -> dict[str, str]:
    """Read a BEIR `queries.jsonl` into {query id: text}, in the order of the file.

    `DataError` names the file and the line of the first record that is not a query.
    """
    queries: dict[str, str] = {}
    for number, line in _lines(path):
        query_id, text = _query(line, where=f"{path}:{number}")
        if query_id in queries:
            raise DataError(f"{path}:{number}: the query id of this line occurs before")
        queries[query_id] = text
    if not queries:
        raise DataError(f"{path} holds no queries", hint=_QUERY_HINT)
    return queries


def read_qrels(path: Path) -> dict[str, dict[str, int]]:
    """Read judgements into {query id: {document id: grade}}.

    Three columns are BEIR's (query, document, grade; tabs; a header may stand first), four are
    TREC's (query, iteration, document, grade; tabs or spaces). `DataError` names the file and the
    line of what is neither, and of a document that is judged twice with different grades.
    """
    qrels: dict[str, dict[str, int]] = {}
    is_first = True
    for number, line in _lines(path):
        columns = _columns(line, where=f"{path}:{number}")
        if not (is_first and _is_header(columns)):
            query_id, document_id, grade = _judgement(columns, where=f"{path}:{number}")
            known = qrels.setdefault(query_id, {}).setdefault(document_id, grade)
            if known != grade:
                raise DataError(
                    f"{path}:{number}: the document of this line is judged before, and differently",
                    hint="keep one grade for each query and document",
                )
        is_first = False
    if not qrels:
        raise DataError(f"{path} holds no judgements", hint=_QRELS_HINT)
    return qrels


def write_run(path: Path, run: Run) -> None:
    """Write a run as JSON, `{query id: {document id: score}}`, the best document first."""
    ordered = {
        query_id: dict(sorted(scores.items(), key=lambda item: (item[1], item[0]), reverse=True))
        for query_id, scores in run.items()
    }
    write_atomically(path, json.dumps(ordered, ensure_ascii=False, default=float) + "\n")


_QUERY_HINT = 'each line is {"_id": "...", "text": "..."}, as in a BEIR queries.jsonl'
_QRELS_HINT = "columns: query-id, corpus-id, score with tabs (BEIR), or the four of TREC qrels"


def _interval(per_query: Mapping[str, Mapping[str, float]], name: str) -> Interval:
    return mean_interval([scores[name] for scores in per_query.values()], bounds=(0.0, 1.0))


def _with_missing(report: RetrievalReport, *, n_missing: int) -> RetrievalReport:
    report = replace(report, n_missing=n_missing)
    return replace(report, notes=_notes(report))


def _notes(report: RetrievalReport) -> tuple[str, ...]:
    n_empty = report.n_without_results - report.n_missing
    counted = [
        (report.n_missing, "judged queries without a text, each counted 0"),
        (n_empty, "queries that found nothing, each counted 0"),
        (report.n_without_relevant, "queries without a relevant document, each counted 0"),
    ]
    notes = [f"{what}: {number}" for number, what in counted if number]
    if not any(value for scores in report.per_query.values() for value in scores.values()):
        notes.append("no relevant document was found at all: is this the corpus that was judged?")
    return tuple(notes)


def _lines(path: Path) -> Iterator[tuple[int, str]]:
    """Yield (number from 1, line) for each line that is not blank."""
    try:
        with path.open(encoding="utf-8-sig") as handle:
            for number, line in enumerate(handle, start=1):
                if line.strip():
                    yield number, line.rstrip("\r\n")
    except UnicodeDecodeError as exc:
        raise DataError(f"{path} is not UTF-8 text", hint="convert it to UTF-8") from exc
    except OSError as exc:
        reason = (exc.strerror or "it cannot be read").lower()
        raise DataError(f"cannot read {path}: {reason}", hint="check the path") from exc


def _query(line: str, *, where: str) -> tuple[str, str]:
    try:
        record: Any = json.loads(line)
    except (ValueError, RecursionError) as exc:
        raise DataError(f"{where}: not a line of JSON", hint=_QUERY_HINT) from exc
    if not isinstance(record, dict):
        raise DataError(f"{where}: not a JSON object", hint=_QUERY_HINT)
    query_id, text = record.get("_id"), record.get("text")
    if isinstance(query_id, int) and not isinstance(query_id, bool):
        query_id = str(query_id)
    if not isinstance(query_id, str) or not query_id:
        raise DataError(f'{where}: the field "_id" is missing or not a string', hint=_QUERY_HINT)
    if not isinstance(text, str) or not text.strip():
        raise DataError(f'{where}: the field "text" is missing or empty', hint=_QUERY_HINT)
    return query_id, text


def _columns(line: str, *, where: str) -> list[str]:
    """Give three columns: query, document, grade. Ids of BEIR may hold spaces, hence tabs first."""
    columns = [column.strip() for column in (line.split("\t") if "\t" in line else line.split())]
    if len(columns) == 4:
        del columns[1]  # TREC's iteration, which nobody uses
    if len(columns) != 3 or not all(columns):
        raise DataError(f"{where}: not three or four columns", hint=_QRELS_HINT)
    return columns


def _is_header(columns: list[str]) -> bool:
    """BEIR writes query-id, corpus-id, score; others write qid or query_id."""
    return columns[0].lower().startswith(("query", "qid")) and not any(map(str.isdigit, columns[2]))


def _judgement(columns: list[str], *, where: str) -> tuple[str, str, int]:
    try:
        return columns[0], columns[1], int(columns[2])
    except ValueError as exc:
        hint = "a grade is a whole number; 1 and more is relevant"
        raise DataError(f"{where}: the grade is not a whole number", hint=hint) from exc

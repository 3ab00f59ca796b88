"""Does the findings query find more than the whole note? On pairs that PMC-Patients itself links.

A patient's relevant articles are PubMed ids; those of them that are E3C cases make the judgements.
`cited`: articles that the patient's own article cites or is linked to; `own`: the E3C case is the
abstract of the patient's own article. Run: python -m benchmarks.note_query ../shared/data
"""

from __future__ import annotations

import ast
import csv
import json
import re
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from medllm.clinical.findings import find_findings
from medllm.data.documents import read_documents
from medllm.data.reading import Reading
from medllm.evaluate.measures import score_query
from medllm.evaluate.statistics import mean_interval, paired_interval
from medllm.records import Finding
from medllm.retrieve import words
from medllm.retrieve.build import add_documents
from medllm.retrieve.embedded import EmbeddedIndex
from medllm.retrieve.index import Filter
from medllm.retrieve.query import note_terms, shape_query
from medllm.retrieve.search import query_terms

PATIENTS = Path("pmc-patients-sample", "PMC-Patients-sample-1000.csv")
CASES = Path("e3c", "cases.jsonl")
WHERE = Filter(kind="articles")
MEASURES = ("MRR", "nDCG@10", "R@100")

Terms = Callable[[EmbeddedIndex, str, list[Finding]], dict[int, float]]


def whole_note(index: EmbeddedIndex, text: str, findings: list[Finding]) -> dict[int, float]:
    """Every word of the note, by its count: what today's systems search with."""
    return words.count_terms(text)


def heaviest_words(index: EmbeddedIndex, text: str, findings: list[Finding]) -> dict[int, float]:
    """The 64 words of the note with the highest count x idf, whatever the note says of them."""
    return query_terms(index, text, kind="articles")


def without_negated(index: EmbeddedIndex, text: str, findings: list[Finding]) -> dict[int, float]:
    """The same, without what is negated or somebody else's."""
    return query_terms(index, shape_query(text, findings), kind="articles")


def findings_query(index: EmbeddedIndex, text: str, findings: list[Finding]) -> dict[int, float]:
    """What medllm searches with."""
    return query_terms(index, text, kind="articles", terms=note_terms(text, findings))


SYSTEMS: dict[str, Terms] = {
    "whole note": whole_note,
    "64 heaviest words": heaviest_words,
    "64 heaviest, negated left out": without_negated,
    "findings query": findings_query,
}


def read_pairs(data: Path) -> tuple[dict[str, str], dict[str, dict[str, dict[str, int]]]]:
    """Give the notes by id, and for `cited` and `own` the judgements by note."""
    case_of: dict[str, str] = {}
    for line in (data / CASES).read_text(encoding="utf-8").splitlines():
        case = json.loads(line)
        match = re.search(r"pubmed\D*(\d{6,8})", case["url"])
        if match:
            case_of[match.group(1)] = case["id"]
    csv.field_size_limit(sys.maxsize)
    notes: dict[str, str] = {}
    pairs: dict[str, dict[str, dict[str, int]]] = {"cited": {}, "own": {}}
    with (data / PATIENTS).open(newline="", encoding="utf-8") as handle:
        for row in csv.DictReader(handle):
            uid = row["patient_uid"]
            notes[uid] = row["patient"].replace("\\n", "\n")
            linked = set(ast.literal_eval(row["relevant_articles"])) - {row["PMID"]}
            cited = {case_of[pmid]: 1 for pmid in linked if pmid in case_of}
            if cited:
                pairs["cited"][uid] = cited
            elif row["PMID"] in case_of:
                pairs["own"][uid] = {case_of[row["PMID"]]: 1}
    return notes, pairs


def measure(index: EmbeddedIndex, data: Path) -> None:
    """Print each system's measures and its paired difference to the whole note."""
    notes, pairs = read_pairs(data)
    for name, judged in pairs.items():
        findings = {uid: find_findings(notes[uid]) for uid in judged}
        scores: dict[str, dict[str, dict[str, float]]] = {}
        for system, terms_of in SYSTEMS.items():
            rows = {}
            for uid, relevant in judged.items():
                terms = terms_of(index, notes[uid], findings[uid])
                rows[uid] = score_query(_run(index, terms), relevant, query_id=uid)
            scores[system] = {
                measure: {uid: row[measure] for uid, row in rows.items()} for measure in MEASURES
            }
        _print(name, len(judged), scores)


def _run(index: EmbeddedIndex, terms: dict[int, float]) -> dict[str, float]:
    """Give the documents by their best passage, with the terms as they are."""
    run: dict[str, float] = {}
    for hit in index.search_words(terms, limit=1_500, where=WHERE):
        run.setdefault(hit.document_id, hit.score)
    return run


def _print(name: str, n: int, scores: dict[str, dict[str, dict[str, float]]]) -> None:
    print(f"\n{name}: {n} notes, searched among 10,034 E3C cases\n")
    print("| query | MRR | nDCG@10 | R@100 | MRR, more than the whole note | nDCG@10, more |")
    print("| --- | --- | --- | --- | --- | --- |")
    for system, measures in scores.items():
        means = [
            mean_interval(list(values.values()), bounds=(0, 1)) for values in measures.values()
        ]
        cells = [f"{m.mean:.3f} [{m.low:.3f}, {m.high:.3f}]" for m in means]
        for measure in ("MRR", "nDCG@10"):
            before = scores["whole note"][measure]
            change = paired_interval(before, measures[measure], bounds=(0, 1))
            is_same = system == "whole note"
            cells.append(
                "" if is_same else f"{change.mean:+.3f} [{change.low:+.3f}, {change.high:+.3f}]"
            )
        print(f"| {system} | {' | '.join(cells)} |")


def main() -> None:
    """Index the cases and measure."""
    data = Path(sys.argv[1])
    if not (data / PATIENTS).exists():
        sys.exit(f"the real data are not on this machine ({data})")
    with (
        tempfile.TemporaryDirectory() as folder,
        EmbeddedIndex.create(Path(folder) / "idx", encoder=None) as index,
    ):
        add_documents(index, read_documents(data / CASES, kind="articles", reading=Reading()))
        measure(index, data)


if __name__ == "__main__":
    main()

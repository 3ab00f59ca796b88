"""What a set of training records is like: lengths, coverage, topics, duplicates, where from."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from medllm.clinical.findings import find_findings
from medllm.data.prepare.duplicates import find_duplicates
from medllm.data.prepare.language import guess_language
from medllm.data.prepare.split import place_of
from medllm.data.progress import Progress, no_progress
from medllm.data.shingles import answer_of, question_of
from medllm.data.statistics import lengths
from medllm.data.store import RecordStore
from medllm.errors import DataError
from medllm.files import sha256_file
from medllm.records import SftRecord

FORMAT = 1
TOPIC_SAMPLE = 2000
"""Findings are read in so many records at most: a millisecond each."""
N_TOPICS = 40
_TOPIC_KINDS = ("disorder", "symptom", "medication", "procedure", "result")


def describe_records(
    paths: Sequence[Path],
    *,
    counter: lengths.TokenCounter | None = None,
    near: bool = True,
    progress: Progress = no_progress,
) -> dict[str, Any]:
    """Give the statistics of record files as plain dicts and lists, ready for JSON and the page.

    They hold counts, ids of nothing and names of clinical concepts from the lexicon, no text.
    Raises `DataError` where a file cannot be read or all are empty.
    """
    store = RecordStore(paths)
    if not len(store):
        raise DataError("the files hold no record", hint="name files that `data prepare` wrote")
    counter = counter or lengths.words_counter()
    progress("measuring lengths", 0, len(store))
    measured = lengths.measure(store, counter)
    table = _sources(store)
    progress("reading findings", 0, TOPIC_SAMPLE)
    duplicates = find_duplicates(store, near=near, progress=progress)
    report = {
        "format": FORMAT,
        "files": [{"name": path.name, "sha256": sha256_file(path)} for path in paths],
        "records": len(store),
        "counted_in": counter.name,
        "lengths": _lengths(measured),
        "coverage": lengths.coverage(measured),
        "cutoff_for": {
            str(share): lengths.cutoff_for(measured, share) for share in (0.9, 0.95, 0.99, 1.0)
        },
        "sources": table,
        "topics": describe_topics(store),
        "duplicates": {
            "exact": duplicates.n_exact,
            "near": duplicates.n_near if near else None,
        },
    }
    store.close()
    return report


def _lengths(measured: lengths.Lengths) -> dict[str, Any]:
    parts = {
        "prompt_characters": measured.prompt_characters,
        "answer_characters": measured.answer_characters,
        "record_tokens": measured.tokens,
        "answer_tokens": measured.answer_tokens,
    }
    return {
        name: {**lengths.quantiles(values), "histogram": lengths.histogram(values)}
        for name, values in parts.items()
    }


def _sources(records: Sequence[SftRecord]) -> list[dict[str, Any]]:
    """Give a row for each source: records, groups, tasks, licences, languages, mean lengths."""
    rows: dict[str, dict[str, Any]] = {}
    groups: dict[str, set[int]] = {}
    for record in records:
        row = rows.setdefault(
            record.source,
            {
                "records": 0,
                "tasks": Counter(),
                "licences": Counter(),
                "languages": Counter(),
                "turns": 0,
                "question_characters": 0,
                "answer_characters": 0,
                "augmented": 0,
                "verified": 0,
            },
        )
        groups.setdefault(record.source, set()).add(hash(record.group))
        question, answer = question_of(record), answer_of(record)
        row["records"] += 1
        row["tasks"][record.task] += 1
        row["licences"][record.licence or "not stated"] += 1
        row["languages"][guess_language(f"{question} {answer}") or "not told"] += 1
        row["turns"] += len(record.messages)
        row["question_characters"] += len(question)
        row["answer_characters"] += len(answer)
        row["augmented"] += "augmented" in record.meta
        row["verified"] += "verified" in record.meta
    return [_source_row(name, row, len(groups[name])) for name, row in sorted(rows.items())]


def _source_row(name: str, row: dict[str, Any], n_groups: int) -> dict[str, Any]:
    n = row["records"]
    means = {
        f"mean_{part}": round(row.pop(part) / n, 1)
        for part in ("turns", "question_characters", "answer_characters")
    }
    counted = {
        key: dict(value.most_common())
        for key, value in row.items()
        if key.endswith("s") and isinstance(value, Counter)
    }
    return {"source": name, "groups": n_groups, **row, **counted, **means}


def describe_topics(records: Sequence[SftRecord]) -> dict[str, Any]:
    """Give the commonest clinical concepts of a sample: in how many records each is named."""
    chosen = sample_of(records)
    counts: dict[str, Counter[str]] = {kind: Counter() for kind in _TOPIC_KINDS}
    n_without = 0
    for at in chosen:
        record = records[int(at)]
        findings = find_findings(f"{question_of(record)}\n{answer_of(record)}")
        named = {(f.kind, f.normalised) for f in findings if f.kind in counts}
        n_without += not named
        for kind, name in named:
            counts[kind][name] += 1
    tops = {
        kind: dict(sorted(found.items(), key=lambda item: (-item[1], item[0]))[:N_TOPICS])
        for kind, found in counts.items()
    }
    return {"sample": len(chosen), "without": n_without, "kinds": tops}


def sample_of(records: Sequence[SftRecord], most: int = TOPIC_SAMPLE) -> np.ndarray[Any, Any]:
    """Give the places of a sample of the records, the same in every run."""
    if len(records) <= most:
        return np.arange(len(records))
    places = np.array([place_of(f"sample {at}", "statistics") for at in range(len(records))])
    return np.sort(np.argsort(places, kind="stable")[:most])

"""The statistics of record files: lengths, coverage, sources, topics, duplicates."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import Any

from medllm.data.prepare.duplicates import find_duplicates
from medllm.data.progress import Progress, no_progress, told
from medllm.data.sft_files import count_lines, load_records
from medllm.data.statistics import lengths
from medllm.data.statistics.sources import Sources
from medllm.data.statistics.tokens import TokenCounter, words_counter
from medllm.data.statistics.topics import describe_topics
from medllm.data.store import RecordStore
from medllm.errors import DataError
from medllm.files import sha256_file
from medllm.records import SftRecord

FORMAT = 1


def describe_records(
    paths: Sequence[Path],
    *,
    counter: TokenCounter | None = None,
    near: bool = True,
    progress: Progress = no_progress,
) -> dict[str, Any]:
    """Give the statistics of record files as plain dicts and lists, ready for JSON and the page.

    They hold counts and names of clinical concepts from the lexicon, no text and no id.
    Raises `DataError` where a file cannot be read or all are empty.
    """
    counter = counter or words_counter()
    sources = Sources()
    n_lines = sum(count_lines(path) for path in paths)
    records = told(_load(paths), "measuring lengths", progress, n_lines)
    measured = lengths.measure(sources.watch(records), counter)
    store = RecordStore(paths)
    if len(store) != len(measured.tokens):
        raise DataError("the files hold empty lines", hint="take them out: grep . FILE")
    duplicates = find_duplicates(store, near=near, progress=progress)
    topics = describe_topics(store, progress=progress)
    store.close()
    is_near_copy = duplicates.near & sources.augmented
    return {
        "format": FORMAT,
        "files": [{"name": path.name, "sha256": sha256_file(path)} for path in paths],
        "records": len(measured.tokens),
        "counted_in": counter.name,
        "unit": counter.unit,
        "lengths": _lengths(measured),
        "coverage": lengths.coverage(measured),
        "curve": lengths.curve(measured),
        "cutoff_for": {
            f"{share:g}": lengths.cutoff_for(measured, share) for share in lengths.SHARES
        },
        "sources": sources.table(measured, duplicates),
        "topics": topics,
        "duplicates": {
            "exact": duplicates.n_exact,
            "near": duplicates.n_near if near else None,
            "near_and_augmented": int(is_near_copy.sum()) if near else None,
        },
    }


def _load(paths: Sequence[Path]) -> Iterator[SftRecord]:
    for path in paths:
        if path.suffix == ".gz":  # places within it cannot be found again
            raise DataError(f"{path} is packed", hint=f"gunzip -k {path}")
    return chain.from_iterable(load_records(path) for path in paths)


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

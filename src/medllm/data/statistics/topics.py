"""What a set of records is about: the clinical concepts that a sample of them names."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np

from medllm.clinical.findings import find_findings
from medllm.data.prepare.split import place_of
from medllm.data.progress import Progress, no_progress
from medllm.data.shingles import answer_of, question_of
from medllm.records import SftRecord

SAMPLE = 2000
"""Findings are read in so many records at most: some milliseconds each."""
N_TOPICS = 40
KINDS = ("disorder", "symptom", "medication", "procedure")


def describe_topics(
    records: Sequence[SftRecord], *, progress: Progress = no_progress
) -> dict[str, Any]:
    """Give the commonest clinical concepts of a sample: in how many records each is named."""
    chosen = sample_of(records)
    counts: dict[str, Counter[str]] = {kind: Counter() for kind in KINDS}
    n_without = 0
    for number, at in enumerate(chosen):
        if number % 20 == 0:
            progress("reading findings", number, len(chosen))
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


def sample_of(records: Sequence[SftRecord], most: int = SAMPLE) -> np.ndarray[Any, Any]:
    """Give the places of a sample of the records, the same in every run."""
    if len(records) <= most:
        return np.arange(len(records))
    places = np.array([place_of(f"sample {at}", "statistics") for at in range(len(records))])
    return np.sort(np.argsort(places, kind="stable")[:most])

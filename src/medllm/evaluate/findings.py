"""Findings against expert annotation: entities, polarity, results, with bootstrap intervals."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import numpy as np

from medllm.clinical.findings import find_findings
from medllm.errors import DataError
from medllm.records import Finding

ENTITY_KINDS = frozenset({"symptom", "disorder"})
RESULT_KINDS = frozenset({"vital", "result"})
N_RESAMPLES = 2000

Note = TypeVar("Note")


class Span(NamedTuple):
    """Character offsets, end not included."""

    start: int
    end: int


class Event(NamedTuple):
    """An annotated event and whether its polarity is negative."""

    start: int
    end: int
    is_negated: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class AnnotatedNote:
    """A text with what experts marked in it."""

    id: str
    text: str
    entities: tuple[Span, ...]
    results: tuple[Span, ...]
    events: tuple[Event, ...]


class Counts(NamedTuple):
    """Found rightly, of so many found, and of so many that are there.

    `covered` counts what is there and was met: for one-to-one scores it equals `right`.
    """

    right: int
    found: int
    covered: int
    there: int


@dataclass(frozen=True, slots=True, kw_only=True)
class FindingsScore:
    """Precision, recall and F1 with the 95 % interval of F1 over resampled documents."""

    name: str
    precision: float | None
    recall: float | None
    f1: float | None
    low: float | None
    high: float | None
    n_there: int
    n_found: int
    n_documents: int


def read_annotated(path: Path) -> list[AnnotatedNote]:
    """Give the annotated notes of a JSON Lines file; raise `DataError` naming file and line."""
    return read_notes(path, _read_note)


def read_notes(path: Path, read: Callable[[Path, int, str], Note]) -> list[Note]:
    """Give what `read` makes of each line, told file and line number; an empty line is passed over.

    Raises `DataError` for a file that cannot be read or holds no note.
    """
    try:
        with path.open(encoding="utf-8") as handle:
            notes = [read(path, n, line) for n, line in enumerate(handle, start=1) if line.strip()]
    except (OSError, UnicodeDecodeError) as exc:
        raise DataError(f"{path} cannot be read", hint="name a JSON Lines file") from exc
    if not notes:
        raise DataError(f"{path} holds no annotated note")
    return notes


def _read_note(path: Path, number: int, line: str) -> AnnotatedNote:
    try:
        row = json.loads(line)
        text = row["text"]
        if not isinstance(text, str):
            raise TypeError("the text is no string")
        return AnnotatedNote(
            id=str(row.get("id", number)),
            text=text,
            entities=_spans(row.get("clinical_entities", ()), text),
            results=_spans(row.get("results", ()), text),
            events=tuple(
                Event(e["start"], e["end"], e["polarity"] == "NEG") for e in row.get("events", ())
            ),
        )
    except (ValueError, KeyError, TypeError, AttributeError) as exc:
        raise DataError(
            f"{path} line {number} is not an annotated note",
            hint="each line: text, clinical_entities, results, events, with start and end",
        ) from exc


def _spans(rows: Iterable[dict[str, Any]], text: str) -> tuple[Span, ...]:
    spans = sorted({Span(row["start"], row["end"]) for row in rows})
    if any(not 0 <= span.start < span.end <= len(text) for span in spans):
        raise ValueError("an offset lies outside the text")
    return tuple(spans)


def evaluate_findings(
    path: Path,
    *,
    reader: Callable[[str], Sequence[Finding]] = find_findings,
    seed: int = 7,
) -> list[FindingsScore]:
    """Give the scores of `reader` on an annotated file, the entities first.

    Entities are compared with findings of the kinds symptom and disorder, results with vital
    signs and results. "overlapping": a finding is right where it shares a character with an
    annotation, an annotation is met where it shares one with a finding. "one to one" lets each
    annotation be met once. "exact": the same offsets. "polarity": of the annotated events that
    lie within a finding, the negated ones, by the finding's `negated`.
    """
    notes = read_annotated(path)
    rows: dict[str, list[Counts]] = {}
    for note in notes:
        for name, counts in _count_note(note, reader(note.text)).items():
            rows.setdefault(name, []).append(counts)
    return [_score(name, counts, seed) for name, counts in rows.items()]


def _count_note(note: AnnotatedNote, findings: Sequence[Finding]) -> dict[str, Counts]:
    entities = sorted({Span(f.start, f.end) for f in findings if f.kind in ENTITY_KINDS})
    results = sorted({Span(f.start, f.end) for f in findings if f.kind in RESULT_KINDS})
    return {
        "entities, overlapping": count_overlapping(entities, note.entities),
        "entities, overlapping one to one": count_one_to_one(entities, note.entities),
        "entities, exact": count_exact(entities, note.entities),
        "polarity, negated": count_polarity(findings, note.events),
        "results, overlapping": count_overlapping(results, note.results),
        "results, overlapping one to one": count_one_to_one(results, note.results),
    }


def count_overlapping(found: Sequence[Span], there: Sequence[Span]) -> Counts:
    """Count the spans that share a character with one of the other side."""
    right = sum(any(_overlap(f, t) for t in there) for f in found)
    covered = sum(any(_overlap(f, t) for f in found) for t in there)
    return Counts(right, len(found), covered, len(there))


def count_one_to_one(found: Sequence[Span], there: Sequence[Span]) -> Counts:
    """Count pairs of overlapping spans, each span in one pair at most, from left to right."""
    free = list(there)
    right = 0
    for span in found:
        match = next((t for t in free if _overlap(span, t)), None)
        if match is not None:
            free.remove(match)
            right += 1
    return Counts(right, len(found), right, len(there))


def count_exact(found: Sequence[Span], there: Sequence[Span]) -> Counts:
    """Count the spans with equal offsets."""
    right = len(set(found) & set(there))
    return Counts(right, len(found), right, len(there))


def count_polarity(findings: Sequence[Finding], events: Sequence[Event]) -> Counts:
    """Count the negated among the events that lie within a finding (the shortest that does)."""
    right = found = there = 0
    clinical = [f for f in findings if f.kind not in ("age", "sex", "pregnancy")]
    for event in events:
        around = [f for f in clinical if f.start <= event.start and event.end <= f.end]
        if around:
            said = min(around, key=lambda f: f.end - f.start).negated
            right += said and event.is_negated
            found += said
            there += event.is_negated
    return Counts(right, found, right, there)


def _overlap(one: Span, other: Span) -> bool:
    return one.start < other.end and other.start < one.end


def _score(name: str, rows: Sequence[Counts], seed: int) -> FindingsScore:
    table = np.array(rows, dtype=np.float64)
    precision, recall, f1 = _f1(table.sum(axis=0))
    drawn = np.random.default_rng(seed).integers(0, len(rows), size=(N_RESAMPLES, len(rows)))
    resampled = [_f1(table[draw].sum(axis=0))[2] for draw in drawn]
    values = [value for value in resampled if value is not None]
    low, high = np.quantile(values, [0.025, 0.975]) if values else (None, None)
    return FindingsScore(
        name=name,
        precision=precision,
        recall=recall,
        f1=f1,
        low=None if low is None else float(low),
        high=None if high is None else float(high),
        n_there=int(table[:, 3].sum()),
        n_found=int(table[:, 1].sum()),
        n_documents=len(rows),
    )


def _f1(
    counts: np.ndarray[Any, np.dtype[np.float64]],
) -> tuple[float | None, float | None, float | None]:
    """Give precision, recall and F1; `None` where there is nothing to divide by."""
    right, found, covered, there = (float(count) for count in counts)
    precision = right / found if found else None
    recall = covered / there if there else None
    if precision is None or recall is None:
        return precision, recall, None
    total = precision + recall
    return precision, recall, 2 * precision * recall / total if total else 0.0

"""De-identification measured: recall per category with intervals, and clinical words destroyed."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import NormalDist
from typing import NamedTuple

from medllm.clinical.deidentify.deidentifier import Identifier, find_identifiers
from medllm.clinical.deidentify.vocabulary import vocabulary
from medllm.clinical.findings import find_findings
from medllm.errors import DataError
from medllm.evaluate.findings import read_notes

Finder = Callable[[str], Sequence[Identifier]]
_WORD = re.compile(r"[^\W\d_]{2,}")
_NOT_CLINICAL_KINDS = frozenset({"age", "sex", "pregnancy"})


class Mark(NamedTuple):
    """An identifier that is known to stand at an exact place of a text."""

    category: str
    start: int
    end: int
    detail: str = ""
    """How it is written: a form such as "%d/%m/%Y"; "age" for an age over 89."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MarkedNote:
    """A text whose identifiers are all marked."""

    id: str
    text: str
    marks: tuple[Mark, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class CategoryRecall:
    """How many identifiers of a category were removed whole, with Wilson's 95 % interval."""

    category: str
    n: int
    n_removed: int
    recall: float
    low: float
    high: float
    n_labelled_right: int
    """Of those removed, how many under their own category."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeidentificationScore:
    """Recall by category, the worst first, and what was removed without being marked."""

    categories: tuple[CategoryRecall, ...]
    overall: CategoryRecall
    n_notes: int
    n_unmarked: int
    """Identifiers found that touch no mark."""


@dataclass(slots=True)
class Destroyed:
    """What was taken from texts beside their identifiers; marked words are left out."""

    n_words: int = 0
    n_replaced: int = 0
    n_clinical: int = 0
    """Words that the lexicon calls clinical."""
    n_clinical_replaced: int = 0
    n_findings: int = 0
    n_findings_touched: int = 0


def wilson_interval(n_right: int, n: int, *, level: float = 0.95) -> tuple[float, float]:
    """Give Wilson's score interval of a share; raise `ValueError` without trials."""
    if n < 1 or not 0 <= n_right <= n:
        raise ValueError("needs 0 <= n_right <= n and n of at least 1")
    z = NormalDist().inv_cdf(0.5 + level / 2)
    share = n_right / n
    centre = share + z * z / (2 * n)
    reach = z * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    scale = 1 + z * z / n
    return max(0.0, (centre - reach) / scale), min(1.0, (centre + reach) / scale)


def read_marked(path: Path) -> list[MarkedNote]:
    """Give the notes of a JSON Lines file: {"id", "text", "identifiers": [{category, start, end}]}.

    Raises `DataError` naming file and line where a line is none or an offset lies outside its text.
    """
    return read_notes(path, _read_note)


def _read_note(path: Path, number: int, line: str) -> MarkedNote:
    try:
        row = json.loads(line)
        text = row["text"]
        marks = tuple(
            Mark(str(m["category"]), int(m["start"]), int(m["end"]), str(m.get("detail", "")))
            for m in row["identifiers"]
        )
        if any(not 0 <= mark.start < mark.end <= len(text) for mark in marks):
            raise ValueError("an offset lies outside the text")
        return MarkedNote(id=str(row.get("id", number)), text=text, marks=marks)
    except (ValueError, KeyError, TypeError, AttributeError) as exc:
        raise DataError(
            f"{path} line {number} is not a note with marked identifiers",
            hint="each line: id, text, identifiers with category, start and end",
        ) from exc


def evaluate_deidentification(
    notes: Iterable[MarkedNote], *, finder: Finder = find_identifiers
) -> DeidentificationScore:
    """Give recall per category: an identifier counts as removed when no letter or digit is left.

    Ages over 89, which HIPAA counts among dates, have a row of their own.
    """
    removed: dict[str, list[tuple[bool, bool]]] = {}
    n_notes = n_unmarked = 0
    for note in notes:
        n_notes += 1
        found = finder(note.text)
        for mark in note.marks:
            name = "date: age over 89" if mark.detail == "age" else mark.category
            removed.setdefault(name, []).append(_judge(note.text, mark, found))
        n_unmarked += sum(
            not any(f.start < mark.end and mark.start < f.end for mark in note.marks) for f in found
        )
    if not removed:
        raise DataError("no note has a marked identifier", hint="see read_marked for the format")
    rows = [_recall(name, judged) for name, judged in removed.items()]
    return DeidentificationScore(
        categories=tuple(sorted(rows, key=lambda row: (row.recall, row.category))),
        overall=_recall("all", [judged for row in removed.values() for judged in row]),
        n_notes=n_notes,
        n_unmarked=n_unmarked,
    )


def _judge(text: str, mark: Mark, found: Sequence[Identifier]) -> tuple[bool, bool]:
    """Say whether an identifier was removed whole, and under its own category."""
    over = [f for f in found if f.start < mark.end and mark.start < f.end]
    removed = all(
        not text[at].isalnum() or any(f.start <= at < f.end for f in over)
        for at in range(mark.start, mark.end)
    )
    return removed, removed and any(f.category == mark.category for f in over)


def _recall(name: str, judged: Sequence[tuple[bool, bool]]) -> CategoryRecall:
    n_removed = sum(removed for removed, _ in judged)
    low, high = wilson_interval(n_removed, len(judged))
    return CategoryRecall(
        category=name,
        n=len(judged),
        n_removed=n_removed,
        recall=n_removed / len(judged),
        low=low,
        high=high,
        n_labelled_right=sum(right for _, right in judged),
    )


def count_destroyed(notes: Iterable[MarkedNote], *, finder: Finder = find_identifiers) -> Destroyed:
    """Count the clinical words and findings outside the marks that de-identification replaces.

    A word is clinical when the lexicon has it; a finding is touched when a replaced span overlaps
    it. Of texts without marks what is rightly replaced, a date or a town, counts as a word, too,
    but is no clinical one.
    """
    total = Destroyed()
    for note in notes:
        marked, replaced = _mask(note.text, note.marks), _mask(note.text, finder(note.text))
        for match in _WORD.finditer(note.text):
            if marked[match.start()]:
                continue
            clinical = match.group().lower() in vocabulary().clinical
            gone = bool(replaced[match.start()])
            total.n_words += 1
            total.n_replaced += gone
            total.n_clinical += clinical
            total.n_clinical_replaced += clinical and gone
        for finding in find_findings(note.text):
            span = slice(finding.start, finding.end)
            if finding.kind not in _NOT_CLINICAL_KINDS and not any(marked[span]):
                total.n_findings += 1
                total.n_findings_touched += any(replaced[span])
    return total


def _mask(text: str, spans: Iterable[Mark | Identifier]) -> bytearray:
    mask = bytearray(len(text))
    for span in spans:
        mask[span.start : span.end] = b"\1" * (span.end - span.start)
    return mask

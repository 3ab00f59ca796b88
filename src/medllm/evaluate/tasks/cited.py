"""Cited summaries: what holds, what contradicts, what is covered, and whether silence was right.

The verdicts are those of `medllm.ask.check`, which compares words, numbers and negation with each
source. They say whether a sentence is borne by what it cites, not whether it is wise.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import mean

from medllm.ask.check.verify import HELD, verify
from medllm.ask.road import Road, ask
from medllm.data.fields import parse_object
from medllm.data.reading import BadInputError, Reading
from medllm.data.streams import read_lines
from medllm.errors import DataError
from medllm.evaluate.measured import Measured, compare_all
from medllm.evaluate.paired.compare import Comparison, correct
from medllm.evaluate.statistics import Interval
from medllm.records import Answer, Note
from medllm.retrieve import words

CONTRADICTING = frozenset({"negation differs", "number not in source"})
DEFINITIONS = {
    "support": "the share of sentences that a cited source bears",
    "contradiction": "the share of sentences whose number or negation differs from the source",
    "citation recall": "the share of sentences that all of their sources together bear",
    "citation precision": "the share of citations whose source alone bears the sentence",
    "coverage": "the share of the patient's own findings that a sentence that holds names",
    "answered": "1 where a summary was written",
    "abstention": "1 where it was silent without evidence or wrote with it",
}
LESS_IS_BETTER = frozenset({"contradiction"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A note, and whether the index is known to hold evidence for it; None where nobody said."""

    note: Note
    has_evidence: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SummaryScores:
    """Scores of systems by note, with comparisons to the first system."""

    measures: list[Measured]
    means: dict[str, dict[str, Interval]]
    comparisons: list[Comparison]
    n_notes: int
    n_other_evidence: int
    """Notes for which the systems did not get the same evidence; their pairs are left out."""


def read_cases(path: Path) -> list[Case]:
    """Read notes from JSON Lines: "id", "text", and if known "has_evidence"."""
    cases: list[Case] = []
    hint = 'each line must be an object with "id" and "text"'
    try:
        for line in read_lines(path, Reading()):
            if line.fault:
                raise BadInputError(line.fault)
            if not line.text.strip():
                continue
            row = parse_object(line.text)
            text, known = row.get("text"), row.get("has_evidence")
            if not isinstance(text, str) or not text.strip():
                raise DataError(f"{path}, line {line.number}: has no text", hint=hint)
            note = Note(id=str(row.get("id", line.number)), text=text)
            cases.append(Case(note=note, has_evidence=known if isinstance(known, bool) else None))
    except BadInputError as exc:
        raise DataError(f"cannot read {path}: {exc}", hint=hint) from exc
    if not cases:
        raise DataError(f"{path} holds no note", hint=hint)
    return cases


def score_answer(answer: Answer, has_evidence: bool | None) -> dict[str, float]:
    """Give the scores of one summary; those that have no meaning for it are absent."""
    claims = answer.summary.claims
    scores = {"answered": float(bool(claims))}
    if has_evidence is not None:
        scores["abstention"] = float(bool(claims) == has_evidence)
    if not claims:
        return scores
    scores["support"] = mean(claim.verdict in HELD for claim in claims)
    scores["contradiction"] = mean(claim.verdict in CONTRADICTING for claim in claims)
    recalled, precise = [], []
    for claim in claims:
        numbers = list(dict.fromkeys(citation.number for citation in claim.citations))
        recalled.append(bool(numbers) and claim.verdict in HELD)
        precise += [
            verify(claim.text, [number], answer.evidence).verdict in HELD for number in numbers
        ]
    scores["citation recall"] = mean(recalled)
    if precise:
        scores["citation precision"] = mean(precise)
    if (covered := coverage(answer)) is not None:
        scores["coverage"] = covered
    return scores


def coverage(answer: Answer) -> float | None:
    """Give the share of the patient's own symptoms and disorders that a sound sentence names."""
    own = {
        finding.normalised: (finding.text, finding.normalised)
        for finding in answer.findings
        if finding.is_own and finding.kind in ("symptom", "disorder")
    }
    if not own:
        return None
    held = [claim.text for claim in answer.summary.claims if claim.verdict in HELD]
    said = set(words.count_terms("\n".join(held)))
    named = [
        any((terms := set(words.count_terms(form))) and terms <= said for form in forms)
        for forms in own.values()
    ]
    return mean(named)


def compare_summaries(
    roads: Mapping[str, Road],
    cases: Sequence[Case],
    *,
    seed: int = 0,
    progress: Callable[[int], None] = lambda n_done: None,
) -> SummaryScores:
    """Let each system summarise each note and compare them with the first, paired by patient.

    All get the same index and settings, hence the same evidence; where that differs all the same,
    the note is left out of every measure and counted.
    """
    scores: dict[str, dict[str, dict[str, float]]] = {
        name: {system: {} for system in roads} for name in DEFINITIONS
    }
    n_other = 0
    for at, case in enumerate(cases, start=1):
        answers = {system: ask(road, case.note) for system, road in roads.items()}
        bases = {json.dumps([_place(hit) for hit in a.evidence]) for a in answers.values()}
        if len(bases) > 1:
            n_other += 1
        else:
            for system, answer in answers.items():
                for name, value in score_answer(answer, case.has_evidence).items():
                    scores[name][system][f"note {at}"] = value
        progress(at)
    measures = [
        Measured(
            name=name,
            track="task",
            definition=definition,
            scores=scores[name],
            higher_is_better=name not in LESS_IS_BETTER,
        )
        for name, definition in DEFINITIONS.items()
        if any(scores[name].values())
    ]
    tested = [replace(m, is_tested=m.name != "answered") for m in measures]
    first = next(iter(roads))
    return SummaryScores(
        measures=tested,
        means={measure.name: measure.means(seed=seed) for measure in tested},
        comparisons=correct(compare_all(tested, baseline=first, seed=seed)),
        n_notes=len(cases),
        n_other_evidence=n_other,
    )


def _place(hit: object) -> tuple[str, int, int]:
    passage = hit.passage  # type: ignore[attr-defined]
    return (passage.document_id, passage.start, passage.end)

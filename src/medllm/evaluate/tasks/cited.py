"""Cited summaries: what holds, what contradicts, what is covered, and whether silence was right.

The verdicts are those of `medllm.ask.check`, which compares words, numbers and negation with each
source. They say whether a sentence is borne by what it cites, not whether it is wise.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import mean
from typing import NamedTuple

from medllm.ask.check.verify import HELD, verify
from medllm.ask.road import Road, ask
from medllm.data.asking import Failures
from medllm.data.fields import parse_object
from medllm.data.reading import BadInputError, Reading
from medllm.data.streams import read_lines
from medllm.errors import DataError, ModelError
from medllm.evaluate.ledger import Ledger
from medllm.evaluate.measured import Measured, compare_all
from medllm.evaluate.paired.compare import Comparison, correct
from medllm.evaluate.statistics import Interval
from medllm.files import sha256_text
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
    n_failed: dict[str, int]
    """System -> notes for which its model gave nothing; they have no score."""


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
    ledger: Ledger | None = None,
    made_with: str = "",
    progress: Callable[[int], None] = lambda n_done: None,
) -> SummaryScores:
    """Let each system summarise each note and compare them with the first, paired by patient.

    All get the same index and settings, hence the same evidence; where that differs all the same,
    the note is left out of every measure and counted. A summary that failed has no score: to be
    silent because the model did not answer is not to abstain. `ModelError` is raised where the
    first, or several in a row, fail. A `ledger` keeps scores as they come, without any text: what
    it holds of the same notes, made with the same, is not summarised again.
    """
    scores: dict[str, dict[str, dict[str, float]]] = {
        name: {system: {} for system in roads} for name in DEFINITIONS
    }
    summariser = _Summariser(roads, ledger, made_with, progress)
    n_other = 0
    for at, case in enumerate(cases, start=1):
        found = {system: summariser.score(system, case, at) for system in roads}
        if len({evidence for evidence, _ in found.values()}) > 1:
            n_other += 1
            continue
        for system, (_, values) in found.items():
            for name, value in (values or {}).items():
                scores[name][system][f"note {at}"] = value
    measures = [
        Measured(
            name=name,
            track="task",
            definition=definition,
            scores=scores[name],
            higher_is_better=name not in LESS_IS_BETTER,
            is_tested=name != "answered",
        )
        for name, definition in DEFINITIONS.items()
        if any(scores[name].values())
    ]
    return SummaryScores(
        measures=measures,
        means={measure.name: measure.means(seed=seed) for measure in measures},
        comparisons=correct(compare_all(measures, baseline=next(iter(roads)), seed=seed)),
        n_notes=len(cases),
        n_other_evidence=n_other,
        n_failed=summariser.n_failed,
    )


class _Scored(NamedTuple):
    evidence: str
    """The digest of what the summary could cite."""
    scores: dict[str, float] | None
    """None where the model did not answer."""


class _Summariser:
    """Summarises notes and scores them, each once."""

    def __init__(
        self,
        roads: Mapping[str, Road],
        ledger: Ledger | None,
        made_with: str,
        progress: Callable[[int], None],
    ) -> None:
        self.n_failed = dict.fromkeys(roads, 0)
        self._roads = roads
        self._ledger = ledger
        self._made_with = made_with
        self._progress = progress
        self._n_done = 0
        self._failures = {system: Failures() for system in roads}

    def score(self, system: str, case: Case, at: int) -> _Scored:
        """Give the scores of the summary of note number `at`, out of the ledger if it is there."""
        key = f"{system}|{at}"
        digest = sha256_text(f"{self._made_with}\0{case.has_evidence}\0{case.note.text}")
        kept = self._ledger.entries.get(key, {}) if self._ledger else {}
        if kept.get("digest") == digest:
            found = _Scored(kept["evidence"], kept["scores"])
        else:
            found = self._summarise(system, case)
            if self._ledger and found.scores is not None:  # what failed is asked again
                self._ledger.add({"key": key, "digest": digest, **found._asdict()})
        self._n_done += 1
        self._progress(self._n_done)
        return found

    def _summarise(self, system: str, case: Case) -> _Scored:
        answer = ask(self._roads[system], case.note)
        evidence = sha256_text(json.dumps([_place(hit) for hit in answer.evidence]))
        summary = answer.summary
        if not summary.incomplete or summary.claims:
            self._failures[system].clear()
            return _Scored(evidence, score_answer(answer, case.has_evidence))
        self.n_failed[system] += 1
        goes_on = "; then the same command goes on where it stopped" if self._ledger else ""
        hint = f"{summary.hint}{goes_on}".lstrip("; ")
        self._failures[system].add(ModelError(f"{system}: {summary.incomplete}", hint=hint))
        return _Scored(evidence, None)


def _place(hit: object) -> tuple[str, int, int]:
    passage = hit.passage  # type: ignore[attr-defined]
    return (passage.document_id, passage.start, passage.end)

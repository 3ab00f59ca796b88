"""The road from a patient description to a cited summary, step by step."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from medllm import __version__
from medllm.ask import prompts
from medllm.ask.evidence import choose_evidence, not_found
from medllm.ask.extractive import write_extractive
from medllm.ask.generate import Written, write_with_model
from medllm.clinical.findings import find_findings
from medllm.config import AskConfig
from medllm.models.chat import Model
from medllm.records import Answer, Claim, DocumentKind, Finding, Hit, Note, Summary
from medllm.retrieve.encoders import Encoder
from medllm.retrieve.index import Filter, Index
from medllm.retrieve.note_search import NoteQuery, read_query, search_note, weigh_query
from medllm.retrieve.relevance import Relevance
from medllm.retrieve.search import Mode

LIMITS = [
    "It shows what the indexed literature reports, not what should be done.",
    "Only what is in the index was searched, and only what is shown was read.",
    "Findings are read by rules, which can miss or misread what the note says; what they miss was "
    "not searched for by name.",
    "The check of each sentence compares words, numbers and negation with its source. It does not "
    "judge whether the source was understood, is right, or fits this patient.",
    "A similar published patient is one report, chosen by likeness, not evidence of effect.",
    "Not for emergencies.",
]
"""What holds of every answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Road:
    """What an answer is made with."""

    index: Index
    settings: AskConfig
    mode: Mode = "bm25"
    top: int = 10
    encoder: Encoder | None = None
    model: Model | None = None
    """None writes the summary without a language model."""


@dataclass(frozen=True, slots=True)
class Step:
    """What one step of the road gave, as soon as it is there; the field that is not None."""

    findings: tuple[Finding, ...] | None = None
    patients: tuple[Hit, ...] | None = None
    articles: tuple[Hit, ...] | None = None
    evidence: tuple[Hit, ...] | None = None
    """What the citations of the claims to come count from 1."""
    claim: Claim | None = None
    answer: Answer | None = None


@dataclass(frozen=True, slots=True)
class Review:
    """What a reader made of the findings: those that stand, and places that were misread."""

    findings: tuple[Finding, ...]
    passed_over: tuple[tuple[int, int], ...] = ()
    """Character offsets into the note; their words are not searched for."""


def ask(road: Road, note: Note) -> Answer:
    """Give the whole answer for a note."""
    for step in walk(road, note):
        if step.answer:
            return step.answer
    raise AssertionError("the road ends with an answer")


def walk(road: Road, note: Note, *, review: Review | None = None) -> Iterator[Step]:
    """Give the answer step by step: findings, hits, evidence, each claim, then all of it.

    With a `review` its findings are taken instead of those that the rules read. Closing the
    iterator stops the model. Retrieval stays when a model fails: the summary then says why it is
    incomplete.
    """
    clock = _Clock()
    findings = tuple(find_findings(note.text)) if review is None else review.findings
    clock.lap("findings_s")
    yield Step(findings=findings)

    query = read_query(_blank(note.text, review.passed_over if review else ()), findings)
    patients = _search(road, query, "patients")
    yield Step(patients=patients)
    articles = _search(road, query, "articles")
    clock.lap("search_s")
    yield Step(articles=articles)

    weights = weigh_query(road.index, query, "articles")
    relevance = Relevance(findings, weights)
    evidence = choose_evidence(
        (patients, Relevance(findings, weigh_query(road.index, query, "patients"))),
        (articles, relevance),
        limits=(road.settings.patients, road.settings.articles),
        threshold=road.settings.threshold,
        passage_words=road.settings.passage_words,
    )
    yield Step(evidence=evidence)
    written = Written()
    if evidence and road.model is None:
        for claim in write_extractive(
            evidence, weights, n_sentences=road.settings.sentences, relevance=relevance
        ):
            written.claims.append(claim)
            yield Step(claim=claim)
    elif evidence and road.model is not None:
        for claim in write_with_model(
            road.model,
            note,
            findings,
            evidence,
            n_sentences=road.settings.sentences,
            max_tokens=road.settings.max_answer_tokens,
            written=written,
        ):
            yield Step(claim=claim)
    clock.lap("summary_s")
    summary = _summary(road, findings, evidence, written)
    yield Step(
        answer=Answer(
            note=note,
            findings=findings,
            patients=patients,
            articles=articles,
            evidence=evidence,
            summary=summary,
            basis=_basis(road, evidence, clock),
        )
    )


def _blank(text: str, spans: Sequence[tuple[int, int]]) -> str:
    """Put spaces in the place of what is passed over, so that offsets still hold."""
    for start, end in spans:
        text = text[:start] + " " * (end - start) + text[end:]
    return text


@dataclass(slots=True)
class _Clock:
    """Seconds since the last lap, by name."""

    times: dict[str, float] = field(default_factory=dict)
    _last: float = field(default_factory=time.perf_counter)

    def lap(self, name: str) -> None:
        now = time.perf_counter()
        self.times[name] = round(now - self._last, 3)
        self._last = now


def _search(road: Road, query: NoteQuery, kind: DocumentKind) -> tuple[Hit, ...]:
    hits = search_note(
        road.index,
        query,
        where=Filter(kind=kind),
        mode=road.mode,
        top=road.top,
        encoder=road.encoder,
    )
    return tuple(hits)


def _summary(
    road: Road, findings: Sequence[Finding], evidence: Sequence[Hit], written: Written
) -> Summary:
    abstained = ""
    if not evidence:
        share = f"{road.settings.threshold:.0%}"
        abstained = f"no document found names {share} or more of what was found in the note"
    elif not written.claims and not written.incomplete:
        abstained = "nothing in the documents found could be put into a sentence with its source"
    return Summary(
        claims=tuple(written.claims),
        model=str(road.model.spec) if road.model else "extractive",
        prompt=prompts.SUMMARY if road.model else "",
        abstained=abstained,
        incomplete=written.incomplete,
        hint=written.hint,
        not_found=not_found(findings, evidence) if evidence else (),
    )


def _basis(road: Road, evidence: Sequence[Hit], clock: _Clock) -> dict[str, Any]:
    """Say what the answer rests on, for the reader who asks how it came about."""
    made = road.index.describe()
    return {
        "medllm": __version__,
        "model": str(road.model.spec) if road.model else "extractive (no language model)",
        "prompt": prompts.SUMMARY if road.model else "none",
        "search": road.mode,
        "index_made": made["created"],
        "index_documents": made["documents"],
        "encoder": (made["encoder"] or {}).get("spec", "none"),
        "evidence": len(evidence),
        "threshold": road.settings.threshold,
        "times": clock.times,
        "limits": LIMITS,
    }

"""Records as the API gives them: plain dicts that `shapes` describes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from operator import attrgetter
from typing import Any

from fastapi.responses import Response
from pydantic_core import to_json

from medllm.ask.labels import value_in_words
from medllm.ask.road import Step
from medllm.records import Answer, Claim, Document, Finding, Hit, Summary

Json = dict[str, Any]
_FIELDS = attrgetter(*Finding.__slots__)


def json_response(content: Json | list[Json], status: int = 200) -> Response:
    """Give a response; pydantic writes JSON three times as fast as the standard library."""
    return Response(to_json(content, inf_nan_mode="null"), status, media_type="application/json")


def finding_json(finding: Finding) -> Json:
    """Give a finding."""
    values = _FIELDS(finding)  # in C: a note has dozens, and the event loop waits for them
    return {
        **dict(zip(Finding.__slots__, values, strict=True)),
        "value_text": value_in_words(finding),
    }


def document_json(document: Document) -> Json:
    """Give a document without its text."""
    return {
        "id": document.id,
        "kind": document.kind,
        "title": document.title,
        "year": document.year,
        "source": document.source,
        "url": document.url,
        "licence": document.licence,
        "sex": document.sex,
        "age_years": document.age_years,
        "publication_types": list(document.publication_types),
        "retracted": document.retracted,
    }


def hit_json(hit: Hit) -> Json:
    """Give a hit with its passage."""
    passage = hit.passage
    return {
        "document": document_json(hit.document),
        "passage": {"start": passage.start, "end": passage.end, "text": passage.text},
        "score": hit.score,
        "rank": hit.rank,
        "why": list(hit.why),
    }


def hits_json(hits: Iterable[Hit]) -> list[Json]:
    """Give hits in order."""
    return [hit_json(hit) for hit in hits]


def claim_json(claim: Claim) -> Json:
    """Give a sentence with its citations and its verdict."""
    return {
        "text": claim.text,
        "citations": [
            {"number": c.number, "start": c.start, "end": c.end} for c in claim.citations
        ],
        "verdict": claim.verdict,
        "section": claim.section,
        "reason": claim.reason,
    }


def summary_json(summary: Summary) -> Json:
    """Give a summary."""
    return {
        "claims": [claim_json(claim) for claim in summary.claims],
        "model": summary.model,
        "prompt": summary.prompt,
        "abstained": summary.abstained,
        "incomplete": summary.incomplete,
        "not_found": list(summary.not_found),
    }


def state_of(answer: Answer) -> str:
    """Say in a word what became of an answer."""
    if answer.summary.incomplete:
        return "partial"
    return "complete" if answer.summary.claims else "no evidence"


def answer_json(answer: Answer, **more: Any) -> Json:
    """Give the whole answer."""
    return {
        **more,
        "state": state_of(answer),
        "findings": findings_json(answer.findings),
        "patients": hits_json(answer.patients),
        "articles": hits_json(answer.articles),
        "evidence": hits_json(answer.evidence),
        "summary": summary_json(answer.summary),
        "basis": answer.basis,
    }


def findings_json(findings: Sequence[Finding]) -> list[Json]:
    """Give findings in order."""
    return [finding_json(finding) for finding in findings]


def step_event(step: Step) -> tuple[str, Json] | None:
    """Give a step as an event's name and data; nothing for the last, which is given as a whole."""
    if step.findings is not None:
        return "findings", {"findings": findings_json(step.findings)}
    if step.patients is not None:
        return "patients", {"patients": hits_json(step.patients)}
    if step.articles is not None:
        return "articles", {"articles": hits_json(step.articles)}
    if step.evidence is not None:
        return "evidence", {"evidence": hits_json(step.evidence)}
    return ("claim", {"claim": claim_json(step.claim)}) if step.claim is not None else None

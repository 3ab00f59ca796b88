"""What a summary may rest on: the best documents, each with as much text as is worth reading."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, replace

from medllm.clinical.sentences import split_sentences
from medllm.records import Document, Finding, Hit, Passage
from medllm.retrieve import words
from medllm.retrieve.relevance import Relevance


@dataclass(frozen=True, slots=True, kw_only=True)
class Sentence:
    """A sentence of an evidence document; offsets are into the document's text."""

    number: int
    """Of the evidence, from 1."""
    prior: float
    """The score of its document against the best one of its kind, 0 to 1."""
    start: int
    end: int
    text: str
    terms: frozenset[int]


def choose_evidence(
    *groups: tuple[Sequence[Hit], Relevance],
    limits: Sequence[int],
    threshold: float,
    passage_words: int,
) -> tuple[Hit, ...]:
    """Give the hits that bear enough on the patient, in order, with wider passages.

    A group is hits of one kind with what measures them; `limits` says how many of each group are
    taken at most. A retracted article is no evidence.
    """
    chosen: list[Hit] = []
    for (hits, relevance), limit in zip(groups, limits, strict=True):
        wide = (replace(hit, passage=widen(hit, passage_words)) for hit in hits)
        bearing = (
            hit
            for hit in wide
            if not hit.document.retracted
            and relevance.share(_all_text(hit.document, hit.passage)) >= threshold
        )
        chosen += itertools.islice(bearing, limit)
    return tuple(chosen)


def widen(hit: Hit, max_words: int) -> Passage:
    """Give the hit's passage with the sentences around it, up to `max_words` words.

    A passage that is longer by itself stays as it is, also where it is a part of one long sentence.
    """
    text, passage = hit.document.text, hit.passage
    spans = split_sentences(text)
    inside = [
        at for at, (start, end) in enumerate(spans) if start < passage.end and end > passage.start
    ]
    if not inside:
        return passage
    first, last = inside[0], inside[-1]
    start, end = min(spans[first][0], passage.start), max(spans[last][1], passage.end)
    held = len(text[start:end].split())
    if held > max_words:
        return passage
    lengths = [len(text[begin:stop].split()) for begin, stop in spans]
    while True:
        if last + 1 < len(spans) and held + lengths[last + 1] <= max_words:
            last, held = last + 1, held + lengths[last + 1]
        elif first > 0 and held + lengths[first - 1] <= max_words:
            first, held = first - 1, held + lengths[first - 1]
        else:
            break
    start, end = min(spans[first][0], start), max(spans[last][1], end)
    return Passage(document_id=hit.document.id, start=start, end=end, text=text[start:end])


def evidence_sentences(evidence: Sequence[Hit]) -> list[Sentence]:
    """Give every sentence of the evidence passages, in order."""
    best: dict[str, float] = {}
    for hit in evidence:
        best[hit.document.kind] = max(hit.score, best.get(hit.document.kind, 1e-9))
    return [
        Sentence(
            number=number,
            prior=max(0.0, hit.score / best[hit.document.kind]),
            start=hit.passage.start + start,
            end=hit.passage.start + end,
            text=hit.passage.text[start:end],
            terms=words.terms_of(hit.passage.text[start:end]),
        )
        for number, hit in enumerate(evidence, start=1)
        for start, end in split_sentences(hit.passage.text)
    ]


def not_found(findings: Sequence[Finding], evidence: Sequence[Hit]) -> tuple[str, ...]:
    """Give the patient's own symptoms, signs and disorders that no evidence passage names."""
    held = [words.terms_of(_all_text(hit.document, hit.passage)) for hit in evidence]
    missing: dict[str, str] = {}
    for finding in findings:
        if finding.is_own and finding.kind in ("symptom", "disorder"):
            forms = [words.terms_of(form) for form in (finding.text, finding.normalised)]
            if not any(form and form <= terms for form in forms for terms in held):
                missing.setdefault(finding.normalised, finding.text)
    return tuple(" ".join(text.split()) for text in missing.values())


def _all_text(document: Document, passage: Passage) -> str:
    return f"{document.title}\n{passage.text}"

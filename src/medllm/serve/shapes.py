"""What goes over the wire under /api/v1: requests are checked, answers are described."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from medllm.records import (
    Certainty,
    DocumentKind,
    Experiencer,
    FindingKind,
    Flag,
    Section,
    Sex,
    Temporality,
    Verdict,
)

_MAX_PLACES = 2_000
Offset = Annotated[int, Field(ge=0, le=100_000_000)]
NoteText = Annotated[
    str, Field(examples=["64-year-old woman, day 12 after hip replacement. Breathless. No fever."])
]
DocumentId = Annotated[str, Field(min_length=1, max_length=500)]


class _Request(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class ErrorBody(BaseModel):
    """What every refusal looks like."""

    error: str
    """What is wrong, in one line. Holds nothing of a note or a document."""
    hint: str = ""
    """What to do next."""
    id: str
    """Of the request; the server's log knows it too."""
    fields: list[str] = []
    """Which fields of the request are wrong, without their values."""


class Place(_Request):
    """Where something stands in the note: character offsets, end not included."""

    start: Offset
    end: Offset


class AddedFinding(Place):
    """A finding that the reader missed."""

    kind: FindingKind = "symptom"


class CorrectionsBody(_Request):
    """What a user made of the findings."""

    rejected: list[Place] = Field(default=[], max_length=_MAX_PLACES)
    added: list[AddedFinding] = Field(default=[], max_length=_MAX_PLACES)


class FindingsRequest(_Request):
    """A patient description."""

    note: NoteText


class AskRequest(_Request):
    """A patient description, and corrections to its findings where it is asked again."""

    note: NoteText
    corrections: CorrectionsBody = Field(default_factory=CorrectionsBody)


class SearchRequest(_Request):
    """What to search for, and among which documents."""

    text: NoteText
    kind: DocumentKind | None = None
    top: int = Field(default=10, ge=1, le=100)
    year_from: int | None = Field(default=None, ge=0, le=9999)
    year_to: int | None = Field(default=None, ge=0, le=9999)
    sex: Sex | None = None
    age_from: float | None = Field(default=None, ge=0, le=200)
    age_to: float | None = Field(default=None, ge=0, le=200)


class FindingBody(BaseModel):
    """Something that the note says."""

    text: str
    start: int
    end: int
    kind: FindingKind
    normalised: str
    negated: bool
    experiencer: Experiencer
    temporality: Temporality
    certainty: Certainty
    value: float | None
    unit: str
    flag: Flag
    site: str
    source: str
    value_text: str
    """The value as it is shown: a pair such as 104/68 whole, with its unit."""


class Replaced(BaseModel):
    """An identifier that was replaced: where it stood in the note and what stands there now."""

    category: str
    start: int
    end: int
    replacement: str


class DeidentifyAnswer(BaseModel):
    """A note without the identifiers that were found in it."""

    text: str
    replaced: list[Replaced]


class DocumentBody(BaseModel):
    """A document without its text."""

    id: str
    kind: DocumentKind
    title: str
    year: int | None
    source: str
    url: str
    licence: str
    sex: Sex | None
    age_years: float | None
    publication_types: list[str]
    retracted: bool


class WholeDocumentBody(DocumentBody):
    """A document with its text and headings."""

    text: str
    mesh: list[str]


class PassageBody(BaseModel):
    """A part of a document's text, by character offsets."""

    start: int
    end: int
    text: str


class HitBody(BaseModel):
    """A document that was found, by its best passage."""

    document: DocumentBody
    passage: PassageBody
    score: float
    rank: int
    why: list[str]


class CitationBody(BaseModel):
    """Which evidence, from 1, and which sentence of its document."""

    number: int
    start: int
    end: int


class ClaimBody(BaseModel):
    """One sentence of a summary."""

    text: str
    citations: list[CitationBody]
    verdict: Verdict
    section: Section
    reason: str


class SummaryBody(BaseModel):
    """Claims in reading order; or, in `abstained`, why there are none."""

    claims: list[ClaimBody]
    model: str
    prompt: str
    abstained: str
    incomplete: str
    not_found: list[str]


class FindingsAnswer(BaseModel):
    """What the note says."""

    findings: list[FindingBody]


class SearchAnswer(BaseModel):
    """What was found, by kind; a kind that was not asked for is empty."""

    mode: Literal["bm25", "dense", "hybrid"]
    patients: list[HitBody]
    articles: list[HitBody]


class AskAnswer(BaseModel):
    """The whole answer. `state`: complete, partial (the summary broke off), or no evidence."""

    id: str
    state: Literal["complete", "partial", "no evidence"]
    findings: list[FindingBody]
    patients: list[HitBody]
    articles: list[HitBody]
    evidence: list[HitBody]
    summary: SummaryBody
    basis: dict[str, Any]
    index_version: int
    times: dict[str, float]
    """Seconds: `waited_s` in the queue, `road_s` on the road."""


class AskJobBody(BaseModel):
    """A question that is answered while nobody listens."""

    id: str
    state: Literal["waiting", "running", "done", "failed", "cancelled"]
    place: int
    """In the queue, while it waits."""
    step: Literal["", "findings", "patients", "articles", "evidence", "summary"]
    """The last step that ended."""
    claims: int
    """Sentences so far; some may be asked for once more."""
    answer: str
    """The id of the answer, when it is done: to be read for an hour."""
    error: str
    hint: str


class DocumentRequest(_Request):
    """A document by its id; in the body, since an id may be a record number."""

    id: DocumentId


class DeleteRequest(_Request):
    """Documents to take out of the index without a trace."""

    ids: list[DocumentId] = Field(min_length=1, max_length=10_000)


class LibraryAnswer(BaseModel):
    """What is indexed."""

    documents: dict[str, int]
    passages: int
    retracted: int
    years: dict[str, int]
    created: str
    changed: str
    is_stale: bool
    encoder: str
    index_version: int


class JobBody(BaseModel):
    """A piece of work on the index."""

    id: str
    what: Literal["add", "delete"]
    state: Literal["waiting", "running", "done", "failed", "cancelled"]
    done: int
    """Documents so far."""
    total: int | None
    """Documents in all, where that is known."""
    added: int
    replaced: int
    unchanged: int
    deleted: int
    left_out: int
    problems: list[str]
    """The first of what was left out and why, by line; no content."""
    error: str
    hint: str

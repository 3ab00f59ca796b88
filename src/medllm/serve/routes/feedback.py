"""What users say about answers: stored, taken back, exported."""

from __future__ import annotations

from typing import Literal

from fastapi import APIRouter, Request
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, Field

from medllm.records import Answer
from medllm.serve.answers import json_response
from medllm.serve.door import User
from medllm.serve.feedback import Feedback, FeedbackStore, Rating, as_lines, as_records
from medllm.serve.refusals import RESPONSES, Refused
from medllm.serve.service import Service, service_of, user_of, user_with

router = APIRouter(prefix="/api/v1", tags=["feedback"], responses=RESPONSES)


class FeedbackRequest(BaseModel):
    """A rating of one sentence, or of the whole answer where `claim` is left out."""

    model_config = ConfigDict(extra="forbid", strict=True)

    answer: str = Field(max_length=64)
    """The answer's id."""
    claim: int | None = Field(default=None, ge=1, le=1_000)
    rating: Rating
    comment: str = Field(default="", max_length=4_000)
    with_note: bool = False
    """Whether the note and the summary are stored too: without them no record can be made."""


class FeedbackGiven(BaseModel):
    """Feedback that is on the disk."""

    id: str


class FeedbackCount(BaseModel):
    """How much feedback there is."""

    count: int


@router.post("/feedback", response_model=FeedbackGiven, status_code=201)
async def give(body: FeedbackRequest, request: Request) -> Response:
    """Store feedback; it is on the disk when this answers."""
    service, user = service_of(request), user_of(request)
    store = _store(service)
    answer = service.answers.read(body.answer, user.session)
    if answer is None:
        raise Refused(404, "this answer is no longer kept", hint="ask again")
    if body.claim is not None and body.claim > len(answer.summary.claims):
        raise Refused(422, "the answer has no such sentence")
    await service.record(user.name, "feedback", answer=body.answer)
    feedback_id = await service.in_thread(store.add, _feedback(body, answer, user))
    return json_response({"id": feedback_id}, 201)


def _feedback(body: FeedbackRequest, answer: Answer, user: User) -> Feedback:
    claim = answer.summary.claims[body.claim - 1] if body.claim is not None else None
    numbers = {citation.number for citation in claim.citations} if claim else set()
    passages = [hit.passage.text for n, hit in enumerate(answer.evidence, 1) if n in numbers]
    return Feedback(
        answer=body.answer,
        by=user.name,
        rating=body.rating,
        claim=body.claim,
        comment=body.comment,
        sentence=claim.text if claim else "",
        verdict=claim.verdict if claim else "",
        sources=tuple(passages),
        model=answer.summary.model,
        prompt=answer.summary.prompt,
        note=answer.note.text if body.with_note else "",
        summary=_cited_text(answer) if body.with_note else "",
    )


def _cited_text(answer: Answer) -> str:
    """Give a summary as running text, each sentence with its citations."""
    lines = []
    for claim in answer.summary.claims:
        numbers = dict.fromkeys(citation.number for citation in claim.citations)
        lines.append(f"{claim.text} {''.join(f'[{number}]' for number in numbers)}".strip())
    return "\n".join(lines)


@router.delete("/feedback/{feedback_id}", response_model=FeedbackCount)
async def take_back(feedback_id: str, request: Request) -> Response:
    """Erase feedback."""
    user = user_with(request, "reviewer")
    service = service_of(request)
    store = _store(service)
    await service.record(user.name, "erase feedback", feedback=feedback_id)
    if not await service.in_thread(store.delete, feedback_id):
        raise Refused(404, "there is no such feedback")
    return json_response({"count": await service.in_thread(store.count)})


@router.get("/feedback", response_model=FeedbackCount)
async def count(request: Request) -> Response:
    """Say how much feedback there is."""
    user_of(request)
    service = service_of(request)
    return json_response({"count": await service.in_thread(_store(service).count)})


@router.get(
    "/feedback/export",
    response_class=Response,
    responses={200: {"content": {"application/x-ndjson": {}}}},
)
async def export(request: Request, form: Literal["feedback", "records"] = "feedback") -> Response:
    """Give all feedback as JSON Lines; `records` as what `medllm data review` reads."""
    user = user_with(request, "reviewer", "engineer")
    service = service_of(request)
    await service.record(user.name, "export")
    rows = await service.in_thread(_store(service).read)
    lines = as_records(rows) if form == "records" else as_lines(rows)
    return Response("".join(lines), media_type="application/x-ndjson")


def _store(service: Service) -> FeedbackStore:
    if service.feedback is None:
        raise Refused(409, "feedback is stored nowhere", hint="start the server with --data DIR")
    return service.feedback

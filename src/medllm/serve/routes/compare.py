"""Two models on the same evidence, blind until rated."""

from __future__ import annotations

import secrets
from typing import Literal

from fastapi import APIRouter, Request
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict

from medllm.ask.road import Road
from medllm.records import Answer, Note
from medllm.serve.answers import Json, json_response
from medllm.serve.asking import Corrections
from medllm.serve.comparing import Comparison, blinded, same_evidence
from medllm.serve.door import User
from medllm.serve.events import unless_gone
from medllm.serve.feedback import Feedback, Preference
from medllm.serve.questions import answer_whole, read_question
from medllm.serve.refusals import RESPONSES, Refused
from medllm.serve.service import Service, service_of, user_of
from medllm.serve.shapes import ClaimBody, FindingsRequest, HitBody

router = APIRouter(prefix="/api/v1", tags=["compare"], responses=RESPONSES)

Choice = Literal["left", "right", "both", "neither"]
_PREFERENCES: dict[Choice, tuple[Preference, Preference]] = {
    "left": ("preferred", "not preferred"),
    "right": ("not preferred", "preferred"),
    "both": ("both good", "both good"),
    "neither": ("both bad", "both bad"),
}


class BlindSummary(BaseModel):
    """A summary without its model's name."""

    claims: list[ClaimBody]
    abstained: str
    incomplete: str


class CompareAnswer(BaseModel):
    """Two summaries of the same evidence; which model wrote which is said when they are rated."""

    id: str
    evidence: list[HitBody]
    left: BlindSummary
    right: BlindSummary


class RatingRequest(BaseModel):
    """Which of the two is better."""

    model_config = ConfigDict(extra="forbid", strict=True)

    better: Choice


class Revealed(BaseModel):
    """Which model wrote which."""

    left: str
    right: str
    stored: bool


@router.post("/compare", response_model=CompareAnswer)
async def compare(body: FindingsRequest, request: Request) -> Response:
    """Let both models summarise the same evidence, in an order that is drawn anew each time."""
    service, user = service_of(request), user_of(request)
    if service.other_road is None:
        hint = "start the server with --set serve.compare=MODEL"
        raise Refused(409, "there is no second model to compare with", hint=hint)
    note = read_question(service, body.note)
    await service.record(user.name, "compare", note=note.text)
    return json_response(await unless_gone(request, _both(service, user, note, service.other_road)))


async def _both(service: Service, user: User, note: Note, other: Road) -> Json:
    roads = [service.road, other]
    if secrets.randbelow(2):
        roads.reverse()
    answers: list[Json] = []
    for road in roads:
        ticket = service.room.enter(user.session)
        answers.append(await answer_whole(service, user, note, Corrections(), ticket, road=road))
    left, right = answers
    if not same_evidence(left, right):
        raise Refused(409, "the index was changed meanwhile", hint="compare again")
    comparison = Comparison(left["id"], right["id"], user.session)
    return {
        "id": service.comparisons.keep(comparison),
        "evidence": left["evidence"],
        "left": blinded(left),
        "right": blinded(right),
    }


@router.post("/compare/{comparison_id}/rating", response_model=Revealed)
async def rate(comparison_id: str, body: RatingRequest, request: Request) -> Response:
    """Rate a comparison, once; the answer says which model wrote which."""
    service, user = service_of(request), user_of(request)
    found = service.comparisons.take(comparison_id, user.session)
    if found is None:
        raise Refused(404, "there is no comparison that waits to be rated", hint="compare again")
    await service.record(user.name, "rate", comparison=comparison_id)
    names = []
    pairs = zip((found.left, found.right), _PREFERENCES[body.better], strict=True)
    for answer_id, preference in pairs:
        answer = service.answers.read(answer_id, user.session)
        if answer is None:
            raise Refused(404, "this answer is no longer kept", hint="compare again")
        names.append(answer.summary.model)
        if service.feedback is not None:
            given = _feedback(answer_id, preference, answer, user)
            await service.in_thread(service.feedback.add, given)
    stored = service.feedback is not None
    return json_response({"left": names[0], "right": names[1], "stored": stored})


def _feedback(answer_id: str, preference: Preference, answer: Answer, user: User) -> Feedback:
    return Feedback(
        answer=answer_id,
        by=user.name,
        rating=preference,
        model=answer.summary.model,
        prompt=answer.summary.prompt,
    )

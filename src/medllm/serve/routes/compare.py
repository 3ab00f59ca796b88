"""Two models on the same evidence, blind until rated."""

from __future__ import annotations

import secrets
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Literal

from fastapi import APIRouter, Request
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict

from medllm.ask.road import Road
from medllm.records import Answer, Note
from medllm.serve.answers import Json, json_response
from medllm.serve.asking import Corrections
from medllm.serve.comparing import Comparison, blinded, same_evidence, side_by_side
from medllm.serve.door import User
from medllm.serve.events import framed, stream, unless_gone, wants_events
from medllm.serve.feedback import Feedback, Preference
from medllm.serve.questions import answer_events, begun, read_question
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


_EVENTS = (
    "Both summaries as JSON; with `Accept: text/event-stream` as events: `evidence`, `claims` with "
    "a sentence of each side when both have it, then `done` with both or `failed` with an error."
)


@router.post(
    "/compare",
    response_model=CompareAnswer,
    description=_EVENTS,
    responses={200: {"content": {"text/event-stream": {}}}},
)
async def compare(body: FindingsRequest, request: Request) -> Response:
    """Let both models summarise the same evidence, in an order that is drawn anew each time."""
    service, user = service_of(request), user_of(request)
    if service.other_road is None:
        hint = "start the server with --set serve.compare=MODEL"
        raise Refused(409, "there is no second model to compare with", hint=hint)
    note = read_question(service, body.note)
    await service.record(user.name, "compare", note=note.text)
    events = await begun(_both(service, user, note, service.other_road))
    if wants_events(request):
        return stream(framed(events, request.scope["medllm.id"]))
    return json_response(await unless_gone(request, _last(events)))


async def _last(events: AsyncGenerator[tuple[str, Json], None]) -> Json:
    data: Json = {}
    async with aclosing(events):
        async for _, latest in events:
            data = latest
    return data


async def _both(
    service: Service, user: User, note: Note, other: Road
) -> AsyncGenerator[tuple[str, Json], None]:
    """Give the events of a comparison; each side waits for its own turn in the queue."""
    roads = [service.road, other]
    if secrets.randbelow(2):
        roads.reverse()
    left, right = (answer_events(service, user, note, Corrections(), road=road) for road in roads)
    async with aclosing(left), aclosing(right), aclosing(side_by_side(left, right)) as events:
        await begun(left)
        await begun(right)
        yield "entered", {}
        async for name, data in events:
            if name != "answers":
                yield name, data
                continue
            if not same_evidence(data["left"], data["right"]):
                raise Refused(409, "the index was changed meanwhile", hint="compare again")
            yield "done", _blind(service, user, data["left"], data["right"])


def _blind(service: Service, user: User, left: Json, right: Json) -> Json:
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

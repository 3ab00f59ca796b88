"""CDS Hooks for records systems: what there is, cards, and what became of them."""

from __future__ import annotations

import uuid
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Request
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, Field

from medllm.errors import DataError
from medllm.serve.answers import json_response
from medllm.serve.cards import SERVICE, cards_for, find_evidence, note_of, services
from medllm.serve.events import unless_gone
from medllm.serve.feedback import Feedback
from medllm.serve.questions import read_question
from medllm.serve.refusals import RESPONSES, Refused
from medllm.serve.service import service_of, user_of
from medllm.serve.shapes import ErrorBody

router = APIRouter(
    prefix="/cds-services",
    tags=["cds-hooks"],
    responses={**RESPONSES, 412: {"model": ErrorBody, "description": "Data are missing."}},
)


ServiceId = Annotated[str, Path(json_schema_extra={"enum": [SERVICE]})]


class Context(BaseModel):
    """Whose record is open. Nothing of it is used or kept but what the prefetch holds."""

    model_config = ConfigDict(extra="allow")

    patientId: str = Field(max_length=200)
    userId: str = Field(default="", max_length=200)


class HookRequest(BaseModel):
    """A call of the hook; addresses and keys of FHIR servers are taken and left aside."""

    model_config = ConfigDict(extra="allow")

    hook: Literal["patient-view"]
    hookInstance: uuid.UUID
    context: Context
    prefetch: dict[str, Any] | None = None


class Outcome(BaseModel):
    """What became of a card."""

    model_config = ConfigDict(extra="allow")

    card: str = Field(max_length=64)
    outcome: Literal["accepted", "overridden"]
    overrideReason: dict[str, Any] | None = None


class Outcomes(BaseModel):
    """What became of cards."""

    feedback: list[Outcome] = Field(min_length=1, max_length=100)


@router.get("", response_model=dict[str, Any])
async def discover(request: Request) -> Response:
    """List the services."""
    user_of(request)
    return json_response(services())


@router.post("/{service_id}", response_model=dict[str, Any])
async def call(service_id: ServiceId, body: HookRequest, request: Request) -> Response:
    """Give a card about the literature for a patient, or none."""
    service, user = service_of(request), user_of(request)
    if service_id != SERVICE:
        raise Refused(404, "there is no such service")
    told = note_of(body.prefetch)
    if told is None or not told.text:
        hint = "send the prefetch: no FHIR server is called"
        raise Refused(412, "the patient's data are missing", hint=hint)
    try:
        note = read_question(service, told.text)
    except DataError:
        return json_response({"cards": []})
    await service.record(user.name, "cds", note=note.text)
    work = service.in_turn(user, lambda: find_evidence(service.road, note, service.index.gate))
    evidence = await unless_gone(request, work)
    return json_response({"cards": cards_for(evidence, page_url=str(request.base_url))})


@router.post("/{service_id}/feedback", response_model=dict[str, Any])
async def feedback(service_id: ServiceId, body: Outcomes, request: Request) -> Response:
    """Store what became of cards."""
    service, user = service_of(request), user_of(request)
    if service_id != SERVICE:
        raise Refused(404, "there is no such service")
    if service.feedback is None:
        raise Refused(409, "feedback is stored nowhere", hint="start the server with --data DIR")
    await service.record(user.name, "cds feedback")
    for one in body.feedback:
        rating: Literal["useful", "not useful"] = (
            "useful" if one.outcome == "accepted" else "not useful"
        )
        given = Feedback(answer=one.card, by=user.name, rating=rating, model="cds-hooks")
        await service.in_thread(service.feedback.add, given)
    return json_response({})

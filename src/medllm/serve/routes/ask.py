"""Findings, search, and the whole road: as JSON, or as events while it is walked."""

from __future__ import annotations

from dataclasses import replace

from fastapi import APIRouter, Request
from fastapi.responses import Response

from medllm.clinical.deidentify.deidentifier import without_identifiers
from medllm.clinical.findings import find_findings
from medllm.records import DocumentKind
from medllm.retrieve.index import Filter
from medllm.retrieve.note_search import read_query, search_note
from medllm.serve.answers import Json, findings_json, hits_json, json_response
from medllm.serve.events import framed, stream, unless_gone, wants_events
from medllm.serve.questions import (
    answer_events,
    answer_whole,
    begun,
    read_corrections,
    read_question,
)
from medllm.serve.refusals import RESPONSES, Refused
from medllm.serve.service import Service, service_of, user_of
from medllm.serve.shapes import (
    AskAnswer,
    AskRequest,
    DeidentifyAnswer,
    FindingsAnswer,
    FindingsRequest,
    SearchAnswer,
    SearchRequest,
)

router = APIRouter(prefix="/api/v1", tags=["ask"], responses=RESPONSES)

_EVENTS = (
    "The whole answer as JSON; with `Accept: text/event-stream` as events: `queued`, `findings`, "
    "`patients`, `articles`, `evidence`, one `claim` a sentence, then `done` with the whole answer "
    "or `failed` with an error."
)


@router.post("/findings", response_model=FindingsAnswer)
async def findings(body: FindingsRequest, request: Request) -> Response:
    """Read what a note says: findings with negation, experiencer, time and value."""
    service, note = service_of(request), read_question(service_of(request), body.note)
    await service.record(user_of(request).name, "findings", note=note.text)

    def work() -> Json:
        return {"findings": findings_json(find_findings(note.text))}

    return json_response(await unless_gone(request, service.in_turn(user_of(request), work)))


@router.post("/deidentify", response_model=DeidentifyAnswer)
async def deidentify(body: FindingsRequest, request: Request) -> Response:
    """Put words in brackets for the identifiers that are found in a note. Rules can miss some."""
    service, note = service_of(request), read_question(service_of(request), body.note)
    await service.record(user_of(request).name, "deidentify", note=note.text)

    def work() -> Json:
        done = without_identifiers(note.text)
        replaced = [
            {"category": i.category, "start": i.start, "end": i.end, "replacement": i.replacement}
            for i in done.identifiers
        ]
        return {"text": done.text, "replaced": replaced}

    return json_response(await unless_gone(request, service.in_turn(user_of(request), work)))


@router.post("/search", response_model=SearchAnswer)
async def search(body: SearchRequest, request: Request) -> Response:
    """Find similar patients and relevant articles for a few words or a whole note."""
    service = service_of(request)
    note = read_question(service, body.text)
    _check_range("year", body.year_from, body.year_to)
    _check_range("age", body.age_from, body.age_to)
    await service.record(user_of(request).name, "search", note=note.text)
    work = unless_gone(
        request, service.in_turn(user_of(request), lambda: _search(service, note.text, body))
    )
    return json_response(await work)


def _search(service: Service, text: str, body: SearchRequest) -> Json:
    road = service.road
    query = read_query(text, find_findings(text))
    where = Filter(
        year_from=body.year_from, year_to=body.year_to, sex=body.sex,
        age_from=body.age_from, age_to=body.age_to,
    )  # fmt: skip
    kinds: tuple[DocumentKind, ...] = ("patients", "articles")
    found: Json = {"mode": road.mode, "patients": [], "articles": []}
    with service.index.gate.reading():
        for kind in kinds if body.kind is None else (body.kind,):
            hits = search_note(
                road.index, query, where=replace(where, kind=kind), mode=road.mode,
                top=body.top, encoder=road.encoder,
            )  # fmt: skip
            found[kind] = hits_json(hits)
    return found


def _check_range(name: str, low: float | None, high: float | None) -> None:
    if low is not None and high is not None and low > high:
        raise Refused(422, f"{name}_from is beyond {name}_to", hint="exchange them")


@router.post(
    "/ask",
    response_model=AskAnswer,
    description=_EVENTS,
    responses={200: {"content": {"text/event-stream": {}}}},
)
async def ask(body: AskRequest, request: Request) -> Response:
    """Ask about a patient."""
    service, user = service_of(request), user_of(request)
    note = read_question(service, body.note)
    corrections = read_corrections(body.corrections)
    await service.record(user.name, "ask", note=note.text)
    if not wants_events(request):
        work = answer_whole(service, user, note, corrections)
        return json_response(await unless_gone(request, work))
    events = await begun(answer_events(service, user, note, corrections))
    return stream(framed(events, request.scope["medllm.id"]))

"""A question as a job, for who cannot hold a line open; and answers that are still kept."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, Response

from medllm.ask.page.render import render_page
from medllm.serve.answers import json_response
from medllm.serve.ask_jobs import OPEN, AskJob
from medllm.serve.kept import KeptAnswer
from medllm.serve.questions import answer_events, begun, read_corrections, read_question
from medllm.serve.refusals import RESPONSES, Refused
from medllm.serve.service import service_of, user_of
from medllm.serve.shapes import AskAnswer, AskJobBody, AskRequest

router = APIRouter(prefix="/api/v1", tags=["ask"], responses=RESPONSES)


@router.post("/ask/jobs", response_model=AskJobBody, status_code=202)
async def ask(body: AskRequest, request: Request) -> Response:
    """Ask about a patient without waiting for the answer; gives a job to look at."""
    service, user = service_of(request), user_of(request)
    note = read_question(service, body.note)
    corrections = read_corrections(body.corrections)
    await service.record(user.name, "ask", note=note.text)
    events = await begun(answer_events(service, user, note, corrections))
    job = await service.ask_jobs.start(events, user.session)
    return json_response(job.describe(), 202)


@router.get("/ask/jobs/{job_id}", response_model=AskJobBody)
async def look(job_id: str, request: Request) -> Response:
    """Say how far a question is; when it is done, `answer` is the id of its answer."""
    return json_response(_find(request, job_id).describe())


@router.post("/ask/jobs/{job_id}/cancel", response_model=AskJobBody)
async def cancel(job_id: str, request: Request) -> Response:
    """Take a question back; a model that was writing is hung up on."""
    job = _find(request, job_id)
    if job.state not in OPEN:
        raise Refused(409, "this job is over")
    await service_of(request).ask_jobs.cancel(job)
    return json_response(job.describe())


def _find(request: Request, job_id: str) -> AskJob:
    job = service_of(request).ask_jobs.find(job_id, user_of(request).session)
    if job is None:
        raise Refused(404, "there is no such job")
    return job


@router.get("/answers/{answer_id}", response_model=AskAnswer)
async def read(answer_id: str, request: Request) -> Response:
    """Give an answer of this session again: for an hour, to nobody else."""
    kept = await _kept(request, answer_id, "read answer")
    return json_response(kept.wire())


@router.get(
    "/answers/{answer_id}/page",
    response_class=Response,
    responses={200: {"content": {"text/html": {}}}},
)
async def page(answer_id: str, request: Request) -> Response:
    """Give an answer of this session as one self-contained page, as `medllm ask --html` does."""
    kept = await _kept(request, answer_id, "page")
    html = await service_of(request).in_thread(render_page, kept.for_page())
    name = f"answer-{answer_id[:8]}.html"
    return HTMLResponse(html, headers={"Content-Disposition": f'attachment; filename="{name}"'})


async def _kept(request: Request, answer_id: str, what: str) -> KeptAnswer:
    """Give a kept answer, when the audit log has that it is read."""
    service, user = service_of(request), user_of(request)
    kept = service.answers.find(answer_id, user.session)
    if kept is None:
        raise Refused(404, "this answer is no longer kept", hint="ask again")
    await service.record(user.name, what, answer=answer_id)
    return kept

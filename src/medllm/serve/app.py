"""The application: the routes, one shape for every error, and the guard around it all."""

from __future__ import annotations

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from starlette.exceptions import HTTPException

from medllm import __version__
from medllm.errors import MedllmError
from medllm.serve.door import TooManyGuesses
from medllm.serve.events import Gone
from medllm.serve.guard import Guard, Limits
from medllm.serve.refusals import Refused, answer_refusal, error_response
from medllm.serve.routes import (
    ask,
    ask_jobs,
    cds,
    compare,
    documents,
    feedback,
    health,
    openai,
    page,
    session,
)
from medllm.serve.service import Service
from medllm.serve.waiting import Busy

_LETTERS_AS_JSON = 6
"""Bytes of a letter in JSON, at most: as \\uXXXX."""
_ROOM_BYTES = 64 * 1024
"""For the rest of a request beside its note."""


def make_app(service: Service, *, hosts: frozenset[str]) -> Guard:
    """Give the application; `hosts` are the Host headers that it answers to."""
    app = FastAPI(
        title="medllm",
        version=__version__,
        summary="From a patient description to findings, literature and a cited summary.",
        openapi_url="/api/v1/openapi.json",
        docs_url=None,  # its page would load scripts from elsewhere
        redoc_url=None,
        # FastAPI's own telemetry records exception messages and bodies: nothing of it is wanted.
        telemetry={"tracing": False, "metrics": False, "logs": False, "auto_configure": False},
        redirect_slashes=False,
    )
    app.state.service = service
    modules = (ask, ask_jobs, cds, compare, documents, feedback, health, openai, page, session)
    for module in modules:
        app.include_router(module.router)
    for kind in (Refused, Busy, TooManyGuesses, MedllmError, RequestValidationError, HTTPException):
        app.add_exception_handler(kind, answer_refusal)
    app.add_exception_handler(Gone, _nobody_listens)
    app.add_exception_handler(Exception, _mistake)
    serve = service.config.serve
    limits = Limits(
        hosts=hosts,
        max_body_bytes=_LETTERS_AS_JSON * service.config.ask.max_note_characters + _ROOM_BYTES,
        max_upload_bytes=serve.max_upload_bytes,
        body_timeout_s=serve.body_timeout_s,
        is_tls=serve.tls_certificate is not None or serve.behind_proxy,
    )
    return Guard(
        app,
        door=service.door,
        limits=limits,
        metrics=service.metrics,
        records_system=service.records_system,
    )


async def _nobody_listens(request: Request, exc: Exception) -> Response:
    return Response(status_code=400)


async def _mistake(request: Request, exc: Exception) -> Response:
    """Answer; the guard logs it, by type and place."""
    refused = Refused(500, "something went wrong", hint="the server's log has the id")
    return error_response(request.url.path, request.scope["medllm.id"], refused)

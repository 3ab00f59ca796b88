"""Is it alive, is it ready, how busy is it."""

from __future__ import annotations

import socket
import time
from typing import Literal
from urllib.parse import urlsplit

from fastapi import APIRouter, Request
from fastapi.responses import Response
from pydantic import BaseModel

from medllm import __version__
from medllm.errors import MedllmError
from medllm.serve.answers import json_response
from medllm.serve.refusals import RESPONSES
from medllm.serve.service import Service, service_of, user_of

router = APIRouter(tags=["health"], responses=RESPONSES)

_MODEL_TIMEOUT_S = 1.0


class Alive(BaseModel):
    """The process answers."""

    status: Literal["ok"]
    version: str


class Part(BaseModel):
    """One thing that the server needs or uses."""

    name: str
    state: Literal["ok", "stale", "down", "off"]
    detail: str


class Ready(BaseModel):
    """Whether questions can be answered, and what of it works."""

    status: Literal["ready", "degraded", "not ready"]
    parts: list[Part]


@router.get("/api/v1/health/live", response_model=Alive)
async def live() -> Response:
    """Say that the process answers."""
    return json_response({"status": "ok", "version": __version__})


@router.get("/api/v1/health/ready", response_model=Ready, responses={503: {"model": Ready}})
async def ready(request: Request) -> Response:
    """Look at each thing that an answer rests on; without a model the search still works."""
    service = service_of(request)
    index = await service.in_thread(_index, service)
    parts = [index, await service.in_thread(_model, service), _feedback(service), _queue(service)]
    status = "ready" if all(p["state"] in ("ok", "off", "stale") for p in parts) else "degraded"
    if index["state"] == "down":
        status = "not ready"
    return json_response({"status": status, "parts": parts}, 503 if status == "not ready" else 200)


def _index(service: Service) -> dict[str, str]:
    try:
        library = service.library()
    except MedllmError as exc:
        return {"name": "index", "state": "down", "detail": type(exc).__name__}
    n = sum(library["documents"].values())
    state = "stale" if library["is_stale"] else "ok"
    return {
        "name": "index",
        "state": state,
        "detail": f"{n:,} documents, added to on {library['changed'][:10]}",
    }


def _model(service: Service) -> dict[str, str]:
    """Knock at the model's server; nothing is sent."""
    model = service.road.model
    if model is None or not model.spec.url:
        return {"name": "model", "state": "ok", "detail": service.model_name().partition(":")[0]}
    parts = urlsplit(model.spec.url)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    try:
        socket.create_connection((parts.hostname, port), timeout=_MODEL_TIMEOUT_S).close()
    except OSError:
        return {"name": "model", "state": "down", "detail": "its server does not answer"}
    return {"name": "model", "state": "ok", "detail": model.spec.kind}


def _feedback(service: Service) -> dict[str, str]:
    if service.feedback is None:
        return {"name": "feedback", "state": "off", "detail": "no place to store it was named"}
    return {"name": "feedback", "state": "ok", "detail": "stored"}


def _queue(service: Service) -> dict[str, str]:
    room = service.room
    detail = f"{room.n_working} at work, {room.n_queued} waiting"
    is_full = room.n_queued >= max(1, service.config.serve.waiting)
    return {"name": "queue", "state": "down" if is_full else "ok", "detail": detail}


@router.get("/metrics", response_class=Response, responses={200: {"content": {"text/plain": {}}}})
async def metrics(request: Request) -> Response:
    """Give counts and times in Prometheus's text format. Nothing of a patient is in them."""
    user_of(request)
    service = service_of(request)
    gauges = {
        "questions_working": service.room.n_working,
        "questions_waiting": service.room.n_queued,
        "uptime_seconds": time.time() - service.started,
        "index_version": service.index.version,
    }
    kind = "text/plain; version=0.0.4; charset=utf-8"
    return Response(service.metrics.text(gauges), media_type=kind)

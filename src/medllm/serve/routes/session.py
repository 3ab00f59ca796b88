"""Signing in and out, and what the page needs to know to begin."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, Field

from medllm import __version__
from medllm.serve.answers import json_response
from medllm.serve.door import COOKIE, SignIn
from medllm.serve.refusals import RESPONSES, Refused
from medllm.serve.service import Service, service_of, user_of

router = APIRouter(prefix="/api/v1", tags=["session"], responses=RESPONSES)


class SignInRequest(BaseModel):
    """The token that `medllm serve` printed; or, with accounts, a name and a password."""

    model_config = ConfigDict(extra="forbid", strict=True)

    token: str = Field(default="", max_length=200)
    name: str = Field(default="", max_length=200)
    password: str = Field(default="", max_length=1_000)


class SessionBody(BaseModel):
    """Who is signed in, and what this server can do."""

    user: str
    role: str
    version: str
    model: str
    has_accounts: bool
    stores_feedback: bool
    can_compare: bool
    idle_lock_s: float
    """After so long at rest the page locks; 0 where there are no accounts."""
    max_note_characters: int
    threshold: float
    index_version: int


def _describe(service: Service, user: str, role: str) -> Response:
    return json_response(
        {
            "user": user,
            "role": role,
            "version": __version__,
            "model": service.model_name(),
            "has_accounts": service.door.has_accounts,
            "stores_feedback": service.feedback is not None,
            "can_compare": service.other_road is not None,
            "idle_lock_s": service.config.serve.idle_lock_s if service.door.has_accounts else 0,
            "max_note_characters": service.config.ask.max_note_characters,
            "threshold": service.config.ask.threshold,
            "index_version": service.index.version,
        }
    )


@router.get("/session", response_model=SessionBody)
async def who(request: Request) -> Response:
    """Say who is signed in."""
    user = user_of(request)
    return _describe(service_of(request), user.name, user.role)


@router.post("/session", response_model=SessionBody)
async def sign_in(body: SignInRequest, request: Request) -> Response:
    """Open a session; its cookie is the page's only, and no script can read it."""
    service = service_of(request)
    shown = SignIn(body.token, body.name, body.password)
    cookie = await service.in_thread(service.door.sign_in, shown)
    if cookie is None:
        await service.record(shown.name or "local", "sign-in refused")
        raise Refused(401, "that does not open anything", hint="look at what the server printed")
    user = service.door.who(bearer="", cookie=cookie)
    if user is None:
        raise Refused(401, "the session is over")
    await service.record(user.name, "sign-in")
    response = _describe(service, user.name, user.role)
    is_tls = service.config.serve.behind_proxy or service.config.serve.tls_certificate is not None
    response.set_cookie(COOKIE, cookie, httponly=True, samesite="strict", secure=is_tls, path="/")
    return response


@router.delete("/session", status_code=204)
async def sign_out(request: Request) -> Response:
    """End the session and forget its answers."""
    user = user_of(request)
    service = service_of(request)
    await service.record(user.name, "sign-out")
    service.door.sign_out(request.scope["medllm.cookie"])
    await service.ask_jobs.forget_session(user.session)
    service.answers.forget_session(user.session)
    response = Response(status_code=204)
    response.delete_cookie(COOKIE, path="/")
    return response

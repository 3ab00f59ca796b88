"""What is refused and how that is said: one shape for every error, in every status."""

from __future__ import annotations

import json
from typing import Any

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from starlette.exceptions import HTTPException

from medllm.errors import (
    DataError,
    MedllmError,
    MissingExtraError,
    ModelError,
    PrivacyError,
)
from medllm.serve.door import TooManyGuesses
from medllm.serve.shapes import ErrorBody
from medllm.serve.waiting import Busy

STATUSES: dict[int, str] = {
    400: "The request is not HTTP, UTF-8 or JSON as it should be.",
    401: "Not signed in.",
    403: "Not allowed: the role, another origin, or another host name.",
    404: "There is no such thing.",
    405: "The address has no such method.",
    408: "The request took too long to arrive.",
    409: "Not in this state.",
    413: "The request is too large.",
    415: "The content is of a type that is not taken here.",
    422: "The request is well formed but cannot be answered.",
    429: "Too many questions at once from this user; `Retry-After` says when to come again.",
    500: "A mistake in medllm; the log has it under the id.",
    503: "Busy or not ready; `Retry-After` says when to come again.",
}
RESPONSES: dict[int | str, dict[str, Any]] = {
    status: {"model": ErrorBody, "description": words} for status, words in STATUSES.items()
}
"""Declared for every route."""

_SAID = {
    400: "the request is not well formed",
    404: "there is no such address",
    405: "this address has no such method",
}


class Refused(Exception):
    """Raised where a request cannot be answered; becomes a response of one shape."""

    def __init__(
        self, status: int, error: str, *, hint: str = "", headers: dict[str, str] | None = None
    ) -> None:
        super().__init__(error)
        self.status = status
        self.error = error
        self.hint = hint
        self.headers = headers or {}


def error_response(
    path: str,
    request_id: str,
    refused: Refused,
    fields: list[str] | None = None,
) -> Response:
    """Give the response; under /v1 in the shape that OpenAI's clients read."""
    body: dict[str, Any]
    if path.startswith("/v1/"):
        message = f"{refused.error} ({refused.hint})" if refused.hint else refused.error
        kind = "server_error" if refused.status >= 500 else "invalid_request_error"
        body = {"error": {"message": message, "type": kind, "param": None, "code": None}}
    else:
        body = ErrorBody(
            error=refused.error, hint=refused.hint, id=request_id, fields=fields or []
        ).model_dump()
    return Response(
        json.dumps(body), refused.status, refused.headers, media_type="application/json"
    )


def as_refused(exc: Exception) -> Refused | None:
    """Give what an exception means to a client; None for a mistake of ours."""
    if isinstance(exc, Refused):
        return exc
    if isinstance(exc, Busy):
        return _busy(exc)
    if isinstance(exc, TooManyGuesses):
        after = {"Retry-After": str(exc.retry_after_s)}
        hint = f"try again in {exc.retry_after_s} s"
        return Refused(429, "too many wrong passwords", hint=hint, headers=after)
    if isinstance(exc, MedllmError):
        return Refused(_status_of(exc), str(exc), hint=exc.hint)
    if isinstance(exc, RequestValidationError):
        return Refused(422, "the request has fields that are missing or wrong")
    if isinstance(exc, HTTPException):
        status = exc.status_code if exc.status_code in STATUSES else 400
        return Refused(status, _SAID.get(status, STATUSES[status].rstrip(".").lower()))
    return None


def _busy(exc: Busy) -> Refused:
    after = {"Retry-After": str(exc.retry_after_s)}
    hint = f"try again in {exc.retry_after_s} s"
    if exc.is_own:
        return Refused(429, "too many of your questions are waiting", hint=hint, headers=after)
    return Refused(503, "the server is busy", hint=hint, headers=after)


def _status_of(exc: MedllmError) -> int:
    if isinstance(exc, PrivacyError):
        return 403
    if isinstance(exc, MissingExtraError | ModelError):
        return 503
    return 422 if isinstance(exc, DataError) else 503


def wrong_fields(exc: Exception) -> list[str]:
    """Name the fields that are wrong, without what they hold; names that are no name are cut."""
    if not isinstance(exc, RequestValidationError):
        return []
    names = (".".join(map(str, error["loc"][:4])) for error in exc.errors()[:20])
    # A key that is not known may itself be patient text.
    return [
        name if error["type"] != "extra_forbidden" else "a key that is not known"
        for name, error in zip(names, exc.errors(), strict=False)
    ]


async def answer_refusal(request: Request, exc: Exception) -> Response:
    """Handle every exception that is raised on purpose."""
    refused = as_refused(exc)
    if refused is None:
        raise exc
    request_id = request.scope.get("medllm.id", "")
    return error_response(request.url.path, request_id, refused, wrong_fields(exc))

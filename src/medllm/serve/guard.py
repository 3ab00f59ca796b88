"""What every request passes: host, origin, sign-in, size, pace, headers, the last handler."""

from __future__ import annotations

import asyncio
import logging
import traceback
import uuid
from dataclasses import dataclass
from http.cookies import CookieError, SimpleCookie
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from medllm.serve.door import COOKIE, Door, way_in
from medllm.serve.metrics import Metrics
from medllm.serve.refusals import Refused, error_response

if TYPE_CHECKING:
    from medllm.serve.records_system import RecordsSystem

log = logging.getLogger(__name__)

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "img-src 'self' data:; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; "
    "require-trusted-types-for 'script'; trusted-types 'none'"
)
HEADERS = {
    "content-security-policy": POLICY,
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cache-control": "no-store",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
}
PAGES = frozenset({"/", "/library", "/compare"})
CDS_SERVICES = "/cds-services"
UPLOADS = frozenset({"/api/v1/documents/add"})
_OPEN = frozenset({"/api/v1/session", "/api/v1/openapi.json"})
_OPEN_BELOW = ("/assets/", "/api/v1/health/")
_SAFE = ("GET", "HEAD")
_LEAST_BYTES_PER_S = 1_000


@dataclass(frozen=True, slots=True)
class Limits:
    """How a request may come."""

    hosts: frozenset[str]
    """Host headers that are this server's own, lower case."""
    max_body_bytes: int
    max_upload_bytes: int
    body_timeout_s: float
    is_tls: bool


class Guard:
    """The outermost layer of the app."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        door: Door,
        limits: Limits,
        metrics: Metrics,
        records_system: RecordsSystem | None = None,
    ) -> None:
        self._app = app
        self._door = door
        self._records_system = records_system
        self._limits = limits
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, whatever it is."""
        if scope["type"] != "http":
            return
        scope["medllm.id"] = uuid.uuid4().hex[:12]
        sender = _Sender(send, is_tls=self._limits.is_tls, request_id=scope["medllm.id"])
        try:
            headers = _read_headers(scope)
            self._check_place(scope, headers)
            await self._identify(scope, headers)
            self._check(scope, headers)
            receive = await self._paced(scope, headers, receive)
            await self._app(scope, receive, sender)
        except Refused as exc:
            if not sender.status:
                refusal = error_response(scope["path"], scope["medllm.id"], exc)
                await refusal(scope, receive, sender)
        except Exception as exc:  # the last handler: see docs/serving.md
            await self._fail(scope, receive, sender, exc)
        finally:
            route = getattr(scope.get("route"), "path", "other")
            method = scope["method"] if scope["method"] in (*_SAFE, "POST", "DELETE") else "other"
            self._metrics.count_request(method, route, sender.status)

    async def _fail(self, scope: Scope, receive: Receive, sender: _Sender, exc: Exception) -> None:
        """Log where it failed, never the message: it may hold patient text."""
        frame = traceback.extract_tb(exc.__traceback__)[-1]
        place = f"{frame.filename.rpartition('/')[2]}:{frame.lineno}"
        log.error("request %s failed: %s at %s", scope["medllm.id"], type(exc).__name__, place)
        if not sender.status:
            refused = Refused(500, "something went wrong", hint="the server's log has the id")
            await error_response(scope["path"], scope["medllm.id"], refused)(scope, receive, sender)

    def _check_place(self, scope: Scope, headers: dict[str, str]) -> None:
        """Raise `Refused` for what another site's page sends, or to another host's name."""
        host = headers.get("host", "").lower()
        if host not in self._limits.hosts:
            hint = "name it as serve.names"
            raise Refused(403, "this server does not answer to that host name", hint=hint)
        is_page = scope["path"] in PAGES and scope["method"] in _SAFE
        _check_origin(headers, host, is_page=is_page)

    async def _identify(self, scope: Scope, headers: dict[str, str]) -> None:
        """Find out who asks: by a cookie, a key, or the signed token of a records system."""
        cookie = _read_cookie(headers.get("cookie", ""))
        scheme, _, bearer = headers.get("authorization", "").partition(" ")
        key = bearer.strip() if scheme.lower() == "bearer" else ""
        user = self._door.who(bearer=key, cookie=cookie)
        path = scope["path"]
        if user is None and self._records_system and key and path.startswith(CDS_SERVICES):
            scheme = "https" if self._limits.is_tls else "http"
            here = f"{scheme}://{headers['host'].lower()}"
            service = path.removesuffix("/feedback")
            endpoints = frozenset({f"{here}{path}", f"{here}{service}"})
            user = await asyncio.to_thread(self._records_system.who, key, endpoints)
        scope["medllm.user"], scope["medllm.cookie"] = user, cookie

    def _check(self, scope: Scope, headers: dict[str, str]) -> None:
        """Raise `Refused` for whom it may not serve, and for what it does not read."""
        path, method, user = scope["path"], scope["method"], scope["medllm.user"]
        is_open = path in PAGES or path in _OPEN or path.startswith(_OPEN_BELOW)
        if user is None and not is_open:
            raise Refused(401, "not signed in", hint=way_in(self._door))
        if method in _SAFE:
            return
        if user is not None and user.by == "session" and not _names_origin(headers):
            raise Refused(403, "the request does not say which page it comes from")
        kind = headers.get("content-type", "").partition(";")[0].strip().lower()
        wanted = "application/octet-stream" if path in UPLOADS else "application/json"
        if method in ("POST", "PUT", "PATCH") and kind != wanted:
            raise Refused(415, f"the content must be {wanted}")

    async def _paced(self, scope: Scope, headers: dict[str, str], receive: Receive) -> Receive:
        """Take the body in before anything is done for it; an upload is only watched."""
        is_upload = scope["path"] in UPLOADS
        limit = self._limits.max_upload_bytes if is_upload else self._limits.max_body_bytes
        length = headers.get("content-length", "")
        if length.isdigit() and int(length) > limit:
            raise _too_large(limit)
        watched = _Watched(receive, limit=limit, timeout_s=self._limits.body_timeout_s)
        if is_upload or scope["method"] in _SAFE:
            return watched
        body = bytearray()
        while True:
            message = await watched()
            if message["type"] == "http.disconnect":
                return _replay(message, receive)
            body += message.get("body", b"")
            # Nothing comes after what was announced: not to wait for its end saves a turn.
            if not message.get("more_body") or str(len(body)) == length:
                break
        whole: Message = {"type": "http.request", "body": bytes(body), "more_body": False}
        return _replay(whole, receive)


class _Watched:
    """Receives, but not more than a limit and not slower than 1 kB/s after a first grace."""

    def __init__(self, receive: Receive, *, limit: int, timeout_s: float) -> None:
        self._receive = receive
        self._limit = limit
        self._timeout_s = timeout_s
        self._started = asyncio.get_running_loop().time()
        self._n_bytes = 0
        self._is_whole = False

    async def __call__(self) -> Message:
        if self._is_whole:  # what comes now is the end of the connection
            return await self._receive()
        due = self._started + self._timeout_s + self._n_bytes / _LEAST_BYTES_PER_S
        try:
            async with asyncio.timeout_at(due):
                message = await self._receive()
        except TimeoutError:
            late = {"connection": "close"}
            raise Refused(408, "the request took too long to arrive", headers=late) from None
        self._n_bytes += len(message.get("body", b""))
        if self._n_bytes > self._limit:
            raise _too_large(self._limit)
        self._is_whole = not message.get("more_body")
        return message


def _replay(first: Message, receive: Receive) -> Receive:
    waiting = [first]

    async def replayed() -> Message:
        return waiting.pop() if waiting else await receive()

    return replayed


def _too_large(limit: int) -> Refused:
    return Refused(413, f"the request is larger than {limit:,} bytes", hint="send less at once")


class _Sender:
    """Sends with the headers that every response has, and remembers the status."""

    def __init__(self, send: Send, *, is_tls: bool, request_id: str) -> None:
        self._send = send
        own = {**HEADERS, "x-request-id": request_id}
        if is_tls:
            own["strict-transport-security"] = "max-age=31536000"
        self._headers = [(name.encode(), value.encode()) for name, value in own.items()]
        self.status = 0

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            message["headers"] = [*message.get("headers", []), *self._headers]
        await self._send(message)


def _read_headers(scope: Scope) -> dict[str, str]:
    """Give the headers; of one that comes twice and decides anything, refuse both."""
    headers: dict[str, str] = {}
    for raw_name, raw_value in scope["headers"]:
        name = raw_name.decode("latin-1").lower()
        if name in headers and name in ("host", "origin", "authorization", "content-type"):
            raise Refused(400, "a header is given twice")
        headers[name] = raw_value.decode("latin-1")
    return headers


def _read_cookie(header: str) -> str:
    try:
        morsel = SimpleCookie(header).get(COOKIE)
    except CookieError:
        return ""
    return morsel.value if morsel else ""


def _names_origin(headers: dict[str, str]) -> bool:
    return "origin" in headers or headers.get("sec-fetch-site") == "same-origin"


def _check_origin(headers: dict[str, str], host: str, *, is_page: bool) -> None:
    """Refuse what another site's page sends; following a link to a page is no such thing."""
    site = headers.get("sec-fetch-site", "same-origin")
    is_link = is_page and headers.get("sec-fetch-mode", "navigate") == "navigate"
    if site not in ("same-origin", "none") and not is_link:
        raise Refused(403, "the request comes from another site")
    origin = headers.get("origin")
    if origin is not None and urlsplit(origin).netloc.lower() != host:
        raise Refused(403, "the request comes from another site")

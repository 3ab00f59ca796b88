"""HTTP with a model server: one careful client, retries before the first byte, failures in words.

No message here holds anything that a server sent but its status and an error code of the known
ones: servers put the prompt into their errors.
"""

from __future__ import annotations

import json
import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx

from medllm.errors import ConfigError, ModelError
from medllm.models.chat import ModelSettings
from medllm.models.frames import parse_object
from medllm.models.watch import Watch

MAX_TRIES = 3
MAX_ERROR_BYTES = 65_536
MAX_JSON_BYTES = 16_000_000
"""Ollama's description of a model has its licence, template and list of tensors in it."""
KNOWN_CODES = frozenset(
    "authentication_error BadRequestError context_length_exceeded exceed_context_size_error "
    "insufficient_quota InternalServerError invalid_api_key invalid_request_error model_not_found "
    "not_found_error not_supported_error NotFoundError overloaded_error permission_error "
    "rate_limit_error rate_limit_exceeded server_error unavailable_error".split()
)
"""Error codes of OpenAI, vLLM and llama.cpp; any other text in their place is not repeated."""


class ConnectionLost(ModelError):
    """The connection broke or went quiet; what was read before it is as good as it was."""


@dataclass(frozen=True, slots=True)
class Server:
    """A model server, as messages speak of it."""

    name: str
    url: str
    start_hint: str
    not_found_hint: str

    def __str__(self) -> str:
        """Give its name and place, as in "Ollama at http://127.0.0.1:11434"."""
        return f"{self.name} at {self.url}"


@dataclass(frozen=True, slots=True)
class Line:
    """What one question and its answer go over."""

    client: httpx.Client
    server: Server
    settings: ModelSettings
    watch: Watch


def open_client(url: str, settings: ModelSettings) -> httpx.Client:
    """Give a client that follows no redirect and heeds no proxy or other environment variable.

    Each exchange has its own connection, so that hanging up on one disturbs no other.
    """
    try:
        httpx.URL(url)
    except httpx.InvalidURL as exc:
        raise ConfigError("the model server's URL is not a URL") from exc
    longest_s = max(settings.first_byte_timeout_s, settings.stall_timeout_s)  # the watch is finer
    return httpx.Client(
        trust_env=False,
        follow_redirects=False,
        verify=_trusted_certificates(url),
        limits=httpx.Limits(max_connections=None, max_keepalive_connections=0),
        timeout=httpx.Timeout(longest_s, connect=settings.connect_timeout_s),
        headers={"accept-encoding": "identity"},  # compression would hold tokens back
    )


def _trusted_certificates(url: str) -> ssl.SSLContext:
    """Trust the public authorities and this machine's own, where hospitals put theirs."""
    if not url.startswith("https:"):
        # None: reading them takes longer than a whole request to a local server.
        return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context = httpx.create_ssl_context(trust_env=False)
    context.load_default_certs()
    return context


def post(line: Line, path: str, body: dict[str, Any]) -> httpx.Response:
    """Give the response, of any status, its body unread; the caller closes it.

    A server that is busy (429, 503) or resets the connection is asked again, twice at most.
    """
    for n_left in reversed(range(MAX_TRIES)):
        wait_s = line.settings.max_retry_wait_s / 2**n_left
        try:
            response = _send(line, "POST", path, body)
        except _Reset as exc:
            if n_left == 0:
                raise broken(line, None) from exc
        else:
            if n_left == 0 or response.status_code not in (429, 503):
                return response
            response.close()
            wait_s = _retry_after_s(response, wait_s)
        line.watch.pause(min(wait_s, line.settings.max_retry_wait_s))
    raise AssertionError("the last try returns or raises")


class _Reset(Exception):
    """The server took the connection and dropped it without a word: it may answer next time."""


def _send(line: Line, method: str, path: str, body: dict[str, Any] | None) -> httpx.Response:
    request = line.client.build_request(
        method, line.server.url + path, json=body, extensions={"trace": line.watch.trace}
    )
    line.watch.grant(line.settings.first_byte_timeout_s)
    try:
        with line.watch.waiting():
            return line.client.send(request, stream=True)
    except (httpx.ReadError, httpx.WriteError, httpx.RemoteProtocolError) as exc:
        if line.watch.hung_up:
            raise broken(line, exc) from exc
        raise _Reset from exc
    except httpx.HTTPError as exc:
        raise broken(line, exc) from exc


def _retry_after_s(response: httpx.Response, default_s: float) -> float:
    """Read the header as seconds; its other form, a date, gives the default."""
    value = response.headers.get("retry-after", "")
    return float(value) if value.isascii() and value.isdigit() and len(value) < 6 else default_s


def fetch_json(line: Line, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
    """Give the object that a GET, or a POST where there is a body, answers with."""
    try:
        response = _send(line, "POST" if body else "GET", path, body)
    except _Reset as exc:
        raise broken(line, None) from exc
    text = read_text(line, response, max_bytes=MAX_JSON_BYTES)
    if response.status_code != 200:
        raise refusal(line.server, response.status_code, text)
    return parse_object(text)


def read_text(line: Line, response: httpx.Response, *, max_bytes: int) -> str:
    """Give the beginning of a body, undecodable bytes replaced, and close the response."""
    body = bytearray()
    try:
        for block in read_blocks(line, response):
            body += block
            if len(body) >= max_bytes:
                break
    finally:
        response.close()
    return body[:max_bytes].decode("utf-8", "replace")


def read_blocks(line: Line, response: httpx.Response) -> Iterator[bytes]:
    """Give the body as it arrives; raise `ConnectionLost` when it is late or breaks off."""
    blocks = response.iter_bytes()
    while True:
        try:
            with line.watch.waiting():
                block = next(blocks, None)
        except httpx.HTTPError as exc:
            raise broken(line, exc) from exc
        if line.watch.hung_up:  # a body without a length looks whole when its connection is closed
            raise broken(line, None)
        if block is None:
            return
        yield block


def broken(line: Line, exc: httpx.HTTPError | None) -> ModelError:
    """Say why an exchange broke off."""
    server = line.server
    if line.watch.hung_up == "stopped":
        return ModelError("the answer was stopped")
    if line.watch.hung_up == "late" or isinstance(exc, httpx.ReadTimeout | httpx.WriteTimeout):
        return ConnectionLost(
            f"{server} has sent no text for {line.watch.granted_s:g} s",
            hint="it may be overloaded; first_byte_timeout_s and stall_timeout_s set the limits",
        )
    if isinstance(exc, httpx.ConnectError) and "CERTIFICATE_VERIFY_FAILED" in str(exc):
        return ConnectionLost(
            f"the certificate of {server} is not trusted",
            hint="add its authority to those that this machine trusts",
        )
    if isinstance(exc, httpx.ConnectError | httpx.ConnectTimeout):
        return ConnectionLost(f"{server} does not answer", hint=server.start_hint)
    return ConnectionLost(f"the connection to {server} broke", hint="its own log may say why")


def refusal(server: Server, status: int, text: str) -> ModelError:
    """Say what a status other than 200 means; `text` is searched for known words only."""
    if is_too_long(text):
        return too_long(server)
    if "system memory" in text:  # Ollama: "model requires more system memory (x) than is ..."
        return ModelError(f"{server} has too little memory for the model (HTTP {status})")
    words, hint = {
        401: ("does not accept the key", "name a file with the right key as api_key_file"),
        403: ("does not accept the key", "name a file with the right key as api_key_file"),
        404: ("does not know the model or the address", server.not_found_hint),
        429: ("is busy", "try again in a moment"),
        503: ("is busy", "try again in a moment"),
    }.get(status, ("refused" if status < 500 else "failed", "its own log may say why"))
    if 300 <= status < 400:
        words, hint = "points elsewhere, and redirects are not followed", "give the final address"
    code = _known_code(text)
    return ModelError(f"{server} {words} (HTTP {status}{f', {code}' if code else ''})", hint=hint)


def too_long(server: Server) -> ModelError:
    """Say that the prompt does not fit."""
    return ModelError(
        f"the prompt is longer than {server} can read at once",
        hint="give less evidence, or let the model have a longer context",
    )


def is_too_long(text: str) -> bool:
    """Tell whether an error speaks of a prompt that does not fit into the context."""
    lower = text.lower()
    codes = ("context_length_exceeded", "exceed_context_size")
    return any(code in lower for code in codes) or (
        "context" in lower and ("exceed" in lower or "maximum" in lower)
    )


def _known_code(text: str) -> str:
    """Give `error.code` or `error.type` where it is one of the known ones, else nothing."""
    try:
        error = json.loads(text)["error"]
        codes = [error.get("code"), error.get("type")]
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        return ""
    return next((c for c in codes if isinstance(c, str) and c in KNOWN_CODES), "")


def read_key(settings: ModelSettings) -> str:
    """Give the API key, empty where no file is named."""
    if settings.api_key_file is None:
        return ""
    try:
        key = settings.api_key_file.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError):
        key = ""
    if not key or not key.isprintable() or " " in key:
        raise ConfigError(f"{settings.api_key_file} must hold an API key and nothing else")
    return key

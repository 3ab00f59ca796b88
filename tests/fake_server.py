"""A model server for tests: it speaks Ollama's and OpenAI's protocols and fails in known ways.

    with FakeServer(lambda request: "an answer", modes=["busy", "ok"]) as server:
        ...  # server.url is an Ollama, server.openai_url an OpenAI-compatible server

The answer is made from the chat request's JSON, so that a test can answer according to the prompt.
Modes are used up one for each chat request; the last one stays. Nothing sleeps: a stall ends when
the client hangs up or the server is left.
"""

from __future__ import annotations

import json
import os
import select
import socket
import struct
import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from tests.fake_streams import PING, RESET, STREAMED, Json, Step, ollama_steps, openai_steps

Answer = Callable[[Json], str]
REFUSED = (
    "busy",
    "html_500",
    "html_200",
    "redirect",
    "reset_first",
    "silent",
    "refuse_schema",
    "too_long",
    "echoing_error",  # repeats the whole request, as pydantic's 422 does
)


@dataclass(frozen=True)
class Received:
    """A request as the server got it."""

    path: str
    headers: dict[str, str]
    body: Json


class FakeServer:
    """A server on a free loopback port, for the time of a `with` block."""

    def __init__(
        self,
        answer: Answer = lambda request: "The answer.",
        modes: Sequence[str] = ("ok",),
        *,
        models: Sequence[Json] = ({"name": "tiny:latest"},),
        api_key: str = "",
        prompt_tokens: int | None = None,
        chunked: bool = True,
    ) -> None:
        assert set(modes) <= set(STREAMED) | set(REFUSED), modes
        self.answer = answer
        self.modes = list(modes)
        self.models = [dict(model) for model in models]
        self.api_key = api_key
        self.prompt_tokens = prompt_tokens
        self.chunked = chunked
        self.received: list[Received] = []
        self.hung_up = threading.Event()
        """Set when a client closes its connection before its answer is complete."""
        self.stalled = threading.Event()
        """Set when a client is being kept waiting."""
        self._lock = threading.Lock()
        self._release = os.pipe()

    def __enter__(self) -> FakeServer:
        self._server = _Server(("127.0.0.1", 0), self.handler())
        self._server.fake = self
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self.openai_url = f"{self.url}/v1"
        return self

    def __exit__(self, *exc: object) -> None:
        os.close(self._release[1])  # whoever stalls sees the end of the pipe
        self._server.shutdown()
        self._server.server_close()  # waits for the handlers
        self._thread.join()
        os.close(self._release[0])

    def handler(self) -> type[BaseHTTPRequestHandler]:
        """What answers; one that knows more may be put here."""
        return Handler

    @property
    def chats(self) -> list[Json]:
        """The bodies of the chat requests, in order."""
        paths = ("/api/chat", "/v1/chat/completions")
        return [request.body for request in self.received if request.path in paths]

    def next_mode(self) -> str:
        with self._lock:
            return self.modes.pop(0) if len(self.modes) > 1 else self.modes[0]

    def wait_for_client(self, connection: socket.socket, timeout_s: float | None = None) -> bool:
        """Wait until the client hangs up, which is recorded, or the server is left; give False
        where the time passes first."""
        self.stalled.set()
        watched: list[socket.socket | int] = [connection, self._release[0]]
        ready, _, _ = select.select(watched, [], [], timeout_s)
        if connection in ready:
            self.hung_up.set()
        return bool(ready)


class _Server(ThreadingHTTPServer):
    daemon_threads = False
    fake: FakeServer


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 30  # for a client that sends nothing
    server: _Server

    def log_message(self, format: str, *args: object) -> None:
        pass

    def do_GET(self) -> None:
        self._record({})
        fake = self.server.fake
        if self.path == "/api/tags":
            self._send(200, {"models": fake.models})
        elif self.path == "/v1/models":
            data = [{"id": model["name"], "object": "model"} for model in fake.models]
            self._send(200, {"object": "list", "data": data})
        else:
            self._send(404, {"error": "not found"})

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        self._record(body)
        routes = {
            "/api/show": self._show,
            "/api/chat": self._chat_ollama,
            "/v1/chat/completions": self._chat_openai,
        }
        try:
            routes[self.path](body)
        except KeyError:
            self._send(404, {"error": "not found"})
        except OSError:
            self.server.fake.hung_up.set()
            self.close_connection = True

    def _record(self, body: Json) -> None:
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.server.fake.received.append(Received(self.path, headers, body))

    def _show(self, body: Json) -> None:
        if model := self._model(body["model"]):
            self._send(200, {"template": "{{ .Prompt }}", "details": {}, **model})
        else:
            self._send(404, {"error": f"model '{body['model']}' not found"})

    def _model(self, name: str) -> Json | None:
        names = (name, f"{name}:latest")
        return next((m for m in self.server.fake.models if m["name"] in names), None)

    def _chat_ollama(self, body: Json) -> None:
        if not self._model(body["model"]):
            self._send(404, {"error": f"model '{body['model']}' not found"})
            return
        mode = self.server.fake.next_mode()
        if not self._refuse(mode, "format" in body, body):
            text = self.server.fake.answer(body)
            self._stream("application/x-ndjson", ollama_steps(text, mode, self._n_prompt(body)))

    def _chat_openai(self, body: Json) -> None:
        key = self.server.fake.api_key
        if key and self.headers.get("authorization") != f"Bearer {key}":
            self._send(401, {"error": {"message": "no", "code": "invalid_api_key"}})
            return
        if not self._model(body["model"]):
            self._send(404, {"error": {"message": "no such model", "type": "NotFoundError"}})
            return
        mode = self.server.fake.next_mode()
        if not self._refuse(mode, "response_format" in body, body):
            text = self.server.fake.answer(body)
            usage = self._n_prompt(body) if body.get("stream_options") else None
            self._stream("text/event-stream; charset=utf-8", openai_steps(text, mode, usage))

    def _n_prompt(self, body: Json) -> int:
        counted = sum(len(message["content"]) for message in body["messages"]) // 4
        given = self.server.fake.prompt_tokens
        return counted if given is None else given

    def _refuse(self, mode: str, has_schema: bool, body: Json) -> bool:
        """Answer at once where the mode says so; give whether it did."""
        if mode == "busy":
            self._send(429, {"error": {"type": "rate_limit_error"}}, {"Retry-After": "7"})
        elif mode in ("html_500", "html_200"):
            self._send(int(mode[-3:]), "<html><body>Bad gateway</body></html>")
        elif mode == "redirect":
            self._send(307, {}, {"Location": f"{self.server.fake.url}/elsewhere"})
        elif mode == "refuse_schema" and has_schema:
            message = "response_format.json_schema: invalid JSON schema in format"
            self._send(400, {"error": {"message": message, "type": "invalid_request_error"}})
        elif mode == "too_long":
            message = "request (9001 tokens) exceeds the available context size (4096 tokens)"
            self._send(400, {"error": {"message": message, "type": "exceed_context_size_error"}})
        elif mode == "echoing_error":
            self._send(422, {"error": {"message": f"bad {body}", "type": str(body["messages"])}})
        elif mode == "reset_first":
            self._reset()
        elif mode == "silent":
            self.server.fake.wait_for_client(self.connection)
            self.close_connection = True
        else:
            return False
        return True

    def _send(self, status: int, body: Json | str, headers: Json | None = None) -> None:
        data = (body if isinstance(body, str) else json.dumps(body)).encode()
        self.send_response(status)
        kind = "text/html" if isinstance(body, str) else "application/json"
        self.close_connection = True
        for name, value in {"Content-Type": kind, "Connection": "close", **(headers or {})}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def _stream(self, content_type: str, steps: Iterable[Step]) -> None:
        self.send_response(200)
        self.send_header("Content-Type", content_type)
        chunked = self.server.fake.chunked
        if chunked:
            self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        self.close_connection = True
        for step in steps:
            if isinstance(step, bytes):
                self.wfile.write(b"%x\r\n%b\r\n" % (len(step), step) if chunked else step)
            elif step == PING:
                self._ping_forever()
                return
            else:
                self._reset() if step == RESET else self._stall()
                return
        if chunked:
            self.wfile.write(b"0\r\n\r\n")

    def _stall(self) -> None:
        self.server.fake.wait_for_client(self.connection)

    def _ping_forever(self) -> None:
        ping = b"\n" if self.path.startswith("/api/") else b": ping\n\n"
        framed = b"%x\r\n%b\r\n" % (len(ping), ping) if self.server.fake.chunked else ping
        while not self.server.fake.wait_for_client(self.connection, 0.01):
            self.wfile.write(framed)

    def _reset(self) -> None:
        """Close with RST instead of FIN: what a killed server looks like."""
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close_connection = True
        self.connection.close()

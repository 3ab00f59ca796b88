"""A hub on a free loopback port, with what `download` asks of the real one."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

COMMIT = "0123456789abcdef0123456789abcdef01234567"


class FakeHub:
    """One data set with these files; `mode` is "ok", "gated", "absent", "broken" or "cut".

    "broken" answers 500 to the files, "cut" breaks off in the middle of each.
    """

    def __init__(self, hub_id: str, files: Mapping[str, bytes], mode: str = "ok") -> None:
        self.hub_id = hub_id
        self.files = dict(files)
        self.mode = mode
        self.asked: list[str] = []
        self.agents: list[str] = []

    def __enter__(self) -> FakeHub:
        hub = self

        class Handler(BaseHTTPRequestHandler):
            def do_HEAD(self) -> None:  # noqa: N802
                hub.answer(self, with_body=False)

            def do_GET(self) -> None:  # noqa: N802
                hub.answer(self, with_body=True)

            def log_message(self, format: str, *args: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        return self

    def __exit__(self, *exc: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def answer(self, request: BaseHTTPRequestHandler, *, with_body: bool) -> None:
        """Answer as the hub does: the list of files, or one of them."""
        path = request.path.partition("?")[0]
        self.asked.append(path)
        self.agents.append(request.headers.get("User-Agent", ""))
        prefix = f"/datasets/{self.hub_id}/resolve/{COMMIT}/"
        if self.mode in ("gated", "absent"):
            code = {"gated": "GatedRepo", "absent": "RepoNotFound"}[self.mode]
            self._send(request, 403 if self.mode == "gated" else 404, b"", {"X-Error-Code": code})
        elif path == f"/api/datasets/{self.hub_id}":
            listed = [{"rfilename": name} for name in self.files]
            body = {"id": self.hub_id, "sha": COMMIT, "siblings": listed}
            self._send(request, 200, json.dumps(body).encode(), {})
        elif self.mode == "broken" or path.removeprefix(prefix) not in self.files:
            self._send(request, 500 if self.mode == "broken" else 404, b"", {})
        else:
            body = self.files[path.removeprefix(prefix)]
            headers = {"X-Repo-Commit": COMMIT, "ETag": f'"{hashlib.sha1(body).hexdigest()}"'}
            self._send(request, 200, body, headers, with_body=with_body)

    def _send(
        self,
        request: BaseHTTPRequestHandler,
        status: int,
        body: bytes,
        headers: Mapping[str, str],
        *,
        with_body: bool = True,
    ) -> None:
        request.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(body))}.items():
            request.send_header(name, value)
        request.end_headers()
        is_file = "ETag" in headers
        if with_body and request.command == "GET":
            request.wfile.write(body[: len(body) // 2] if self.mode == "cut" and is_file else body)

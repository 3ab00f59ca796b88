"""An Ollama for tests that keeps blobs and models, renders prompts, and fails in known ways.

Written from its source: server/routes.go, server/create.go, server/images.go, api/types.go. Faults
are named by the step that they strike, as in `FakeOllama(create="error_line")`; what a step does
without a fault is what Ollama does. The prompt is rendered by an evaluator of Go templates.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from typing import Any

from tests.fake_server import FakeServer, Handler
from tests.fake_streams import PING, RESET, STALL, Json, Step, frame
from tests.publish.go_templates import as_ollama

FRAMING = ("crlf", "one_byte", "pings", "split_multibyte")
BROKEN = ("error_line", "ends", "reset", "stall", "ping_forever", "bad_json", "huge_line")
STREAM_FAULTS = (*FRAMING, *BROKEN, "html_500", "redirect", "busy", "reset_first")

SAID = {
    "disk_full": "write /models/blobs/sha256-partial: no space left on device",
    "mismatch": "digest mismatch",
    "old": "neither 'from' or 'files' was specified",
    "architecture": 'unsupported architecture "llama"',
    "memory": "model requires more system memory (20.0 GiB) than is available (8.0 GiB)",
    "not_signed_in": 'unauthorized: unknown ollama key "ssh-ed25519 AAAAC3Nz"',
    "denied": "unauthorized: access denied",
    "no_network": 'Head "https://hub/v2/": dial tcp: lookup hub: no such host',
    "strange": "ein Fehler\x1b[31m",
    "name": "invalid model name",
}
"""What Ollama says, by the fault."""


class FakeOllama(FakeServer):
    """`blobs` are digests to bytes, `models` what it has, `hub` what was pushed."""

    def __init__(self, **faults: str) -> None:
        options: dict[str, Any] = {
            key: faults.pop(key) for key in ("prompt_tokens", "modes") if key in faults
        }
        super().__init__(lambda request: "Rest and fluids.", models=(), **options)
        self.faults = faults
        self.blobs: dict[str, bytes] = {}
        self.hub: dict[str, str] = {}
        self.n_uploads = 0
        self.n_cached = 0
        """Tokens of the prompt that it remembers, and does not count, until it is unloaded."""

    def handler(self) -> type[BaseHTTPRequestHandler]:
        return _Ollama

    @property
    def names(self) -> list[str]:
        return sorted(model["name"] for model in self.models)

    def calls(self, path: str) -> list[Json]:
        return [one.body for one in self.received if one.path.startswith(path)]


class _Ollama(Handler):
    @property
    def fake(self) -> FakeOllama:
        assert isinstance(self.server.fake, FakeOllama)
        return self.server.fake

    def do_GET(self) -> None:
        fault = self.fake.faults.get("version", "")
        if self.path != "/api/version":
            super().do_GET()
        elif fault == "html":
            self._send(200, "<html>Welcome</html>")
        elif fault == "missing":
            self._send(404, "404 page not found")
        else:
            self._record({})
            self._send(200, {"version": fault or "0.31.0"})

    def do_HEAD(self) -> None:
        self._record({})
        digest = self.path.rpartition("/")[2]
        self.send_response(200 if digest in self.fake.blobs else 404)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def do_DELETE(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        self._record(body)
        if self.fake.faults.get("delete"):
            self._send(500, {"error": "resource busy"})
            return
        found = self._model(body["model"])
        if found:
            self.fake.models.remove(found)
        self._send(200 if found else 404, {} if found else {"error": "model not found"})

    def do_POST(self) -> None:
        if self.path.startswith("/api/blobs/"):
            self._take_blob()
            return
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        self._record(body)
        routes = {
            "/api/create": self._create,
            "/api/show": self._show,
            "/api/chat": self._chat,
            "/api/generate": self._unload,
            "/api/copy": self._copy,
            "/api/push": self._push,
        }
        try:
            routes[self.path](body)
        except OSError:
            self.fake.hung_up.set()
            self.close_connection = True

    def _take_blob(self) -> None:
        self._record({})
        fault = self.fake.faults.get("blob", "")
        if fault == "reset":
            self.rfile.read(1000)
            self._reset()
            return
        if fault == "stall":
            self.rfile.read(int(self.headers["content-length"]))
            self.fake.wait_for_client(self.connection)
            self.close_connection = True
            return
        if fault == "disk_full_at_once":  # it answers while the file is still on its way
            self._send(500, {"error": SAID["disk_full"]})
            return
        data = self.rfile.read(int(self.headers["content-length"]))
        digest = self.path.rpartition("/")[2]
        if fault in SAID:
            self._send(400 if fault == "mismatch" else 500, {"error": SAID[fault]})
        elif f"sha256:{hashlib.sha256(data).hexdigest()}" != digest:
            self._send(400, {"error": "digest mismatch"})
        else:
            self.fake.n_uploads += 1
            self.fake.blobs[digest] = data
            self._send(201, {})

    def _create(self, body: Json) -> None:
        fault = self.fake.faults.get("create", "")
        absent = [d for d in body.get("files", {}).values() if d not in self.fake.blobs]
        if absent:
            self._send(400, {"error": "blob not found"})
        elif self._fails_at_once(fault, "create"):
            return
        else:
            statuses = ["parsing GGUF", "using existing layer", "writing manifest"]
            events: list[Json] = [{"status": one} for one in statuses]
            if fault == "ends" or (fault not in BROKEN and fault not in SAID):
                self._keep(body)  # the manifest is written before "success" is said
            self._stream_json(events, fault)

    def _keep(self, body: Json) -> None:
        lost = self.fake.faults.get("keeps", "")
        kept = {
            "template": "{{ .Prompt }}" if lost == "no template" else body["template"],
            "system": "" if lost == "no system" else body.get("system", ""),
            "parameters": "" if lost == "no parameters" else _printed(body["parameters"]),
            "capabilities": ["completion"],
        }
        sent = {key: value for key, value in body.items() if key != "model"}
        digest = hashlib.sha256(json.dumps(sent, sort_keys=True).encode()).hexdigest()
        self._name(body["model"], {"digest": digest, **kept})

    def _name(self, name: str, model: Json) -> None:
        others = [one for one in self.fake.models if one["name"] != name]
        self.fake.models = [*others, {**model, "name": name}]

    def _chat(self, body: Json) -> None:
        fault = self.fake.faults.get("render", "")
        if not body.get("_debug_render_only") or fault == "old":
            self._chat_ollama({**body, "messages": body["messages"]})
            return
        model = self._model(body["model"])
        if model is None:
            self._send(404, {"error": f"model '{body['model']}' not found"})
            return
        if fault in SAID:
            self._send(500, {"error": SAID[fault]})
            return
        prompt = as_ollama(model["template"], body["messages"], system=model["system"])
        if fault == "begins twice":
            prompt = "<|begin_of_text|>" + prompt
        info = {"rendered_template": prompt}
        told = {"model": body["model"], "created_at": "2026-11-20T08:00:00Z", "_debug_info": info}
        self._send(200, told)

    def _unload(self, body: Json) -> None:
        assert body["keep_alive"] == 0, "a model is asked by /api/chat"
        self.fake.n_cached = 0
        self._send(200, {"done": True, "done_reason": "unload"})

    def _n_prompt(self, body: Json) -> int:
        return super()._n_prompt(body) - self.fake.n_cached

    def _copy(self, body: Json) -> None:
        model = self._model(body["source"])
        if self.fake.faults.get("copy") or model is None:
            self._send(500 if model else 404, {"error": SAID["disk_full"]})
            return
        self._name(body["destination"], model)
        self._send(200, {})

    def _push(self, body: Json) -> None:
        fault = self.fake.faults.get("push", "")
        model = self._model(body["model"])
        assert model is not None, "the client pushes what it made"
        if self._fails_at_once(fault, "push"):
            return
        events: list[Json] = [{"status": "retrieving manifest"}]
        for digest, data in self.fake.blobs.items():
            size = len(data)
            for done in (0, size // 2, size):
                told = {"digest": digest, "total": size, "completed": done}
                events.append({"status": f"pushing {digest[7:19]}", **told})
        events.append({"status": "pushing manifest"})
        if fault not in BROKEN and fault not in SAID:
            self.fake.hub[body["model"]] = model["digest"]
        self._stream_json(events, fault)

    def _fails_at_once(self, fault: str, step: str) -> bool:
        if fault == "at_once":
            self._send(400, {"error": SAID["name"]})
        elif fault == "unauthorized":
            self._send(401, {"error": "unauthorized"})
        elif fault == "busy" and self.fake.faults.pop(step):  # once: it is asked again
            self._send(503, {"error": "server busy"}, {"Retry-After": "1"})
        elif fault == "reset_first" and self.fake.faults.pop(step):
            self._reset()
        elif fault in ("html_500", "redirect"):
            self._refuse(fault, False, {})
        else:
            return False
        return True

    def _stream_json(self, events: list[Json], fault: str) -> None:
        self._stream("application/x-ndjson", _steps(events, fault))


def _steps(events: list[Json], fault: str) -> list[Step]:
    """The lines of an answer; half of them before a failure."""
    half: list[Json | str | bytes] = list(events[: len(events) // 2 + 1])
    error = {"error": SAID.get(fault, "something went wrong with zq-secret")}
    broken: dict[str, list[Json | str | bytes]] = {
        "error_line": [*half, error],
        "ends": [*events],
        "reset": [*half, RESET],
        "stall": [*half, STALL],
        "ping_forever": [*half, PING],
        "bad_json": [*half, b'{"status": "succ'],
        "huge_line": [*half, {"status": "x" * 2_000_000}],
        **{said: [*half, error] for said in SAID},
    }

    def told() -> Iterator[Json | str | bytes]:
        yield from broken.get(fault, [*events, {"status": "success"}])

    return frame(fault, told(), prefix=b"", suffix=b"\n", ping=b"\n")


def _printed(parameters: Json) -> str:
    """Write parameters as `ollama show` does: one a line, texts in quotation marks."""
    lines = []
    for name, value in parameters.items():
        for one in value if isinstance(value, list) else [value]:
            text = json.dumps(one, ensure_ascii=False) if isinstance(one, str) else f"{one:g}"
            lines.append(f"{name:<30} {text}")
    return "\n".join(lines)

"""Ollama's HTTP API, as far as publishing needs it: each failure is an error that names it.

https://docs.ollama.com/api and its source (server/routes.go, server/create.go, api/types.go). An
error may come with its status, or as a line of its own in the middle of an answer that began well;
and an answer that just ends was broken off.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import httpx

from medllm.errors import ModelError
from medllm.models.chat import Message, ModelSettings, as_wire
from medllm.models.exchange import (
    MAX_ERROR_BYTES,
    ConnectionLost,
    Line,
    broken,
    fetch_json,
    open_client,
    post,
    read_blocks,
    read_text,
)
from medllm.models.frames import read_json_lines, split_lines
from medllm.models.ollama import ollama_server
from medllm.models.watch import Watch
from medllm.publish.complaints import complaint

Advance = Callable[[int], None]
"""Takes how many bytes are done by now."""

_BLOCK_BYTES = 1 << 20
_MAX_LINE_BYTES = 1 << 20


class OllamaApi:
    """One Ollama. `settings` says how long it may be silent: loading a model takes minutes."""

    def __init__(self, url: str, settings: ModelSettings) -> None:
        self.server = ollama_server(url)
        self.settings = settings
        self._client = open_client(url, settings)

    def version(self) -> str:
        """Give its version; raise `ModelError` where no Ollama answers."""
        response = self._plainly("GET", "/api/version")
        if response.status_code != 200:
            raise complaint(self.server, "", "", status=response.status_code)
        try:
            return str(json.loads(response.text)["version"])
        except (ValueError, LookupError, TypeError):
            raise ModelError(
                f"what answers at {self.server.url} is not Ollama", hint="set models.ollama_url"
            ) from None

    def digest_of(self, name: str) -> str:
        """Give the digest of a model's manifest; empty where it has none of this name."""
        with Watch() as watch:
            models = fetch_json(self._line(watch), "/api/tags").get("models")
        for model in models if isinstance(models, list) else []:
            # Ollama takes names that differ in their case only for one.
            if isinstance(model, dict) and str(model.get("name")).lower() == name.lower():
                return str(model.get("digest") or "unknown")
        return ""

    def has_blob(self, sha256: str) -> bool:
        """Tell whether the file is there already, whole."""
        response = self._plainly("HEAD", f"/api/blobs/sha256:{sha256}")
        if response.status_code in (200, 404):
            return response.status_code == 200
        raise complaint(self.server, "", "", status=response.status_code)

    def send_blob(self, path: Path, sha256: str, advance: Advance) -> None:
        """Send a file, unless it is there; what arrived of one that broke off does not count."""
        size = path.stat().st_size
        with path.open("rb") as handle:

            def blocks() -> Iterator[bytes]:
                while block := handle.read(_BLOCK_BYTES):
                    yield block
                    advance(handle.tell())

            response = self._plainly(
                "POST",
                f"/api/blobs/sha256:{sha256}",
                content=blocks(),
                headers={"content-length": str(size), "content-type": "application/octet-stream"},
            )
        if response.status_code not in (200, 201):
            raise complaint(
                self.server, path.name, _error_in(response.text), status=response.status_code
            )

    def create(self, body: Mapping[str, Any]) -> None:
        """Make a model of blobs; the name is there only if this returns."""
        for _ in self._stream("/api/create", body, name=str(body["model"])):
            pass

    def show(self, name: str) -> dict[str, Any]:
        """Give what Ollama says of a model."""
        with Watch() as watch:
            return fetch_json(self._line(watch), "/api/show", {"model": name})

    def rendered(self, name: str, messages: Sequence[Message]) -> str:
        """Give the prompt that it asks the model with; raise `ModelError` for an old Ollama."""
        body = {
            "model": name,
            "messages": as_wire(messages),
            "stream": False,
            "_debug_render_only": True,
            "options": {"num_predict": 1},  # for one that does not know this, and answers
        }
        told = self._object("/api/chat", body, name=name)
        info = told.get("_debug_info")
        text = info.get("rendered_template") if isinstance(info, dict) else None
        if not isinstance(text, str):
            raise ModelError(
                f"{self.server} is too old: it does not show the prompt that it asks with, so "
                "nothing proves that it asks as the model was trained",
                hint="update Ollama, then run the command again",
            )
        return text

    def unload(self, name: str) -> None:
        """Let it forget a model that it holds in memory, and all that it was asked."""
        body = {"model": name, "keep_alive": 0, "stream": False}
        self._object("/api/generate", body, name=name)

    def copy(self, source: str, destination: str) -> None:
        """Give a model a second name."""
        body = {"source": source, "destination": destination}
        response = self._plainly("POST", "/api/copy", json=body)
        if response.status_code != 200:
            said = _error_in(response.text)
            raise complaint(self.server, destination, said, status=response.status_code)

    def delete(self, name: str) -> None:
        """Take a name away, and say nothing where there is none."""
        response = self._plainly("DELETE", "/api/delete", json={"model": name, "name": name})
        if response.status_code not in (200, 404):
            said = _error_in(response.text)
            raise complaint(self.server, name, said, status=response.status_code)

    def push(self, name: str, advance: Callable[[str, int, int], None]) -> None:
        """Send a model to the hub. `advance` takes a file's digest, how much of it, and of what."""
        for told in self._stream("/api/push", {"model": name}, name=name):
            digest, total = told.get("digest"), told.get("total")
            if isinstance(digest, str) and isinstance(total, int):
                done = told.get("completed")
                advance(digest, done if isinstance(done, int) else 0, total)

    def _line(self, watch: Watch) -> Line:
        return Line(self._client, self.server, self.settings, watch)

    def _plainly(self, method: str, path: str, **request: Any) -> httpx.Response:
        """Exchange a request for a whole answer; httpx's own time limits hold for each step."""
        try:
            return self._client.request(method, self.server.url + path, **request)
        except httpx.HTTPError as exc:
            watch = Watch()
            watch.grant(self.settings.first_byte_timeout_s)
            raise broken(self._line(watch), exc) from exc

    def _object(self, path: str, body: Mapping[str, Any], *, name: str) -> dict[str, Any]:
        with Watch() as watch:
            line = self._line(watch)
            with closing(self._answer(line, path, body, name)) as response:
                objects = read_json_lines(split_lines(read_blocks(line, response)))
                told = next(objects, {})
        self._check(told, name)
        return told

    def _stream(self, path: str, body: Mapping[str, Any], *, name: str) -> Iterator[dict[str, Any]]:
        """Give the lines of an answer up to "success"; raise where another end comes."""
        with Watch() as watch:
            line = self._line(watch)
            with closing(self._answer(line, path, body, name)) as response:
                blocks = read_blocks(line, response)
                for told in read_json_lines(split_lines(blocks, max_line_bytes=_MAX_LINE_BYTES)):
                    watch.grant(self.settings.first_byte_timeout_s)
                    self._check(told, name)
                    yield told
                    if told.get("status") == "success":
                        return
        raise ConnectionLost(
            f"{self.server} broke off before it said that it was done",
            hint="run the command again: what has arrived is not sent twice",
        )

    def _answer(self, line: Line, path: str, body: Mapping[str, Any], name: str) -> httpx.Response:
        response = post(line, path, dict(body))
        if response.status_code == 200:
            return response
        said = _error_in(read_text(line, response, max_bytes=MAX_ERROR_BYTES))
        raise complaint(self.server, name, said, status=response.status_code)

    def _check(self, told: Mapping[str, Any], name: str) -> None:
        if error := told.get("error"):
            raise complaint(self.server, name, str(error))


def _error_in(text: str) -> str:
    """Give the error of an answer, or nothing where it is no JSON with one."""
    with suppress(ValueError, AttributeError):
        return str(json.loads(text).get("error") or "")
    return ""

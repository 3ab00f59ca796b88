"""Ollama through its own API: the OpenAI route can neither set the context nor report errors.

Checked against https://docs.ollama.com/api and its source (api/types.go, server/routes.go).
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from contextlib import closing
from typing import Any

import httpx

from medllm.errors import ModelError, PrivacyError
from medllm.models.chat import (
    Chunk,
    Finish,
    Message,
    ModelSettings,
    as_count,
    as_text,
    as_wire,
    is_prompt_cut,
)
from medllm.models.exchange import (
    MAX_ERROR_BYTES,
    Line,
    Server,
    fetch_json,
    is_too_long,
    open_client,
    post,
    read_blocks,
    read_text,
    refusal,
    too_long,
)
from medllm.models.frames import read_json_lines, split_lines
from medllm.models.spec import ModelSpec, is_cloud_name
from medllm.models.watch import Watch, WatchedChunks

LIST_TIMEOUT_S = 2.0
EMBEDDING_FAMILIES = ("bert", "nomic-bert", "nomic-bert-moe", "xlm-roberta")
FINISHES: dict[str, Finish] = {"": "stop", "stop": "stop", "length": "length"}
"""By `done_reason`; Ollama before 0.1.33 gave none."""


def ollama_server(url: str, name: str = "NAME") -> Server:
    """Give Ollama's address with the hints that help when it, or the model, is missing."""
    return Server("Ollama", url.rstrip("/"), "ollama serve", f"ollama pull {name}")


def ollama_models(url: str, *, timeout_s: float = LIST_TIMEOUT_S) -> list[str]:
    """Give the names of the models that run where Ollama runs, the newest first.

    Those of its cloud, which medllm refuses, are left out. Raises `ModelError` where no Ollama
    answers within the time.
    """
    return [str(model["name"]) for model in _local_models(url, timeout_s)]


def chat_models(url: str, *, timeout_s: float) -> list[str]:
    """Give the names of those that can write, as `ollama_models` does."""
    return [str(model["name"]) for model in _local_models(url, timeout_s) if _can_write(model)]


def _local_models(url: str, timeout_s: float) -> list[dict[str, Any]]:
    settings = ModelSettings(connect_timeout_s=timeout_s, first_byte_timeout_s=timeout_s)
    with open_client(url, settings) as client, Watch() as watch:
        line = Line(client, ollama_server(url), settings, watch)
        models = fetch_json(line, "/api/tags").get("models")
    if not isinstance(models, list):
        raise ModelError(f"what answers at {url} is not Ollama")
    return [model for model in models if isinstance(model, dict) and _is_local(model)]


def _is_local(model: dict[str, Any]) -> bool:
    name = model.get("name")
    return isinstance(name, str) and not is_cloud_name(name) and not _is_remote(model)


def _is_remote(description: dict[str, Any]) -> bool:
    return bool(description.get("remote_host") or description.get("remote_model"))


def _can_write(model: dict[str, Any]) -> bool:
    capabilities = model.get("capabilities")
    if isinstance(capabilities, list):
        return "completion" in capabilities
    details = model.get("details")
    return not isinstance(details, dict) or details.get("family") not in EMBEDDING_FAMILIES


class OllamaModel:
    """A model that an Ollama serves from its own disk."""

    def __init__(self, spec: ModelSpec, settings: ModelSettings) -> None:
        self.spec = spec
        self.constrained = True
        self._settings = settings
        self._server = ollama_server(spec.url, spec.name)
        self._client = open_client(spec.url, settings)

    def stream(
        self, messages: Sequence[Message], *, schema: dict[str, Any] | None, max_tokens: int
    ) -> WatchedChunks:
        """Give the answer chunk by chunk, as `Model.stream` promises."""
        line = Line(self._client, self._server, self._settings, Watch())
        body = self._body(messages, schema, max_tokens)
        return WatchedChunks(self._chunks(line, list(messages), body), line.watch)

    def _chunks(
        self, line: Line, messages: list[Message], body: dict[str, Any]
    ) -> Generator[Chunk, None, None]:
        with line.watch:
            self._refuse_remote(line)
            with closing(self._ask(line, body)) as response:
                objects = read_json_lines(split_lines(read_blocks(line, response)))
                yield from self._read_answer(line, objects, messages)

    def _refuse_remote(self, line: Line) -> None:
        """Look before every question: a name can come to stand for another model meanwhile."""
        shown = fetch_json(line, "/api/show", {"model": self.spec.name})
        if _is_remote(shown):
            raise PrivacyError(
                f"{self.spec} runs on another server: the patient text would leave this machine",
                hint="choose a local model: ollama list",
            )
        if not _can_write(shown):
            raise ModelError(f"{self.spec} cannot write text", hint="choose another: ollama list")

    def _body(
        self, messages: Sequence[Message], schema: dict[str, Any] | None, max_tokens: int
    ) -> dict[str, Any]:
        body: dict[str, Any] = {
            "model": self.spec.name,
            "messages": as_wire(messages),
            "stream": True,
            # An error instead of a prompt cut to half, and an end instead of a forgotten beginning.
            "truncate": False,
            "shift": False,
            "options": {
                "num_ctx": self._settings.context_tokens,
                "num_predict": max_tokens,
                "temperature": self._settings.temperature,
                "seed": self._settings.seed,
            },
        }
        # No "think": switching it off makes Ollama ignore the format (ollama#14645, #15260).
        if schema is not None and self.constrained:
            body["format"] = schema
        return body

    def _ask(self, line: Line, body: dict[str, Any]) -> httpx.Response:
        """Give the response that streams; ask without the schema where it is refused."""
        response = post(line, "/api/chat", body)
        if response.status_code == 200:
            return response
        text = read_text(line, response, max_bytes=MAX_ERROR_BYTES)
        if "format" in body and _is_about_format(text):
            free = {key: value for key, value in body.items() if key != "format"}
            response = self._ask(line, free)
            self.constrained = False
            return response
        raise refusal(self._server, response.status_code, text)

    def _read_answer(
        self, line: Line, objects: Iterator[dict[str, Any]], messages: list[Message]
    ) -> Iterator[Chunk]:
        for part in objects:
            self._check(part)
            message = part.get("message")
            message = message if isinstance(message, dict) else {}
            text = as_text(message.get("content"))
            if text or message.get("thinking"):
                line.watch.grant(self._settings.stall_timeout_s)
            if text:
                yield Chunk(text)
            if part.get("done") is True:
                yield self._last_chunk(part, messages)
                return
        raise ModelError(f"{self._server} broke off before the answer was complete")

    def _check(self, part: dict[str, Any]) -> None:
        if error := part.get("error"):
            if is_too_long(str(error)):
                raise too_long(self._server)
            raise ModelError(
                f"{self._server} failed while it was writing", hint="its own log may say why"
            )
        if _is_remote(part):
            raise PrivacyError(f"{self.spec} was answered by another server")

    def _last_chunk(self, part: dict[str, Any], messages: list[Message]) -> Chunk:
        finish = FINISHES.get(str(part.get("done_reason") or ""))
        if finish is None:
            raise ModelError(f"{self._server} ended without an answer")
        n_read = as_count(part.get("prompt_eval_count"))
        if n_read is not None and self._is_cut(messages, n_read):
            raise ModelError(
                f"{self._server} left out a part of the prompt, which is longer than its context "
                f"of {self._settings.context_tokens} tokens",
                hint="raise context_tokens, give less evidence, or update Ollama",
            )
        return Chunk("", finish, n_read, as_count(part.get("eval_count")))

    def _is_cut(self, messages: list[Message], n_read: int) -> bool:
        """Tell whether an Ollama that does not know `truncate` has cut the prompt in silence.

        Those before 0.30 keep as many tokens as the context holds, later ones half of it and two
        (ollama#17427); either may take a smaller context than asked, where the model's is.
        """
        return n_read >= self._settings.context_tokens or is_prompt_cut(messages, n_read)


def _is_about_format(text: str) -> bool:
    lower = text.lower()
    return not is_too_long(text) and any(w in lower for w in ("format", "grammar", "schema"))

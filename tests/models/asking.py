"""What the tests of both protocols share: opening a model at a fake server, and asking it."""

from __future__ import annotations

import traceback
from dataclasses import dataclass
from typing import Any

from medllm.errors import MedllmError
from medllm.models.chat import Chunk, Message, Model, ModelSettings
from medllm.models.spec import ModelSpec, open_model
from tests.fake_server import FakeServer

NOTE = "Zanzibar the invented patient has chest pain after 5 µg."
ANSWER = "Quagga saw café-au-lait spots, 病人好转了, and 5 µg was given."
PROMPT = (Message("system", "Be brief."), Message("user", NOTE))
SCHEMA = {"type": "object", "properties": {"claims": {"type": "array"}}, "required": ["claims"]}


@dataclass(frozen=True)
class Told:
    """What a reader of the stream was told."""

    chunks: list[Chunk]
    error: MedllmError | None

    @property
    def text(self) -> str:
        return "".join(chunk.text for chunk in self.chunks)

    @property
    def finish(self) -> str:
        assert all(not chunk.finish for chunk in self.chunks[:-1]), "only the last has a finish"
        return self.chunks[-1].finish if self.chunks else ""

    @property
    def words(self) -> str:
        """All that a user or a log could come to see of the error."""
        assert self.error is not None
        return "".join(traceback.format_exception(self.error)) + self.error.hint


def answering(*modes: str, **options: Any) -> FakeServer:
    return FakeServer(lambda request: ANSWER, modes or ("ok",), **options)


def open_at(server: FakeServer, protocol: str, **settings: Any) -> Model:
    """A model that waits for no retry, and otherwise as long as a busy machine may need."""
    spec = {
        "ollama": ModelSpec("ollama", "tiny", server.url),
        "openai": ModelSpec("openai", "tiny", server.openai_url),
    }[protocol]
    times = {"max_retry_wait_s": 0.0, "first_byte_timeout_s": 60.0, "stall_timeout_s": 60.0}
    return open_model(spec, ModelSettings(**{**times, **settings}))


def ask(
    model: Model,
    prompt: tuple[Message, ...] = PROMPT,
    *,
    schema: dict[str, Any] | None = None,
    max_tokens: int = 400,
) -> Told:
    chunks: list[Chunk] = []
    try:
        for chunk in model.stream(prompt, schema=schema, max_tokens=max_tokens):
            chunks.append(chunk)
    except MedllmError as exc:
        return Told(chunks, exc)
    return Told(chunks, None)

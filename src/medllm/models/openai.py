"""Any server with OpenAI's chat completions: vLLM, llama.cpp, LM Studio, SGLang and others.

Checked against https://platform.openai.com/docs/api-reference/chat-streaming and the servers'
reported ways of departing from it.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from contextlib import closing
from typing import Any

import httpx

from medllm.errors import ModelError
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
    ConnectionLost,
    Line,
    Server,
    is_too_long,
    open_client,
    post,
    read_blocks,
    read_key,
    read_text,
    refusal,
    too_long,
)
from medllm.models.frames import parse_object, read_events, split_lines
from medllm.models.spec import ModelSpec
from medllm.models.watch import Watch, WatchedChunks

FINISHES: dict[str, Finish] = {
    "stop": "stop",
    "eos_token": "stop",  # this and the next are text-generation-inference's
    "stop_sequence": "stop",
    "length": "length",
}
OPTIONAL = {
    "response_format": ("response_format", "schema", "grammar", "guided"),
    "stream_options": ("stream_options", "include_usage"),
}
"""What a server may not know, by the words in which it says so: it is then asked without."""
REFUSALS = (400, 422, 500, 501)
"""llama-cpp-python answers 500 to a schema that it does not support (llama.cpp#23463)."""
USAGE_TIMEOUT_S = 2.0
"""For the counts of tokens once the answer is complete; they are not worth a long wait."""


class OpenAIModel:
    """A model behind a chat completions route."""

    def __init__(self, spec: ModelSpec, settings: ModelSettings) -> None:
        self.spec = spec
        self.constrained = True
        self._unknown: frozenset[str] = frozenset()
        self._settings = settings
        self._server = Server(
            "the model server",
            spec.url,
            "start it, or choose another model with --model",
            "its URL usually ends in /v1, and URL/models lists its models",
        )
        self._client = open_client(spec.url, settings)
        if key := read_key(settings):
            self._client.headers["authorization"] = f"Bearer {key}"

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
        with line.watch, closing(self._ask(line, body)) as response:
            if response.headers.get("content-type", "").startswith("text/html"):
                raise ModelError(
                    f"{self._server} sent a web page", hint=self._server.not_found_hint
                )
            events = read_events(split_lines(read_blocks(line, response)))
            yield from self._read_answer(line, events, messages)

    def _body(
        self, messages: Sequence[Message], schema: dict[str, Any] | None, max_tokens: int
    ) -> dict[str, Any]:
        body: dict[str, Any] = {
            "model": self.spec.name,
            "messages": as_wire(messages),
            "stream": True,
            "stream_options": {"include_usage": True},
            "max_tokens": max_tokens,
            "temperature": self._settings.temperature,
            "seed": self._settings.seed,
        }
        if schema is not None:
            body["response_format"] = {
                "type": "json_schema",
                "json_schema": {"name": "answer", "strict": True, "schema": schema},
            }
        return _without(body, self._unknown)

    def _ask(self, line: Line, body: dict[str, Any]) -> httpx.Response:
        """Give the response that streams; ask without what the server says it does not know."""
        response = post(line, "/chat/completions", body)
        if response.status_code == 200:
            return response
        text = read_text(line, response, max_bytes=MAX_ERROR_BYTES)
        named = _named_in(text, body) if response.status_code in REFUSALS else frozenset()
        if not named:
            raise refusal(self._server, response.status_code, text)
        response = self._ask(line, _without(body, named))
        self._unknown |= named  # only now: it may have been something else
        self.constrained = "response_format" not in self._unknown
        return response

    def _read_answer(
        self, line: Line, events: Iterator[str], messages: list[Message]
    ) -> Iterator[Chunk]:
        finish: Finish = ""
        usage: dict[str, Any] = {}
        try:
            for event in events:
                part = parse_object(event)
                self._check(part)
                usage = part["usage"] if isinstance(part.get("usage"), dict) else usage
                choice = _first_choice(part)
                delta = choice.get("delta")
                if text := self._read_delta(line, delta if isinstance(delta, dict) else {}):
                    yield Chunk(text)
                if reason := choice.get("finish_reason"):
                    finish = self._read_reason(reason)
                    line.watch.grant(min(USAGE_TIMEOUT_S, self._settings.stall_timeout_s))
        except ConnectionLost:
            if not finish:
                raise
        if not finish:
            raise ModelError(f"{self._server} broke off before the answer was complete")
        yield self._last_chunk(finish, usage, messages)

    def _check(self, part: dict[str, Any]) -> None:
        if part.get("error") or part.get("object") == "error":
            if is_too_long(str(part)):
                raise too_long(self._server)
            raise ModelError(
                f"{self._server} failed while it was writing", hint="its own log may say why"
            )

    def _read_delta(self, line: Line, delta: dict[str, Any]) -> str:
        """Give the text; only it, or thinking, shows that the model has begun.

        The chunk with the role may come before the prompt is read.
        """
        text = as_text(delta.get("content"))
        if text or delta.get("reasoning_content") or delta.get("reasoning"):
            line.watch.grant(self._settings.stall_timeout_s)
        return text

    def _read_reason(self, reason: object) -> Finish:
        finish = FINISHES.get(str(reason))
        if finish is None:
            raise ModelError(f"{self._server} withheld the rest of the answer")
        return finish

    def _last_chunk(self, finish: Finish, usage: dict[str, Any], messages: list[Message]) -> Chunk:
        n_read = as_count(usage.get("prompt_tokens"))
        if n_read is not None and is_prompt_cut(messages, n_read):
            raise ModelError(
                f"{self._server} left out a part of the prompt",
                hint="give less evidence, or let the model have a longer context",
            )
        return Chunk("", finish, n_read, as_count(usage.get("completion_tokens")))


def _first_choice(part: dict[str, Any]) -> dict[str, Any]:
    choices = part.get("choices")
    choice = choices[0] if isinstance(choices, list) and choices else {}
    return choice if isinstance(choice, dict) else {}


def _named_in(text: str, body: dict[str, Any]) -> frozenset[str]:
    lower = text.lower()
    if is_too_long(text):
        return frozenset()
    return frozenset(
        key for key, words in OPTIONAL.items() if key in body and any(w in lower for w in words)
    )


def _without(body: dict[str, Any], keys: frozenset[str]) -> dict[str, Any]:
    return {key: value for key, value in body.items() if key not in keys}

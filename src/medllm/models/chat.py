"""What every model shares: messages in, chunks of text out, and the settings of a call."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Protocol, runtime_checkable

from medllm.models.spec import DEFAULT_OLLAMA_URL, ModelSpec

Role = Literal["system", "user", "assistant"]
Finish = Literal["", "stop", "length"]

MAX_LETTERS_PER_TOKEN = 6.0
"""No tokeniser in use writes running text this sparsely: English prose has 3 to 4.5 letters or
digits a token, medical prose fewer. A prompt that seems to exceed it was not read whole."""
MIN_LETTERS_TO_JUDGE = 4000
MIN_TOKENS_TO_JUDGE = 512
"""A context is at least 1,024 tokens, and the cruellest cut keeps half of it: less is no cut."""


@dataclass(frozen=True, slots=True)
class Message:
    """One turn of a conversation. Its content is left out of `repr`: it may be a patient's."""

    role: Role
    content: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Chunk:
    """A piece of an answer.

    The last one, and only the last one, has a `finish`: "stop" when the model ended by itself,
    "length" when it was cut off at `max_tokens` or at the end of its context.
    """

    text: str = field(repr=False)
    finish: Finish = ""
    prompt_tokens: int | None = None
    """On the last chunk, where the server counted them."""
    completion_tokens: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelSettings:
    """How a model is called. Times are in seconds."""

    ollama_url: str = DEFAULT_OLLAMA_URL
    connect_timeout_s: float = 3.0
    first_byte_timeout_s: float = 120.0
    """Until the first text: loading a model and reading a long prompt take this long on a CPU."""
    stall_timeout_s: float = 30.0
    """Between two pieces of text."""
    max_retry_wait_s: float = 10.0
    """The longest wait before another try, also where a busy server asks for more."""
    context_tokens: int = 8192
    """How much of prompt and answer Ollama, or a GGUF, shall hold; other servers fix it when they
    start."""
    temperature: float = 0.0
    seed: int = 0
    sampling: str = "plain"
    """For `hf:` and `gguf:` models: a name of `medllm.models.sampling`."""
    api_key_file: Path | None = None
    """A file that holds the key of an OpenAI-compatible server, and nothing else."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole answer: what the chunks of a stream come to."""

    text: str = field(repr=False)
    finish: Finish
    prompt_tokens: int | None = None
    completion_tokens: int | None = None


class Chunks(Protocol):
    """The chunks of one answer, as they arrive."""

    def __iter__(self) -> Iterator[Chunk]:
        """Give itself."""

    def __next__(self) -> Chunk:
        """Wait for the next chunk; raise `ModelError` where the answer breaks off."""

    def close(self) -> None:
        """Hang up at once."""


class Model(Protocol):
    """Something that answers."""

    spec: ModelSpec
    constrained: bool
    """Whether answers are held to the schema; False once the server has refused to do so."""

    def stream(
        self, messages: Sequence[Message], *, schema: dict[str, Any] | None, max_tokens: int
    ) -> Chunks:
        """Give the answer chunk by chunk; nothing is sent before the first is asked for.

        An answer that ends without a chunk that has a `finish` raises `ModelError`, so whoever
        reads to the end without an error has it whole. What was yielded before stays valid as a
        partial answer. Raises `PrivacyError` before anything is sent to a model elsewhere.
        """


@runtime_checkable
class AnswersAll(Protocol):
    """A model that answers several conversations in one batch, faster than one after the other."""

    def answer_all(
        self, conversations: Sequence[Sequence[Message]], *, max_tokens: int
    ) -> list[Answer]:
        """Give the answers in order; raise `ModelError` where one of them cannot be had."""


def is_prompt_cut(messages: Sequence[Message], prompt_tokens: int) -> bool:
    """Tell whether a server that read only `prompt_tokens` tokens cannot have read it all."""
    letters = sum(sum(map(str.isalnum, message.content)) for message in messages)
    return (
        letters >= MIN_LETTERS_TO_JUDGE
        and prompt_tokens >= MIN_TOKENS_TO_JUDGE
        and letters > MAX_LETTERS_PER_TOKEN * prompt_tokens
    )


def as_wire(messages: Sequence[Message]) -> list[dict[str, str]]:
    """Give the messages as both protocols write them."""
    return [{"role": message.role, "content": as_text(message.content)} for message in messages]


def as_text(value: object) -> str:
    """Give a string that can be encoded, half surrogate pairs replaced; nothing for no string."""
    if not isinstance(value, str):
        return ""
    return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def as_count(value: object) -> int | None:
    """Give a number of tokens as a server reported it, or nothing where it is no such number."""
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None

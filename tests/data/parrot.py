"""A model that answers from a list, for tests that look at what it was asked."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from medllm.errors import ModelError
from medllm.models.chat import Chunk, Message
from medllm.models.spec import ModelSpec


class Cut(str):
    """An answer that is cut off at its longest length."""


class Parrot:
    """Gives its answers in order, each once; an error among them is raised."""

    def __init__(
        self, *answers: str | ModelError, name: str = "parrot", is_elsewhere: bool = False
    ) -> None:
        self.spec = ModelSpec("fake", name)
        if is_elsewhere:
            self.spec = ModelSpec("openai", name, "https://models.example.org/v1")
        self.constrained = True
        self.asked: list[str] = []
        self._answers = iter(answers)

    def stream(
        self, messages: Sequence[Message], *, schema: dict[str, Any] | None, max_tokens: int
    ) -> Iterator[Chunk]:
        self.asked.append(messages[-1].content)
        answer = next(self._answers)
        if isinstance(answer, ModelError):
            raise answer
        yield Chunk(answer)
        yield Chunk("", "length" if isinstance(answer, Cut) else "stop")

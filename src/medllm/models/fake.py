"""A model that reads its answers from a script, for tests and for showing failures."""

from __future__ import annotations

import threading
from collections.abc import Generator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from medllm.errors import DataError, ModelError
from medllm.files import read_json
from medllm.models.chat import Chunk, Finish, Message
from medllm.models.spec import ModelSpec

KEYS = {"text", "chunks", "finish", "error"}


@dataclass(frozen=True, slots=True)
class _Answer:
    chunks: tuple[str, ...] = field(repr=False)
    finish: str
    error: str


class FakeModel:
    """Gives the script's answers in order, each once; see `read_script` for the format."""

    def __init__(self, spec: ModelSpec) -> None:
        self.spec = spec
        self.constrained = True
        self._answers = iter(read_script(Path(spec.name)))
        self._lock = threading.Lock()

    def stream(
        self, messages: Sequence[Message], *, schema: dict[str, Any] | None, max_tokens: int
    ) -> Generator[Chunk, None, None]:
        """Give the next answer of the script, whatever was asked."""
        with self._lock:
            answer = next(self._answers, None)
        if answer is None:
            raise ModelError("the script has no more answers", hint=f"add one to {self.spec.name}")
        for text in answer.chunks:
            yield Chunk(text)
        if answer.error:
            raise ModelError(answer.error)
        if not answer.finish:
            raise ModelError("the answer broke off before its end")
        yield Chunk("", cast(Finish, answer.finish))


def read_script(path: Path) -> list[_Answer]:
    """Read a JSON list of answers.

    Each is `{"text": ...}` or `{"chunks": [...]}`, with `"finish"` "stop" (without it), "length",
    or "" for an answer that breaks off, and with `"error"` for one that fails after its text.
    """
    entries = read_json(path)
    if not isinstance(entries, list):
        raise DataError(f"{path} is not a script: it must be a list of answers")
    return [_read_answer(entry, f"{path}, answer {n}") for n, entry in enumerate(entries, 1)]


def _read_answer(entry: Any, place: str) -> _Answer:
    if not isinstance(entry, dict) or not entry or not set(entry) <= KEYS:
        raise DataError(f"{place} must be an object with text, chunks, finish or error")
    chunks = entry.get("chunks", [entry["text"]] if "text" in entry else [])
    finish, error = entry.get("finish", "stop"), entry.get("error", "")
    if not isinstance(chunks, list) or not all(isinstance(chunk, str) for chunk in chunks):
        raise DataError(f"{place}: text must be a string, chunks a list of strings")
    if finish not in ("", "stop", "length") or not isinstance(error, str):
        raise DataError(f'{place}: finish must be "", "stop" or "length", error a string')
    return _Answer(tuple(chunks), finish, error)

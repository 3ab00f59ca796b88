"""A GGUF in llama.cpp, asked for what a proof compares: tokens, distributions, answers."""

from __future__ import annotations

import ctypes
import os
import time
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from medllm.errors import ModelError, extra

_SMALL = 100_000_000
"""Of bytes."""
_SILENCE: list[Any] = []
"""Keeps llama.cpp's log function alive: it is called from C as long as this process lives."""


def be_silent() -> None:
    """Let llama.cpp write nothing on standard error: its log tells of tokens and of paths."""
    with extra("gguf"):
        import llama_cpp
    if not _SILENCE:
        shape = ctypes.CFUNCTYPE(None, ctypes.c_int, ctypes.c_char_p, ctypes.c_void_p)
        _SILENCE.append(shape(lambda level, text, data: None))
    llama_cpp.llama_log_set(_SILENCE[0], ctypes.c_void_p(0))


def _n_threads(path: Path) -> int:
    """One for a small model, which several would only wait for each other on."""
    return 1 if path.stat().st_size < _SMALL else os.cpu_count() or 1


class LlamaFile:
    """A GGUF that is open, with an adapter or without; close it when it is no longer needed."""

    def __init__(self, path: Path, *, n_context: int, adapter: Path | None = None) -> None:
        with extra("gguf"):
            import llama_cpp
        self.path = path
        be_silent()
        try:
            self._llama: Any = llama_cpp.Llama(
                str(path),
                n_ctx=n_context,
                n_batch=512,
                n_threads=_n_threads(path),
                logits_all=True,
                type_k=llama_cpp.GGML_TYPE_F32,  # halves as by default would blur what is compared
                type_v=llama_cpp.GGML_TYPE_F32,
                verbose=False,
                lora_path=str(adapter) if adapter else None,
            )
        except (ValueError, RuntimeError) as exc:
            raise ModelError(f"llama.cpp cannot read {path.name}") from exc
        self.n_written = 0
        self.written_s = 0.0

    def __enter__(self) -> LlamaFile:
        """Give itself."""
        return self

    def __exit__(self, *error: object) -> None:
        """Close."""
        self.close()

    def close(self) -> None:
        """Give the memory back."""
        self._llama.close()

    @property
    def metadata(self) -> dict[str, str]:
        """What stands in the file beside tensors, as llama.cpp reads it."""
        found: dict[str, str] = self._llama.metadata
        return found

    @property
    def n_vocabulary(self) -> int:
        """How many tokens there are."""
        return int(self._llama.n_vocab())

    def render(self, conversation: list[dict[str, str]]) -> str:
        """Give the prompt that the file's own chat template makes, up to where it answers.

        Raises `ModelError` where it has none, or one that breaks.
        """
        from jinja2 import TemplateError

        try:
            return str(self._formatter(messages=conversation).prompt)
        except (TemplateError, TypeError, ValueError) as exc:
            raise ModelError(f"the chat template in {self.path.name} breaks") from exc

    @cached_property
    def _formatter(self) -> Any:
        from llama_cpp.llama_chat_format import Jinja2ChatFormatter

        template = self.metadata.get("tokenizer.chat_template")
        if not template:
            raise ModelError(f"{self.path.name} has no chat template")
        begin, end = (
            self._llama._model.token_get_text(number) if number >= 0 else ""
            for number in (self._llama.token_bos(), self._llama.token_eos())
        )
        return Jinja2ChatFormatter(template, end, begin)

    @property
    def tokens_per_s(self) -> float:
        """How fast answers were written."""
        return self.n_written / self.written_s if self.written_s else 0.0

    def tokenize(self, text: str) -> list[int]:
        """Give the ids of a text, its control tokens read as such and nothing put before it."""
        ids: list[int] = self._llama.tokenize(text.encode("utf-8"), add_bos=False, special=True)
        return ids

    def logits(self, ids: Sequence[int]) -> NDArray[np.float32]:
        """Give the logits after each token, [tokens, vocabulary]; valid until the next call."""
        self._llama.reset()
        self._llama.eval(list(ids))
        scores: NDArray[np.float32] = self._llama.scores[: len(ids)]
        return scores

    def answer(self, prompt: Sequence[int], stops: frozenset[int], n_tokens: int) -> list[int]:
        """Give the likeliest tokens one after the other, up to the one that ends the answer."""
        ids: list[int] = []
        last = self.logits(prompt)[-1]
        started = time.perf_counter()
        while True:
            ids.append(int(last.argmax()))
            if ids[-1] in stops or len(ids) == n_tokens:
                break
            self._llama.eval([ids[-1]])
            last = self._llama.scores[len(prompt) + len(ids) - 1]
        self.n_written += len(ids) - 1
        self.written_s += time.perf_counter() - started
        return ids

"""A GGUF file in this process, through llama.cpp: `gguf:PATH`.

It is asked with the chat template that the file carries, rendered as transformers renders it. At
temperature 0 the likeliest token is taken each time. A schema is kept by llama.cpp's grammars. A
prompt that does not fit is an error: nothing is ever cut off it.
"""

from __future__ import annotations

import codecs
import contextlib
import ctypes
import json
import threading
import weakref
from collections.abc import Generator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from medllm.errors import ModelError
from medllm.models.chat import Chunk, Finish, Message, ModelSettings
from medllm.models.chat_template import render
from medllm.models.llama_file import OpenFile, check_file, library
from medllm.models.sampling import Sampling, sampling_of
from medllm.models.spec import ModelSpec

THINK, END_THINK = "<think>", "</think>"
_ONE = np.dtype([("id", "<i4"), ("logit", "<f4"), ("p", "<f4")])
"""llama_token_data."""


class GgufModel:
    """Loads when it is first asked. Several threads may ask; each answer has its own memory."""

    def __init__(self, spec: ModelSpec, settings: ModelSettings) -> None:
        self.spec = spec
        self.constrained = True
        self._settings = settings
        self._path = Path(spec.name).expanduser()
        self._lock = threading.Lock()
        self._opened: OpenFile | None = None
        check_file(self._path)
        self._sampling = sampling_of(settings.sampling, settings.temperature)

    def stream(
        self, messages: Sequence[Message], *, schema: dict[str, Any] | None, max_tokens: int
    ) -> GgufChunks:
        """Give the answer chunk by chunk, as `Model.stream` promises.

        What the model thinks before its answer is not part of it, and no schema binds it.
        """
        stopped = threading.Event()
        return GgufChunks(self._chunks(messages, schema, max_tokens, stopped), stopped)

    def _open(self) -> OpenFile:
        with self._lock:
            if self._opened is None:
                self._opened = OpenFile(self._path)
            return self._opened

    def _chunks(
        self,
        messages: Sequence[Message],
        schema: dict[str, Any] | None,
        max_tokens: int,
        stopped: threading.Event,
    ) -> Generator[Chunk, None, None]:
        opened = self._open()
        prompt = self._prompt(opened, messages)
        ids = opened.tokenize(prompt)
        n_left = min(max_tokens, self._room(opened, len(ids)))
        reader = _Reader(opened, is_thinking=prompt.rstrip().endswith(THINK))
        grammar = self._grammar(opened, schema)
        pick = _Pick(self._sampling, self._settings.seed, ids)
        finish: Finish = "length"
        n_written = 0
        with opened.run(len(ids) + n_left, stopped) as run:
            logits = run.read(ids)
            while n_written < n_left:
                token = pick.next(logits, None if reader.is_thinking else grammar)
                if opened.ends(token):
                    finish = "stop"
                    break
                n_written += 1
                if text := reader.read(token):
                    yield Chunk(text)
                if n_written < n_left:
                    logits = run.read([token])
        if text := reader.rest():
            yield Chunk(text)
        yield Chunk("", finish, len(ids), n_written)

    def _prompt(self, opened: OpenFile, messages: Sequence[Message]) -> str:
        template = opened.chat_template
        if not template:
            raise ModelError(
                f"{self.spec} has no chat template, so it cannot be asked",
                hint="export it again from a model that has one: medllm export RUN --to DIR",
            )
        return render(template, messages, opened.special_tokens)

    def _room(self, opened: OpenFile, n_prompt: int) -> int:
        """Give how many tokens an answer may have; raise `ModelError` where there is none."""
        context = min(self._settings.context_tokens, opened.n_trained)
        if n_prompt < context:
            return context - n_prompt
        hint = "give less evidence, or take a model with a longer context"
        if context < opened.n_trained:
            hint = f"raise context_tokens (to {opened.n_trained} at most), or give less evidence"
        raise ModelError(
            f"the prompt has {n_prompt} tokens, and {self.spec} reads {context} at most", hint=hint
        )

    def _grammar(self, opened: OpenFile, schema: dict[str, Any] | None) -> Grammar | None:
        """Give the schema as a grammar; None where llama.cpp cannot keep to it, as it then says."""
        if schema is None or not self.constrained:
            return None
        grammar = Grammar.of(opened, schema)
        self.constrained = grammar is not None
        return grammar


class Grammar:
    """What may come next in an answer of a schema; it moves on with each token."""

    def __init__(self, lib: Any, sampler: Any, opened: OpenFile) -> None:
        self._lib = lib
        self._sampler = sampler
        self._opened = opened  # its vocabulary must live as long as this
        weakref.finalize(self, lib.llama_sampler_free, sampler).atexit = False

    @classmethod
    def of(cls, opened: OpenFile, schema: dict[str, Any]) -> Grammar | None:
        """Give the grammar of a JSON schema, or None where it has a form that none is known for."""
        lib = library()
        from llama_cpp.llama_grammar import json_schema_to_gbnf

        try:
            text = json_schema_to_gbnf(json.dumps(schema))
        except (ValueError, LookupError, TypeError, AssertionError, NotImplementedError):
            return None
        sampler = lib.llama_sampler_init_grammar(opened.vocabulary, text.encode(), b"root")
        return cls(lib, sampler, opened) if sampler else None

    def masked(self, ids: NDArray[np.int32], logits: NDArray[np.float32]) -> NDArray[np.float32]:
        """Give the logits of these tokens, minus infinity for those that may not come next."""
        tokens = np.zeros(len(ids), dtype=_ONE)
        tokens["id"], tokens["logit"] = ids, logits
        pointer = tokens.ctypes.data_as(ctypes.POINTER(self._lib.llama_token_data))
        array = self._lib.llama_token_data_array(
            data=pointer, size=len(ids), selected=-1, sorted=False
        )
        self._lib.llama_sampler_apply(self._sampler, ctypes.byref(array))
        found: NDArray[np.float32] = tokens["logit"]
        return found

    def accept(self, token: int) -> None:
        """Move on: this token was written."""
        self._lib.llama_sampler_accept(self._sampler, token)


class _Pick:
    """Chooses tokens: by the likeliest, or by a generator of its own for each question."""

    def __init__(self, sampling: Sampling, seed: int, prompt: Sequence[int]) -> None:
        self._sampling = sampling
        self._draws = np.random.default_rng(seed)
        self._seen = set(prompt)

    def next(self, logits: NDArray[np.float32], grammar: Grammar | None) -> int:
        """Give the next token. Most often the one chosen freely fits the grammar, which is quick
        to see; only where it does not are all tokens held against it."""
        logits = self._without_repeats(logits)
        token = self._choose(logits)
        if grammar is not None:
            one = np.array([token], dtype=np.int32)
            if np.isneginf(grammar.masked(one, logits[one]))[0]:
                token = self._choose(grammar.masked(np.arange(len(logits), dtype="<i4"), logits))
            grammar.accept(token)
        self._seen.add(token)
        return token

    def _without_repeats(self, logits: NDArray[np.float32]) -> NDArray[np.float32]:
        penalty = self._sampling.repetition_penalty
        if penalty == 1.0:
            return logits
        before = np.fromiter(self._seen, dtype=np.int64)
        own = logits[before]
        logits = logits.copy()
        logits[before] = np.where(own > 0, own / penalty, own * penalty)
        return logits

    def _choose(self, logits: NDArray[np.float32]) -> int:
        """Choose as `medllm.models.sampling.choose` does."""
        sampling = self._sampling
        if sampling.temperature == 0:
            return int(logits.argmax())
        order = np.argsort(-logits, kind="stable")
        if sampling.top_k:
            order = order[: sampling.top_k]
        scaled = logits[order].astype(np.float64) / sampling.temperature
        shares = np.exp(scaled - scaled[0])
        shares /= shares.sum()
        shares[np.cumsum(shares) - shares >= sampling.top_p] = 0.0
        return int(order[self._draws.choice(len(shares), p=shares / shares.sum())])


class _Reader:
    """Turns tokens into text as they come, without what was thought; characters come whole."""

    def __init__(self, opened: OpenFile, *, is_thinking: bool) -> None:
        self._opened = opened
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._thought = ""
        self._is_first = opened.is_spm
        self._is_after_thought = False
        self.is_thinking = is_thinking

    def read(self, token: int) -> str:
        """Give the text that this token completes."""
        data = self._opened.piece(token, special=self.is_thinking)
        if self._is_first and data:  # SentencePiece writes a space before every text
            data, self._is_first = data.removeprefix(b" "), False
        return self._answered(self._decoder.decode(data))

    def rest(self) -> str:
        """Give what an answer that broke off in a character left."""
        return self._answered(self._decoder.decode(b"", final=True))

    def _answered(self, text: str) -> str:
        if self.is_thinking:
            self._thought += text
            _, end, text = self._thought.partition(END_THINK)
            if not end:
                return ""
            self.is_thinking, self._is_after_thought = False, True
        if self._is_after_thought:
            text = text.lstrip()
            self._is_after_thought = not text
        return text


class GgufChunks:
    """The chunks of one answer; `close` may be called from any thread."""

    def __init__(self, chunks: Generator[Chunk, None, None], stopped: threading.Event) -> None:
        self._chunks = chunks
        self._stopped = stopped

    def __iter__(self) -> GgufChunks:
        """Give itself."""
        return self

    def __next__(self) -> Chunk:
        """Compute the next chunk; raise `ModelError` after a hang-up."""
        if self._stopped.is_set():
            raise ModelError("the answer was stopped")
        return next(self._chunks)

    def close(self) -> None:
        """Break off at once; a thread that waits for the next chunk gets a `ModelError`."""
        self._stopped.set()
        with contextlib.suppress(ValueError):  # that other thread is inside and will clean up
            self._chunks.close()

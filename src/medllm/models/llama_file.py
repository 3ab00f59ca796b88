"""llama.cpp in this process: a model file that is open, and runs of it that can be stopped.

Its C interface is used, not the class on top: that one prints, and keeps one conversation only.
Functions: https://github.com/ggml-org/llama.cpp/blob/master/include/llama.h
"""

from __future__ import annotations

import ctypes
import os
import threading
import weakref
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from medllm.errors import ModelError, extra
from medllm.files import read_json, sha256_file

MAGIC = b"GGUF"
_EXPORT = "export.json"
"""What `medllm export` leaves beside its files."""
_BATCH = 256
"""Tokens of a prompt that are read at once: other answers wait for as long as this takes."""
_ROUND = 256
_ON_ALL_LAYERS = 999
_SPM = 1
"""The kind of vocabulary that writes a space before a text (SentencePiece)."""
_ABORTED = 2

_told: list[str] = []
_log: list[Any] = []
"""Keeps the function alive that C calls with each line of llama.cpp's log."""


def library() -> Any:
    """Give llama_cpp, silenced: its log tells of tokens. Raises `MissingExtraError`."""
    with extra("gguf"):
        import llama_cpp
    if not _log:
        shape = ctypes.CFUNCTYPE(None, ctypes.c_int, ctypes.c_char_p, ctypes.c_void_p)
        _log.append(shape(_hear))
    llama_cpp.llama_log_set(_log[0], ctypes.c_void_p(0))
    return llama_cpp


def _hear(level: int, text: bytes, data: object) -> None:
    """Keep the last lines; they are only looked at when a file could not be opened."""
    _told.append(text.decode("utf-8", "replace"))
    del _told[:-20]


def check_file(path: Path) -> None:
    """Raise `ModelError` where there is no GGUF at this place."""
    if not path.is_file():
        raise ModelError(f"{path} is not there", hint="name the GGUF: gguf:PATH")
    with path.open("rb") as handle:
        if handle.read(4) != MAGIC:
            raise ModelError(
                f"{path} is not a GGUF file",
                hint="make one from a run or a model: medllm export RUN --to DIR",
            )


def check_digest(path: Path) -> None:
    """Raise `ModelError` where the file lies in an export and is not the one that was exported.

    llama.cpp trusts what it reads: a flipped bit in a weight is another model, one in the header
    can end the process. Reads the file once, at the speed of the disk.
    """
    facts = path.parent / _EXPORT
    if not facts.is_file():
        return
    told = read_json(facts)
    files = told.get("files") if isinstance(told, dict) else None
    for file in files if isinstance(files, list) else []:
        if not isinstance(file, dict) or file.get("name") != path.name:
            continue
        is_whole = path.stat().st_size == file.get("size_bytes")
        if not is_whole or sha256_file(path) != file.get("sha256"):
            raise ModelError(
                f"{path} is cut short or damaged: it is not what {_EXPORT} beside it says",
                hint="copy it again, or export it again: medllm export RUN --to DIR",
            )


class OpenFile:
    """A GGUF whose weights are in memory. Several runs may be open, one computes at a time."""

    def __init__(self, path: Path) -> None:
        """Load it; raise `ModelError` where that fails, `MissingExtraError` without llama.cpp."""
        check_file(path)
        check_digest(path)
        self.path = path
        self._lib = lib = library()
        _told.clear()
        settings = lib.llama_model_default_params()
        settings.n_gpu_layers = _ON_ALL_LAYERS if lib.llama_supports_gpu_offload() else 0
        self._model = lib.llama_model_load_from_file(os.fsencode(path), settings)
        if not self._model:
            raise _not_loaded(path, "".join(_told))
        # Not at the end of the process, which may have taken the library apart before.
        weakref.finalize(self, lib.llama_model_free, self._model).atexit = False
        self.vocabulary = lib.llama_model_get_vocab(self._model)
        self.n_tokens = int(lib.llama_vocab_n_tokens(self.vocabulary))
        self.n_trained = int(lib.llama_model_n_ctx_train(self._model))
        self.is_spm = lib.llama_vocab_type(self.vocabulary) == _SPM
        self._turns = _Turns()

    @property
    def chat_template(self) -> str:
        """The template in Jinja that the file carries; empty for none."""
        text = self._lib.llama_model_chat_template(self._model, None)
        return text.decode("utf-8", "replace") if text else ""

    @property
    def special_tokens(self) -> dict[str, str]:
        """What a template may write, by the names that it has in transformers."""
        lib, found = self._lib, {}
        for name in ("bos", "eos", "pad"):
            token = getattr(lib, f"llama_vocab_{name}")(self.vocabulary)
            text = lib.llama_vocab_get_text(self.vocabulary, token) if token >= 0 else b""
            found[f"{name}_token"] = text.decode("utf-8", "replace")
        return found

    def tokenize(self, text: str) -> list[int]:
        """Give the ids of a prompt: control tokens in it count, and nothing is put before it."""
        data = text.encode("utf-8", "replace")
        room = len(data) + 16
        while True:
            ids = (ctypes.c_int32 * room)()
            n = self._lib.llama_tokenize(self.vocabulary, data, len(data), ids, room, False, True)
            if n >= 0:
                return list(ids[:n])
            room = -n

    def piece(self, token: int, *, special: bool = False) -> bytes:
        """Give the bytes that a token stands for; control tokens only where `special` is set."""
        room = 64
        while True:
            text = ctypes.create_string_buffer(room)
            n = self._lib.llama_token_to_piece(self.vocabulary, token, text, room, 0, special)
            if n >= 0:
                return text.raw[:n]
            room = -n

    def ends(self, token: int) -> bool:
        """Tell whether a token ends an answer."""
        return bool(self._lib.llama_vocab_is_eog(self.vocabulary, token))

    @contextmanager
    def run(self, n_context: int, stopped: threading.Event) -> Iterator[Run]:
        """Give a run with room for so many tokens; `stopped` breaks it off within one layer."""
        lib = self._lib
        settings = lib.llama_context_default_params()
        settings.n_ctx = -(-n_context // _ROUND) * _ROUND
        settings.n_batch = settings.n_ubatch = _BATCH
        settings.n_threads = settings.n_threads_batch = _n_threads()
        context = lib.llama_init_from_model(self._model, settings)
        if not context:
            raise ModelError(
                f"there is no memory for {n_context} tokens beside {self.path.name}",
                hint="lower context_tokens, or take a smaller model",
            )
        heed = lib.ggml_abort_callback(lambda data: stopped.is_set())
        try:
            lib.llama_set_abort_callback(context, heed, ctypes.c_void_p(0))
            yield Run(lib, context, self.n_tokens, self._turns, stopped)
        finally:
            lib.llama_free(context)


class Run:
    """One conversation: what it has read so far and what may come next."""

    def __init__(
        self, lib: Any, context: Any, n_vocabulary: int, turns: _Turns, stopped: threading.Event
    ) -> None:
        self._lib = lib
        self._context = context
        self._n_vocabulary = n_vocabulary
        self._turns = turns
        self._stopped = stopped

    def read(self, ids: Sequence[int]) -> NDArray[np.float32]:
        """Give the logits of the next token, [vocabulary], after reading these ids.

        Raises `ModelError` where it was stopped, or cannot go on.
        """
        for start in range(0, len(ids), _BATCH):
            part = list(ids[start : start + _BATCH])
            tokens = (ctypes.c_int32 * len(part))(*part)
            with self._turns.take():
                if self._stopped.is_set():
                    raise ModelError("the answer was stopped")
                batch = self._lib.llama_batch_get_one(tokens, len(part))
                status = self._lib.llama_decode(self._context, batch)
            if status == _ABORTED or self._stopped.is_set():
                raise ModelError("the answer was stopped")
            if status:
                raise ModelError(
                    f"llama.cpp gave up with status {status}", hint="lower context_tokens"
                )
        logits = self._lib.llama_get_logits_ith(self._context, -1)
        return np.ctypeslib.as_array(logits, shape=(self._n_vocabulary,)).copy()


class _Turns:
    """The lock: one computes at a time, and those who wait come in the order they came."""

    def __init__(self) -> None:
        self._condition = threading.Condition()
        self._n_given = self._now = 0

    @contextmanager
    def take(self) -> Iterator[None]:
        with self._condition:
            mine = self._n_given
            self._n_given += 1
            self._condition.wait_for(lambda: self._now == mine)
        try:
            yield
        finally:
            with self._condition:
                self._now += 1
                self._condition.notify_all()


def _n_threads() -> int:
    """How many threads compute: half of the processors that this process may use.

    Two of them are most often one core, and llama.cpp's threads wait for one another by spinning:
    with as many as there are processors, anything else that runs makes it ten times as slow.
    """
    if hasattr(os, "sched_getaffinity"):
        return max(1, len(os.sched_getaffinity(0)) // 2)
    return max(1, (os.cpu_count() or 1) // 2)


def _not_loaded(path: Path, told: str) -> ModelError:
    """Say why llama.cpp could not open a file, judged by known words of its log."""
    lower = told.lower()
    if any(word in lower for word in ("file bounds", "incomplete", "corrupted", "failed to read")):
        return ModelError(
            f"{path} is cut short or damaged", hint="copy or export it again, and compare SHA-256"
        )
    if "unknown model architecture" in lower:
        return ModelError(
            f"this llama.cpp does not know the kind of model in {path}",
            hint="pip install -U llama-cpp-python",
        )
    if "alloc" in lower or "memory" in lower:
        return ModelError(f"{path} does not fit into memory", hint="export it with fewer bits")
    return ModelError(
        f"llama.cpp cannot load {path}", hint="it may be damaged, an adapter, or no language model"
    )

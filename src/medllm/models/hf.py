"""A transformers model in this process, with or without an adapter: `hf:PATH[+ADAPTER]`.

It is asked with the chat template that lies beside its weights, which is the one it was trained
with. At temperature 0 the likeliest token is taken each time, so that the same question has the
same answer; else each question draws from a generator of its own, so that no batch changes it.
"""

from __future__ import annotations

import contextlib
import re
import threading
from collections.abc import Generator, Iterator, Sequence
from pathlib import Path
from typing import Any

from medllm.errors import ConfigError, ModelError, extra
from medllm.models.chat import Answer, Chunk, Finish, Message, ModelSettings, as_wire
from medllm.models.hf_folder import be_quiet, load_tokenizer, load_weights
from medllm.models.hf_generate import END_THINK, THINK, AnswerReader, generate
from medllm.models.hf_parts import Parts, find_parts
from medllm.models.sampling import sampling_of
from medllm.models.spec import ModelSpec


class HfModel:
    """Loads when it is first asked. Several threads may ask; each answer has its own memory."""

    def __init__(self, spec: ModelSpec, settings: ModelSettings) -> None:
        self.spec = spec
        self.constrained = False
        self._settings = settings
        self._parts: Parts = find_parts(spec.name)
        self._lock = threading.Lock()
        self._loaded: tuple[Any, Any] | None = None

    def stream(
        self, messages: Sequence[Message], *, schema: dict[str, Any] | None, max_tokens: int
    ) -> HfChunks:
        """Give the answer chunk by chunk; the schema is left to the prompt.

        What the model thinks before its answer is not part of it.
        """
        return HfChunks(self._stream(messages, max_tokens))

    def answer_all(
        self, conversations: Sequence[Sequence[Message]], *, max_tokens: int
    ) -> list[Answer]:
        """Give the answers to several conversations at once, each as it would be alone.

        At temperature 0 that holds as far as rounding does: in bfloat16 two tokens that are nearly
        as likely may change places. All are held in memory together. Raises `ModelError` where one
        is longer than the context.
        """
        _, tokenizer = self._load()
        prompts = [self._prompt(messages) for messages in conversations]
        readers = [AnswerReader(tokenizer, is_thinking=thinks) for _, thinks in prompts]
        texts = ["" for _ in prompts]
        limits = [self._limit(prompt, max_tokens) for prompt, _ in prompts]
        for tokens in self._tokens([prompt for prompt, _ in prompts], limits):
            for at, token in enumerate(tokens):
                if token is not None:
                    texts[at] += readers[at].read(token)
        return [
            Answer(text + reader.rest(), _finish(reader, limit), len(prompt), reader.n_tokens)
            for text, reader, limit, (prompt, _) in zip(
                texts, readers, limits, prompts, strict=True
            )
        ]

    def _load(self) -> tuple[Any, Any]:
        with self._lock:
            if self._loaded is None:
                self._loaded = load_parts(self._parts)
            return self._loaded

    def _prompt(self, messages: Sequence[Message]) -> tuple[list[int], bool]:
        _, tokenizer = self._load()
        return prompt_ids(tokenizer, messages)

    def _stream(self, messages: Sequence[Message], max_tokens: int) -> Generator[Chunk, None, None]:
        _, tokenizer = self._load()
        prompt, is_thinking = self._prompt(messages)
        limit = self._limit(prompt, max_tokens)
        reader = AnswerReader(tokenizer, is_thinking=is_thinking)
        for (token,) in self._tokens([prompt], [limit]):
            if token is not None and (text := reader.read(token)):
                yield Chunk(text)
        if rest := reader.rest():
            yield Chunk(rest)
        yield Chunk("", _finish(reader, limit), len(prompt), reader.n_tokens)

    def _limit(self, prompt: Sequence[int], max_tokens: int) -> int:
        """Give how many tokens an answer may have: what was asked for, or what there is room for.

        Raises `ModelError` where there is none.
        """
        model, _ = self._load()
        room = _context(model) - len(prompt)
        if room < 1:
            raise ModelError(
                f"the prompt is longer than {self.spec} can read at once",
                hint="give less evidence, or take a model with a longer context",
            )
        return min(max_tokens, room)

    def _tokens(
        self, prompts: Sequence[Sequence[int]], limits: Sequence[int]
    ) -> Iterator[list[int | None]]:
        model, tokenizer = self._load()
        if not prompts:
            return
        yield from generate(
            model,
            prompts,
            stops=stop_tokens(model, tokenizer),
            pad=int(tokenizer.pad_token_id or 0),
            limits=limits,
            sampling=sampling_of(self._settings.sampling, self._settings.temperature),
            seed=self._settings.seed,
        )


def prompt_ids(tokenizer: Any, messages: Sequence[Message]) -> tuple[list[int], bool]:
    """Give the ids that the model reads, and whether it begins by thinking.

    A control token in what somebody wrote is broken by a space: nobody's words may end a turn or
    begin another one.
    """
    added = {str(token) for token in tokenizer.added_tokens_decoder.values()}
    names = {name for name in added if name.startswith("<")} - {THINK, END_THINK}
    control = re.compile("|".join(re.escape(name) for name in sorted(names)) or r"(?!)")
    turns = as_wire(messages)
    for turn in turns:
        turn["content"] = control.sub(lambda it: f"{it[0][0]} {it[0][1:]}", turn["content"])
    text = tokenizer.apply_chat_template(turns, add_generation_prompt=True, tokenize=False)
    ids = tokenizer(text, add_special_tokens=False)["input_ids"]
    return list(ids), str(text).rstrip().endswith(THINK)


def load_parts(parts: Parts) -> tuple[Any, Any]:
    """Give the model, adapter and all, and its tokenizer; raise `ModelError` where they differ."""
    be_quiet()
    with extra("train"):
        import torch
    model = load_weights(parts.base, dtype="auto")
    if torch.cuda.is_available():
        model = model.to("cuda")
    if parts.adapter is not None:
        model = add_trained_adapter(model, parts.adapter)
    tokenizer = load_tokenizer(parts.tokenizer)
    if not tokenizer.chat_template:
        raise ConfigError(
            f"{parts.tokenizer} has no chat template, so it cannot be asked",
            hint="fine-tune it first, or put a chat_template.jinja beside its tokenizer",
        )
    return model.eval(), tokenizer


def add_trained_adapter(model: Any, adapter: Path) -> Any:
    """Give the model with an adapter from a folder; raise `ModelError` where it does not fit."""
    with extra("train"):
        from peft import PeftModel
        from safetensors import SafetensorError
    try:
        return PeftModel.from_pretrained(model, adapter)
    except (RuntimeError, ValueError, LookupError, TypeError, OSError, SafetensorError) as exc:
        raise ModelError(
            f"the adapter in {adapter} does not fit the base, or is damaged",
            hint="name the base that it was trained on",
        ) from exc


def _context(model: Any) -> int:
    """How many tokens the model can hold."""
    return int(getattr(model.config, "max_position_embeddings", 0) or 1 << 30)


def stop_tokens(model: Any, tokenizer: Any) -> frozenset[int]:
    """Give every token that ends an answer: the tokenizer's and those of the generation config."""
    listed = model.generation_config.eos_token_id
    ids = listed if isinstance(listed, list) else [listed]
    names = ("<|eot_id|>", "<|eom_id|>", "<|end_of_text|>")  # an older config may lack them
    vocabulary = tokenizer.get_vocab()
    ids += [tokenizer.eos_token_id, *(vocabulary.get(name) for name in names)]
    return frozenset(int(one) for one in ids if one is not None)


def _finish(reader: AnswerReader, limit: int) -> Finish:
    """Tell how an answer ended: by itself, or because it was as long as it may be."""
    return "stop" if reader.n_tokens < limit else "length"


class HfChunks:
    """The chunks of one answer; `close` may be called from any thread."""

    def __init__(self, chunks: Generator[Chunk, None, None]) -> None:
        self._chunks = chunks
        self._is_closed = False

    def __iter__(self) -> HfChunks:
        """Give itself."""
        return self

    def __next__(self) -> Chunk:
        """Compute the next chunk; raise `ModelError` after a hang-up."""
        if self._is_closed:
            raise ModelError("the answer was stopped")
        return next(self._chunks)

    def close(self) -> None:
        """Stop before the next token."""
        self._is_closed = True
        with contextlib.suppress(ValueError):  # another thread is inside: it stops after its token
            self._chunks.close()

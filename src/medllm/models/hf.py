"""A transformers model in this process, with or without an adapter: `hf:PATH[+ADAPTER]`.

It is asked with the chat template that lies beside its weights, which is the one it was trained
with. At temperature 0 the likeliest token is taken each time, so that the same question has the
same answer; else each question draws from a generator of its own, so that no batch changes it.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Generator, Iterator, Sequence
from pathlib import Path
from typing import Any

from medllm.errors import ConfigError, ModelError, extra
from medllm.models.chat import Chunk, Finish, Message, ModelSettings, as_wire
from medllm.models.hf_folder import be_quiet, load_tokenizer, load_weights
from medllm.models.hf_parts import Parts, find_parts
from medllm.models.sampling import Sampling, choose, sampling_of
from medllm.models.spec import ModelSpec

THINK, END_THINK = "<think>", "</think>"
_UNFINISHED = "\ufffd"
"""What a tokenizer gives for bytes that are not a whole character yet."""


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
    ) -> list[str]:
        """Give the answers to several conversations at once, each as it would be alone."""
        _, tokenizer = self._load()
        prompts = [self._prompt(messages) for messages in conversations]
        ids: list[list[int]] = [[] for _ in prompts]
        for tokens in self._tokens([prompt for prompt, _ in prompts], max_tokens):
            for own, token in zip(ids, tokens, strict=True):
                if token is not None:
                    own.append(token)
        texts = [tokenizer.decode(own, skip_special_tokens=True) for own in ids]
        return [
            text.partition(END_THINK)[2].lstrip() if thinks else text
            for text, (_, thinks) in zip(texts, prompts, strict=True)
        ]

    def _load(self) -> tuple[Any, Any]:
        with self._lock:
            if self._loaded is None:
                self._loaded = load_parts(self._parts)
            return self._loaded

    def _prompt(self, messages: Sequence[Message]) -> tuple[list[int], bool]:
        """Give the ids that the model reads, and whether it begins by thinking."""
        _, tokenizer = self._load()
        text = tokenizer.apply_chat_template(
            as_wire(messages), add_generation_prompt=True, tokenize=False
        )
        ids = tokenizer(text, add_special_tokens=False)["input_ids"]
        return list(ids), str(text).rstrip().endswith(THINK)

    def _stream(self, messages: Sequence[Message], max_tokens: int) -> Generator[Chunk, None, None]:
        _, tokenizer = self._load()
        prompt, is_thinking = self._prompt(messages)
        reader = _Reader(tokenizer)
        n_tokens, finish = 0, "length"
        thought = ""
        for (token,) in self._tokens([prompt], max_tokens):
            if token is None:
                finish = "stop"
                break
            n_tokens += 1
            text = reader.read(token)
            if is_thinking:
                thought += text
                _, end, text = thought.partition(END_THINK)
                is_thinking, text = not end, text.lstrip()
            if text:
                yield Chunk(text)
        if rest := "" if is_thinking else reader.rest():
            yield Chunk(rest)
        yield Chunk("", _finish(finish), len(prompt), n_tokens)

    def _tokens(
        self, prompts: Sequence[Sequence[int]], max_tokens: int
    ) -> Iterator[list[int | None]]:
        """Give the next token of each answer, None for one that has ended, until all have."""
        model, tokenizer = self._load()
        room = _context(model) - max(map(len, prompts), default=0)
        if room < 1:
            raise ModelError(
                f"the prompt is longer than {self.spec} can read at once",
                hint="give less evidence, or take a model with a longer context",
            )
        sampling = sampling_of(self._settings.sampling, self._settings.temperature)
        yield from generate(
            model,
            prompts,
            stops=_stop_ids(model, tokenizer),
            pad=int(tokenizer.pad_token_id or 0),
            n_tokens=min(max_tokens, room),
            sampling=sampling,
            seed=self._settings.seed,
        )


def generate(
    model: Any,
    prompts: Sequence[Sequence[int]],
    *,
    stops: frozenset[int],
    pad: int,
    n_tokens: int,
    sampling: Sampling,
    seed: int,
) -> Iterator[list[int | None]]:
    """Give the next token of each prompt's answer, None where a stop token ended it.

    Prompts of several lengths are padded on the left, where no token looks at it.
    """
    with extra("train"):
        import torch
    device = next(model.parameters()).device
    longest = max(map(len, prompts))
    ids = torch.tensor([[pad] * (longest - len(p)) + list(p) for p in prompts], device=device)
    mask = torch.tensor([[0] * (longest - len(p)) + [1] * len(p) for p in prompts], device=device)
    positions = (mask.cumsum(-1) - 1).clamp(min=0)
    draws = [torch.Generator().manual_seed(seed) for _ in prompts]
    seen = [list(prompt) for prompt in prompts]
    has_ended = [False] * len(prompts)
    cache = None
    for _ in range(n_tokens):
        with torch.inference_mode():
            out = model(
                input_ids=ids,
                attention_mask=mask,
                position_ids=positions,
                past_key_values=cache,
                use_cache=True,
                logits_to_keep=1,
            )
        cache = out.past_key_values
        logits = out.logits[:, -1].float().cpu()
        nexts = [choose(*one, sampling) for one in zip(logits, seen, draws, strict=True)]
        has_ended = [was or token in stops for was, token in zip(has_ended, nexts, strict=True)]
        yield [None if over else token for over, token in zip(has_ended, nexts, strict=True)]
        if all(has_ended):
            return
        for own, token in zip(seen, nexts, strict=True):
            own.append(token)
        ids = torch.tensor([[token] for token in nexts], device=device)
        mask = torch.cat([mask, mask.new_ones((len(prompts), 1))], dim=1)
        positions = positions[:, -1:] + 1


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


def _stop_ids(model: Any, tokenizer: Any) -> frozenset[int]:
    """Give every token that ends an answer: the tokenizer's and those of the generation config."""
    listed = model.generation_config.eos_token_id
    ids = listed if isinstance(listed, list) else [listed]
    names = ("<|eot_id|>", "<|eom_id|>", "<|end_of_text|>")  # an older config may lack them
    vocabulary = tokenizer.get_vocab()
    ids += [tokenizer.eos_token_id, *(vocabulary.get(name) for name in names)]
    return frozenset(int(one) for one in ids if one is not None)


def _finish(word: str) -> Finish:
    return "stop" if word == "stop" else "length"


class _Reader:
    """Turns tokens into text as they come; a character of several tokens comes when it is whole."""

    def __init__(self, tokenizer: Any) -> None:
        self._tokenizer = tokenizer
        self._ids: list[int] = []
        self._start = self._read = (
            0  # tokens before _read are given; those from _start give context
        )

    def read(self, token: int) -> str:
        """Give the text that this token completes."""
        self._ids.append(token)
        new = self._since(None)
        return "" if new.endswith(_UNFINISHED) else self._give(new)

    def rest(self) -> str:
        """Give what an answer that broke off in a character left."""
        return self._give(self._since(None))

    def _give(self, new: str) -> str:
        text = new[len(self._since(self._read)) :]
        self._start, self._read = self._read, len(self._ids)
        return text

    def _since(self, end: int | None) -> str:
        return str(self._tokenizer.decode(self._ids[self._start : end], skip_special_tokens=True))


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

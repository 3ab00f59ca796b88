"""Token by token: what a transformers model says next, to one prompt or to several at once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from medllm.errors import ModelError, extra
from medllm.models.sampling import Sampling, choose

THINK, END_THINK = "<think>", "</think>"
_UNFINISHED = "\ufffd"
"""What a tokenizer gives for bytes that are not a whole character yet."""


def generate(
    model: Any,
    prompts: Sequence[Sequence[int]],
    *,
    stops: frozenset[int],
    pad: int,
    limits: Sequence[int],
    sampling: Sampling,
    seed: int,
) -> Iterator[list[int | None]]:
    """Give the next token of each prompt's answer, None once it is over.

    An answer is over after a stop token, which is not given, or after as many tokens as its entry
    in `limits`. Prompts of several lengths are padded on the left, where no token looks at it.
    Raises `ModelError` where the memory does not hold them all.
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
    for n_given in range(max(limits)):
        try:
            with torch.inference_mode():
                out = model(
                    input_ids=ids,
                    attention_mask=mask,
                    position_ids=positions,
                    past_key_values=cache,
                    use_cache=True,
                    logits_to_keep=1,
                )
        except torch.OutOfMemoryError as exc:
            raise ModelError(
                f"{len(prompts)} prompts of up to {longest:,} tokens do not fit into memory",
                hint="ask for fewer at once, or with less text",
            ) from exc
        cache = out.past_key_values
        logits = out.logits[:, -1].float().cpu()
        nexts = [choose(*one, sampling) for one in zip(logits, seen, draws, strict=True)]
        has_ended = [
            was or token in stops or n_given >= limit
            for was, token, limit in zip(has_ended, nexts, limits, strict=True)
        ]
        yield [None if over else token for over, token in zip(has_ended, nexts, strict=True)]
        if all(has_ended):
            return
        for own, token in zip(seen, nexts, strict=True):
            own.append(token)
        ids = torch.tensor([[token] for token in nexts], device=device)
        mask = torch.cat([mask, mask.new_ones((len(prompts), 1))], dim=1)
        positions = positions[:, -1:] + 1


class AnswerReader:
    """Turns tokens into the text of an answer as they come.

    A character of several tokens comes when it is whole. What a model thinks first, up to the end
    of its think tag, is no part of the answer, nor is the white space behind that. With
    `with_control` control tokens are written out.
    """

    def __init__(
        self, tokenizer: Any, *, is_thinking: bool = False, with_control: bool = False
    ) -> None:
        self.n_tokens = 0
        self._tokenizer = tokenizer
        self._skips = not with_control
        self._ids: list[int] = []
        self._start = self._read = 0  # before _read all is given; from _start on is context
        self._is_thinking = is_thinking
        self._has_begun = not is_thinking
        self._thought = ""

    def read(self, token: int) -> str:
        """Give the text that this token completes."""
        self.n_tokens += 1
        self._ids.append(token)
        new = self._since(None)
        return "" if new.endswith(_UNFINISHED) else self._said(self._give(new))

    def rest(self) -> str:
        """Give what an answer that broke off in a character left."""
        return self._said(self._give(self._since(None)))

    def _said(self, text: str) -> str:
        if self._is_thinking:
            self._thought += text
            _, end, text = self._thought.partition(END_THINK)
            self._is_thinking = not end
        if not self._has_begun:
            text = text.lstrip()
            self._has_begun = bool(text)
        return text

    def _give(self, new: str) -> str:
        text = new[len(self._since(self._read)) :]
        self._start, self._read = self._read, len(self._ids)
        return text

    def _since(self, end: int | None) -> str:
        ids = self._ids[self._start : end]
        return str(self._tokenizer.decode(ids, skip_special_tokens=self._skips))

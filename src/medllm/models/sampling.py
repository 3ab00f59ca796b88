"""How the next token of an answer is chosen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from medllm.errors import ConfigError, extra


@dataclass(frozen=True, slots=True, kw_only=True)
class Sampling:
    """Temperature 0 takes the likeliest token; `top_p` 1 and `top_k` 0 keep all of them."""

    temperature: float = 0.0
    top_p: float = 1.0
    top_k: int = 0
    repetition_penalty: float = 1.0
    """Divides the logits of tokens that were there before (Keskar et al. 2019), prompt included."""


SAMPLINGS = {
    "plain": Sampling(),
    "clinmed": Sampling(temperature=0.6, top_p=0.9, top_k=50, repetition_penalty=1.2),
}
"""By the name in `models.sampling`; `plain` takes its temperature from the settings."""


def sampling_of(name: str, temperature: float) -> Sampling:
    """Give the sampling that a setting names; raise `ConfigError` for none."""
    if name not in SAMPLINGS:
        raise ConfigError(
            f"models.sampling: there is no {name!r}", hint=f"one of {', '.join(SAMPLINGS)}"
        )
    return Sampling(temperature=temperature) if name == "plain" else SAMPLINGS[name]


def choose(logits: Any, seen: Sequence[int], draws: Any, sampling: Sampling) -> int:
    """Give the next token: `logits` is [vocabulary], `seen` all before it, `draws` a generator."""
    with extra("train"):
        import torch
    if sampling.repetition_penalty != 1.0:
        before = torch.tensor(sorted(set(seen)))
        own = logits[before]
        penalty = sampling.repetition_penalty
        logits = logits.clone()
        logits[before] = torch.where(own > 0, own / penalty, own * penalty)
    if sampling.temperature == 0:
        return int(logits.argmax())
    logits, order = (logits / sampling.temperature).sort(descending=True)
    if sampling.top_k:
        logits, order = logits[: sampling.top_k], order[: sampling.top_k]
    shares = logits.softmax(-1)
    # Those before a token have top_p already: it is not needed. The first always is.
    shares = shares.masked_fill(shares.cumsum(-1) - shares >= sampling.top_p, 0.0)
    return int(order[torch.multinomial(shares, 1, generator=draws)])

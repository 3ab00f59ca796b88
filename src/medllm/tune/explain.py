"""Which words of a prompt an answer rests on, by layer-wise relevance propagation.

The logit of each answer token is handed back, layer by layer, to the tokens that were read: norms,
attention weights and gates are held fixed (the rules of Ali et al. 2022 for transformers), so that
a Llama, which has no biases, is linear and gradient times input loses nothing. The relevances of
all tokens, those of the answer so far included, sum to the logit; `gap` says how far off that is.
It shows what the model used, not whether that was right.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from html import escape
from typing import Any

import numpy as np
from numpy.typing import NDArray

from medllm.errors import ModelError, extra
from medllm.models.chat import Message
from medllm.models.hf import load_parts, prompt_ids, stop_tokens
from medllm.models.hf_generate import AnswerReader, generate
from medllm.models.hf_parts import find_parts
from medllm.models.sampling import Sampling

CONTROL = re.compile(r"<[|｜][^<>]*[|｜]>|</?s>")
"""What a template writes around turns."""
_MOST_TOKENS = 64
_MOST_GAP = 0.1
"""Of the largest logit: rounding to bfloat16 stays below it, a layer that was not met does not."""
_STYLE = (
    "body{font:16px/1.7 system-ui,sans-serif;max-width:50rem;margin:2rem auto;padding:0 1rem}"
    "pre{white-space:pre-wrap;overflow-wrap:anywhere;font:inherit}"
    "span{border-radius:.2em;padding:.1em 0}.control{color:#6b6b6b;font-size:.75em}"
)
_DEEPEST = 0.55
"""Of the colour: black letters stay readable on it."""


@dataclass(frozen=True, slots=True)
class Explanation:
    """`scores` is [answer tokens, prompt and answer tokens]; texts are left out of `repr`."""

    prompt: list[str] = field(repr=False)
    answer: list[str] = field(repr=False)
    scores: NDArray[np.float64] = field(repr=False)
    logits: NDArray[np.float64] = field(repr=False)
    """Of each answer token."""

    @property
    def gap(self) -> float:
        """The largest difference between what scores sum to and what they should."""
        return float(np.abs(self.scores.sum(axis=1) - self.logits).max())

    @property
    def totals(self) -> NDArray[np.float64]:
        """What each prompt token did for the whole answer, [prompt tokens]."""
        return np.asarray(self.scores[:, : len(self.prompt)].sum(axis=0))

    @property
    def words(self) -> list[tuple[str, float]]:
        """The prompt in words, each with what its tokens did; white space goes with what follows.

        A control token is a word by itself.
        """
        found: list[tuple[str, float]] = []
        for text, total in zip(self.prompt, self.totals.tolist(), strict=True):
            before = found[-1][0] if found else ""
            is_control = CONTROL.fullmatch(text) or CONTROL.fullmatch(before)
            is_border = before.strip() and (text[:1].isspace() or before[-1:].isspace())
            if not found or is_control or is_border:
                found.append((text, total))
            else:
                found[-1] = (before + text, found[-1][1] + total)
        return found

    def to_json(self) -> dict[str, Any]:
        """Give it as plain values."""
        return {
            "words": [{"text": text, "relevance": round(own, 6)} for text, own in self.words],
            "prompt": self.prompt,
            "answer": self.answer,
            "scores": np.round(self.scores, 6).tolist(),
            "logits": np.round(self.logits, 6).tolist(),
            "gap": self.gap,
        }


def explain(name: str, text: str, answer: str = "") -> Explanation:
    """Explain an answer of the model `hf:name` to a text: the one given, or the model's own.

    Raises `ModelError` where the model has no answer or the text is longer than it can read.
    """
    model, tokenizer = load_parts(find_parts(name))
    prompt, _ = prompt_ids(tokenizer, [Message("user", text)])
    if len(prompt) + _MOST_TOKENS > int(model.config.max_position_embeddings):
        raise ModelError("the text is longer than the model can read at once", hint="shorten it")
    ids = _answer_ids(model, tokenizer, prompt, answer)
    if not ids:
        raise ModelError("the model gives no answer to explain", hint="give one with --answer")
    scores, logits = attribute(model, [*prompt, *ids], len(prompt))
    reader = AnswerReader(tokenizer, with_control=True)
    texts = [reader.read(token) for token in (*prompt, *ids)]
    n = len(prompt)
    found = Explanation(texts[:n], texts[n:], scores, logits)
    if found.gap > _MOST_GAP * max(1.0, float(np.abs(logits).max())):
        raise _unlike_a_llama()
    return found


def _answer_ids(model: Any, tokenizer: Any, prompt: list[int], answer: str) -> list[int]:
    if answer:
        found = tokenizer(answer, add_special_tokens=False)["input_ids"]
        return list(found)[:_MOST_TOKENS]
    tokens = generate(
        model,
        [prompt],
        stops=stop_tokens(model, tokenizer),
        pad=0,
        limits=[_MOST_TOKENS],
        sampling=Sampling(),
        seed=0,
    )
    return [token for (token,) in tokens if token is not None]


def attribute(model: Any, ids: list[int], n_prompt: int) -> tuple[Any, Any]:
    """Give relevances [answer tokens, all tokens] and logits [answer tokens]; rows sum to logits.

    `ids` are prompt and answer; tokens behind an answer token have no relevance for it.
    """
    with extra("train"):
        import torch
    for parameter in model.parameters():
        parameter.requires_grad_(False)
    embed = model.get_input_embeddings()
    given = embed(torch.tensor([ids], device=embed.weight.device)).detach().requires_grad_(True)
    rows = []
    with _straightened(model):
        logits = model(inputs_embeds=given, use_cache=False).logits[0].float()
        wanted = [logits[at - 1, ids[at]] for at in range(n_prompt, len(ids))]
        for one in wanted:
            (gradient,) = torch.autograd.grad(one, given, retain_graph=True)
            rows.append((gradient * given).sum(-1)[0].detach().double().cpu().numpy())
    return np.stack(rows), np.array([float(one.detach()) for one in wanted])


@contextmanager
def _straightened(model: Any) -> Iterator[None]:
    """Hold fixed what weighs: norms, attention, gates. What is left is linear in the embeddings.

    So gradient times input hands each output on to its inputs without loss. Raises `ModelError`
    for models that are not built of a Llama's parts.
    """
    hooks = []
    for name, module in model.named_modules():
        if name.endswith(("q_proj", "k_proj", "gate_proj")):
            hooks.append(module.register_forward_hook(lambda _, __, out: out.detach()))
        elif type(module).__name__.endswith("RMSNorm"):
            hooks.append(module.register_forward_hook(_fixed_norm))
    try:
        if len(hooks) < 4:
            raise _unlike_a_llama()
        yield
    finally:
        for hook in hooks:
            hook.remove()


def _unlike_a_llama() -> ModelError:
    return ModelError(
        "this model is not built as a Llama is, and cannot be explained",
        hint="take a model of the Llama family",
    )


def _fixed_norm(module: Any, given: tuple[Any, ...], out: Any) -> Any:
    """Scale as the norm did, without a gradient through the scale."""
    states = given[0].float()
    scale = (states.pow(2).mean(-1, keepdim=True) + module.variance_epsilon).rsqrt().detach()
    return module.weight * (states * scale).to(given[0].dtype)


def to_html(found: Explanation) -> str:
    """Give a page without scripts: the prompt coloured by what it did for the whole answer."""
    words = found.words
    seen = [abs(own) for text, own in words if text.strip() and not CONTROL.fullmatch(text)]
    largest = max(seen, default=0.0)
    spans = [_span(text, own, largest or 1.0) for text, own in words]
    of_prompt, of_all = float(found.totals.sum()), float(found.scores.sum())
    return (
        '<!doctype html><html lang="en"><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width"><title>Explanation</title>'
        f"<style>{_STYLE}</style><h1>What the answer rests on</h1>"
        "<p>Green spoke for the answer, red against it; the deeper, the more. It shows what the "
        "model used, not whether that was right.</p>"
        f"<h2>Prompt</h2><pre>{''.join(spans)}</pre>"
        f"<h2>Answer</h2><pre>{escape(''.join(found.answer))}</pre>"
        f"<p>The logits of the answer's {len(found.answer)} tokens sum to {of_all:.1f}. Of that "
        f"{of_prompt:.1f} comes from the prompt, the rest from what the answer had said before; "
        f"no token is off by more than {found.gap:.2g}.</p></html>\n"
    )


def _span(text: str, own: float, largest: float) -> str:
    """Colour a word; control tokens stand in grey, and their deep colour would hide the others."""
    space = text[: len(text) - len(text.lstrip())]
    title = f"{own:+.3f}"
    if CONTROL.fullmatch(text):
        return f'<span class="control" title="{title}">{escape(text)}</span>'
    colour = "0,110,60" if own > 0 else "190,40,40"
    shade = f"rgba({colour},{min(1.0, abs(own) / largest) * _DEEPEST:.2f})"
    word = escape(text[len(space) :])
    return f'{space}<span title="{title}" style="background:{shade}">{word}</span>'

"""A GGUF beside the model that was evaluated: what is equal, how far the rest is off, and why."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from medllm.errors import ModelError
from medllm.export.facts import ExportedFile, FileProof
from medllm.export.llama import LlamaFile
from medllm.export.reference import LONGEST_ANSWER, Reference, log_softmax, surprise

Step = Callable[[int, int], None]
"""Takes how many texts were read, and how many there are."""


class Limit(NamedTuple):
    """The largest mean divergence in nats, and the smallest share of equal first choices."""

    kl: float
    top1: float


EXACT = ("F32", "F16", "BF16")
"""What must also answer with the same words; fewer bits may choose others."""
LIMITS = {
    "F32": Limit(1e-4, 0.999),
    "F16": Limit(1e-3, 0.99),
    "BF16": Limit(1e-2, 0.93),
    "Q8_0": Limit(0.1, 0.7),
    "Q6": Limit(0.15, 0.6),
    "Q5": Limit(0.5, 0.3),
    "Q4": Limit(2.0, 0.1),
    "Q3": Limit(3.0, 0.05),
    "Q2": Limit(5.0, 0.02),
}
"""Those of F32 and F16 are far below what a wrong file gives (docs/export.md). What llama.cpp makes
is made of a file that is held to those; its own limit only finds what is broken, and what is lost
is for the reader of the table to judge."""
_NEARLY_EVEN = 0.01
"""In nats: two tokens this close are decided by the order of additions."""


def limit_of(quantisation: str, weights: str) -> Limit:
    """Give the limit of a file; `weights` is how the merged weights were rounded before it."""
    own = LIMITS[quantisation if quantisation in LIMITS else quantisation[:2]]
    merged = LIMITS.get(weights, own)
    return Limit(max(own.kl, merged.kl), min(own.top1, merged.top1))


@dataclass(slots=True)
class _Sums:
    kl: float = 0.0
    n_same: int = 0
    n_positions: int = 0
    surprise: float = 0.0

    @property
    def mean_kl(self) -> float:
        mean = self.kl / max(1, self.n_positions)
        return 0.0 if mean <= 0 else mean  # rounding may leave less than nothing

    @property
    def top1(self) -> float:
        return self.n_same / max(1, self.n_positions)


def compare(
    file: ExportedFile,
    folder: Path,
    reference: Reference,
    *,
    weights: str,
    base: Path | None = None,
    tell: Step = lambda done, total: None,
) -> FileProof:
    """Run a file in llama.cpp and compare everything; `base` is the GGUF an adapter is laid on.

    A file that llama.cpp cannot open is one that did not pass.
    """
    path = folder / file.name
    try:
        with LlamaFile(
            base or path, n_context=reference.longest + 8, adapter=path if base else None
        ) as llama:
            return _compare(file, llama, reference, weights, tell)
    except ModelError as exc:
        return _proof(file, reasons=(str(exc),))


def _compare(
    file: ExportedFile, llama: LlamaFile, reference: Reference, weights: str, tell: Step
) -> FileProof:
    if llama.n_vocabulary != reference.log_shares[0].shape[1]:
        n_wanted = reference.log_shares[0].shape[1]
        return _proof(file, reasons=(f"it has {llama.n_vocabulary} tokens, the model {n_wanted}",))
    texts = _same_tokens(llama, reference.texts, reference.text_ids)
    prompts = _same_prompts(llama, reference)
    sums = _sums(llama, reference, tell)
    answers = [llama.answer(one, reference.stops, LONGEST_ANSWER) for one in reference.questions]
    equal, even = _same_answers(answers, reference, nearly_even(sums.mean_kl))
    proof = _proof(
        file,
        n_texts=len(reference.texts),
        n_texts_equal=texts,
        n_prompts=len(reference.prompts),
        n_prompts_equal=prompts,
        n_positions=sums.n_positions,
        mean_kl=sums.mean_kl,
        top1=sums.top1,
        n_answers=len(answers),
        n_answers_equal=equal,
        n_answers_even=even,
        perplexity=math.exp(min(sums.surprise / max(1, reference.n_tokens), 700.0)),
        tokens_per_s=llama.tokens_per_s,
    )
    return _judged(proof, limit_of(file.quantisation, weights), llama)


def _same_tokens(llama: LlamaFile, texts: Sequence[str], ids: Sequence[list[int]]) -> int:
    return sum(llama.tokenize(text) == own for text, own in zip(texts, ids, strict=True))


def _same_prompts(llama: LlamaFile, reference: Reference) -> int:
    """Count the conversations that both render to the same text and cut into the same tokens."""
    n_same = 0
    wanted = zip(reference.conversations, reference.prompts, reference.prompt_ids, strict=True)
    for conversation, prompt, ids in wanted:
        n_same += llama.render(conversation) == prompt and llama.tokenize(prompt) == ids
    return n_same


def _sums(llama: LlamaFile, reference: Reference, tell: Step) -> _Sums:
    sums = _Sums()
    for number, one in enumerate(reference.sequences):
        tell(number, len(reference.sequences))
        found = log_softmax(llama.logits(one.ids))
        sums.surprise += surprise(found, one)
        if number < len(reference.log_shares):
            wanted = reference.log_shares[number]
            apart = np.exp(wanted, dtype=np.float64) * (wanted.astype(np.float64) - found)
            sums.kl += float(apart.sum())
            sums.n_same += int((wanted.argmax(-1) == found.argmax(-1)).sum())
            sums.n_positions += len(one.ids)
    return sums


def nearly_even(mean_kl: float) -> float:
    """Give by how much a token may lead and still lose to another by a file's own error, in nats.

    Errors of logits with the standard deviation s cost s²/2 of divergence, and the difference of
    two is off by s times the root of 2; four times that is rarely passed.
    """
    return max(_NEARLY_EVEN, 4 * math.sqrt(2) * math.sqrt(2 * max(0.0, mean_kl)))


def _same_answers(
    answers: Sequence[list[int]], reference: Reference, even: float
) -> tuple[int, int]:
    """Count the equal answers, and those that part where two tokens are nearly even."""
    n_equal = n_even = 0
    for found, wanted, margins in zip(answers, reference.answers, reference.margins, strict=True):
        own = found[:-1] if found and found[-1] in reference.stops else found
        if own == wanted:
            n_equal += 1
            continue
        shared = zip(own, wanted, strict=False)
        at = next((n for n, (a, b) in enumerate(shared) if a != b), min(len(own), len(wanted)))
        n_even += bool(margins[at] < even)
    return n_equal, n_even


def _judged(proof: FileProof, limit: Limit, llama: LlamaFile) -> FileProof:
    """Say whether it passed, and if not why, in words that hold no text."""
    reasons = []
    if n := proof.n_texts - proof.n_texts_equal:
        reasons.append(f"{n} of {proof.n_texts} awkward texts become other tokens")
    if n := proof.n_prompts - proof.n_prompts_equal:
        reasons.append(f"{n} of {proof.n_prompts} conversations become other prompts")
    if not proof.mean_kl <= limit.kl:  # also where it is no number
        reasons.append(f"its distributions are {proof.mean_kl:.2g} nats off, limit {limit.kl:g}")
    if not proof.top1 >= limit.top1:
        reasons.append(f"its first choice agrees at {proof.top1:.1%}, limit {limit.top1:.1%}")
    other = proof.n_answers - proof.n_answers_equal - proof.n_answers_even
    if other and proof.quantisation in EXACT:
        reasons.append(f"{other} of {proof.n_answers} answers are others")
    if llama.metadata.get("tokenizer.ggml.add_bos_token") != "true":
        reasons.append("it does not say that texts begin with the begin-of-text token")
    return replace(proof, passed=not reasons, reasons=tuple(reasons))


def _proof(file: ExportedFile, **found: Any) -> FileProof:
    return FileProof(
        file=file.name,
        sha256=file.sha256,
        quantisation=file.quantisation,
        size_bytes=file.size_bytes,
        **found,
    )

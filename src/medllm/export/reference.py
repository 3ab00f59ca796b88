"""The model that was evaluated, asked for everything that a proof compares a GGUF with.

It runs once, before any GGUF is opened, so that not both need to fit into memory. Logarithms are
natural ones; distributions are over the whole vocabulary, the rows without a token included.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from medllm.errors import extra
from medllm.export.awkward import awkward_texts
from medllm.export.samples import ODD_CONVERSATIONS
from medllm.models.hf_generate import generate
from medllm.models.sampling import Sampling
from medllm.records import SftRecord
from medllm.tune.encode import Encoded, Encoder
from medllm.tune.templates import Template

Conversation = list[dict[str, str]]

N_TEXTS = 2000
WINDOW = 512
MOST_TOKENS = 2048
"""Read for the perplexity: an 8B model needs minutes for them on a CPU."""
MOST_POSITIONS = 1024
"""Whose distributions are kept: half a gigabyte at a vocabulary of 128,000."""
MOST_RECORDS = 1000
"""Looked at for that."""
N_ANSWERS = 5
LONGEST_ANSWER = 32
_CONVERSATIONS_OF_RECORDS = 12
_MARK = "QUESTION"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """What the model made of texts, conversations and records."""

    what: str
    texts: list[str] = field(repr=False)
    text_ids: list[list[int]] = field(repr=False)
    conversations: list[Conversation] = field(repr=False)
    prompts: list[str] = field(repr=False)
    prompt_ids: list[list[int]] = field(repr=False)
    sequences: list[Encoded] = field(repr=False)
    log_shares: list[NDArray[np.float32]] = field(repr=False)
    """Of the first sequences: the logarithms of each next token's share, [tokens, vocabulary]."""
    perplexity: float
    questions: list[list[int]] = field(repr=False)
    answers: list[list[int]] = field(repr=False)
    margins: list[NDArray[np.float32]] = field(repr=False)
    """By how much the likeliest token led at each place of an answer, in nats."""
    stops: frozenset[int]
    has_own_records: bool
    """Whether the perplexity is that of the run's validation records."""

    @property
    def n_tokens(self) -> int:
        """How many tokens the perplexity was measured on."""
        return sum(sum(one.trained[1:]) for one in self.sequences)

    @property
    def longest(self) -> int:
        """How many tokens a context must hold for all of this."""
        questions = [len(one) + LONGEST_ANSWER for one in self.questions]
        return max([len(one.ids) for one in self.sequences] + questions)


def make_reference(
    model: Any,
    tokenizer: Any,
    template: Template,
    own: Sequence[SftRecord],
    shipped: Sequence[SftRecord],
    *,
    stops: frozenset[int],
    what: str,
    tell: Callable[[int, int], None] = lambda done, total: None,
) -> Reference:
    """Run the model over everything.

    The perplexity is that of `own`, the run's validation records, where there are any; for all else
    `shipped` fills up what they leave room for.
    """
    kept, sequences = _read(own, tokenizer, template)
    has_own = bool(sequences)
    more, filling = _read(shipped, tokenizer, template, n_tokens=_n_tokens(sequences))
    sequences += [_unjudged(one) for one in filling] if has_own else filling
    conversations = _conversations([*kept, *more])
    prompts = [_render(tokenizer, one, template.serving_text) for one in conversations]
    before = _before_question(tokenizer, template.serving_text)
    texts = [before + text for text in _texts(tokenizer)]
    questions = [_ids(tokenizer, prompt) for prompt in prompts[:_CONVERSATIONS_OF_RECORDS]]
    questions = [one for one in questions if len(one) <= WINDOW][:N_ANSWERS]
    log_shares, perplexity = _distributions(model, sequences, tell)
    answers = [_answer(model, one, stops) for one in questions]
    return Reference(
        what=what,
        texts=texts,
        text_ids=[_ids(tokenizer, text) for text in texts],
        conversations=conversations,
        prompts=prompts,
        prompt_ids=[_ids(tokenizer, prompt) for prompt in prompts],
        sequences=sequences,
        log_shares=log_shares,
        perplexity=perplexity,
        questions=questions,
        answers=answers,
        margins=[_margins(model, q, a) for q, a in zip(questions, answers, strict=True)],
        stops=stops,
        has_own_records=has_own,
    )


def _n_tokens(sequences: Sequence[Encoded]) -> int:
    return sum(len(one.ids) for one in sequences)


def _unjudged(one: Encoded) -> Encoded:
    """Give a text that is compared, but whose perplexity does not count."""
    return Encoded(one.name, one.ids, [False] * len(one.ids))


def log_softmax(logits: NDArray[np.float32]) -> NDArray[np.float32]:
    """Give the logarithms of the shares, [tokens, vocabulary]."""
    top = logits.max(axis=-1, keepdims=True)
    moved = logits - top
    sums = np.log(np.exp(moved, dtype=np.float32).sum(axis=-1, dtype=np.float64, keepdims=True))
    return np.asarray(moved - sums.astype(np.float32), dtype=np.float32)


def surprise(log_shares: NDArray[np.float32], one: Encoded) -> float:
    """Give the sum of -log of what each trained token's share was before it came."""
    ids, trained = np.asarray(one.ids), np.asarray(one.trained)
    places = np.flatnonzero(trained[1:])
    return float(-log_shares[places, ids[places + 1]].sum(dtype=np.float64))


def _read(
    records: Sequence[SftRecord], tokenizer: Any, template: Template, n_tokens: int = 0
) -> tuple[list[SftRecord], list[Encoded]]:
    """Give records and their ids until there are enough; `n_tokens` is how many there were."""
    encoder = Encoder(tokenizer, template, window=WINDOW)
    kept: list[SftRecord] = []
    sequences: list[Encoded] = []
    for record in records:
        if n_tokens >= MOST_TOKENS:
            break
        (made,) = encoder.encode([record])
        if isinstance(made, Encoded):
            kept.append(record)
            sequences.append(made)
            n_tokens += len(made.ids)
    return kept, sequences


def _conversations(records: Sequence[SftRecord]) -> list[Conversation]:
    found: list[Conversation] = [
        [{"role": turn.role, "content": turn.content} for turn in record.messages[:-1]]
        for record in records[:_CONVERSATIONS_OF_RECORDS]
    ]
    for odd in ODD_CONVERSATIONS:
        found.append([{"role": role, "content": content} for role, content in odd])
    return found


def _texts(tokenizer: Any) -> list[str]:
    control = sorted({str(token) for token in tokenizer.added_tokens_decoder.values()})
    return awkward_texts(N_TEXTS, control)


def _render(tokenizer: Any, conversation: Conversation, template: str) -> str:
    text: str = tokenizer.apply_chat_template(
        conversation, chat_template=template, add_generation_prompt=True, tokenize=False
    )
    return text


def _before_question(tokenizer: Any, template: str) -> str:
    """Give what stands in a prompt before a question: there texts are read, so there they are cut.

    Right after a control token Llama 2's tokenizers differ in what they make of a blank, and no
    template has one there.
    """
    before, found, _ = _render(tokenizer, [{"role": "user", "content": _MARK}], template).partition(
        _MARK
    )
    return before if found else str(tokenizer.bos_token or "")


def _ids(tokenizer: Any, text: str) -> list[int]:
    ids: list[int] = tokenizer(text, add_special_tokens=False, verbose=False)["input_ids"]
    return list(ids)


def _logits(model: Any, ids: Sequence[int]) -> NDArray[np.float32]:
    with extra("train"):
        import torch
    device = next(model.parameters()).device
    with torch.inference_mode():
        out = model(input_ids=torch.tensor([list(ids)], device=device), use_cache=False)
    found: NDArray[np.float32] = out.logits[0].float().cpu().numpy()
    return found


def _distributions(
    model: Any, sequences: Sequence[Encoded], tell: Callable[[int, int], None]
) -> tuple[list[NDArray[np.float32]], float]:
    kept: list[NDArray[np.float32]] = []
    total, n_trained, n_kept = 0.0, 0, 0
    for number, one in enumerate(sequences):
        tell(number, len(sequences))
        log_shares = log_softmax(_logits(model, one.ids))
        total += surprise(log_shares, one)
        n_trained += sum(one.trained[1:])
        n_kept += len(one.ids)
        if number == 0 or n_kept <= MOST_POSITIONS:
            kept.append(log_shares)
    return kept, float(np.exp(total / n_trained))


def _answer(model: Any, question: Sequence[int], stops: frozenset[int]) -> list[int]:
    tokens = generate(
        model,
        [question],
        stops=stops,
        pad=0,
        limits=[LONGEST_ANSWER],
        sampling=Sampling(),
        seed=0,
    )
    return [token for (token,) in tokens if token is not None]


def _margins(model: Any, question: Sequence[int], answer: Sequence[int]) -> NDArray[np.float32]:
    logits = _logits(model, [*question, *answer])[len(question) - 1 :]
    best = np.partition(logits, -2, axis=-1)[:, -2:]
    return np.asarray(best[:, 1] - best[:, 0], dtype=np.float32)

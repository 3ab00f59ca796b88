"""How long records are, and what a cutoff would take from them."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from contextlib import redirect_stderr
from io import StringIO
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from medllm.data.shingles import WORD
from medllm.errors import ConfigError, DataError, MissingExtraError
from medllm.records import SftRecord, Turn

CUTOFFS = (128, 256, 384, 512, 768, 1024, 1536, 2048, 3072, 4096, 6144, 8192, 16384, 32768)
"""The lengths in tokens for which coverage is given."""
QUANTILES = (0.0, 0.05, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99, 1.0)

Numbers = NDArray[np.int64]


class Tokens(NamedTuple):
    """How many tokens a record has: all turns but the last answer, and that answer."""

    before: int
    answer: int


class TokenCounter(NamedTuple):
    """What counts tokens, and what it is called in the report."""

    name: str
    tokens_of: Callable[[SftRecord], Tokens]


def words_counter() -> TokenCounter:
    """Count words and marks: no tokenizer is needed, and a token is about three quarters of one."""

    def count(record: SftRecord) -> Tokens:
        *before, answer = (len(WORD.findall(turn.content)) for turn in record.messages)
        return Tokens(sum(before), answer)

    return TokenCounter("words", count)


def tokenizer_counter(path: str) -> TokenCounter:
    """Count tokens of a tokenizer on this machine, with its chat template where it has one.

    Raises `MissingExtraError` without transformers and `ConfigError` where it cannot be loaded.
    """
    tokenizer = _load_tokenizer(path)
    has_template = bool(getattr(tokenizer, "chat_template", None))

    def length(turns: Sequence[Turn], *, asks: bool) -> int:
        messages = [{"role": turn.role, "content": turn.content} for turn in turns]
        if has_template:
            text = tokenizer.apply_chat_template(
                messages, tokenize=False, add_generation_prompt=asks
            )
            return len(tokenizer(text, add_special_tokens=False)["input_ids"])
        return sum(len(tokenizer(turn.content)["input_ids"]) for turn in turns)

    def count(record: SftRecord) -> Tokens:
        before = length(record.messages[:-1], asks=True)
        return Tokens(before, max(0, length(record.messages, asks=False) - before))

    template = "its chat template" if has_template else "no chat template"
    return TokenCounter(f"tokens of {Path(path).name}, {template}", count)


def _load_tokenizer(path: str) -> Any:
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    try:
        with redirect_stderr(StringIO()):  # it warns that torch is absent, which is not needed
            from transformers import AutoTokenizer
    except ModuleNotFoundError as exc:
        raise MissingExtraError(
            "counting tokens needs the package transformers, which is not installed",
            hint='pip install -c constraints.txt "medllm[train]", or count words',
        ) from exc
    try:
        return AutoTokenizer.from_pretrained(path, local_files_only=True)
    except (OSError, ValueError, KeyError) as exc:
        raise ConfigError(
            f"cannot load the tokenizer {path}", hint="name a folder with tokenizer.json"
        ) from exc


class Lengths(NamedTuple):
    """Lengths of records, as parallel arrays."""

    prompt_characters: Numbers
    """Everything before the last answer."""
    answer_characters: Numbers
    before_tokens: Numbers
    answer_tokens: Numbers

    @property
    def tokens(self) -> Numbers:
        """Whole records, in tokens."""
        return self.before_tokens + self.answer_tokens


def measure(records: Iterable[SftRecord], counter: TokenCounter) -> Lengths:
    """Give the lengths of the records; raise `DataError` where there is none."""
    rows = []
    for record in records:
        question = sum(len(turn.content) for turn in record.messages[:-1])
        tokens = counter.tokens_of(record)
        rows.append((question, len(record.messages[-1].content), tokens.before, tokens.answer))
    if not rows:
        raise DataError("there is no record to measure", hint="name a file of records")
    return Lengths(*np.array(rows, dtype=np.int64).T)


def quantiles(values: Numbers) -> dict[str, float]:
    """Give n, mean and quantiles of lengths; "q0" is the least, "q100" the greatest."""
    points = np.quantile(values, QUANTILES, method="inverted_cdf")
    named = {f"q{100 * q:g}": int(v) for q, v in zip(QUANTILES, points, strict=True)}
    return {"n": len(values), "mean": round(float(values.mean()), 1), **named}


def histogram(values: Numbers, n_bins: int = 40) -> dict[str, list[int]]:
    """Give the edges and the counts of bins of equal width up to the 99.5th percentile.

    The last bin also holds what is longer.
    """
    top = max(1, int(np.quantile(values, 0.995)))
    edges = np.unique(np.linspace(0, top + 1, n_bins + 1).astype(np.int64))
    counts, _ = np.histogram(np.minimum(values, top), bins=edges)
    return {"edges": edges.tolist(), "counts": counts.tolist()}


def coverage(lengths: Lengths, cutoffs: Sequence[int] = CUTOFFS) -> list[dict[str, float]]:
    """Give for each cutoff, in tokens, what it would leave whole and what it would cost.

    `records` and `answers` are the shares left whole; `answer_tokens_lost` the share of all
    answers' tokens behind the cutoff; `answers_lost` the share of answers of which nothing is left.
    """
    table = []
    total = max(1, int(lengths.answer_tokens.sum()))
    for cutoff in cutoffs:
        kept = np.clip(cutoff - lengths.before_tokens, 0, lengths.answer_tokens)
        whole = kept == lengths.answer_tokens
        table.append(
            {
                "cutoff": cutoff,
                "records": round(float((lengths.tokens <= cutoff).mean()), 5),
                "answers": round(float(whole.mean()), 5),
                "answer_tokens_lost": round(1 - int(kept.sum()) / total, 5),
                "answers_lost": round(float(((kept == 0) & ~whole).mean()), 5),
            }
        )
        if cutoff >= int(lengths.tokens.max()):
            break
    return table


def cutoff_for(lengths: Lengths, share: float) -> int:
    """Give the least cutoff, in tokens, that leaves this share of the records whole."""
    return int(np.quantile(lengths.tokens, share, method="inverted_cdf"))

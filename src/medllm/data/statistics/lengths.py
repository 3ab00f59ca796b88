"""How long records are, and what a cutoff would take from them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from medllm.data.statistics.tokens import TokenCounter
from medllm.errors import DataError
from medllm.records import SftRecord

CUTOFFS = (128, 256, 384, 512, 768, 1024, 1536, 2048, 3072, 4096, 6144, 8192, 16384, 32768, 65536)
"""The lengths in tokens for which coverage is given."""
QUANTILES = (0.0, 0.05, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99, 1.0)
SHARES = (0.9, 0.95, 0.99, 1.0)
"""The shares of records for which the cutoff is given that leaves them whole."""
_CHUNK = 256
_CURVE_POINTS = 60

Numbers = NDArray[np.int64]


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
    for chunk in _chunks(records):
        for record, tokens in zip(chunk, counter.tokens_of(chunk), strict=True):
            before = sum(len(turn.content) for turn in record.messages[:-1])
            answer = len(record.messages[-1].content)
            rows.append((before, answer, tokens.before, tokens.answer))
    if not rows:
        raise DataError("there is no record to measure", hint="name a file that holds some")
    return Lengths(*np.array(rows, dtype=np.int64).T)


def _chunks(records: Iterable[SftRecord]) -> Iterator[list[SftRecord]]:
    rest = iter(records)
    while chunk := list(islice(rest, _CHUNK)):
        yield chunk


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

    Records are cut at their end, which is the answer's. `records` is the share left whole;
    `answers_cut` how many answers lose their end, and `lost_of_cut` the share of its tokens that
    such an answer loses, over all of them; `answer_tokens_lost` the share of all answers' tokens;
    `answers_lost` how many answers are lost wholly. No cutoffs beyond the one that costs nothing.
    """
    table = []
    total = max(1, int(lengths.answer_tokens.sum()))
    for cutoff in cutoffs:
        kept = np.clip(cutoff - lengths.before_tokens, 0, lengths.answer_tokens)
        is_cut = kept < lengths.answer_tokens
        lost = int((lengths.answer_tokens - kept).sum())
        of_cut = max(1, int(lengths.answer_tokens[is_cut].sum()))
        table.append(
            {
                "cutoff": cutoff,
                "records": round(float((lengths.tokens <= cutoff).mean()), 6),
                "answers_cut": int(is_cut.sum()),
                "lost_of_cut": round(lost / of_cut, 6),
                "answer_tokens_lost": round(lost / total, 6),
                "answers_lost": int(((kept == 0) & is_cut).sum()),
            }
        )
        if cutoff >= int(lengths.tokens.max()):
            break
    return table


def curve(lengths: Lengths) -> list[dict[str, float]]:
    """Give the coverage at cutoffs that are even on a logarithmic scale, for a picture."""
    least, most = int(lengths.tokens.min()), int(lengths.tokens.max())
    points = np.geomspace(max(1, least), max(2, most), _CURVE_POINTS)
    return coverage(lengths, [int(cutoff) for cutoff in np.unique(np.ceil(points))])


def cutoff_for(lengths: Lengths, share: float) -> int:
    """Give the least cutoff, in tokens, that leaves this share of the records whole."""
    return int(np.quantile(lengths.tokens, share, method="inverted_cdf"))

"""Encoded records in little memory, the rows they are trained in, and what became of them."""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from medllm.tune.encode import Encoded, LeftOut
from medllm.tune.pack import best_fit


@dataclass(frozen=True, slots=True)
class Corpus:
    """Records end to end: record n is `ids[bounds[n]:bounds[n + 1]]`; `trained` goes with it."""

    ids: NDArray[np.int32] = field(repr=False)
    trained: NDArray[np.bool_] = field(repr=False)
    bounds: NDArray[np.int64] = field(repr=False)
    names: list[str] = field(repr=False)
    left_out: list[LeftOut] = field(repr=False)
    n_cut_records: int = 0
    n_cut_tokens: int = 0

    def __len__(self) -> int:
        """How many records there are."""
        return len(self.names)

    @property
    def lengths(self) -> list[int]:
        """The tokens of each record."""
        return [int(n) for n in np.diff(self.bounds)]

    def trained_in(self, row: Iterable[int]) -> int:
        """How many trained tokens the records of a row have."""
        return sum(int(self.trained[self.bounds[n] : self.bounds[n + 1]].sum()) for n in row)

    def rows(self, window: int, *, packed: bool) -> list[list[int]]:
        """Give the records of each row: several where they are packed, else one."""
        return best_fit(self.lengths, window) if packed else [[n] for n in range(len(self))]


def gather(encoded: Iterable[Encoded | LeftOut]) -> Corpus:
    """Collect what was encoded: 5 bytes a token."""
    ids, trained, bounds = array("i"), bytearray(), array("q", [0])
    names: list[str] = []
    left_out: list[LeftOut] = []
    n_cut_records = n_cut_tokens = 0
    for one in encoded:
        if isinstance(one, LeftOut):
            left_out.append(one)
            continue
        ids.extend(one.ids)
        trained.extend(one.trained)
        bounds.append(len(ids))
        names.append(one.name)
        n_cut_records += bool(one.n_cut)
        n_cut_tokens += one.n_cut
    return Corpus(
        np.frombuffer(ids, dtype=np.int32) if ids else np.zeros(0, np.int32),
        np.frombuffer(trained, dtype=np.bool_) if trained else np.zeros(0, np.bool_),
        np.frombuffer(bounds, dtype=np.int64),
        names,
        left_out,
        n_cut_records,
        n_cut_tokens,
    )


def describe(corpus: Corpus, rows: list[list[int]], window: int) -> dict[str, Any]:
    """Give the counts that a run reports: records, tokens, what is trained, padded and cut.

    `padded` is what a full window a row would take beyond the tokens; `padded_unpacked` the same
    with one record a row, as trainers without packing have it.
    """
    n_tokens = int(corpus.bounds[-1])
    return {
        "records": len(corpus),
        "left_out": dict(Counter(one.reason for one in corpus.left_out)),
        "tokens": n_tokens,
        "trained_tokens": int(corpus.trained.sum()),
        "cut_records": corpus.n_cut_records,
        "cut_tokens": corpus.n_cut_tokens,
        "rows": len(rows),
        "padded_tokens": len(rows) * window - n_tokens,
        "padded_tokens_unpacked": len(corpus) * window - n_tokens,
        "longest_record": max(corpus.lengths, default=0),
    }

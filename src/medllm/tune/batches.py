"""Rows to tensors. Records in a row cannot see each other: positions start again at each.

transformers then builds a mask that keeps them apart, if there is no attention mask and no cache
(`find_packed_sequence_indices` in its masking_utils). Padding is a record of its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from medllm.errors import extra
from medllm.tune.corpus import Corpus

IGNORED = -100
"""The label of what is not trained, as torch's cross entropy knows it."""


def collate(
    corpus: Corpus, rows: Sequence[Sequence[int]], *, pad: int, flat: bool = False
) -> dict[str, Any]:
    """Give input_ids, labels and position_ids of rows, each [rows, longest row], int64.

    `flat` puts all rows into one, [1, tokens], for kernels that take packed records only so. The
    first token of a record is never a label: what stands before it is another record.
    """
    with extra("train"):
        import torch
    if flat:
        rows = [[record for row in rows for record in row]]
    parts = [_row(corpus, row) for row in rows]
    longest = max(len(ids) for ids, _, _ in parts)
    shape = (len(rows), longest)
    input_ids = np.full(shape, pad, dtype=np.int64)
    labels = np.full(shape, IGNORED, dtype=np.int64)
    positions = np.zeros(shape, dtype=np.int64)
    for number, (ids, own_labels, own_positions) in enumerate(parts):
        n = len(ids)
        input_ids[number, :n], labels[number, :n] = ids, own_labels
        positions[number, :n], positions[number, n:] = own_positions, np.arange(longest - n)
    return {
        "input_ids": torch.from_numpy(input_ids),
        "labels": torch.from_numpy(labels),
        "position_ids": torch.from_numpy(positions),
    }


def _row(corpus: Corpus, row: Sequence[int]) -> tuple[Any, Any, Any]:
    ids, labels, positions = [], [], []
    for record in row:
        start, end = corpus.bounds[record], corpus.bounds[record + 1]
        own = corpus.ids[start:end].astype(np.int64)
        own_labels = np.where(corpus.trained[start:end], own, IGNORED)
        own_labels[0] = IGNORED
        ids.append(own)
        labels.append(own_labels)
        positions.append(np.arange(end - start))
    return np.concatenate(ids), np.concatenate(labels), np.concatenate(positions)

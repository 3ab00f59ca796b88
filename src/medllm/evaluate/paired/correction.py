"""p-values corrected for how many hypotheses a report tests."""

from __future__ import annotations

from collections.abc import Sequence


def holm(p_values: Sequence[float]) -> list[float]:
    """Give Holm's corrected p-values: below 0.05 in any one errs in 5 % of reports at most.

    Holm 1979: the smallest times n, the next times n - 1 and so on, never below one before it.
    """
    n = len(p_values)
    corrected = [0.0] * n
    highest = 0.0
    for rank, at in enumerate(sorted(range(n), key=lambda at: p_values[at])):
        highest = max(highest, min(1.0, (n - rank) * p_values[at]))
        corrected[at] = highest
    return corrected


def benjamini_hochberg(p_values: Sequence[float]) -> list[float]:
    """Give Benjamini and Hochberg's: of those below 0.05, 5 % are false on average.

    Benjamini and Hochberg 1995: p times n / rank, never above one of a larger p.
    """
    n = len(p_values)
    corrected = [0.0] * n
    lowest = 1.0
    for rank, at in reversed(list(enumerate(sorted(range(n), key=lambda at: p_values[at]), 1))):
        lowest = min(lowest, p_values[at] * n / rank)
        corrected[at] = lowest
    return corrected

"""How fast a run goes, how long it has still to go, and what memory it holds."""

from __future__ import annotations

import resource
import time

import psutil
import torch


class Pace:
    """Tokens a second of each step, and the seconds left by the steps of this session.

    The first step of a session warms caches up and is left out of the rate.
    """

    def __init__(self) -> None:
        self._since = time.monotonic()
        self._first_step: int | None = None
        self._rate_since = 0.0

    def step(self, number: int, n_steps: int, n_tokens: int) -> dict[str, float | None]:
        """Give tokens_per_s and left_s at the end of a step; left_s is None after the first."""
        now = time.monotonic()
        took_s, self._since = now - self._since, now
        per_second = round(n_tokens / took_s, 1)
        if self._first_step is None:
            self._first_step, self._rate_since = number, now
            return {"tokens_per_s": per_second, "left_s": None}
        per_step_s = (now - self._rate_since) / (number - self._first_step)
        return {"tokens_per_s": per_second, "left_s": round(per_step_s * (n_steps - number), 1)}

    def leave_out(self) -> None:
        """Begin the next step now: what came before it was an evaluation or a checkpoint."""
        self._since = time.monotonic()


def peak_bytes() -> int:
    """Give the most memory that the GPU held so far, or without one that this process did."""
    if torch.cuda.is_available():
        return int(torch.cuda.max_memory_allocated())
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def memory_bytes() -> int:
    """Give the most memory that the GPU held, or without one what this process holds."""
    if torch.cuda.is_available():
        return int(torch.cuda.max_memory_allocated())
    return int(psutil.Process().memory_info().rss)

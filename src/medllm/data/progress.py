"""How long work says how far it is, without knowing who listens."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

Progress = Callable[[str, int, int], None]
"""Told what is being done, how much of it is done, and how much there is (0: not known)."""

_Item = TypeVar("_Item")
_EVERY = 100


def no_progress(step: str, done: int, total: int) -> None:
    """Tell nobody."""


def told(
    items: Iterable[_Item], step: str, progress: Progress, total: int = 0, *, every: int = _EVERY
) -> Iterator[_Item]:
    """Give the items and tell every now and then how many were taken."""
    for number, item in enumerate(items):
        if number % every == 0:
            progress(step, number, total)
        yield item

"""What a trainer goes through, what it counts, and what it was asked from outside."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from medllm.energy import EnergyMeter
from medllm.tune.corpus import Corpus

Rows = Sequence[Sequence[int]]
Tell = Callable[[dict[str, Any]], None]


@dataclass(slots=True, kw_only=True)
class Plan:
    """What a trainer goes through: rows of two corpora, and where it writes."""

    folder: Path
    corpus: Corpus
    rows: Rows
    validation: Corpus | None
    validation_rows: Rows
    pad: int
    is_flat: bool
    tell: Tell
    counters: dict[str, Any] = field(default_factory=lambda: {"tokens": 0, "trained_tokens": 0})
    """Counted over the whole run, however often it was resumed."""
    meter: EnergyMeter | None = None
    """Of this machine; None in all but its first process, so that nothing is counted twice."""
    wants_stop: bool = False
    """Set from outside, perhaps in one process only: save after this step and stop."""
    stops: bool = False
    """Set where all processes have agreed to it."""

"""Ctrl-C and the terminate signal, turned into a wish that a run can heed."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from medllm.tune.trainer import Plan


@contextmanager
def stoppable(plan: Plan) -> Iterator[None]:
    """Let Ctrl-C and a terminate signal end the run after a whole step, with a checkpoint."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def ask(number: int, frame: object) -> None:
        plan.wants_stop = True

    before = {number: signal.signal(number, ask) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)

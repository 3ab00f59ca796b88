"""What can end a run from outside: Ctrl-C, the terminate signal, memory that is used up."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from medllm.errors import ModelError, extra

if TYPE_CHECKING:
    from medllm.tune.plan import Plan


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


@contextmanager
def memory_errors() -> Iterator[None]:
    """Turn memory that is used up, the GPU's or the machine's, into one clear line."""
    with extra("train"):
        import torch
    try:
        yield
    except (torch.OutOfMemoryError, MemoryError) as exc:
        raise _too_little() from exc
    except RuntimeError as exc:
        if "can't allocate memory" not in str(exc):  # what torch's allocator of the CPU says
            raise
        raise _too_little() from exc


def _too_little() -> ModelError:
    return ModelError(
        "the memory is used up: a step needs more than there is",
        hint="--dry-run says what it needs; try train.checkpointing=true or a smaller train.batch, "
        "in a new run folder",
    )

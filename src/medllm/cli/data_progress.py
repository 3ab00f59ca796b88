"""Progress of work in several steps, as `medllm data` shows it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

from medllm.cli.terminal import Advance, progress

Told = Callable[[str, int, int], None]


@contextmanager
def steps_shown() -> Iterator[Told]:
    """Give what is told step, done and total (0: not known), and shows one bar at a time."""
    with ExitStack() as shown:
        current = ""
        advance: Advance | None = None

        def tell(step: str, done: int, total: int) -> None:
            nonlocal current, advance
            if step != current or advance is None:
                shown.close()
                current = step
                advance = shown.enter_context(progress(step, "records", total or None))
            advance(done)

        yield tell

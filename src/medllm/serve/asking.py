"""One question on its way: the road is walked in a thread, its steps come out in the event loop."""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from collections.abc import AsyncGenerator, Callable, Generator, Iterator, Sequence
from concurrent.futures import Executor, Future
from contextlib import closing
from dataclasses import dataclass, replace
from typing import Any, Literal, cast

from medllm.ask.road import Review, Road, Step, walk
from medllm.clinical.findings import find_findings
from medllm.errors import DataError, ModelError
from medllm.models.chat import Chunk, Chunks, Message, Model
from medllm.models.spec import ModelSpec
from medllm.records import Finding, FindingKind, Note
from medllm.serve.shared_index import Gate

Stop = Literal["", "left", "late"]
"""Why a question was given up: its user left, or it took too long."""


@dataclass(frozen=True, slots=True)
class Corrections:
    """What a user made of the findings: places that were misread, and ones that were missed."""

    rejected: tuple[tuple[int, int], ...] = ()
    added: tuple[tuple[int, int, FindingKind], ...] = ()

    def __bool__(self) -> bool:
        """Whether there are any."""
        return bool(self.rejected or self.added)


def apply_corrections(note: Note, corrections: Corrections) -> Review:
    """Read the findings of a note and correct them; raise `DataError` for a place outside it."""
    places = [*corrections.rejected, *((start, end) for start, end, _ in corrections.added)]
    if any(not 0 <= start < end <= len(note.text) for start, end in places):
        raise DataError("a corrected finding lies outside the note", hint="send the same note")
    rejected = set(corrections.rejected)
    read = [f for f in find_findings(note.text) if (f.start, f.end) not in rejected]
    added = [_added(note, *place) for place in corrections.added]
    taken = {(f.start, f.end) for f in added}
    kept = [f for f in read if (f.start, f.end) not in taken]
    findings = sorted([*kept, *added], key=lambda f: (f.start, f.end))
    return Review(tuple(findings), tuple(rejected - taken))


def _added(note: Note, start: int, end: int, kind: FindingKind) -> Finding:
    text = note.text[start:end]
    named = " ".join(text.lower().split())
    return Finding(text=text, start=start, end=end, kind=kind, normalised=named, source="reader")


class StoppableModel:
    """A model whose answer can be broken off from another thread."""

    def __init__(self, model: Model) -> None:
        self._model = model
        self._chunks: Chunks | None = None
        self._is_stopped = False
        self._lock = threading.Lock()

    @property
    def spec(self) -> ModelSpec:
        """Give the model's own."""
        return self._model.spec

    @property
    def constrained(self) -> bool:
        """Give the model's own."""
        return self._model.constrained

    def stream(
        self, messages: Sequence[Message], *, schema: dict[str, Any] | None, max_tokens: int
    ) -> Chunks:
        """See `Model.stream`; after `stop` an answer breaks off at once."""
        with self._lock:
            if self._is_stopped:
                return _NoChunks()
            self._chunks = self._model.stream(messages, schema=schema, max_tokens=max_tokens)
            return self._chunks

    def stop(self) -> None:
        """Hang up on the model's server, from any thread."""
        with self._lock:
            self._is_stopped = True
            if self._chunks is not None:
                with contextlib.suppress(ValueError):  # a script's generator that is at work
                    self._chunks.close()


class _NoChunks:
    """What is read of a model that was stopped before it was asked."""

    def __iter__(self) -> _NoChunks:
        return self

    def __next__(self) -> Chunk:
        raise ModelError("the answer was stopped")

    def close(self) -> None:
        """There is nothing to hang up on."""


class Asking:
    """A walk of the road in a thread. Made and read in one event loop."""

    def __init__(
        self,
        road: Road,
        note: Note,
        *,
        corrections: Corrections,
        gate: Gate,
        deadline_s: float,
        observe: Callable[[Step, float], None],
        is_streamed: bool = True,
    ) -> None:
        """Get ready; where it is not streamed the last step alone comes out.

        Each step that does costs a turn of the event loop, while the road waits for it. `observe`
        is called with each, in the thread, and the seconds since the road was begun.
        """
        self._loop = asyncio.get_running_loop()
        self._model = StoppableModel(road.model) if road.model is not None else None
        self._road = replace(road, model=cast(Model | None, self._model))
        self._note = note
        self._corrections = corrections
        self._gate = gate
        self._observe = observe
        self._is_streamed = is_streamed
        self._steps: asyncio.Queue[Step | None] = asyncio.Queue()
        self._deadline = self._loop.call_later(deadline_s, self.stop, "late")
        self.stopped: Stop = ""

    def start(self, executor: Executor, *, at_end: Callable[[], None]) -> None:
        """Begin; `at_end` is called in the event loop when the thread is free again."""

        def end(future: Future[None]) -> None:
            with contextlib.suppress(RuntimeError):  # the loop is closed: the server is ending
                self._loop.call_soon_threadsafe(self._end, at_end)

        self._work = executor.submit(self._run)
        self._work.add_done_callback(end)

    def stop(self, why: Stop = "left") -> None:
        """Give up; what was found until then has been given."""
        self.stopped = self.stopped or why
        if self._model is not None:
            self._model.stop()

    async def steps(self) -> AsyncGenerator[Step, None]:
        """Give each step as soon as it is there; raise what the road raised."""
        while (step := await self._steps.get()) is not None:
            yield step
        self._work.result()

    def _end(self, at_end: Callable[[], None]) -> None:
        self._deadline.cancel()
        self._steps.put_nowait(None)
        at_end()

    def _run(self) -> None:
        self._begun = time.perf_counter()
        review = apply_corrections(self._note, self._corrections) if self._corrections else None
        walking = cast("Generator[Step, None, None]", walk(self._road, self._note, review=review))
        with closing(walking):
            with self._gate.reading():  # from the search to the reading nothing may be deleted
                if not self._hand_over(walking, until_articles=True):
                    return
            self._hand_over(walking)

    def _hand_over(self, walking: Iterator[Step], *, until_articles: bool = False) -> bool:
        """Give steps to the loop; give whether to go on."""
        for step in walking:
            # A model that is late ends by itself, with what it wrote and a word about it.
            is_over = self.stopped == "left" or (self.stopped and self._model is None)
            if is_over and step.answer is None:
                return False
            self._observe(step, time.perf_counter() - self._begun)
            if self._is_streamed or step.answer is not None:
                self._loop.call_soon_threadsafe(self._steps.put_nowait, step)
            if until_articles and step.articles is not None:
                break
        return True

"""Two summaries of the same evidence, shown without saying whose is whose until they are rated."""

from __future__ import annotations

import asyncio
import uuid
from collections import OrderedDict
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass

from medllm.serve.answers import Json

Events = AsyncGenerator[tuple[str, Json], None]
_MAX = 200
_BROKE_OFF = "it broke off"


@dataclass(frozen=True, slots=True)
class Comparison:
    """The ids of both answers, in the order in which they are shown, and whose they are."""

    left: str
    right: str
    session: str


class Comparisons:
    """The last comparisons; each can be rated once, by the session that asked for it."""

    def __init__(self) -> None:
        self._waiting: OrderedDict[str, Comparison] = OrderedDict()

    def keep(self, comparison: Comparison) -> str:
        """Keep a comparison that waits to be rated; give its id."""
        comparison_id = str(uuid.uuid4())
        self._waiting[comparison_id] = comparison
        if len(self._waiting) > _MAX:
            self._waiting.popitem(last=False)
        return comparison_id

    def take(self, comparison_id: str, session: str) -> Comparison | None:
        """Give a comparison, once, to its own session."""
        found = self._waiting.get(comparison_id)
        if found is None or found.session != session:
            return None
        return self._waiting.pop(comparison_id)


def blinded(answer: Json) -> Json:
    """Give a summary without anything that names its model: errors name servers."""
    summary = answer["summary"]
    return {
        "claims": summary["claims"],
        "abstained": summary["abstained"],
        "incomplete": _BROKE_OFF if summary["incomplete"] else "",
    }


async def side_by_side(left: Events, right: Events) -> AsyncGenerator[tuple[str, Json], None]:
    """Give what two questions give, so that neither's pace tells which model wrote it.

    `evidence` once; `claims` with one sentence of each side as soon as both have it; then `answers`
    with both whole answers, where what is left of the longer is. Raises what either raises; closing
    ends both.
    """
    queues: list[asyncio.Queue[tuple[str, Json] | Exception]] = [asyncio.Queue(), asyncio.Queue()]
    pairs = zip((left, right), queues, strict=True)
    tasks = [asyncio.ensure_future(_drain(events, queue)) for events, queue in pairs]
    try:
        done: list[Json | None] = [None, None]
        has_evidence = False
        number = 0
        while None in done:
            number += 1
            row: list[Json | None] = [None, None]
            for at, queue in enumerate(queues):
                while done[at] is None and row[at] is None:
                    name, data = _given(await queue.get())
                    if name == "evidence" and not has_evidence:
                        has_evidence = True
                        yield name, data
                    elif name == "claim":
                        row[at] = data["claim"]
                    elif name == "done":
                        done[at] = data
            if all(row):
                yield "claims", {"number": number, "left": row[0], "right": row[1]}
        yield "answers", {"left": done[0], "right": done[1]}
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)


async def _drain(events: Events, queue: asyncio.Queue[tuple[str, Json] | Exception]) -> None:
    try:
        async with aclosing(events):
            async for event in events:
                queue.put_nowait(event)
    except Exception as exc:  # it is raised where the queue is read
        queue.put_nowait(exc)


def _given(event: tuple[str, Json] | Exception) -> tuple[str, Json]:
    if isinstance(event, Exception):
        raise event
    return event


def same_evidence(one: Json, other: Json) -> bool:
    """Tell whether two answers rest on the same passages, in the same order."""
    return [_place(hit) for hit in one["evidence"]] == [_place(hit) for hit in other["evidence"]]


def _place(hit: Json) -> tuple[str, int, int]:
    return (hit["document"]["id"], hit["passage"]["start"], hit["passage"]["end"])

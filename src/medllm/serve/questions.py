"""A question from the queue to its last event."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import replace

from medllm.ask.note import check_note
from medllm.ask.road import Road
from medllm.records import Answer, Note
from medllm.serve.answers import Json, state_of, step_event
from medllm.serve.asking import Asking, Corrections
from medllm.serve.door import User
from medllm.serve.refusals import Refused
from medllm.serve.service import Service
from medllm.serve.shapes import CorrectionsBody
from medllm.serve.waiting import Ticket

Event = tuple[str, Json]


def read_question(service: Service, text: str) -> Note:
    """Give the note; raise where it is too long, empty, or not English."""
    limit = service.config.ask.max_note_characters
    if len(text) > limit:
        hint = "choose what to leave out"
        raise Refused(
            413, f"the note has {len(text):,} characters, the limit is {limit:,}", hint=hint
        )
    return check_note(text, limit)


def read_corrections(body: CorrectionsBody) -> Corrections:
    """Give the corrections of a request."""
    return Corrections(
        tuple((place.start, place.end) for place in body.rejected),
        tuple((place.start, place.end, place.kind) for place in body.added),
    )


async def answer_events(
    service: Service,
    user: User,
    note: Note,
    corrections: Corrections,
    *,
    road: Road | None = None,
    is_streamed: bool = True,
) -> AsyncGenerator[Event, None]:
    """Give the events of a question: entered, queued, the steps, then done.

    `entered` says that it has a place in the queue, or raises `Busy`; see `begun`. Where the answer
    is not streamed the steps are left out. Closing the generator stops the model; the place is
    given back when the thread is free. Raises what the road raises.
    """
    loop = asyncio.get_running_loop()
    came = loop.time()
    asking: Asking | None = None
    # Drawn here and not by who calls: of a generator that never began, nothing is given back.
    ticket = service.room.enter(user.session)
    try:
        yield "entered", {}
        if is_streamed:
            async for place in _places(service, ticket):
                yield "queued", {"place": place}
        await ticket.granted.wait()
        begun = loop.time()
        asking = Asking(
            road or service.road,
            note,
            corrections=corrections,
            gate=service.index.gate,
            deadline_s=service.config.serve.deadline_s,
            observe=service.metrics.observe_step,
            is_streamed=is_streamed,
        )
        service.begin(asking, ticket)
        answer: Answer | None = None
        async with aclosing(asking.steps()) as steps:
            async for step in steps:
                answer = step.answer or answer
                if event := step_event(step):
                    yield event
        if answer is None:
            raise Refused(503, "the question took too long", hint="serve.deadline_s sets the limit")
        waited, taken = begun - came, loop.time() - begun
        is_other = road is not None and road is not service.road
        evaluation = None if is_other else service.evaluation
        yield "done", _whole(service, user, _told(asking, answer), evaluation, (waited, taken))
    finally:
        if asking is None:
            service.room.leave(ticket)
        else:
            asking.stop()


async def begun(events: AsyncGenerator[Event, None]) -> AsyncGenerator[Event, None]:
    """Give the events after the first, by which a place in the queue was drawn; raise `Busy`."""
    await anext(events)
    return events


async def answer_whole(
    service: Service,
    user: User,
    note: Note,
    corrections: Corrections,
    *,
    road: Road | None = None,
) -> Json:
    """Give the last event's data."""
    data: Json = {}
    events = answer_events(service, user, note, corrections, road=road, is_streamed=False)
    async with aclosing(events):
        async for _, latest in events:
            data = latest
    return data


async def _places(service: Service, ticket: Ticket) -> AsyncGenerator[int, None]:
    """Give the place in the queue whenever it changes, until it is this ticket's turn."""
    last = 0
    while not ticket.granted.is_set():
        place = service.room.place(ticket)
        if place != last:
            last = place
            yield place
        ticket.moved.clear()
        await ticket.moved.wait()


def _told(asking: Asking, answer: Answer) -> Answer:
    """Say why an answer broke off where it was this server that broke it off."""
    if asking.stopped != "late" or not answer.summary.incomplete:
        return answer
    words = "it took longer than the server allows"
    return replace(answer, summary=replace(answer.summary, incomplete=words))


def _whole(
    service: Service,
    user: User,
    answer: Answer,
    evaluation: Json | None,
    took_s: tuple[float, float],
) -> Json:
    service.metrics.count_answer(state_of(answer))
    kept = service.answers.keep(
        answer,
        user.session,
        evaluation,
        index_version=service.index.version,
        times={"waited_s": round(took_s[0], 4), "road_s": round(took_s[1], 4)},
    )
    return kept.wire()

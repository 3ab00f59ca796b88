"""Server-sent events: framing, signs of life, and an end where nobody listens any more."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator, Coroutine
from typing import Any, TypeVar

from anyio import CancelScope
from fastapi import Request
from fastapi.responses import StreamingResponse

from medllm.serve.answers import Json
from medllm.serve.refusals import Refused, as_refused

PING_S = 10.0
_Given = TypeVar("_Given")


class Gone(Exception):
    """The client hung up before it was answered."""


def event_frame(name: str, data: Json) -> str:
    """Give an event as it is sent."""
    return f"event: {name}\ndata: {json.dumps(data, ensure_ascii=False)}\n\n"


def wants_events(request: Request) -> bool:
    """Tell whether a client asks for events."""
    return "text/event-stream" in request.headers.get("accept", "")


async def framed(
    events: AsyncGenerator[tuple[str, Json], None], request_id: str
) -> AsyncGenerator[str, None]:
    """Give events as they are sent; what is raised becomes the last, `failed`."""
    try:
        async for name, data in events:
            yield event_frame(name, data)
    except Exception as exc:
        refused = as_refused(exc)
        failed = refused or Refused(500, "something went wrong")
        told = {"error": failed.error, "hint": failed.hint, "id": request_id}
        yield event_frame("failed", told)
        if refused is None:
            raise
    finally:
        await events.aclose()


def stream(frames: AsyncGenerator[str, None]) -> StreamingResponse:
    """Give the response; where the client hangs up, the generator is closed."""
    return StreamingResponse(_with_pings(frames), media_type="text/event-stream")


async def _with_pings(frames: AsyncGenerator[str, None]) -> AsyncIterator[bytes]:
    """Send a comment where nothing else is sent for a while: a silent line may be a dead one."""
    coming: asyncio.Task[str] | None = None
    try:
        while True:
            coming = coming or asyncio.ensure_future(anext(frames))
            done, _ = await asyncio.wait({coming}, timeout=PING_S)
            if not done:
                yield b": still here\n\n"
                continue
            try:
                frame = coming.result()
            except StopAsyncIteration:
                return
            finally:
                coming = None
            yield frame.encode("utf-8", "replace")
    finally:
        # Where the client hung up, each wait here would be cancelled again: anyio's way.
        with CancelScope(shield=True):
            if coming is not None:
                coming.cancel()
                await asyncio.wait({coming})
            await frames.aclose()


async def unless_gone(request: Request, work: Coroutine[Any, Any, _Given]) -> _Given:
    """Give what `work` gives; stop it and raise `Gone` where the client hangs up first."""
    working = asyncio.ensure_future(work)
    listening = asyncio.ensure_future(_hung_up(request))
    try:
        await asyncio.wait({working, listening}, return_when=asyncio.FIRST_COMPLETED)
        if not working.done():
            raise Gone
        return working.result()
    finally:
        working.cancel()  # it cleans up behind itself; nobody has to wait for it
        listening.cancel()


async def _hung_up(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass

"""Questions that go on while nobody listens: asked, looked at, taken back, their answer fetched."""

from __future__ import annotations

import asyncio
import logging
import time
import uuid
from collections import OrderedDict
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Literal

from medllm.serve.answers import Json
from medllm.serve.kept import MAX_AGE_S
from medllm.serve.refusals import as_refused

log = logging.getLogger(__name__)
_MAX_JOBS = 200

State = Literal["waiting", "running", "done", "failed", "cancelled"]
OPEN = ("waiting", "running")


@dataclass(eq=False)
class AskJob:
    """A question and how far it is. Belongs to one event loop."""

    session: str
    id: str = field(default_factory=lambda: str(uuid.uuid4()))
    state: State = "waiting"
    place: int = 0
    """In the queue, while it waits."""
    step: str = ""
    """The last step that ended."""
    claims: int = 0
    answer: str = ""
    """The id of its answer."""
    error: str = ""
    hint: str = ""
    since: float = field(default_factory=time.monotonic)
    task: asyncio.Task[None] | None = None

    def describe(self) -> Json:
        """Give what its user may see."""
        shown = ("id", "state", "place", "step", "claims", "answer", "error", "hint")
        return {name: getattr(self, name) for name in shown}

    def take(self, name: str, data: Json) -> None:
        """Note an event of the question."""
        self.state, self.place = "running", 0
        if name == "queued":
            self.state, self.place = "waiting", data["place"]
        elif name == "claim":
            self.step, self.claims = "summary", self.claims + 1
        elif name == "done":
            self.answer = data["id"]
        else:
            self.step = name


class AskJobs:
    """The last questions that were asked as jobs; each is its own session's only."""

    def __init__(self) -> None:
        self._jobs: OrderedDict[str, AskJob] = OrderedDict()

    async def start(self, events: AsyncGenerator[tuple[str, Json], None], session: str) -> AskJob:
        """Begin to follow a question that has its place: the queue is what bounds them."""
        self._forget()
        job = AskJob(session)
        self._jobs[job.id] = job
        job.task = asyncio.ensure_future(_follow(job, events))
        await asyncio.sleep(0)  # once begun it gives its place back, however it ends
        return job

    def find(self, job_id: str, session: str) -> AskJob | None:
        """Give a job to its session; None to any other, and when it is long over."""
        self._forget()
        job = self._jobs.get(job_id)
        return job if job is not None and job.session == session else None

    async def cancel(self, job: AskJob) -> None:
        """Take a question back; its model is hung up on before this returns."""
        if job.task is not None and job.state in OPEN:
            job.state = "cancelled"
            job.task.cancel()
            await asyncio.wait({job.task})

    async def forget_session(self, session: str) -> None:
        """Take back and forget what a session asked."""
        for job in [job for job in self._jobs.values() if job.session == session]:
            await self.cancel(job)
            del self._jobs[job.id]

    def _forget(self) -> None:
        oldest = time.monotonic() - MAX_AGE_S
        over = [job for job in self._jobs.values() if job.state not in OPEN]
        n_too_many = max(0, len(self._jobs) - _MAX_JOBS + 1)
        for at, job in enumerate(over):
            if at < n_too_many or job.since < oldest:
                del self._jobs[job.id]


async def _follow(job: AskJob, events: AsyncGenerator[tuple[str, Json], None]) -> None:
    try:
        async with aclosing(events):
            async for name, data in events:
                job.take(name, data)
        job.state = "done"
    except asyncio.CancelledError:
        job.state = "cancelled"
    except Exception as exc:  # told to who asks for the job; what is our mistake is logged by type
        refused = as_refused(exc)
        if refused is None:
            log.error("ask job %s failed: %s", job.id, type(exc).__name__)
        job.error = refused.error if refused else "something went wrong"
        job.hint = refused.hint if refused else "the server's log has the id"
        job.state = "failed"

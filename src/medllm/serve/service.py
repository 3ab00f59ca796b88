"""What the routes share: the road, the queue, the threads, and what is kept."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fastapi import Request

from medllm.ask.road import Road
from medllm.config import Config
from medllm.errors import DataError, MedllmError
from medllm.manifest import read_entries
from medllm.serve.answers import Json
from medllm.serve.ask_jobs import AskJobs
from medllm.serve.asking import Asking
from medllm.serve.audit import AuditLog
from medllm.serve.comparing import Comparisons
from medllm.serve.door import RECORDS_SYSTEM, Door, Role, User, way_in
from medllm.serve.feedback import FeedbackStore
from medllm.serve.jobs import Jobs
from medllm.serve.kept import KeptAnswers
from medllm.serve.metrics import Metrics
from medllm.serve.refusals import Refused
from medllm.serve.shared_index import SharedIndex
from medllm.serve.waiting import Ticket, WaitingRoom

if TYPE_CHECKING:
    from medllm.serve.records_system import RecordsSystem

DAY_S = 86_400
_TURNS_WITH_MODEL = 4


@dataclass(kw_only=True)
class Service:
    """One server's state. The queue belongs to its event loop."""

    config: Config
    index_dir: Path
    index: SharedIndex
    road: Road
    door: Door
    feedback: FeedbackStore | None
    """None where nobody named a place to store it."""
    audit: AuditLog | None = None
    other_road: Road | None = None
    """The same road with the second model, where there is one to compare with."""
    records_system: RecordsSystem | None = None
    """Who calls CDS Hooks with signed tokens, where one is configured."""
    evaluation: Json | None = None
    """What was measured of the model, where a report was named."""
    comparisons: Comparisons = field(default_factory=Comparisons)
    metrics: Metrics = field(default_factory=Metrics)
    answers: KeptAnswers = field(default_factory=KeptAnswers)
    ask_jobs: AskJobs = field(default_factory=AskJobs)
    asked: set[Asking] = field(default_factory=set)
    """Questions that are being answered."""
    started: float = field(default_factory=time.time)

    def __post_init__(self) -> None:
        serve = self.config.serve
        n_turns = serve.concurrent or (_TURNS_WITH_MODEL if self.road.model else 1)
        self.room = WaitingRoom(n_turns, n_waiting=serve.waiting, n_waiting_each=serve.waiting_each)
        self.threads = ThreadPoolExecutor(n_turns, thread_name_prefix="medllm-ask")
        """As many as there are turns in the queue."""
        self.others = ThreadPoolExecutor(4, thread_name_prefix="medllm-read")
        """For what is quick but waits for a disk: reading a document, storing feedback."""
        self.jobs = Jobs(self.index, self.index_dir, self.road.encoder)

    async def record(self, who: str, what: str, **ids: str) -> None:
        """Write into the audit log who does what, before it is done.

        Raises `Refused` where that fails: what cannot be recorded is not shown. Ids and notes go in
        as keyed hashes.
        """
        if self.audit is None:
            return
        try:
            await asyncio.wrap_future(self.audit.record(self._known(who), what, **ids))
        except MedllmError as exc:
            raise _unrecorded() from exc

    async def record_each(self, who: str, what: str, *, documents: Sequence[str]) -> None:
        """Write an entry for each of many documents, as `record` does for one."""
        audit, known = self.audit, self._known(who)
        if audit is None:
            return

        def work() -> None:
            for written in [audit.record(known, what, document=one) for one in documents]:
                written.result()

        try:
            await self.in_thread(work)
        except MedllmError as exc:
            raise _unrecorded() from exc

    def _known(self, who: str) -> str:
        return who if who == RECORDS_SYSTEM or self.door.is_known(who) else "unknown"

    async def in_thread(self, function: Any, *arguments: Any) -> Any:
        """Give what a blocking function gives, without holding up the event loop."""
        return await asyncio.get_running_loop().run_in_executor(self.others, function, *arguments)

    def begin(self, asking: Asking, ticket: Ticket) -> None:
        """Let a question whose turn it is begin; its place is free again when its thread is."""

        def end() -> None:
            self.asked.discard(asking)
            self.room.leave(ticket)

        self.asked.add(asking)
        asking.start(self.threads, at_end=end)

    async def in_turn(self, user: User, work: Callable[[], Any]) -> Any:
        """Give what `work` gives, when its turn has come; raise `Busy` where there is no room."""
        loop = asyncio.get_running_loop()
        ticket = self.room.enter(user.session)
        try:
            await ticket.granted.wait()
            working = self.threads.submit(work)
        except BaseException:
            self.room.leave(ticket)
            raise
        # The turn ends when the thread is free, also where nobody waits for it any more.
        working.add_done_callback(lambda _: loop.call_soon_threadsafe(self.room.leave, ticket))
        return await asyncio.wrap_future(working)

    def model_name(self) -> str:
        """Give the spec of the model that writes."""
        return str(self.road.model.spec) if self.road.model else "extractive"

    def library(self) -> dict[str, Any]:
        """Say what is indexed and how old it is. Blocks."""
        status = self.index.status()
        changed = last_change(self.index_dir, str(status["created"]))
        return {
            "documents": status["documents"],
            "passages": status["passages"],
            "retracted": status["retracted"],
            "years": status["years"],
            "created": status["created"],
            "changed": changed,
            "is_stale": age_days(changed) > self.config.serve.stale_after_days,
            "encoder": (status["encoder"] or {}).get("spec", "none"),
            "index_version": self.index.version,
        }

    def stop_asking(self) -> None:
        """Give up what is being answered, so that nobody is waited for."""
        for asking in list(self.asked):
            asking.stop()

    def close(self) -> None:
        """End the threads, then let the index go."""
        self.stop_asking()
        self.jobs.close()
        self.threads.shutdown(wait=True, cancel_futures=True)
        self.others.shutdown(wait=True)
        if self.feedback is not None:
            self.feedback.close()
        if self.audit is not None:
            self.audit.close()
        self.index.close()


def last_change(index_dir: Path, created: str) -> str:
    """Give when something was last added to the index, as its manifest says; ISO 8601."""
    try:
        entries = read_entries(index_dir)
    except DataError:
        return created
    return max([created, *(str(entry.get("finished", "")) for entry in entries)])


def _unrecorded() -> Refused:
    hint = "an administrator has to make room, or look at the log"
    return Refused(503, "the audit log cannot be written", hint=hint)


def age_days(moment: str) -> float:
    """Give how many days ago an ISO 8601 moment was, 0 where it cannot be read."""
    try:
        return (time.time() - datetime.fromisoformat(moment).timestamp()) / DAY_S
    except ValueError:
        return 0.0


def service_of(request: Request) -> Service:
    """Give the service that a request came to."""
    service: Service = request.app.state.service
    return service


def user_of(request: Request) -> User:
    """Give who asks; the guard has let them in."""
    user: User | None = request.scope["medllm.user"]
    if user is None:
        raise Refused(401, "not signed in", hint=way_in(service_of(request).door))
    return user


def user_with(request: Request, *roles: Role) -> User:
    """Give who asks; raise `Refused` where they have none of the roles. An admin has them all."""
    user = user_of(request)
    if user.role not in (*roles, "admin"):
        needed = " or ".join(roles) or "admin"
        raise Refused(403, f"this needs the role {needed}", hint="ask an admin")
    return user

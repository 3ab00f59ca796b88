"""Who may work and who waits: a bounded queue that takes its users in turns."""

from __future__ import annotations

import asyncio
import math
from collections import deque
from dataclasses import dataclass, field

_FIRST_GUESS_S = 2.0
"""How long a question takes, until one has been seen."""
_MEMORY = 0.8
"""Of the running mean: the last five questions or so decide."""


class Busy(Exception):
    """No room to wait in; `is_own` where the user's own questions fill their share."""

    def __init__(self, retry_after_s: int, *, is_own: bool) -> None:
        super().__init__("busy")
        self.retry_after_s = retry_after_s
        self.is_own = is_own


@dataclass(eq=False)
class Ticket:
    """A place in the queue; `granted` is set when its turn has come."""

    user: str
    granted: asyncio.Event = field(default_factory=asyncio.Event)
    moved: asyncio.Event = field(default_factory=asyncio.Event)
    """Set whenever the queue moves."""
    since: float = 0.0
    """When its turn came, by the loop's clock."""


class WaitingRoom:
    """Grants `n_slots` tickets at a time. Belongs to one event loop; all calls are made in it."""

    def __init__(self, n_slots: int, *, n_waiting: int, n_waiting_each: int) -> None:
        self._n_slots = n_slots
        self._n_waiting = n_waiting
        self._n_waiting_each = n_waiting_each
        self._working: set[Ticket] = set()
        self._queues: dict[str, deque[Ticket]] = {}
        self._turns: deque[str] = deque()
        self._mean_s = _FIRST_GUESS_S

    @property
    def n_working(self) -> int:
        """How many have their turn."""
        return len(self._working)

    @property
    def n_queued(self) -> int:
        """How many wait."""
        return sum(map(len, self._queues.values()))

    def enter(self, user: str) -> Ticket:
        """Give a ticket, granted at once where there is room; raise `Busy` where none is left."""
        ticket = Ticket(user)
        if len(self._working) < self._n_slots:
            self._grant(ticket)
            return ticket
        own = self._queues.get(user, ())
        if len(own) >= self._n_waiting_each:
            raise Busy(self._retry_after_s(), is_own=True)
        if self.n_queued >= self._n_waiting:
            raise Busy(self._retry_after_s(), is_own=False)
        if user not in self._queues:
            self._queues[user] = deque()
            self._turns.append(user)
        self._queues[user].append(ticket)
        return ticket

    def leave(self, ticket: Ticket) -> None:
        """Give a ticket back, whether its turn had come or not; a second time does nothing."""
        if ticket in self._working:
            self._working.discard(ticket)
            took_s = asyncio.get_running_loop().time() - ticket.since
            self._mean_s = _MEMORY * self._mean_s + (1 - _MEMORY) * took_s
            self._take_turns()
        elif ticket in self._queues.get(ticket.user, ()):
            self._queues[ticket.user].remove(ticket)
            self._forget(ticket.user)
        else:
            return
        for waiting in self._in_order():
            waiting.moved.set()

    def place(self, ticket: Ticket) -> int:
        """Give how many have their turn before this one, 0 where its turn has come."""
        if ticket.granted.is_set():
            return 0
        return self._in_order().index(ticket) + 1

    def _grant(self, ticket: Ticket) -> None:
        ticket.since = asyncio.get_running_loop().time()
        self._working.add(ticket)
        ticket.granted.set()
        ticket.moved.set()

    def _take_turns(self) -> None:
        while self._turns and len(self._working) < self._n_slots:
            user = self._turns[0]
            self._turns.rotate(-1)
            self._grant(self._queues[user].popleft())
            self._forget(user)

    def _forget(self, user: str) -> None:
        """Leave out a user who has nothing waiting."""
        if not self._queues[user]:
            del self._queues[user]
            self._turns.remove(user)

    def _in_order(self) -> list[Ticket]:
        """Give those who wait in the order in which their turns will come."""
        depth = max(map(len, self._queues.values()), default=0)
        return [
            self._queues[user][at]
            for at in range(depth)
            for user in self._turns
            if at < len(self._queues[user])
        ]

    def _retry_after_s(self) -> int:
        seconds = self._mean_s * (self.n_queued + 1) / self._n_slots
        return min(60, max(1, math.ceil(seconds)))

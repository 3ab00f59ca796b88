"""A watch over one exchange: it hangs up at a deadline, or when any thread says so.

A reader that waits in the kernel for a model's next token cannot be told to stop; shutting its
socket down wakes it. httpx's own timeouts start again with each byte, so a server that sends
pings for ever would never trip them.
"""

from __future__ import annotations

import contextlib
import math
import socket
import threading
import time
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from typing import Any, Literal

from medllm.models.chat import Chunk

HungUp = Literal["", "late", "stopped"]


class Watch:
    """Use it as a context around an exchange, and pass `trace` to httpx as the extension.

    `grant` says how long the other side may take; only time inside `waiting` counts, so a reader
    may take as long as it likes over what it was given.
    """

    def __init__(self) -> None:
        self.granted_s = math.inf
        self._left_s = math.inf
        self.hung_up: HungUp = ""
        self._condition = threading.Condition()
        self._socket: socket.socket | None = None
        self._deadline = math.inf
        self._wakes_at = math.inf
        self._is_over = False

    def __enter__(self) -> Watch:
        threading.Thread(target=self._run, name="medllm-watch", daemon=True).start()
        return self

    def __exit__(self, *exc: object) -> None:
        with self._condition:
            self._is_over = True
            self._condition.notify_all()

    def grant(self, seconds: float) -> None:
        """Let the other side have this long from here on, whatever it has used already."""
        self.granted_s = self._left_s = seconds

    @contextmanager
    def waiting(self) -> Iterator[None]:
        """Count the time inside against what was granted, and hang up when that is used up."""
        started = time.monotonic()
        self._set_deadline(started + self._left_s)
        try:
            yield
        finally:
            self._set_deadline(math.inf)
            self._left_s = max(0.0, self._left_s - (time.monotonic() - started))

    def pause(self, seconds: float) -> None:
        """Sleep, but not beyond a hang-up."""
        with self._condition:
            self._condition.wait_for(lambda: bool(self.hung_up), seconds)

    def hang_up(self, why: HungUp = "stopped") -> None:
        """Break the connection, from any thread; the reader finds `hung_up` set."""
        with self._condition:
            self.hung_up = self.hung_up or why
            self._shut_down()
            self._condition.notify_all()

    def trace(self, event: str, info: dict[str, Any]) -> None:
        """Learn of the socket; httpx calls this (https://www.python-httpx.org/advanced/extensions).

        With TLS there are two, and the second has taken over from the first.
        """
        if event in ("connection.connect_tcp.complete", "connection.start_tls.complete"):
            with self._condition:
                self._socket = info["return_value"].get_extra_info("socket")
                if self.hung_up:
                    self._shut_down()

    def _shut_down(self) -> None:
        if self._socket is not None:
            with contextlib.suppress(OSError):  # closed already, by us or by the server
                self._socket.shutdown(socket.SHUT_RDWR)

    def _set_deadline(self, deadline: float) -> None:
        with self._condition:
            self._deadline = deadline
            if deadline < self._wakes_at:  # else it wakes in time by itself: no switch per token
                self._condition.notify_all()

    def _run(self) -> None:
        with self._condition:
            while not self._is_over and not self.hung_up:
                self._wakes_at = self._deadline
                left_s = self._deadline - time.monotonic()
                if left_s <= 0:
                    self.hang_up("late")
                    return
                self._condition.wait(None if left_s == math.inf else left_s)


class WatchedChunks:
    """The chunks of one answer; `close` may be called from any thread."""

    def __init__(self, chunks: Generator[Chunk, None, None], watch: Watch) -> None:
        self._chunks = chunks
        self._watch = watch

    def __iter__(self) -> WatchedChunks:
        """Give itself."""
        return self

    def __next__(self) -> Chunk:
        """Wait for the next chunk; raise `ModelError` where the answer breaks off."""
        return next(self._chunks)

    def close(self) -> None:
        """Hang up at once; a thread that waits for the next chunk gets a `ModelError`."""
        self._watch.hang_up()
        with contextlib.suppress(ValueError):  # that other thread is inside and will clean up
            self._chunks.close()

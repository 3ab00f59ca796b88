"""The watch over an exchange, against a clock of the test's own."""

import socket
import threading
from types import SimpleNamespace

import pytest

from medllm.models import watch


@pytest.fixture
def clock(monkeypatch):
    now = [0.0]
    monkeypatch.setattr(watch, "time", SimpleNamespace(monotonic=lambda: now[0]))
    return now


@pytest.fixture
def line():
    """Our end of a connection, as httpx would tell of it, and the server's end."""
    ours, theirs = socket.socketpair()
    stream = SimpleNamespace(get_extra_info=lambda name: {"socket": ours}[name])
    with ours, theirs:
        yield stream, theirs


def connect(guard, stream):
    guard.trace("connection.connect_tcp.started", {"host": "a"})
    guard.trace("connection.connect_tcp.complete", {"return_value": stream})


def test_time_between_waits_is_not_counted(clock):
    with watch.Watch() as guard:
        guard.grant(0.05)
        with guard.waiting():
            pass
        clock[0] += 100.0
        threading.Event().wait(0.3)  # were it counted, it would hang up after 0.05 s
        assert guard.hung_up == ""


def test_waits_add_up_until_more_time_is_granted(clock, line):
    stream, theirs = line
    with watch.Watch() as guard:
        connect(guard, stream)
        guard.grant(10.0)
        for _ in range(2):
            with guard.waiting():
                clock[0] += 6.0
        with guard.waiting():  # 12 of 10 seconds are used: no more patience
            assert theirs.recv(1) == b""
        assert guard.hung_up == "late"


def test_a_connection_made_after_the_hang_up_is_closed_at_once(line):
    stream, theirs = line
    guard = watch.Watch()
    guard.hang_up()
    connect(guard, stream)
    assert theirs.recv(1) == b""
    assert guard.hung_up == "stopped"


def test_a_hang_up_ends_a_pause():
    guard = watch.Watch()
    threading.Timer(0.01, guard.hang_up).start()
    guard.pause(3600.0)
    assert guard.hung_up == "stopped"


def test_the_first_reason_to_hang_up_stands():
    guard = watch.Watch()
    guard.hang_up("late")
    guard.hang_up("stopped")
    assert guard.hung_up == "late"

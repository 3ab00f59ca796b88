"""Starting the server, and ending it so that nothing is lost."""

from __future__ import annotations

import asyncio
import ipaddress
import logging
import signal
import socket
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from granian.constants import Interfaces
from granian.http import HTTP1Settings
from granian.server.embed import Server

from medllm.clinical.findings import find_findings
from medllm.config import Config, ServeConfig
from medllm.errors import ConfigError
from medllm.serve.app import make_app
from medllm.serve.guard import Guard
from medllm.serve.service import Service

_HEADER_TIMEOUT_MS = 15_000
"""For the headers of a request, also on a connection that is kept open between two."""
_WARM_UP = "A 60-year-old man with chest pain."
"""Read once at the start, so that the first question need not wait for the lexicon."""
_SWITCH_S = 0.0001
"""How long a thread that computes keeps the interpreter while the event loop wants it. With
Python's own 5 ms every step of a request waits that long behind each question at work."""
_LOG = {"version": 1, "disable_existing_loggers": False}
"""Nothing of granian's own: its default writes to standard output."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where the server listens."""

    host: str
    port: int
    is_tls: bool

    @property
    def url(self) -> str:
        """Give the address that a browser on this machine opens."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{'https' if self.is_tls else 'http'}://{host}:{self.port}/"


def check_binding(serve: ServeConfig, *, has_accounts: bool) -> None:
    """Raise `ConfigError` before patient text could travel unguarded."""
    if (serve.tls_certificate is None) != (serve.tls_key is None):
        raise ConfigError("TLS needs both serve.tls_certificate and serve.tls_key")
    for path in (serve.tls_certificate, serve.tls_key):
        if path is not None and not path.is_file():
            raise ConfigError(f"{path} is not a file", hint="name a PEM file")
    if is_here(serve.host):
        return
    if not has_accounts:
        raise ConfigError(
            f"listening at {serve.host} needs accounts",
            hint="medllm accounts add NAME --role admin --data DIR, or --host 127.0.0.1",
        )
    if serve.tls_certificate is None and not serve.behind_proxy:
        raise ConfigError(
            f"listening at {serve.host} needs TLS",
            hint="name serve.tls_certificate and serve.tls_key, or set serve.behind_proxy where a "
            "proxy ends TLS",
        )


def is_here(host: str) -> bool:
    """Tell whether only this machine can reach an address."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def find_place(serve: ServeConfig) -> Place:
    """Give where to listen, a free port for 0; raise `ConfigError` where it is taken."""
    host = "127.0.0.1" if serve.host == "localhost" else serve.host
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((host, serve.port))
            port = int(probe.getsockname()[1])
    except OSError as exc:
        reason = (exc.strerror or "it cannot be used").lower()
        raise ConfigError(
            f"cannot listen at {serve.host}, port {serve.port}: {reason}",
            hint="name another one with --port; 0 takes a free one",
        ) from exc
    return Place(host, port, serve.tls_certificate is not None)


def own_names(serve: ServeConfig, place: Place) -> frozenset[str]:
    """Give the Host headers that mean this server: against names that were made to point here."""
    names = {place.host, *serve.names.lower().split()}
    if is_here(place.host):
        names |= {"127.0.0.1", "localhost", "::1"}
    written = {f"[{name}]" if ":" in name else name for name in names}
    usual = {443, 80} if serve.behind_proxy or place.is_tls or place.port == 80 else set()
    with_port = {f"{name}:{place.port}" for name in written}
    return frozenset(with_port | (written if usual else set()))


def serve_until_stopped(
    make_service: Callable[[], Service], place: Place, *, when_up: Callable[[Service], None]
) -> None:
    """Open everything, answer until SIGINT or SIGTERM, then let everything go."""
    logging.getLogger("_granian").setLevel(logging.ERROR)
    sys.setswitchinterval(_SWITCH_S)
    asyncio.run(_serve(make_service, place, when_up))


async def _serve(
    make_service: Callable[[], Service], place: Place, when_up: Callable[[Service], None]
) -> None:
    service = make_service()
    try:
        app = make_app(service, hosts=own_names(service.config.serve, place))
        server = _server(app, place, service.config)
        running = asyncio.ensure_future(server.serve())
        await _reachable(place, running)
        service.others.submit(find_findings, _WARM_UP)
        when_up(service)
        await _stop_signal(running)
        service.stop_asking()
        server.signal_handler_interrupt()  # type: ignore[no-untyped-call]
        with suppress(asyncio.CancelledError):
            await asyncio.wait({running}, timeout=5)
    finally:
        await asyncio.to_thread(service.close)


def _server(app: Guard, place: Place, config: Config) -> Server:
    return Server(
        app,
        address=place.host,
        port=place.port,
        interface=Interfaces.ASGINL,
        http1_settings=HTTP1Settings(header_read_timeout=_HEADER_TIMEOUT_MS),
        websockets=False,
        log_enabled=False,
        log_dictconfig=_LOG,
        ssl_cert=config.serve.tls_certificate,
        ssl_key=config.serve.tls_key,
    )


async def _reachable(place: Place, running: asyncio.Future[None]) -> None:
    """Wait until the port answers; raise what kept the server from starting."""
    while not running.done():
        with suppress(OSError):
            _, writer = await asyncio.open_connection(place.host, place.port)
            writer.close()
            return
        await asyncio.sleep(0.01)
    running.result()
    raise ConfigError("the server ended before it began")


async def _stop_signal(running: asyncio.Future[Any]) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    waiting: asyncio.Future[object] = asyncio.ensure_future(stop.wait())
    await asyncio.wait([waiting, running], return_when=asyncio.FIRST_COMPLETED)
    waiting.cancel()

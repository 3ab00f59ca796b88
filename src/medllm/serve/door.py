"""Who is at the door: on this machine alone one random token opens, elsewhere accounts do."""

from __future__ import annotations

import hmac
import os
import secrets
from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

from medllm.errors import ConfigError
from medllm.files import disk_errors

Role = Literal["clinician", "reviewer", "engineer", "admin"]
ROLES: tuple[Role, ...] = ("clinician", "reviewer", "engineer", "admin")
COOKIE = "medllm_session"
RECORDS_SYSTEM = "cds:records-system"
"""The name of who calls with a signed token; no account can have it."""
_MAX_SESSIONS = 1_000


@dataclass(frozen=True, slots=True)
class User:
    """Who asks."""

    name: str
    role: Role
    session: str
    """Tells apart what belongs to whom: kept answers, and turns in the queue."""
    by: Literal["session", "key"]


@dataclass(frozen=True, slots=True)
class SignIn:
    """What somebody shows at the door."""

    token: str = ""
    name: str = ""
    password: str = ""


class TooManyGuesses(Exception):
    """Raised where so many wrong passwords were tried that the next has to wait."""

    def __init__(self, retry_after_s: int) -> None:
        super().__init__("too many guesses")
        self.retry_after_s = retry_after_s


class Door(Protocol):
    """What lets users in."""

    has_accounts: bool

    def who(self, *, bearer: str, cookie: str) -> User | None:
        """Give the user that a request shows itself to be; None for nobody."""

    def is_known(self, name: str) -> bool:
        """Tell whether somebody of this name can come in: others' names go into no log."""

    def sign_in(self, shown: SignIn) -> str | None:
        """Give a new session's cookie; None where what is shown opens nothing."""

    def sign_out(self, cookie: str) -> None:
        """End a session."""


def way_in(door: Door) -> str:
    """Say in one line how somebody comes in; the page tells by it what to ask for."""
    if door.has_accounts:
        return "sign in with your name and password, or send an API key as a bearer"
    return "open the address that `medllm serve` printed, or send the token as a bearer"


class LocalDoor:
    """One user on this machine, let in by a token that only who started the server knows."""

    has_accounts = False

    def __init__(self, token: str) -> None:
        self._token = token
        self._sessions: OrderedDict[str, None] = OrderedDict()

    def who(self, *, bearer: str, cookie: str) -> User | None:
        """Give the one user, for the token or for a session that it opened."""
        if bearer:
            known = _is_same(bearer, self._token)
            return User("local", "admin", "token", "key") if known else None
        if cookie in self._sessions:
            return User("local", "admin", cookie, "session")
        return None

    def is_known(self, name: str) -> bool:
        """Tell whether it is the one user."""
        return name == "local"

    def sign_in(self, shown: SignIn) -> str | None:
        """Open a session for the token."""
        if not _is_same(shown.token, self._token):
            return None
        cookie = secrets.token_urlsafe(24)
        self._sessions[cookie] = None
        if len(self._sessions) > _MAX_SESSIONS:
            self._sessions.popitem(last=False)
        return cookie

    def sign_out(self, cookie: str) -> None:
        """Forget a session."""
        self._sessions.pop(cookie, None)


def _is_same(given: str, known: str) -> bool:
    return hmac.compare_digest(given.encode("utf-8", "replace"), known.encode())


def read_token(path: Path | None) -> str:
    """Give the token that a file holds, written there first where it is absent; else a new one.

    The file is readable by its owner alone. Raises `ConfigError` for one that holds no token.
    """
    fresh = secrets.token_urlsafe(24)
    if path is None:
        return fresh
    try:
        with disk_errors(str(path)):
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return _token_in(path)
    with os.fdopen(descriptor, "w", encoding="ascii") as handle:
        handle.write(fresh + "\n")
    return fresh


def _token_in(path: Path) -> str:
    try:
        token = path.read_text(encoding="ascii").strip()
        is_open = path.stat().st_mode & 0o077
    except (OSError, UnicodeDecodeError) as exc:
        raise ConfigError(f"{path} is no token file", hint="name a new file") from exc
    if len(token) < 16 or not token.isprintable() or " " in token:
        raise ConfigError(f"{path} holds no token", hint="name a new file: one is written there")
    if is_open:
        raise ConfigError(f"others can read {path}", hint=f"chmod 600 {path}")
    return token

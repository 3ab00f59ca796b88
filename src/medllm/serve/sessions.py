"""The door of a server with accounts: sessions that lock when idle, and a brake on guessing."""

from __future__ import annotations

import secrets
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from medllm.serve.accounts import Accounts
from medllm.serve.door import SignIn, TooManyGuesses, User

LONGEST_S = 12 * 3_600.0
"""A session ends after a shift, however busy."""
_FREE = 5
_FIRST_WAIT_S = 60.0
"""After five wrong passwords, then twice as long each time: nine guesses in fifteen minutes."""
_LONGEST_WAIT_S = 3_600.0
_FORGOTTEN_S = 24 * 3_600.0
_MAX_SESSIONS = 10_000
_MAX_NAMES = 10_000


@dataclass(slots=True)
class _Session:
    name: str
    began: float
    used: float


@dataclass(slots=True)
class _Guesses:
    n_wrong: int
    until: float
    last: float


class AccountDoor:
    """Lets in whoever has an account, by password or by key."""

    has_accounts = True

    def __init__(
        self,
        accounts: Accounts,
        *,
        idle_lock_s: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._accounts = accounts
        self._idle_lock_s = idle_lock_s
        self._clock = clock
        self._sessions: OrderedDict[str, _Session] = OrderedDict()
        self._guesses: OrderedDict[str, _Guesses] = OrderedDict()
        self._lock = threading.Lock()
        self._guessing = threading.Lock()
        """Held for as long as a password takes; those who are in do not wait for it."""

    def who(self, *, bearer: str, cookie: str) -> User | None:
        """Give the user of a key, or of a session that is neither idle nor too old."""
        if bearer:
            account = self._accounts.of_key(bearer)
            if account is None:
                return None
            return User(account.name, account.role, f"key:{account.name}", "key")
        with self._lock:
            session = self._sessions.get(cookie)
            now = self._clock()
            if session is None:
                return None
            account = self._accounts.find(session.name)
            is_over = now - session.used > self._idle_lock_s or now - session.began > LONGEST_S
            if account is None or is_over:
                del self._sessions[cookie]
                return None
            session.used = now
        return User(account.name, account.role, cookie, "session")

    def is_known(self, name: str) -> bool:
        """Tell whether there is an account of this name."""
        return self._accounts.find(name) is not None

    def sign_in(self, shown: SignIn) -> str | None:
        """Open a session for a name and a password; raise `TooManyGuesses` while it is braked.

        One password is looked at at a time: what guesses at once gains nothing.
        """
        with self._guessing:
            self._check_brake(shown.name)
            if not self._accounts.is_password(shown.name, shown.password):
                self._brake(shown.name)
                return None
            self._guesses.pop(shown.name, None)
        with self._lock:
            now, cookie = self._clock(), secrets.token_urlsafe(32)
            self._sessions[cookie] = _Session(shown.name, now, now)
            if len(self._sessions) > _MAX_SESSIONS:
                self._sessions.popitem(last=False)
            return cookie

    def sign_out(self, cookie: str) -> None:
        """End a session."""
        with self._lock:
            self._sessions.pop(cookie, None)

    def _check_brake(self, name: str) -> None:
        guesses = self._guesses.get(name)
        now = self._clock()
        if guesses is not None and now < guesses.until:
            raise TooManyGuesses(int(guesses.until - now) + 1)

    def _brake(self, name: str) -> None:
        now = self._clock()
        guesses = self._guesses.pop(name, None)
        n_wrong = guesses.n_wrong if guesses and now - guesses.last < _FORGOTTEN_S else 0
        n_wrong += 1
        wait_s = 0.0
        if n_wrong >= _FREE:
            wait_s = min(_LONGEST_WAIT_S, _FIRST_WAIT_S * 2 ** (n_wrong - _FREE))
        self._guesses[name] = _Guesses(n_wrong, now + wait_s, now)
        if len(self._guesses) > _MAX_NAMES:
            self._guesses.popitem(last=False)

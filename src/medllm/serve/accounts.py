"""Accounts on disk: names, roles, passwords as argon2id, API keys as hashes."""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
import threading
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from medllm.errors import ConfigError, DataError
from medllm.files import read_json, write_json
from medllm.serve.door import ROLES, Role

MIN_PASSWORD = 12
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
_FORMAT = 1
_HASHER = PasswordHasher(time_cost=3, memory_cost=65_536, parallelism=1)
"""RFC 9106's second choice: 64 MiB, three passes."""


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key as it is stored."""

    id: str
    digest: str
    made: str


@dataclass(frozen=True, slots=True)
class Account:
    """Somebody who may sign in."""

    name: str
    role: Role
    password: str = field(repr=False)
    keys: tuple[ApiKey, ...] = ()


class Accounts:
    """The accounts of a server; every change is on the disk when it returns."""

    def __init__(self, path: Path) -> None:
        """Read them; raise `DataError` where the file is damaged."""
        self._path = path
        self._lock = threading.Lock()
        self._read_at = 0
        self._accounts: dict[str, Account] = {}
        self._refresh()
        self._nobody = _HASHER.hash(secrets.token_hex(16))

    def __bool__(self) -> bool:
        """Whether there are any."""
        return bool(self._accounts)

    def list(self) -> list[Account]:
        """Give them all, by name."""
        return sorted(self._accounts.values(), key=lambda account: account.name)

    def add(self, name: str, role: Role, password: str) -> None:
        """Add an account; raise `ConfigError` for a name that is taken or a weak password."""
        if not _NAME.fullmatch(name):
            raise ConfigError("a name has up to 64 of a-z, 0-9, dots, dashes and underscores")
        if role not in ROLES:
            raise ConfigError(f"unknown role {role[:20]!r}", hint=f"one of {', '.join(ROLES)}")
        if len(password) < MIN_PASSWORD:
            raise ConfigError(f"a password has at least {MIN_PASSWORD} characters")
        with self._lock:
            if name in self._accounts:
                raise ConfigError(f"there is an account {name} already")
            self._accounts[name] = Account(name, role, _HASHER.hash(password))
            self._write()

    def remove(self, name: str) -> None:
        """Take an account away, with its keys."""
        with self._lock:
            if self._accounts.pop(name, None) is None:
                raise ConfigError(f"there is no account {name}")
            self._write()

    def find(self, name: str) -> Account | None:
        """Give an account by its name; what another process changed is seen."""
        self._refresh()
        return self._accounts.get(name)

    def is_password(self, name: str, password: str) -> bool:
        """Tell whether a password is right; takes as long where there is no such account."""
        account = self.find(name)
        try:
            return _HASHER.verify(account.password if account else self._nobody, password) and (
                account is not None
            )
        except (VerificationError, InvalidHashError):
            return False

    def make_key(self, name: str) -> str:
        """Give a new API key of an account; it is shown this once, and stored as a hash."""
        account = self._accounts.get(name)
        if account is None:
            raise ConfigError(f"there is no account {name}")
        key_id, secret = secrets.token_hex(6), secrets.token_urlsafe(32)
        made = datetime.now(UTC).isoformat(timespec="seconds")
        key = ApiKey(key_id, _digest(secret), made)
        with self._lock:
            self._accounts[name] = replace(account, keys=(*account.keys, key))
            self._write()
        return f"mk-{key_id}-{secret}"

    def of_key(self, shown: str) -> Account | None:
        """Give the account that an API key opens."""
        self._refresh()
        prefix, _, rest = shown.partition("-")
        key_id, _, secret = rest.partition("-")
        digest = _digest(secret)
        for account in list(self._accounts.values()):
            for key in account.keys:
                is_known = key.id == key_id and hmac.compare_digest(key.digest, digest)
                if prefix == "mk" and is_known:
                    return account
        return None

    def _refresh(self) -> None:
        changed = self._path.stat().st_mtime_ns if self._path.exists() else 0
        if changed != self._read_at:
            self._accounts = _read(self._path) if changed else {}
            self._read_at = changed

    def _write(self) -> None:
        rows = [asdict(account) for account in self._accounts.values()]
        write_json(self._path, {"format": _FORMAT, "accounts": rows})
        self._path.chmod(0o600)


def _digest(secret: str) -> str:
    # A random key of 256 bits needs no slow hash: it cannot be guessed.
    return hashlib.sha256(secret.encode("utf-8", "replace")).hexdigest()


def _read(path: Path) -> dict[str, Account]:
    found = read_json(path)
    try:
        if found["format"] != _FORMAT:
            raise DataError(f"{path} is of another version of medllm")
        accounts = [
            Account(
                str(row["name"]), row["role"], str(row["password"]),
                tuple(ApiKey(**key) for key in row["keys"]),
            )
            for row in found["accounts"]
        ]  # fmt: skip
    except (TypeError, KeyError) as exc:
        raise DataError(f"{path} is damaged", hint="restore it from a copy") from exc
    return {account.name: account for account in accounts}

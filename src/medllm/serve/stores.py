"""What a server stores, all of it in the one folder that was named for it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from medllm.config import Config, ServeConfig
from medllm.errors import ConfigError, extra
from medllm.serve.accounts import Accounts
from medllm.serve.audit import AuditLog, read_key
from medllm.serve.door import Door, LocalDoor
from medllm.serve.feedback import FeedbackStore
from medllm.serve.sessions import AccountDoor

if TYPE_CHECKING:
    from medllm.serve.records_system import RecordsSystem


@dataclass(frozen=True, slots=True)
class AuditPlaces:
    """Where an audit log, its key and its anchor are."""

    log: Path
    key: Path
    anchor: Path


@dataclass(frozen=True, slots=True)
class Stores:
    """What is open."""

    door: Door
    feedback: FeedbackStore | None
    audit: AuditLog | None

    def close(self) -> None:
        """Let everything go."""
        if self.feedback is not None:
            self.feedback.close()
        if self.audit is not None:
            self.audit.close()


def open_stores(config: Config, data: Path | None, anchor: Path | None, *, token: str) -> Stores:
    """Open what is stored in `data`; nothing is where no folder was named.

    Where the folder holds accounts, they open the door, and the token does not.
    """
    if data is None:
        return Stores(LocalDoor(token), None, None)
    make_folder(data)
    accounts = Accounts(data / "accounts.json")
    door: Door = LocalDoor(token)
    if accounts:
        door = AccountDoor(accounts, idle_lock_s=config.serve.idle_lock_s)
    places = audit_places(data, anchor)
    audit = AuditLog(places.log, key=read_key(places.key), anchor=places.anchor)
    try:
        feedback = FeedbackStore(data / "feedback.sqlite")
    except BaseException:
        audit.close()
        raise
    return Stores(door, feedback, audit)


def open_records_system(serve: ServeConfig) -> RecordsSystem | None:
    """Open what CDS Hooks' signed tokens are checked with, None where no issuer is configured."""
    if not serve.cds_issuer and not serve.cds_keys:
        return None
    if not serve.cds_issuer or not serve.cds_keys:
        raise ConfigError("signed calls of CDS Hooks need both serve.cds_issuer and serve.cds_keys")
    with extra("cds"):
        from medllm.serve.records_system import RecordsSystem
    return RecordsSystem(serve.cds_issuer, serve.cds_keys)


def audit_places(data: Path, anchor: Path | None) -> AuditPlaces:
    """Give where the audit log of a data folder is."""
    return AuditPlaces(data / "audit.jsonl", data / "audit.key", anchor or data / "audit.head.json")


def make_folder(data: Path) -> None:
    """Make the folder, its owner's alone; raise `ConfigError` where it cannot be."""
    try:
        data.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as exc:
        reason = (exc.strerror or "it cannot be made").lower()
        raise ConfigError(f"--data {data}: {reason}", hint="name another folder") from exc

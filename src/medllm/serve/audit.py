"""Who asked or read what and when: a keyed chain of entries, its head anchored in a second place.

Entries hold names of accounts, kinds of access and keyed hashes, never a text. Each has a MAC over
itself and the one before, so that nothing can be changed, taken out, put in or moved without the
key; the anchor says how far the chain had come, so that its end cannot be cut off nor an older
copy be put in its place.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import secrets
import threading
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from medllm.errors import DataError
from medllm.files import disk_errors, read_json, write_atomically, write_json

Entry = dict[str, Any]
_START = "0" * 64
_MAX_BATCH = 10_000
"""Entries that go to the disk at once: as many as one request deletes."""


@dataclass(frozen=True, slots=True)
class Head:
    """How far a chain has come."""

    n: int
    mac: str


@dataclass(frozen=True, slots=True)
class Verified:
    """What a check of a whole log found."""

    n_entries: int
    first: str
    last: str
    anchored: int
    """The number of the entry that the anchor names."""


class AuditLog:
    """An open log. Entries are on the disk when `record` gives its future's result."""

    def __init__(self, path: Path, *, key: bytes, anchor: Path) -> None:
        """Open or begin a log; raise `DataError` where it is not as it was left."""
        self._path = path
        self._key = key
        self._anchor = anchor
        _mend(path)
        verified_head(path, key=key, anchor=anchor)  # fails closed: no entry goes onto a broken one
        self._head = _last_head(path, key)
        self._waiting: list[tuple[Entry, Future[None]]] = []
        self._wake = threading.Condition()
        self._is_closed = False
        with disk_errors(str(path)):
            self._descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        self._thread = threading.Thread(target=self._run, name="medllm-audit", daemon=True)
        self._thread.start()

    def hashed(self, text: str) -> str:
        """Give the keyed hash that stands for an id or a note."""
        return hmac.new(self._key, b"id\0" + text.encode("utf-8", "replace"), "sha256").hexdigest()

    def record(self, who: str, what: str, **ids: str) -> Future[None]:
        """Give a future that is done when the entry is on the disk, and fails if it cannot be."""
        now = datetime.now(UTC).isoformat(timespec="milliseconds")
        entry: Entry = {"at": now, "who": who, "what": what}
        entry |= {name: self.hashed(value) for name, value in ids.items() if value}
        done: Future[None] = Future()
        with self._wake:
            if self._is_closed:
                done.set_exception(DataError("the audit log is closed"))
                return done
            self._waiting.append((entry, done))
            self._wake.notify()
        return done

    def close(self) -> None:
        """Write what waits, and let the file go."""
        with self._wake:
            self._is_closed = True
            self._wake.notify()
        self._thread.join()
        os.close(self._descriptor)

    def _run(self) -> None:
        """Write in groups: all that came while the last group was written goes to disk at once."""
        while True:
            with self._wake:
                self._wake.wait_for(lambda: self._waiting or self._is_closed)
                batch, self._waiting = self._waiting[:_MAX_BATCH], self._waiting[_MAX_BATCH:]
                if not batch:
                    return
            try:
                self._write([entry for entry, _ in batch])
            except (DataError, OSError, ValueError) as exc:
                for _, done in batch:
                    done.set_exception(DataError("the audit log cannot be written"))
                    done.exception().__cause__ = exc  # type: ignore[union-attr]
            else:
                for _, done in batch:
                    done.set_result(None)

    def _write(self, entries: Sequence[Entry]) -> None:
        head, lines = self._head, []
        for entry in entries:
            numbered = {"n": head.n + 1, **entry}
            mac = _mac(self._key, head.mac, numbered)
            lines.append(json.dumps({**numbered, "mac": mac}, ensure_ascii=False) + "\n")
            head = Head(head.n + 1, mac)
        size = os.fstat(self._descriptor).st_size
        left = memoryview("".join(lines).encode())
        try:
            while left:  # without a buffer, which would keep what could not be written for later
                left = left[os.write(self._descriptor, left) :]
            os.fsync(self._descriptor)
        except OSError:
            os.ftruncate(self._descriptor, size)  # half a line must not be built upon
            raise
        self._head = head
        write_json(self._anchor, {"n": head.n, "mac": head.mac})


def read_key(path: Path) -> bytes:
    """Give the key that a file holds, made there if it is absent; its owner alone can read it."""
    try:
        with disk_errors(str(path)):
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        key = path.read_bytes().strip()
        if len(key) != 64:
            raise DataError(f"{path} is damaged", hint="restore it from a copy") from None
        return bytes.fromhex(key.decode())
    key = secrets.token_bytes(32)
    with os.fdopen(descriptor, "wb") as handle:
        handle.write(key.hex().encode())
        handle.flush()
        os.fsync(handle.fileno())
    return key


def verified_head(path: Path, *, key: bytes, anchor: Path) -> Verified:
    """Check a whole log against its key and its anchor; raise `DataError` that says where it fails.

    A log that is longer than its anchor is sound: a kill came between the two.
    """
    known = _read_anchor(anchor, has_log=path.exists())
    first = last = ""
    n_entries = 0
    head = Head(0, _START)
    is_met = known.n == 0
    for entry, head in _walk(path, key):
        if entry is None:  # what was pruned: the anchor may lie in it
            is_met = is_met or known.n < head.n or known == head
            continue
        first, last = first or entry["at"], entry["at"]
        n_entries += 1
        if head.n == known.n:
            if not hmac.compare_digest(head.mac, known.mac):
                raise _broken(path, f"entry {head.n} is not the one that the anchor names")
            is_met = True
    if not is_met:
        raise _broken(path, f"it ends at entry {head.n}, and had {known.n}: its end is missing")
    return Verified(n_entries, first, last, known.n)


def _walk(path: Path, key: bytes) -> Iterator[tuple[Entry | None, Head]]:
    """Give each entry with the head after it, None first where older ones were pruned."""
    head = Head(0, _START)
    for number, line in enumerate(_lines(path), start=1):
        entry = _parse(path, number, line)
        mac = entry.pop("mac", "")
        if number == 1 and entry.get("what") == "pruned":
            if not hmac.compare_digest(mac, _mac(key, "pruned", entry)):
                raise _broken(path, "its first line was changed")
            head = Head(int(entry["through"]), str(entry["chain"]))
            yield None, head
            continue
        if entry.get("n") != head.n + 1:
            raise _broken(path, f"line {number} is not entry {head.n + 1}")
        if not hmac.compare_digest(str(mac), _mac(key, head.mac, entry)):
            raise _broken(path, f"entry {head.n + 1} was changed, or another stood before it")
        head = Head(head.n + 1, str(mac))
        yield entry, head


def prune(path: Path, *, key: bytes, anchor: Path, before: str) -> int:
    """Take out entries older than `before` (ISO 8601); what stays can be checked as before."""
    verified_head(path, key=key, anchor=anchor)
    kept: list[str] = []
    through, n_gone = Head(0, _START), 0
    for line, (entry, head) in zip(_lines(path), _walk(path, key), strict=True):
        if entry is None or (not kept and entry["at"] < before):
            through = head
            n_gone += entry is not None
        else:
            kept.append(line.decode())
    if not n_gone:
        return 0
    mark: Entry = {"what": "pruned", "through": through.n, "chain": through.mac, "before": before}
    first = json.dumps({**mark, "mac": _mac(key, "pruned", mark)}) + "\n"
    _replace(path, first + "".join(kept))
    return n_gone


def _replace(path: Path, text: str) -> None:
    write_atomically(path, text)
    path.chmod(0o600)


def _mac(key: bytes, before: str, entry: Mapping[str, Any]) -> str:
    written = json.dumps(entry, sort_keys=True, ensure_ascii=False).encode()
    return hmac.new(key, before.encode() + b"\0" + written, hashlib.sha256).hexdigest()


def _lines(path: Path) -> Iterator[bytes]:
    if path.exists():
        with path.open("rb") as handle:
            yield from handle


def _parse(path: Path, number: int, line: bytes) -> Entry:
    try:
        entry = json.loads(line)
    except ValueError:
        raise _broken(path, f"line {number} is no entry") from None
    if not isinstance(entry, dict):
        raise _broken(path, f"line {number} is no entry")
    return entry


def _mend(path: Path) -> None:
    """Cut off half a line that a kill left; it was not acknowledged."""
    whole = b"".join(line for line in _lines(path) if line.endswith(b"\n"))
    if path.exists() and path.stat().st_size != len(whole):
        with disk_errors(str(path)), path.open("rb+") as handle:
            handle.truncate(len(whole))
            os.fsync(handle.fileno())


def _last_head(path: Path, key: bytes) -> Head:
    head = Head(0, _START)
    for _, reached in _walk(path, key):
        head = reached
    return head


def _read_anchor(path: Path, *, has_log: bool) -> Head:
    if not path.exists():
        if has_log:
            raise DataError(
                f"the audit log's anchor {path} is missing", hint="restore it, or name it: --anchor"
            )
        return Head(0, _START)
    found = read_json(path)
    try:
        return Head(int(found["n"]), str(found["mac"]))
    except (TypeError, KeyError, ValueError) as exc:
        raise DataError(f"the audit log's anchor {path} is damaged") from exc


def _broken(path: Path, what: str) -> DataError:
    return DataError(
        f"the audit log {path} was tampered with: {what}",
        hint="keep it as it is, and compare it with a copy",
    )

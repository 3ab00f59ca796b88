"""What users said about answers: SQLite, written through to the disk before it is acknowledged."""

from __future__ import annotations

import json
import sqlite3
import threading
import uuid
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from medllm.errors import DataError

Rating = Literal["right", "wrong", "unclear", "useful", "not useful"]
Preference = Literal["preferred", "not preferred", "both good", "both bad"]

_SCHEMA = """
create table if not exists feedback (
    id text primary key, given text not null, by text not null, answer text not null,
    claim integer, rating text not null, record text not null
) strict
"""
_VERSION = 1
_BUSY_MS = 5_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Feedback:
    """One rating, of a sentence or of a whole answer, with what it was about."""

    answer: str
    """The answer's id."""
    by: str
    """Who gave it, as a pseudonym."""
    rating: Rating | Preference
    claim: int | None = None
    """The sentence, from 1; None for the whole."""
    comment: str = ""
    sentence: str = ""
    verdict: str = ""
    sources: tuple[str, ...] = ()
    """The cited passages."""
    model: str = ""
    prompt: str = ""
    note: str = ""
    """The patient description: only where the user chose to store it."""
    summary: str = ""
    """The whole answer with its citations, with the note only."""


class FeedbackStore:
    """Feedback on disk; one writer at a time, any number of threads."""

    def __init__(self, path: Path) -> None:
        """Open or make the file; raise `DataError` where it is no such file."""
        self._lock = threading.Lock()
        self._path = path
        try:
            self._connection = sqlite3.connect(
                path, timeout=_BUSY_MS / 1000, isolation_level=None, check_same_thread=False
            )
            self._prepare()
        except sqlite3.Error as exc:
            raise _failed(path, exc) from exc

    def _prepare(self) -> None:
        version = self._connection.execute("pragma user_version").fetchone()[0]
        if version not in (0, _VERSION):
            raise DataError(f"{self._path} is of another version of medllm")
        for pragma in ("journal_mode=wal", "synchronous=full", f"busy_timeout={_BUSY_MS}"):
            self._connection.execute(f"pragma {pragma}")
        self._connection.execute("pragma secure_delete=on")
        self._connection.execute(_SCHEMA)
        self._connection.execute(f"pragma user_version={_VERSION}")

    def add(self, feedback: Feedback) -> str:
        """Store feedback and give its id; when this returns it survives a kill and a power cut."""
        feedback_id = str(uuid.uuid4())
        record = {k: v for k, v in asdict(feedback).items() if k not in _COLUMNS}
        row = (
            feedback_id, datetime.now(UTC).isoformat(timespec="seconds"), feedback.by,
            feedback.answer, feedback.claim, feedback.rating,
            json.dumps(record, ensure_ascii=False).encode("utf-8", "replace").decode(),
        )  # fmt: skip
        with self._lock:
            try:
                self._connection.execute("insert into feedback values (?,?,?,?,?,?,?)", row)
            except sqlite3.Error as exc:
                raise _failed(self._path, exc) from exc
        return feedback_id

    def delete(self, feedback_id: str) -> bool:
        """Take feedback back, overwritten in the file; give whether it was there."""
        with self._lock:
            done = self._connection.execute("delete from feedback where id = ?", (feedback_id,))
            self._connection.execute("pragma wal_checkpoint(truncate)")
            return done.rowcount > 0

    def count(self) -> int:
        """Give how many there are."""
        with self._lock:
            return int(self._connection.execute("select count(*) from feedback").fetchone()[0])

    def read(self) -> list[dict[str, Any]]:
        """Give all feedback, the oldest first."""
        query = "select id, given, by, answer, claim, rating, record from feedback order by rowid"
        with self._lock:
            rows = self._connection.execute(query).fetchall()
        names = ("id", "given", "by", "answer", "claim", "rating")
        return [dict(zip(names, row[:6], strict=True)) | json.loads(row[6]) for row in rows]

    def close(self) -> None:
        """Let the file go."""
        with self._lock:
            self._connection.close()


_COLUMNS = ("answer", "by", "rating", "claim")


def as_lines(rows: list[dict[str, Any]]) -> Iterator[str]:
    """Give feedback as JSON Lines, as it is."""
    for row in rows:
        yield json.dumps(row, ensure_ascii=False) + "\n"


def as_records(rows: list[dict[str, Any]]) -> Iterator[str]:
    """Give feedback whose note was stored as training records, for `medllm data review`.

    One record an answer: its note as the question, its summary as the answer; what was said about
    it stands in `meta`.
    """
    by_answer: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        by_answer.setdefault(row["answer"], []).append(row)
    for answer, given in by_answer.items():
        first = next((row for row in given if row["note"] and row["summary"]), None)
        if first is None:
            continue
        said = ("claim", "rating", "comment", "by", "sentence", "verdict")
        record = {
            "id": answer,
            "source": "feedback",
            "group": answer,
            "task": "summary",
            "messages": [
                {"role": "user", "content": first["note"]},
                {"role": "assistant", "content": first["summary"]},
            ],
            "meta": {"model": first["model"], "feedback": [{k: r[k] for k in said} for r in given]},
        }
        yield json.dumps(record, ensure_ascii=False) + "\n"


def _failed(path: Path, exc: sqlite3.Error) -> DataError:
    if "disk is full" in str(exc):
        return DataError(f"no space left while writing {path}", hint="free some space")
    reason = "it is not a feedback file" if isinstance(exc, sqlite3.DatabaseError) else "it fails"
    if isinstance(exc, sqlite3.OperationalError):
        reason = "it cannot be opened or written"
    return DataError(f"cannot use {path}: {reason}", hint="name another place with --data")

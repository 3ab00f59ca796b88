"""Training records on disk: JSON Lines, one `SftRecord` a line, written whole or not at all."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, cast, get_args

from medllm.data.fields import parse_object
from medllm.data.reading import BadInputError, Place, Reading, clean
from medllm.data.streams import read_lines
from medllm.errors import DataError
from medllm.files import disk_errors, sync_dir
from medllm.records import Role, SftRecord, Task, Turn

ROLES: tuple[str, ...] = get_args(Role)
TASKS: tuple[str, ...] = get_args(Task)

_ENCODER = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))
_OPTIONAL = ("licence", "reasoning", "label", "meta")


def to_line(value: Any) -> str:
    """Give a value as one line of JSON, keys in the order they have."""
    return _ENCODER.encode(value) + "\n"


def record_to_line(record: SftRecord) -> str:
    """Give a record as one line of JSON; what is empty is left out."""
    value: dict[str, Any] = {
        "id": record.id,
        "source": record.source,
        "group": record.group,
        "task": record.task,
        "messages": [{"role": turn.role, "content": turn.content} for turn in record.messages],
    }
    for name in _OPTIONAL:
        if content := getattr(record, name):
            value[name] = content
    return to_line(value)


def record_from_object(value: dict[str, Any]) -> SftRecord:
    """Give the record that an object of a line is; raise `BadInputError` where it is none."""
    task = value.get("task", "dialogue")
    if task not in TASKS:
        raise BadInputError("field task is none of the known tasks")
    meta = value.get("meta", {})
    if not isinstance(meta, dict):
        raise BadInputError("field meta is not an object")
    identity = _string(value, "id")
    if not identity.strip():
        raise BadInputError("has no field id")
    return SftRecord(
        id=identity,
        source=_string(value, "source") or "records",
        group=_string(value, "group") or identity,
        task=cast(Task, task),
        messages=_turns(value.get("messages")),
        licence=_string(value, "licence"),
        reasoning=_string(value, "reasoning"),
        label=_string(value, "label"),
        meta=meta,
    )


def _string(value: dict[str, Any], name: str) -> str:
    content = value.get(name, "")
    if not isinstance(content, str):
        raise BadInputError(f"field {name} is not a string")
    return clean(content)


def _turns(messages: Any) -> tuple[Turn, ...]:
    if not isinstance(messages, list) or not messages:
        raise BadInputError("field messages is not a list of turns")
    turns = []
    for message in messages:
        if not isinstance(message, dict) or message.get("role") not in ROLES:
            raise BadInputError("field messages has a turn without a known role")
        content = message.get("content")
        if not isinstance(content, str):
            raise BadInputError("field messages has a turn without a content")
        turns.append(Turn(role=message["role"], content=clean(content)))
    return tuple(turns)


def read_records(path: Path, reading: Reading) -> Iterator[SftRecord]:
    """Give the records of a JSON Lines file, gzipped or not; count and name the other lines.

    Raises `DataError` where the file cannot be opened.
    """
    try:
        for line in read_lines(path, reading):
            if not line.fault and not line.text.strip():
                continue
            try:
                if line.fault:
                    raise BadInputError(line.fault)
                record = record_from_object(parse_object(line.text))
            except BadInputError as exc:
                reading.leave_out(Place(path, line=line.number), exc)
            else:
                reading.taken += 1
                yield record
    except BadInputError as exc:
        raise DataError(f"cannot read {path}: {exc}", hint="name a file of records") from exc


def load_records(path: Path) -> Iterator[SftRecord]:
    """Give the records of a file that medllm wrote; raise `DataError` at the first broken line."""
    reading = Reading()
    for record in read_records(path, reading):
        if reading.problems:
            break
        yield record
    if reading.problems:
        hint = "`medllm data read` makes records of a data set"
        raise DataError(str(reading.problems[0]), hint=hint)


def count_lines(path: Path) -> int:
    """Give the number of lines of a file, to tell how far one is; 0 where it is not known."""
    if path.suffix == ".gz" or not path.is_file():
        return 0
    with path.open("rb") as handle:
        return sum(block.count(b"\n") for block in iter(lambda: handle.read(1 << 20), b""))


class LineWriter:
    """Writes lines and keeps count and digest of them."""

    def __init__(self, handle: IO[bytes]) -> None:
        self._handle = handle
        self._digest = hashlib.sha256()
        self.n_lines = 0
        self.size_bytes = 0

    def write(self, line: str) -> None:
        """Write a line that ends in a newline; a half surrogate pair becomes a question mark."""
        raw = line.encode("utf-8", "replace")
        self._handle.write(raw)
        self._digest.update(raw)
        self.n_lines += 1
        self.size_bytes += len(raw)

    def write_record(self, record: SftRecord) -> None:
        """Write a record as a line."""
        self.write(record_to_line(record))

    @property
    def sha256(self) -> str:
        """The digest of what was written so far."""
        return self._digest.hexdigest()


@contextmanager
def write_lines(path: Path) -> Iterator[LineWriter]:
    """Open a file for lines; it appears under its name only when all of them are written.

    The temporary file beside it has a fixed name: what a killed run left is written over.
    """
    temporary = path.with_name(f".{path.name}.part")
    with disk_errors(str(path)):
        try:
            with temporary.open("wb", buffering=1 << 20) as handle:
                yield LineWriter(handle)
                handle.flush()
                os.fsync(handle.fileno())
            os.replace(temporary, path)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
        sync_dir(path.parent)


def refuse_same(source: Path, to: Path) -> None:
    """Raise `DataError` where a result would be written over what it is made from."""
    if to.exists() and source.exists() and to.samefile(source):
        raise DataError(f"{to} would be written over its own source", hint="name another file")

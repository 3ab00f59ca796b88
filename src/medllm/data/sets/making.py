"""What every reader of a data set needs to make records: ids, groups, turns, and the loop."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from medllm.data.fields import Fields, is_number
from medllm.data.reading import BadInputError, Place, Reading, clean
from medllm.records import SftRecord, Turn


class Source(NamedTuple):
    """A file to read, with the split that its name tells ("" where it tells none)."""

    path: Path
    split: str = ""
    root: Path = Path()
    """The folder that the user named, or the file's own."""


class LocatedRecord(NamedTuple):
    """A record with the place it was read from."""

    place: Place
    record: SftRecord


Read = Callable[[Source, Reading], Iterator[LocatedRecord]]
"""What each data set has: the records of one of its files."""


def read_each(
    rows: Iterable[Fields], convert: Callable[[Fields], Iterable[SftRecord]]
) -> Iterator[LocatedRecord]:
    """Give what `convert` makes of each row; count and name the rows it refuses."""
    for fields in rows:
        try:
            for record in convert(fields):
                yield LocatedRecord(fields.place, record)
        except BadInputError as exc:
            fields.reading.leave_out(fields.place, exc)


def ask(question: str, answer: str, *, system: str = "") -> tuple[Turn, ...]:
    """Give a conversation of one question and its answer."""
    turns = (Turn(role="user", content=question), Turn(role="assistant", content=answer))
    return (Turn(role="system", content=system), *turns) if system else turns


def digest(*texts: str) -> str:
    """Give 16 hexadecimal digits that stand for these texts, the same on every machine."""
    joined = "\x1f".join(texts).encode("utf-8", "surrogatepass")
    return hashlib.blake2b(joined, digest_size=8).hexdigest()


def group_of(text: str) -> str:
    """Give the group of a question or a passage: the same for any case and spacing of it."""
    return digest(" ".join(text.casefold().split()))


def split_meta(source: Source, **more: Any) -> dict[str, Any]:
    """Give `meta` with the split of the source where it is known, and without empty values."""
    known = {"split": source.split, **more}
    return {name: value for name, value in known.items() if value not in ("", None, [], {}, ())}


def text_of(fields: Fields, *names: str) -> str:
    """Give the first of these fields that holds text, stripped; `BadInputError` where none does."""
    for name in names[:-1]:
        value = fields.record.get(name)
        if isinstance(value, str) and value.strip():
            return clean(value).strip()
    return fields.text(names[-1]).strip()


def optional(fields: Fields, name: str) -> str:
    """Give an optional text or number as a text, "" where it is absent or of another type."""
    value = fields.record.get(name)
    if isinstance(value, str):
        return clean(value).strip()
    if is_number(value) and math.isfinite(value):
        return str(int(value)) if value == int(value) else str(value)
    return ""


def clean_value(value: Any) -> Any:
    """Give a JSON value with all its texts cleaned, so that it can be written again."""
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, dict):
        return {clean_value(name): clean_value(item) for name, item in value.items()}
    return [clean_value(item) for item in value] if isinstance(value, list) else value


def part_of(fields: Fields, value: Any, what: str) -> Fields:
    """Give an object within the record as fields of their own."""
    if not isinstance(value, dict):
        raise BadInputError(f"{what} is not an object")
    return Fields(value, fields.place, fields.reading)


def list_of(fields: Fields, name: str) -> list[Any]:
    """Give a field that must be a list."""
    value = fields.record.get(name)
    if value is None:
        raise BadInputError(f"has no field {name}")
    if not isinstance(value, list):
        raise BadInputError(f"field {name} is not a list")
    return value


def strings_of(fields: Fields, name: str) -> list[str]:
    """Give a field that must be a list of strings."""
    values = list_of(fields, name)
    if not all(isinstance(value, str) for value in values):
        raise BadInputError(f"field {name} is not a list of strings")
    return [clean(value) for value in values]

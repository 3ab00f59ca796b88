"""One large JSON value, read in constant memory: a list at any depth, a dict, parallel lists."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import ijson

from medllm.data.fields import Fields
from medllm.data.json_bytes import BAD_BYTES, utf8_chunks
from medllm.data.reading import BadInputError, Place, Reading
from medllm.data.streams import READ_ERRORS, reason_of


def read_items(path: Path, reading: Reading, prefix: str) -> Iterator[Fields]:
    """Give each object of the list at `prefix` ("item", "data.item"), with its number.

    One that is none, or not UTF-8, is left out. Where the file breaks off or stops being JSON, that
    is counted in `reading` and the objects end: what came before has been handed out.
    """

    def start(found: Any) -> Any:
        return ijson.items_coro(found, prefix, use_float=True)

    for number, value in _numbered(path, reading, start):
        yield from _fields(value, Place(path, record=number), reading)


def read_pairs(path: Path, reading: Reading) -> Iterator[tuple[str, Fields]]:
    """Give each key of the file's one object, with the object that it stands for."""

    def start(found: Any) -> Any:
        return ijson.kvitems_coro(found, "", use_float=True)

    for number, (key, value) in _numbered(path, reading, start):
        for fields in _fields(value, Place(path, record=number), reading):
            yield key, fields


def read_parallel(path: Path, reading: Reading, names: tuple[str, ...]) -> Iterator[Fields]:
    """Give one record for each position of the lists that stand under these names.

    The file is read once for each list, side by side, so that no list is ever held. Lists of
    different lengths are named and read to the end of the shortest.
    """
    lists = [_values(path, _start_list(name)) for name in names]
    number = 0
    try:
        while True:
            values = [next(items, _END) for items in lists]
            number += 1
            if any(value is _END for value in values):
                break
            record = dict(zip(names, values, strict=True))
            yield from _fields(record, Place(path, record=number), reading)
    except (ijson.JSONError, *READ_ERRORS) as exc:
        reading.leave_out(Place(path, record=number + 1), _fault(exc))
        return
    if longer := [name for name, value in zip(names, values, strict=True) if value is not _END]:
        what = f"the list {longer[0]} goes on where another ends; its rest was not read"
        reading.leave_out(Place(path, record=number), what)


def read_ranges(path: Path, name: str) -> list[tuple[int, int]]:
    """Give the [start, length] pairs of a list that is small enough to hold.

    Raises `BadInputError` where one is not two numbers, or the file breaks off before its end.
    """
    try:
        values = list(_values(path, _start_list(name)))
    except (ijson.JSONError, *READ_ERRORS):
        raise BadInputError(f"breaks off before the end of the list {name}") from None
    for value in values:
        is_pair = isinstance(value, list) and len(value) == 2
        if not is_pair or not all(isinstance(number, int) for number in value):
            raise BadInputError(f"the list {name} is not one of [start, length]")
    return [(start, length) for start, length in values]


def has_bad_bytes(value: Any) -> bool:
    """Whether a JSON value holds, at any depth, the mark of bytes that were not UTF-8."""
    if isinstance(value, str):
        return BAD_BYTES in value
    if isinstance(value, dict):
        return any(has_bad_bytes(item) for item in value.values())
    return isinstance(value, list) and any(has_bad_bytes(item) for item in value)


_END = object()


def _start_list(name: str) -> Callable[[Any], Any]:
    return lambda found: ijson.items_coro(found, f"{name}.item", use_float=True)


def _fields(value: Any, place: Place, reading: Reading) -> Iterator[Fields]:
    if not isinstance(value, dict):
        reading.leave_out(place, "is not a JSON object")
    elif has_bad_bytes(value):
        reading.leave_out(place, "is not UTF-8")
    else:
        yield Fields(value, place, reading)


def _numbered(
    path: Path, reading: Reading, start: Callable[[Any], Any]
) -> Iterator[tuple[int, Any]]:
    number = 0
    try:
        for number, value in enumerate(_values(path, start), start=1):
            yield number, value
    except (ijson.JSONError, *READ_ERRORS) as exc:
        reading.leave_out(Place(path, record=number + 1), _fault(exc))


def _fault(exc: Exception) -> str:
    if isinstance(exc, READ_ERRORS):
        return f"breaks off here: {reason_of(exc)}"
    return "is not JSON from here on, or cut off; nothing after it was read"


def _values(path: Path, start: Callable[[Any], Any]) -> Iterator[Any]:
    """Give the values that the parser finds; those before a fault come before it is raised."""
    found = ijson.sendable_list()
    parser = start(found)
    try:
        for chunk in utf8_chunks(path):
            parser.send(chunk)
            yield from found
            del found[:]
        parser.close()
    except (ijson.JSONError, *READ_ERRORS):
        yield from found
        raise

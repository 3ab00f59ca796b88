"""A JSON file that is one long list of objects, read in constant memory."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import ijson

from medllm.data.fields import Fields
from medllm.data.json_bytes import BAD_BYTES, utf8_chunks
from medllm.data.reading import Place, Reading
from medllm.data.streams import READ_ERRORS, reason_of


def read_json_list(path: Path, reading: Reading) -> Iterator[Fields]:
    """Give each object of the list with its number; one that is none, or not UTF-8, is left out.

    Where the file breaks off or stops being JSON, that is counted in `reading` and the objects end:
    what came before has been handed out.
    """
    number = 0
    try:
        for number, item in enumerate(_items(path), start=1):  # noqa: B007
            place = Place(path, record=number)
            if not isinstance(item, dict):
                reading.leave_out(place, "is not a JSON object")
            elif any(isinstance(value, str) and BAD_BYTES in value for value in item.values()):
                reading.leave_out(place, "is not UTF-8")
            else:
                yield Fields(item, place, reading)
    except READ_ERRORS as exc:
        reading.leave_out(Place(path, record=number + 1), f"breaks off here: {reason_of(exc)}")
    except ijson.JSONError:  # its message quotes the text around the fault
        reason = "is not JSON from here on, or cut off; nothing after it was read"
        reading.leave_out(Place(path, record=number + 1), reason)


def _items(path: Path) -> Iterator[Any]:
    """Give the items of the list; those before a fault are handed out before it is raised."""
    items = ijson.sendable_list()
    # Floats, not decimals: the only numbers are ages.
    parser = ijson.items_coro(items, "item", use_float=True)
    try:
        for chunk in utf8_chunks(path):
            parser.send(chunk)
            yield from items
            del items[:]
        parser.close()
    except (ijson.JSONError, *READ_ERRORS):
        yield from items
        raise

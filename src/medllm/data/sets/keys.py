"""The names of a file's fields, from its first bytes, in whatever form it is."""

from __future__ import annotations

import io
from pathlib import Path

import ijson

from medllm.data.json_bytes import mend_surrogates
from medllm.data.reading import BadInputError
from medllm.data.sets.csv_rows import split_header
from medllm.data.sets.parquet import MAGIC, column_names
from medllm.data.streams import read_head

_HEAD_BYTES = 256 * 1024  # the first discharge summary, with its questions, is within 50 kB


def keys_of(path: Path) -> tuple[str, ...]:
    """Give the fields of the first record, as far as the head of the file shows them.

    For one large object these are its own keys; for XML and plain text there are none. Raises
    `BadInputError` where the file cannot be read.
    """
    head = read_head(path, _HEAD_BYTES)
    start = head.lstrip()[:1]
    if head.startswith(MAGIC):
        return tuple(column_names(path))
    if start in (b"[", b"{"):
        return tuple(_json_keys(head, "item" if start == b"[" else ""))
    if start == b"<":
        return ()
    try:
        names, _ = split_header(head.split(b"\n", 1)[0].decode("utf-8", "replace"))
    except BadInputError:
        return ()
    return tuple(names)


def _json_keys(head: bytes, prefix: str) -> list[str]:
    """Give the keys of the first object at `prefix`; the head may end within it."""
    whole = mend_surrogates(head.decode("utf-8", "replace")).encode("utf-8")
    keys: list[str] = []
    try:
        for where, event, value in ijson.parse(io.BytesIO(whole), multiple_values=True):
            if where == prefix and event == "map_key":
                keys.append(value)
            elif where == prefix and event == "end_map":
                break
    except (ijson.JSONError, UnicodeDecodeError):
        pass  # the head ends within a record, or the record is broken: its reader says so
    return keys

"""The framing of streamed answers: bytes to lines, lines to JSON objects.

Blocks of bytes come as the network cuts them, in the middle of a character if it so happens; what
comes out does not depend on where the cuts were.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from typing import Any

from medllm.errors import ModelError

MAX_LINE_BYTES = 1_000_000
"""A line holds one piece of an answer; a thousandth of this is usual."""
MAX_BODY_BYTES = 64_000_000
"""About 250,000 tokens at 250 bytes of framing each: no model writes more in one answer."""
DONE = "[DONE]"
_LINE_END = re.compile(rb"\r\n|\r|\n")


def split_lines(blocks: Iterable[bytes], *, max_line_bytes: int = MAX_LINE_BYTES) -> Iterator[str]:
    """Give the lines, without their ends (LF, CRLF or CR); a last line without an end too.

    Raises `ModelError` for a line or a body that is too long and for bytes that are not UTF-8.
    """
    parts: list[bytes] = []
    n_line_bytes = n_body_bytes = 0
    is_after_cr = False
    for block in filter(None, blocks):
        n_body_bytes += len(block)
        if n_body_bytes > MAX_BODY_BYTES:
            raise ModelError("the model server sent an answer without end")
        pieces = _LINE_END.split(block[1:] if is_after_cr and block[0] == 10 else block)
        is_after_cr = block.endswith(b"\r")  # its LF may come with the next block
        for number, piece in enumerate(pieces):
            if number:
                yield _decode(parts)
                parts, n_line_bytes = [], 0
            parts.append(piece)
            n_line_bytes += len(piece)
            if n_line_bytes > max_line_bytes:
                raise ModelError("the model server sent a line too long to be part of an answer")
    if any(parts):
        yield _decode(parts)


def _decode(parts: list[bytes]) -> str:
    try:
        return b"".join(parts).decode("utf-8")
    except UnicodeDecodeError:
        # Not "from exc": that exception holds the text itself, and a traceback would show it.
        raise ModelError("the model server sent bytes that are not UTF-8") from None


def parse_object(text: str) -> dict[str, Any]:
    """Give the JSON object that `text` is; raise `ModelError` where it is none."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        raise ModelError("the model server sent a line that is not JSON") from None
    if not isinstance(value, dict):
        raise ModelError("the model server sent something that is not a JSON object")
    return value


def read_json_lines(lines: Iterable[str]) -> Iterator[dict[str, Any]]:
    """Give one object for each line that is not blank."""
    for line in lines:
        if line.strip():
            yield parse_object(line)


def read_events(lines: Iterable[str]) -> Iterator[str]:
    """Give the data of each server-sent event, its lines joined, up to `[DONE]` or the end.

    Follows the HTML standard's "event stream interpretation"; comments (pings) and fields other
    than data are passed over. An event that the end of the stream cuts short is given as well:
    some servers leave out the last blank line, and half an event is no JSON and so is noticed.
    """
    data: list[str] = []
    for number, line in enumerate(lines):
        name, _, value = (line.removeprefix("\ufeff") if number == 0 else line).partition(":")
        if not line and data:
            if (event := "\n".join(data)) == DONE:
                return
            data = []
            yield event
        elif name == "data":
            data.append(value.removeprefix(" "))
    if data and (event := "\n".join(data)) != DONE:
        yield event

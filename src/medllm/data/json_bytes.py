"""The bytes of a JSON file as the stream parser can bear them.

The parser (yajl) stops at a byte that is not UTF-8, raises on an escaped low surrogate that stands
alone ("\\udfff"), and joins a high one to whatever follows it. Python's own `json` takes all three.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from pathlib import Path

from medllm.data.streams import open_bytes

BAD_BYTES = "\ufdd0"
"""What "medllm.mark" puts in place of bytes that are not UTF-8: a character that no text holds."""

codecs.register_error("medllm.mark", lambda exc: (BAD_BYTES, getattr(exc, "end", 0)))

_CHUNK_BYTES = 64 * 1024
_MOST_HELD = 1 << 20  # characters without a blank: no text has so many
_LONGEST_PAIR = len("\\ud83d\\ude00")
# A pair of surrogates, one that stands alone, or any other escape: read in this order, so that the
# backslash of "\\\\ud800" is not taken for the beginning of an escape.
_ESCAPE = re.compile(
    r"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}"
    r"|(?P<alone>\\u[dD][89a-fA-F][0-9a-fA-F]{2})|\\.",
    re.DOTALL,
)


def utf8_chunks(path: Path) -> Iterator[bytes]:
    """Give a file as UTF-8 without a byte order mark; `BAD_BYTES` marks what was not UTF-8.

    A surrogate that stands alone becomes U+FFFD, as `reading.clean` would make of it.
    """
    held = ""
    for text in _decoded(path):
        text, held = _cut(held + text)
        if text:  # to the parser, no bytes are the end
            yield mend_surrogates(text).encode("utf-8")
    if held:
        yield mend_surrogates(held).encode("utf-8")


def mend_surrogates(text: str) -> str:
    """Give JSON with each escaped surrogate that stands alone as an escaped U+FFFD."""
    if "\\ud" not in text and "\\uD" not in text:
        return text
    return _ESCAPE.sub(lambda found: "\\ufffd" if found["alone"] else found[0], text)


def _decoded(path: Path) -> Iterator[str]:
    decoder = codecs.getincrementaldecoder("utf-8-sig")("medllm.mark")
    with open_bytes(path) as handle:
        while raw := handle.read1(_CHUNK_BYTES):
            if text := decoder.decode(raw):
                yield text
    yield decoder.decode(b"", True)


def _cut(text: str) -> tuple[str, str]:
    """Part a chunk where no escape is: behind a blank, if an escape may go on after its end."""
    if "\\" not in text[-_LONGEST_PAIR:] or len(text) > _MOST_HELD:
        return text, ""
    end = text.rfind(" ") + 1
    return text[:end], text[end:]

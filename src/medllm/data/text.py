"""Plain text and Markdown: a file is a document, its path below the folder is its id."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from pathlib import Path

from medllm.data.reading import BadInputError, Located, Place, Reading, clean
from medllm.data.streams import READ_ERRORS, open_bytes, reason_of
from medllm.records import Document, DocumentKind

MAX_TEXT_BYTES = 64 * 1024 * 1024
_MAX_TITLE = 150  # characters; longer than the longest titles that journals allow
_PARAGRAPH = 100  # characters; a longer line is prose that is not wrapped
_BINARY = re.compile(rb"[\x00-\x06\x0e-\x1a\x1c-\x1f]")  # form feeds and escapes occur in text
_UTF16 = {codecs.BOM_UTF16_LE: "utf-16-le", codecs.BOM_UTF16_BE: "utf-16-be"}


def read_text(
    path: Path, root: Path, kind: DocumentKind | None, reading: Reading
) -> Iterator[Located]:
    """Give the one document of a text file; `root` is the folder that its id counts from.

    UTF-8 with or without a byte order mark, and UTF-16 with one.
    """
    place = Place(path)
    try:
        text = clean(_decode(_read_bytes(path)))
        if not text.strip():
            raise BadInputError("has no text")
    except BadInputError as exc:
        reading.leave_out(place, str(exc))
        return
    document = Document(
        id=clean(path.relative_to(root).as_posix()),
        kind=kind or "articles",
        text=text,
        title=find_title(text) or clean(Path(path.name.removesuffix(".gz")).stem),
    )
    yield Located(place, document)


def _read_bytes(path: Path) -> bytes:
    with open_bytes(path) as handle:
        try:
            raw = handle.read(MAX_TEXT_BYTES + 1)
        except READ_ERRORS as exc:
            raise BadInputError(reason_of(exc)) from exc
    if len(raw) > MAX_TEXT_BYTES:
        raise BadInputError(f"is larger than {MAX_TEXT_BYTES >> 20} MiB")
    return raw


def _decode(raw: bytes) -> str:
    encoding = _UTF16.get(raw[:2], "utf-8")
    if encoding == "utf-8" and is_binary(raw):
        raise BadInputError("is binary, not text")
    try:
        return raw.decode(encoding).removeprefix("\ufeff")
    except UnicodeDecodeError as exc:
        advice = "convert it: iconv -f ENCODING -t UTF-8"
        # From None: the error carries the bytes.
        raise BadInputError(f"is not {encoding} at byte {exc.start + 1}; {advice}") from None


def is_binary(raw: bytes) -> bool:
    """Whether these bytes hold more control characters than the stray few of a bad export."""
    head = raw[:65536]
    return len(_BINARY.findall(head)) > max(3, len(head) // 200)


def find_title(text: str) -> str:
    """Give the first line where it looks like a title, else "".

    A Markdown or underlined heading is one; so is a short line that does not end like a sentence
    and stands alone, or above a paragraph.
    """
    lines = text.lstrip("\n \t\ufeff").split("\n", 2)
    first = lines[0].strip()
    following = lines[1].strip() if len(lines) > 1 else ""
    heading = re.fullmatch(r"#{1,6}\s+(.+?)(?:\s+#+)?", first)
    if heading:
        return heading.group(1)[:_MAX_TITLE]
    if len(lines) == 1 or len(first) > _MAX_TITLE or not re.search(r"\w", first):
        return ""
    if re.fullmatch(r"={3,}|-{3,}", following):
        return first
    is_sentence = first.endswith((".", ",", ";", ":"))
    is_alone = not following and len(lines) == 3 and bool(lines[2].strip())
    is_above_prose = len(following) > max(_PARAGRAPH, 2 * len(first)) and not following[0].islower()
    return first if not is_sentence and (is_alone or is_above_prose) else ""

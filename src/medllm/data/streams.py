"""Files as bytes and lines: plain or gzipped, in constant memory, with every fault named."""

from __future__ import annotations

import codecs
import gzip
import os
import stat
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from io import BufferedIOBase
from pathlib import Path
from typing import NamedTuple

from medllm.data.reading import BadInputError, Place, Reading

MAX_LINE_BYTES = 64 * 1024 * 1024
"""A longer line is no record: 64 MiB is twenty thousand pages."""

_GZIP_MAGIC = b"\x1f\x8b"
READ_ERRORS = (EOFError, OSError, zlib.error)
"""What reading an open file can raise: it is cut off or damaged, or the disk fails."""


class Line(NamedTuple):
    """A line with its number from 1; `fault` says why its text cannot be relied on."""

    number: int
    text: str
    fault: str = ""


@contextmanager
def open_bytes(path: Path) -> Iterator[BufferedIOBase]:
    """Open a file for reading, unzipped where it is gzipped; `BadInputError` where it cannot be.

    Read it with `read1`: where the file breaks off, `read` loses what came just before.
    """
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            raise BadInputError("not a regular file")
        handle = path.open("rb")
    except (OSError, ValueError) as exc:  # ValueError: a null byte in the path
        raise BadInputError(reason_of(exc)) from exc
    with handle:
        try:
            zipped = handle.read(2) == _GZIP_MAGIC
            handle.seek(0)
        except OSError as exc:
            raise BadInputError(reason_of(exc)) from exc
        if not zipped:
            yield handle
            return
        with gzip.open(handle) as unzipped:
            yield unzipped


def reason_of(exc: Exception) -> str:
    """Say in a few words, without content, why reading failed."""
    if isinstance(exc, OSError) and exc.errno:
        return os.strerror(exc.errno).lower()
    if isinstance(exc, READ_ERRORS):
        return "the compressed data are cut off or damaged"
    return "not a valid path"


def read_head(path: Path, size: int = 65536) -> bytes:
    """Give the first bytes of a file, unzipped, without a UTF-8 byte order mark.

    Fewer where the file breaks off; raises `BadInputError` where not one can be read.
    """
    head = b""
    with open_bytes(path) as handle:
        try:
            while piece := handle.read1(size - len(head)):
                head += piece
        except READ_ERRORS as exc:
            if not head:
                raise BadInputError(reason_of(exc)) from exc
    return head.removeprefix(codecs.BOM_UTF8)


def is_folder(path: Path) -> bool:
    """Whether `path` is a folder; raise `BadInputError` where there is nothing, or it is shut."""
    try:
        return stat.S_ISDIR(path.stat().st_mode)
    except (OSError, ValueError) as exc:
        raise BadInputError(reason_of(exc)) from exc


def read_lines(path: Path, reading: Reading) -> Iterator[Line]:
    """Give the lines of a UTF-8 file, with their line endings.

    A line that is not UTF-8 comes with a fault and U+FFFD in place of the bad bytes; one that is
    longer than `MAX_LINE_BYTES` comes empty, with a fault. Where the file breaks off, that is
    counted in `reading` and the lines end.
    """
    number = 0
    with open_bytes(path) as handle:
        try:
            while raw := handle.readline(MAX_LINE_BYTES):
                number += 1
                if len(raw) == MAX_LINE_BYTES and not raw.endswith(b"\n"):
                    _skip_line(handle)
                    yield Line(number, "", f"is longer than {MAX_LINE_BYTES >> 20} MiB")
                else:
                    yield _decode(number, raw.removeprefix(codecs.BOM_UTF8) if number == 1 else raw)
        except READ_ERRORS as exc:
            reading.leave_out(Place(path, line=number + 1), f"breaks off here: {reason_of(exc)}")


def _skip_line(handle: BufferedIOBase) -> None:
    while raw := handle.readline(MAX_LINE_BYTES):
        if raw.endswith(b"\n"):
            return


def _decode(number: int, raw: bytes) -> Line:
    try:
        return Line(number, raw.decode("utf-8"))
    except UnicodeDecodeError as exc:
        fault = f"is not UTF-8 at byte {exc.start + 1} of the line"
        return Line(number, raw.decode("utf-8", "replace"), fault)


def files_in(folder: Path, reading: Reading | None = None) -> list[Path]:
    """Give every visible file below a folder, sorted by its path.

    A subfolder that cannot be read is counted in `reading`; the folder itself raises
    `BadInputError`.
    """

    def on_error(exc: OSError) -> None:
        if Path(exc.filename) == folder:
            raise BadInputError(reason_of(exc)) from exc
        if reading is not None:
            reading.leave_out(Place(Path(exc.filename)), f"cannot be read: {reason_of(exc)}")

    found: list[Path] = []
    for parent, folders, names in os.walk(folder, onerror=on_error):
        folders[:] = [name for name in folders if not name.startswith(".")]
        found += [Path(parent, name) for name in names if not name.startswith(".")]
    return sorted(found)

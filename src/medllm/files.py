"""Files: atomic writes, JSON Lines, digests."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from medllm.errors import DataError


@contextmanager
def disk_errors(what: str) -> Iterator[None]:
    """Turn a full disk or a folder that cannot be written into one clear line.

    `what` names the thing that was being written, by path or by purpose, never by content.
    """
    try:
        yield
    except OSError as exc:
        if exc.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            hint = "free some space and run the command again: it goes on where it stopped"
            raise DataError(f"no space left while writing {what}", hint=hint) from exc
        if exc.errno in (errno.EACCES, errno.EROFS, errno.ENOTDIR, errno.EISDIR, errno.ENOENT):
            reason = os.strerror(exc.errno).lower()
            raise DataError(f"cannot write {what}: {reason}", hint="name another place") from exc
        raise


def write_atomically(path: Path, text: str) -> None:
    """Write `text` so that at any moment the file is either the old one or the new one, whole."""
    with disk_errors(str(path)):
        descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8") as handle:
                handle.write(text)
                handle.flush()
                os.fsync(handle.fileno())
            os.chmod(temporary, 0o644 & ~_umask())
            os.replace(temporary, path)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise
        sync_dir(path.parent)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def sync_dir(folder: Path) -> None:
    """Make a rename in `folder` survive a power cut."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_json(path: Path, value: Any) -> None:
    """Write `value` as indented JSON, atomically."""
    write_atomically(path, json.dumps(value, indent=2, ensure_ascii=False) + "\n")


def read_json(path: Path) -> Any:
    """Read a JSON file that medllm wrote; raise `DataError` when it is absent or broken."""
    hint = "restore it from a copy, or run again the command that wrote it"
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as exc:
        raise DataError(f"{path} is missing", hint=hint) from exc
    except (UnicodeDecodeError, json.JSONDecodeError) as exc:
        raise DataError(f"{path} is damaged: it is not JSON", hint=hint) from exc


def sha256_file(path: Path) -> str:
    """Give the SHA-256 of a file as 64 hexadecimal digits, read in constant memory."""
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def sha256_text(text: str) -> str:
    """Give the SHA-256 of a text's UTF-8 bytes as 64 hexadecimal digits."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()

"""What a run was: its command, the versions, the machine, the digests of its inputs, its times.

`manifest.json` is a list of such entries, one for each run that changed the folder, oldest first.
It holds names and digests, never content, and nothing that names the machine or who used it.
"""

from __future__ import annotations

import hashlib
import os
import platform
import subprocess
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any

from medllm import __version__
from medllm.errors import DataError
from medllm.files import read_json, sha256_file, write_json

NAME = "manifest.json"
FORMAT = 1
"""Raised when the meaning of a field changes."""

_PACKAGES = (
    "qdrant-edge-py",
    "numpy",
    "ijson",
    "sentence-transformers",
    "transformers",
    "torch",
    "tokenizers",
    "peft",
    "trl",
    "accelerate",
    "bitsandbytes",
    "optuna",
    "gguf",
    "llama-cpp-python",
)
"""Those that a result can depend on."""
_GIT_TIMEOUT_S = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Input:
    """A file or a folder that a run read; of a folder the digest is that of its list of files."""

    name: str
    n_files: int
    size_bytes: int
    sha256: str


def now() -> str:
    """Give the time as ISO 8601 in UTC, to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def describe_run(
    command: str,
    *,
    options: Mapping[str, Any],
    inputs: Iterable[Path],
    started: str,
    results: Mapping[str, Any],
) -> dict[str, Any]:
    """Give the entry of a run that ends now; reads the inputs once more, for their digests.

    Raises `DataError` where an input can no longer be read.
    """
    return {
        "format": FORMAT,
        "command": command,
        "options": dict(options),
        "started": started,
        "finished": now(),
        "medllm": __version__,
        "commit": commit(),
        "python": platform.python_version(),
        "packages": package_versions(),
        "machine": machine(),
        "inputs": [asdict(digest_input(path)) for path in inputs],
        "results": dict(results),
    }


def append_entry(folder: Path, entry: Mapping[str, Any]) -> None:
    """Add an entry to the folder's manifest, which afterwards is the old one or the new one."""
    write_json(folder / NAME, [*read_entries(folder), entry])


def read_entries(folder: Path) -> list[dict[str, Any]]:
    """Give the entries of the folder's manifest, none where it has none.

    Raises `DataError` where it is damaged.
    """
    path = folder / NAME
    if not path.exists():
        return []
    hint = f"move {path} away: what stands beside it can be used without it"
    try:
        entries = read_json(path)
    except DataError as exc:
        raise DataError(str(exc), hint=hint) from exc
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise DataError(f"{path} is damaged: it is not a list of entries", hint=hint)
    return entries


def copy_entries(folder: Path, to: Path) -> None:
    """Give a copy of a folder the manifest of the original, where that has one."""
    if entries := read_entries(folder):
        write_json(to / NAME, entries)


def digest_input(path: Path) -> Input:
    """Give what names an input for good, read in constant memory."""
    try:
        if not path.is_dir():
            size = path.stat().st_size
            return Input(name=path.name, n_files=1, size_bytes=size, sha256=sha256_file(path))
        files = sorted(file for file in path.rglob("*") if file.is_file())
        digest = hashlib.sha256()
        for file in files:
            name = file.relative_to(path).as_posix()
            digest.update(f"{sha256_file(file)}  {name}\n".encode("utf-8", "surrogateescape"))
        size = sum(file.stat().st_size for file in files)
    except OSError as exc:
        reason = (exc.strerror or "it cannot be read").lower()
        raise DataError(f"cannot read {path} again for its digest: {reason}") from exc
    return Input(
        name=path.resolve().name,
        n_files=len(files),
        size_bytes=size,
        sha256=digest.hexdigest(),
    )


def package_versions() -> dict[str, str]:
    """Give the versions of the packages that a result can depend on, of those that are there."""
    versions = {}
    for name in _PACKAGES:
        try:
            versions[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return versions


def machine() -> dict[str, Any]:
    """Give what the machine is, without its name."""
    return {
        "system": platform.platform(terse=True),
        "processor": platform.machine(),
        "cores": os.cpu_count() or 1,
    }


def commit(package: Path = Path(__file__).parent) -> str:
    """Give the commit that runs, with `-dirty` where files differ; "" outside of a checkout."""
    root = package.parent.parent
    if not (root / ".git").exists():
        return ""
    describe = ["describe", "--always", "--dirty", "--abbrev=40", "--exclude=*"]
    command = ["git", "-C", str(root), *describe]
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=_GIT_TIMEOUT_S, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout.strip()

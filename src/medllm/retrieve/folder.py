"""An index folder: what is written in it beside the engine's own files, and who has it open."""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from medllm import __version__
from medllm.errors import DataError
from medllm.files import disk_errors, read_json, sync_dir, write_json
from medllm.manifest import copy_entries, now
from medllm.retrieve.shard_files import allocated_bytes, copy_files, files_digest
from medllm.retrieve.terms import TermCounts

FORMAT = 1
"""Raised when the meaning of a file in the folder changes."""

RESERVE_BYTES = 128 * 2**20
"""Kept free: the engine writes through memory maps, and a disk that fills up under one kills it."""
OPENING_BYTES = 48 * 2**20
"""Free space to open an index that was closed: 35 MB were used on a RAM disk, on ext4 next to
nothing. After a kill the engine writes its log into its files, for which there is the reserve."""

_CHANGING = "changing"
_BEFORE_INDEX_JSON = frozenset({"lock", "shard", "terms.npz", ".terms.npz"})
"""What a folder can hold whose making was cut short before it became an index."""
_FACTS: dict[str, tuple[type, ...]] = {
    "encoder": (dict, type(None)),
    "average_length": (dict,),
    "state": (str,),
    "is_exact": (bool,),
    "sources": (list,),
    "created": (str,),
    "files": (str,),
}
_REBUILD = "restore a snapshot, or build the index again from its sources"


class Folder:
    """`index.json`, `terms.npz` and `lock` of one index, held by one process.

    `lock` holds nothing while nobody has the index open, else the process's number, and the word
    `changing` from the first change until everything is written down: where a process that was
    killed left that word, the counts of terms are old and half a replacement may be there.
    """

    def __init__(self, path: Path, facts: dict[str, Any], lock: int, *, left: str = "") -> None:
        self.path = path
        self.encoder: dict[str, Any] | None = facts["encoder"]
        self.average_length: dict[str, float] = facts["average_length"]
        self.state: str = facts["state"]
        self.is_exact: bool = facts["is_exact"]
        self.sources: list[dict[str, Any]] = facts["sources"]
        self.created: str = facts["created"]
        self._files: str = facts["files"]
        terms = None if _CHANGING in left else TermCounts.read(path / "terms.npz")
        self.must_mend = terms is None
        """Whether the terms have to be counted anew, and strays looked for."""
        self.terms = terms or TermCounts()
        self._lock = lock
        self._is_changed = self.must_mend
        self._is_whole = True
        self._on_disk: dict[str, Any] = {}

    @classmethod
    def create(cls, path: Path, *, encoder: Mapping[str, Any] | None) -> Folder:
        """Make the folder for an empty index; raise `DataError` if the place is taken."""
        _check_place(path)
        with disk_errors(str(path)):
            path.mkdir(parents=True, exist_ok=True)
        facts: dict[str, Any] = {
            "encoder": dict(encoder) if encoder else None,
            "average_length": {},
            "state": "building",
            "is_exact": True,
            "sources": [],
            "created": now(),
            "files": "",
        }
        lock = _lock(path)
        shutil.rmtree(path / "shard", ignore_errors=True)  # of a making that was cut short
        (path / "terms.npz").unlink(missing_ok=True)
        return cls(path, facts, lock)

    @classmethod
    def open(cls, path: Path) -> Folder:
        """Open the folder for this process alone; raise `DataError` if it is not an index."""
        if not (path / "index.json").is_file():
            what = "is not an index" if path.exists() else "does not exist"
            hint = f"make one with `medllm index build SOURCE --to {path}`"
            if (path / "shard").exists() or (path / "lock").exists():
                what, hint = "is an index whose making was cut short", "delete it and build again"
            raise DataError(f"{path} {what}", hint=hint)
        lock = _lock(path)
        try:
            facts = _read_facts(path)
            left = os.pread(lock, 40, 0).decode("ascii", "replace")
            _check_space(path, RESERVE_BYTES if left else OPENING_BYTES)
            folder = cls(path, facts, lock, left=left)
            folder._finish_swap()
            if not left and files_digest(folder.shard_path) != folder._files:
                what = "files of it are missing, or are not those that were written last"
                raise DataError(f"the index at {path} is damaged: {what}", hint=_REBUILD)
        except BaseException:
            os.close(lock)
            raise
        folder._on_disk = facts
        folder._mark(_CHANGING if folder.must_mend else "")
        return folder

    @property
    def shard_path(self) -> Path:
        """Where the engine's files are."""
        return self.path / "shard"

    @property
    def is_changed(self) -> bool:
        """Whether there is anything that was not written down."""
        return self._is_changed

    @property
    def is_whole(self) -> bool:
        """Whether every change so far was carried through."""
        return self._is_whole

    def mend(self, terms: TermCounts) -> None:
        """Take the counts of terms that were made anew after a change that failed."""
        self.terms, self._is_whole = terms, True

    def describe(self) -> dict[str, Any]:
        """Give what `index.json` holds."""
        return {
            "format": FORMAT,
            "medllm": __version__,
            "created": self.created,
            "state": self.state,
            "encoder": self.encoder,
            "average_length": dict(self.average_length),
            "is_exact": self.is_exact,
            "sources": list(self.sources),
            "files": self._files,
        }

    @contextmanager
    def changing(self) -> Iterator[None]:
        """Mark the index as being changed; a change that fails leaves the mark for who opens it."""
        if not self._is_changed:
            self._mark(_CHANGING)
        self._is_whole, self._is_changed = False, True
        yield
        self._is_whole = True

    def write(self) -> None:
        """Write `index.json` and the counts of terms, where they are not what is on the disk."""
        if self._is_changed and self._is_whole:
            self.terms.write(self.path / "terms.npz")
        if self.describe() != self._on_disk:
            write_json(self.path / "index.json", self.describe())
            self._on_disk = self.describe()
        if self._is_changed and self._is_whole:
            self._mark("")
            self._is_changed = False

    def check_space(self, n_bytes: int) -> None:
        """Raise `DataError` before a write of about `n_bytes` that the disk has no room for."""
        _check_space(self.path, RESERVE_BYTES + n_bytes)

    def swap_shard(self) -> None:
        """Put `shard.new` in the place of `shard`; after a kill `open` takes it up again."""
        new, old = self.path / "shard.new", self.path / "shard.old"
        if self.shard_path.exists():
            os.rename(self.shard_path, old)
        os.rename(new, self.shard_path)
        sync_dir(self.path)
        shutil.rmtree(old, ignore_errors=True)

    def _finish_swap(self) -> None:
        if not self.shard_path.exists() and (self.path / "shard.new").exists():
            self.swap_shard()
        for name in ("shard.new", "shard.old"):
            shutil.rmtree(self.path / name, ignore_errors=True)

    def copy(self, to: Path) -> None:
        """Copy everything that was written down into the new folder `to`, `index.json` last.

        The manifest of what made the index goes with it.
        """
        if to.exists() and (not to.is_dir() or any(to.iterdir())):
            raise DataError(f"{to} is not empty", hint="name a new or an empty folder")
        if to.resolve().is_relative_to(self.path.resolve()):
            raise DataError(f"{to} is inside the index itself", hint="name a folder elsewhere")
        with disk_errors(str(to)):
            to.mkdir(parents=True, exist_ok=True)
            _check_space(to, allocated_bytes(self.shard_path))
            copy_files(self.shard_path, to / "shard")
            shutil.copyfile(self.path / "terms.npz", to / "terms.npz")
        copy_entries(self.path, to)
        facts = {**self.describe(), "files": files_digest(to / "shard")}
        write_json(to / "index.json", facts)

    def close(self) -> None:
        """Let another process have the folder; the engine must have closed its files before."""
        if self._lock < 0:
            return
        try:
            if self._is_whole:
                self._files = files_digest(self.shard_path)
                self.write()
                os.ftruncate(self._lock, 0)
        finally:
            self.abandon()

    def abandon(self) -> None:
        """Let another process have the folder, which then sees that it was not closed."""
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1

    def _mark(self, word: str) -> None:
        mark = f"{os.getpid()} {word}".encode()
        try:
            with disk_errors(str(self.path)):
                os.pwrite(self._lock, mark, 0)
                os.ftruncate(self._lock, len(mark))
        except DataError:
            if word:  # a change that a kill would hide must not begin
                raise


def state_of(path: Path) -> str:
    """Give "building" or "ready" for an index folder, "" for anything else."""
    if not (path / "index.json").is_file():
        return ""
    facts = read_json(path / "index.json")
    return str(facts.get("state", "")) if isinstance(facts, dict) else ""


def _lock(path: Path) -> int:
    """Take the folder's lock; raise `DataError` if another process has it."""
    with disk_errors(str(path)):
        descriptor = os.open(path / "lock", os.O_RDWR | os.O_CREAT, 0o644)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as exc:
        holder = os.pread(descriptor, 20, 0).decode("ascii", "replace").split()[:1]
        os.close(descriptor)
        who = f" (process {holder[0]})" if holder and holder[0].isdigit() else ""
        raise DataError(
            f"the index at {path} is open in another process{who}",
            hint="wait until it is done, or stop it, and try again",
        ) from exc
    return descriptor


def _check_place(path: Path) -> None:
    """Raise `DataError` where no index can be made: only nothing, or the start of one, may be."""
    if not path.exists():
        return
    names = {entry.name for entry in path.iterdir()} if path.is_dir() else {""}
    if "index.json" in names:
        hint = f"add to it with `medllm index add {path} ...`, or name another folder"
        raise DataError(f"{path} holds an index already", hint=hint)
    if names and not ("lock" in names and names <= _BEFORE_INDEX_JSON):
        raise DataError(f"{path} is not empty", hint="name a new or an empty folder")


def _check_space(path: Path, n_bytes: int) -> None:
    if shutil.disk_usage(path).free < n_bytes:
        hint = "free some space and run the command again: it goes on where it stopped"
        raise DataError(f"no space left for the index at {path}", hint=hint)


def _read_facts(path: Path) -> dict[str, Any]:
    """Read `index.json`; raise `DataError` unless it says everything this version needs."""
    try:
        facts = read_json(path / "index.json")
    except DataError as exc:
        raise DataError(str(exc), hint=_REBUILD) from exc
    found = facts.get("format") if isinstance(facts, dict) else None
    if type(found) is not int:
        what = "it has no format number"
        raise DataError(f"{path}/index.json is damaged: {what}", hint=_REBUILD)
    if found > FORMAT:
        raise DataError(
            f"the index at {path} has format {found}, this medllm reads up to {FORMAT}",
            hint="update medllm, or build the index again with this version",
        )
    wrong = [name for name, types in _FACTS.items() if type(facts.get(name, 0)) not in types]
    encoder = facts.get("encoder")
    if isinstance(encoder, dict) and not {"spec", "digest", "dimension"} <= set(encoder):
        wrong.append("encoder")
    if wrong:
        what = f"it lacks {', '.join(sorted(set(wrong)))}"
        raise DataError(f"{path}/index.json is damaged: {what}", hint=_REBUILD)
    return dict(facts)

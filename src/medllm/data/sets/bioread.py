"""BioRead: cloze questions on passages of biomedical articles, one small text file each.

Source: archive.org/details/bioread_dataset.tar (Pappas et al., LREC 2018; 16.4 million instances,
BioReadLite 900,000), read as github.com/kiendang/bioread reads it: four parts between lines of 30
hyphens: passage, question with the blank XXXXXX, candidates, answer. The files can stay in the tar.
"""

from __future__ import annotations

import re
import tarfile
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from medllm.data.reading import BadInputError, Place, Reading, clean
from medllm.data.sets.description import DataSet
from medllm.data.sets.making import LocatedRecord, Source, ask, group_of, split_meta
from medllm.data.sets.splits import split_of
from medllm.data.sets.walk import files_below
from medllm.data.streams import READ_ERRORS, is_folder, open_bytes, read_head, reason_of
from medllm.records import SftRecord

BIOREAD = DataSet(
    name="bioread",
    title="BioRead: cloze questions on passages of biomedical articles",
    tasks=("cloze",),
    size="about 16.4 million; BioReadLite 900,000",
    licence="none stated",
    access="open",
    where="archive.org/details/bioread_dataset.tar: fetch it by hand, it can be read as it is",
    suffixes=("",),
)

SEPARATOR = re.compile(r"^-{30}[ \t]*\r?$", re.MULTILINE)
BLANK = "XXXXXX"
_MAX_BYTES = 1 << 20  # an instance has some 5 kB
_PIECE_BYTES = 1 << 16
_ASK = "Which candidate fills the blank? Answer with its number and its name."


def read_bioread(source: Source, reading: Reading) -> Iterator[LocatedRecord]:
    """Give the instances of a folder, of the tar, or of one file, in constant memory."""
    for path, name, raw in _instances(source, reading):
        name = clean(name)  # a file name may be of any bytes, an id not
        split = source.split or split_of(Path(name))
        try:
            record = _record(raw, name, split)
        except BadInputError as exc:
            reading.leave_out(Place(path), str(exc))
        else:
            yield LocatedRecord(Place(path), record)


def _instances(source: Source, reading: Reading) -> Iterator[tuple[Path, str, bytes]]:
    """Give each file, its name from the set's own folder, and its bytes."""
    if is_folder(source.path):
        for file in files_below(source.path, reading):
            yield from _instance(file, file.relative_to(source.path).as_posix(), reading)
    elif _is_tar(source.path):
        yield from _tar_members(source.path, reading)
    else:
        yield from _instance(source.path, f"{source.path.parent.name}/{source.path.name}", reading)


def _instance(path: Path, name: str, reading: Reading) -> Iterator[tuple[Path, str, bytes]]:
    try:
        raw = b""
        with open_bytes(path) as handle:
            while len(raw) <= _MAX_BYTES and (piece := handle.read1(_PIECE_BYTES)):
                raw += piece
    except (BadInputError, *READ_ERRORS) as exc:
        reason = str(exc) if isinstance(exc, BadInputError) else reason_of(exc)
        reading.leave_out(Place(path), f"cannot be read: {reason}")
    else:
        yield path, name, raw


def _is_tar(path: Path) -> bool:
    return read_head(path, 512)[257:262] == b"ustar"


def _tar_members(path: Path, reading: Reading) -> Iterator[tuple[Path, str, bytes]]:
    try:
        with tarfile.open(path, "r|*") as archive:
            for member in archive:
                archive.members = []  # type: ignore[attr-defined]  # it would remember all
                if member.isfile() and not PurePosixPath(member.name).name.startswith("."):
                    content = archive.extractfile(member)
                    raw = content.read(_MAX_BYTES + 1) if content else b""
                    yield path / member.name, member.name, raw
        is_whole = _has_end(path)
    except (tarfile.TarError, *READ_ERRORS):
        is_whole = False
    if not is_whole:
        reading.leave_out(Place(path), "breaks off here: the archive is cut off or damaged")


def _has_end(path: Path) -> bool:
    """Whether a plain tar ends in its two empty blocks: tarfile passes over their absence."""
    with path.open("rb") as handle:
        if handle.read(2) == b"\x1f\x8b":
            return True  # gzip has an end of its own, which was checked
        handle.seek(-1024, 2)
        return not any(handle.read())


def _record(raw: bytes, name: str, split: str) -> SftRecord:
    if len(raw) > _MAX_BYTES:
        raise BadInputError(f"is larger than {_MAX_BYTES >> 20} MiB, which no instance is")
    try:
        parts = SEPARATOR.split(raw.decode("utf-8-sig"))
    except UnicodeDecodeError as exc:
        raise BadInputError(f"is not UTF-8 at byte {exc.start + 1}") from None
    if len(parts) < 4:
        raise BadInputError(f"has {len(parts)} of the four parts between lines of 30 hyphens")
    passage, question, listed, answer = (clean(part).strip() for part in parts[:4])
    if BLANK not in question or not passage:
        raise BadInputError(f"has no passage, or its question has no blank {BLANK}")
    candidates = _candidates(listed)
    label = answer.split(":")[0].strip()
    if label not in candidates:
        raise BadInputError("its answer is not among its candidates")
    return SftRecord(
        id=name,
        source=BIOREAD.name,
        group=group_of(passage),
        task="cloze",
        messages=ask(cloze(passage, question, candidates, BLANK), named(label, candidates)),
        licence=BIOREAD.licence,
        label=label,
        meta=split_meta(Source(Path(name), split), choices=candidates),
    )


def is_bioread(head: bytes) -> bool:
    """Whether the first bytes of a file are those of an instance, or of the tar."""
    if head[257:262] == b"ustar":
        return True
    text = head.decode("utf-8", "replace")
    return BLANK in text and len(SEPARATOR.split(text)) >= 4


def cloze(passage: str, question: str, candidates: dict[str, str], blank: str) -> str:
    """Give the question that a model is asked."""
    listed = "\n".join(named(key, candidates) for key in candidates)
    gap = f"Sentence with a blank ({blank}):\n{question}"
    return f"{passage}\n\n{gap}\n\nCandidates:\n{listed}\n\n{_ASK}"


def named(key: str, candidates: dict[str, str]) -> str:
    """Give "@entity3: fever", or the number alone where the set gives no name."""
    return f"{key}: {candidates[key]}" if candidates[key] else key


def _candidates(listed: str) -> dict[str, str]:
    """Give the names by entity from lines of `@entity3 : fever[ : ...]`."""
    found: dict[str, str] = {}
    for line in listed.splitlines():
        key, _, names = line.strip().partition(":")
        if key.strip():
            found[key.strip()] = names.split(":")[0].strip()
    return found

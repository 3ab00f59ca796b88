"""What a reading took and what it left out, and the clean-up that every text passes."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from medllm.records import Document

MAX_PROBLEMS = 1000
"""So many problems are kept to be shown; all are counted."""

# Everything of Unicode's category Cc but tab and newline, and surrogates that stand alone:
# those come out of JSON escapes such as "\ud800" and cannot be written to any file or index.
_UNCLEAN = re.compile("\r\n?|[\x00-\x08\x0b-\x1f\x7f-\x9f]|[\ud800-\udfff]")


class BadInputError(Exception):
    """Raised and caught within the readers: this record or file gives no document, and why.

    It never leaves this package, and its few words hold no content.
    """


class EmptyRecordError(BadInputError):
    """The record is sound, but it has no answer, no label or no text: nothing is wrong with it."""


class Place(NamedTuple):
    """Where a record stands: its file, and its line or its number in the file, from 1."""

    path: Path
    line: int | None = None
    record: int | None = None


class Located(NamedTuple):
    """A document with the place it was read from."""

    place: Place
    document: Document


@dataclass(frozen=True, slots=True)
class Problem:
    """Why a record, a file or a field was left out. Holds no content."""

    path: Path
    reason: str
    line: int | None = None
    record: int | None = None

    def __str__(self) -> str:
        """Give "cases.jsonl, line 3: is not JSON"."""
        where = f", line {self.line}" if self.line else ""
        where += f", record {self.record}" if self.record else ""
        return f"{self.path}{where}: {self.reason}"


@dataclass
class Reading:
    """The counts of one reading, filled while its documents are consumed.

    It may serve several calls of `read_documents`, one after the other: it then holds the sums,
    and duplicates are found across them. It remembers each id by 64 bits, about 70 bytes of memory
    a document.
    """

    taken: int = 0
    """Documents handed out, duplicates included."""
    left_out: int = 0
    """Records, and files that should have been one, that gave no document."""
    broken: int = 0
    """Those of them that are damaged or of another form; the others are sound but empty."""
    duplicates: int = 0
    """Documents handed out whose id came before: each replaces the one before it in an index."""
    title_only: int = 0
    """Documents handed out with their title as their text, since they have nothing else."""
    n_problems: int = 0
    """All problems: what was left out, duplicates, and fields that were left empty."""
    problems: list[Problem] = field(default_factory=list)
    """The first `MAX_PROBLEMS` of them."""
    _seen: set[int] = field(default_factory=set, repr=False)

    @property
    def distinct(self) -> int:
        """How many documents an index holds afterwards: those taken without duplicates."""
        return self.taken - self.duplicates

    def note(self, place: Place, reason: str) -> None:
        """Name something that is not right but costs no record."""
        self.n_problems += 1
        if len(self.problems) < MAX_PROBLEMS:
            self.problems.append(Problem(place.path, reason, place.line, place.record))

    def leave_out(self, place: Place, reason: str | BadInputError) -> None:
        """Count and name a record or a file that gives no document."""
        self.left_out += 1
        self.broken += not isinstance(reason, EmptyRecordError)
        self.note(place, str(reason))

    def take(self, located: Located) -> None:
        """Count a document, and name it where its id came before."""
        self.taken += 1
        key = hash(located.document.id)
        if key in self._seen:
            self.duplicates += 1
            self.note(located.place, "has the id of an earlier document, which it replaces")
        self._seen.add(key)


def clean(text: str) -> str:
    """Give `text` with line endings as newlines, control characters as spaces, and valid Unicode.

    A lone surrogate becomes U+FFFD. Nothing else is rewritten: offsets count from what this gives.
    """
    return _UNCLEAN.sub(_replacement, text)


def _replacement(match: re.Match[str]) -> str:
    found = match.group()
    if found[0] == "\r":
        return "\n"
    return " " if found < "\ud800" else "\ufffd"

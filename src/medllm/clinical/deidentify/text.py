"""A text as words with offsets, and what the rules of de-identification find in it."""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_right
from collections.abc import Collection, Iterable
from functools import cached_property
from typing import Literal, NamedTuple

from medllm.clinical.deidentify.vocabulary import fold

Category = Literal[
    "name",
    "geographic",
    "date",
    "phone",
    "fax",
    "email",
    "ssn",
    "medical_record",
    "health_plan",
    "account",
    "licence",
    "vehicle",
    "device",
    "url",
    "ip",
    "biometric",
    "photo",
    "other",
]
"""The 18 identifiers of 45 CFR 164.514(b)(2)(i), A to R. Ages over 89 belong to "date" (C)."""

_WORD = re.compile(r"[^\W\d_]+(?:['’\-‐][^\W\d_]+)*")
"""A word with its hyphens and apostrophes: "O'Neill", "Smith-Jones", "Roe's"."""
_ACCENT = re.compile(r"[\u0300-\u036f]")
_ACCENTED_WORD = re.compile(
    r"(?:[^\W\d_][\u0300-\u036f]*)+(?:['’\-‐](?:[^\W\d_][\u0300-\u036f]*)+)*"
)
"""The same where accents are characters of their own, as some systems write them; slower."""
_POSSESSIVE = ("'s", "’s", "'S", "’S")


_PARTICLE = re.compile(r"(?:ap|al|el|ab|bint|bin|ibn|de|van|von|da|di|du)-[A-Z]")


class DateField(NamedTuple):
    """One part of a date as written.

    Codes: d day, m month as a number, b month's name, Y and y year with four and two digits,
    o the "th" of a day, D day in words, w weekday, s season, q quarter.
    """

    start: int
    end: int
    code: str


class DateValue(NamedTuple):
    """A day, month or year that a date says or that its neighbours imply."""

    year: int
    month: int
    day: int


class Found(NamedTuple):
    """An identifier as a rule found it; of two that overlap the lower rank wins."""

    start: int
    end: int
    category: Category
    rank: int
    kind: str
    """What replaces it: "person", "initials", "place", "street", "date", "age", "id", ..."""
    fields: tuple[DateField, ...] = ()
    value: DateValue | None = None
    near: DateValue | None = None
    """The other end of a range that lends its month: the 15 March of "12-15 March"."""


_OF_A_PATIENT = re.compile(
    r"\b(?:DOB|D\.O\.B\.?|MRN|NHS (?:No|no|number)|d\.o\.b|dob|[Dd]ate of [Bb]irth|SSN"
    r"|Mr|Mrs|Ms|Dr|(?:MRS?|MS|DR)(?=\.\s[A-Z]{2})"
    r"|RN|PCP|NOK|[Pp]t|[Pp]atient(?=:)|dr|mr|mrs|Mdm|Dear|UHID|NRIC|[Ff]older|[Ss]urname)\b[.:\s]"
    r"|\b\d{1,2}[/.]\d{1,2}[/.](?:19|20)?\d\d\b|\b\d{3}[ .-]\d{3,4}[ .-]\d{4}\b"
)
_PUBLISHED = re.compile(
    r"\bet al\b|\b(?:Figs?|Figures?|Tables?)\b\.? ?\d?|\(Fig|informed consent|[Cc]ase [Rr]eport"
    r"|\[\d{0,3}\]"
    r"|\b[Ww]e (?:present|report|describe|here)|\bliterature\b|Institutional Review"
    r"|, (?:USA|Germany|Japan|China|UK|France|Italy|Switzerland|Denmark|Sweden)\)"
)
"""What papers say and notes do not."""
_FEWEST_CAPITALS = 100
"""A text with fewer than one capital in so many words is written without them."""
_FEWEST_OPENINGS = 5
"""So does one in which fewer than one sentence in so many opens with a capital."""
_SENTENCE_GAP = re.compile(r"[.!?]\s|\n")
_MOSTLY = 0.8
"""A text with more of its words in capitals is written in capitals."""
_BEYOND = 4
"""Empty words behind the last one, so that a rule may look ahead without asking for the end."""


def _base_letter(letter: str) -> str:
    base = unicodedata.normalize("NFD", letter)[0]
    return base if base.isascii() and base.isalpha() else letter


def is_chart(text: str) -> bool:
    """Whether a text is some patient's own: all are but those that read as published.

    A published case names nobody; in a chart what looks like a date, a code or a name is one more
    often than not, and the rules believe it sooner. A title or a birth date makes any text a chart.
    """
    return _OF_A_PATIENT.search(text) is not None or _PUBLISHED.search(text) is None


def _without_possessive(word: str) -> str:
    return word[:-2] if word[-2:] in _POSSESSIVE and len(word) > 2 else word


class Words:
    """The words of a text as parallel lists; possessive "'s" is left out of a word.

    `lowers` are in lower case and without accents.
    """

    def __init__(self, text: str) -> None:
        self.text = text
        word = _ACCENTED_WORD if _ACCENT.search(text) else _WORD
        matches = list(word.finditer(text))
        self.surfaces = [_without_possessive(match[0]) for match in matches]
        self.starts = [match.start() for match in matches]
        self.ends = [at + len(word) for at, word in zip(self.starts, self.surfaces, strict=True)]
        self._length = len(matches)
        self.surfaces += [""] * _BEYOND
        self.starts += [len(text)] * _BEYOND
        self.ends += [len(text)] * _BEYOND
        forms = {surface: fold(surface) for surface in set(self.surfaces)}
        self.lowers = [forms[surface] for surface in self.surfaces]
        self._places: dict[str, list[int]] = {}
        for at, low in enumerate(self.lowers[: self._length]):
            self._places.setdefault(low, []).append(at)
        self.capitals = [at for at in range(self._length) if self.is_capital(at)]
        """The words that begin with a capital."""
        few = len(self.capitals) * _FEWEST_CAPITALS < self._length
        self.is_without_capitals = few or self._opens_small()
        """Whether names have no capitals here, as in what a machine wrote down from speech."""

    def _opens_small(self) -> bool:
        """Whether the sentences begin with small letters."""
        breaks = [at for at in range(1, self._length) if _SENTENCE_GAP.search(self.gap(at - 1))]
        opening = [at for at in (0, *breaks) if at < self._length]
        large = sum(self.is_capital(at) for at in opening)
        return len(opening) > 2 and large * _FEWEST_OPENINGS < len(opening)

    @cached_property
    def in_small_letters(self) -> Words | None:
        """The text in small letters where it has no others, or is all capitals; else None.

        The words are the same ones, with the same numbers and places.
        """
        if self.is_without_capitals:
            return self
        long = [surface for surface in self.surfaces[: self._length] if len(surface) > 1]
        low = self.text.lower()
        shouted = sum(map(str.isupper, long)) > _MOSTLY * len(long) and len(low) == len(self.text)
        return Words(low) if shouted else None

    @cached_property
    def unaccented(self) -> str:
        """The text, as long as before, with a plain letter for each one that has an accent."""
        if self.text.isascii():
            return self.text
        return self.text.translate(
            {ord(c): _base_letter(c) for c in set(self.text) if ord(c) > 127}
        )

    def __len__(self) -> int:
        return self._length

    def where(self, wanted: Collection[str]) -> list[int]:
        """Give the places of the words, lower case, that are in `wanted`, in order."""
        few, many = sorted((self._places, wanted), key=len)
        found = [at for word in few if word in many for at in self._places[word]]
        return sorted(found)

    def found_with(self, start: str) -> list[str]:
        """Give the different words, lower case, that begin with `start`."""
        return [word for word in self._places if word.startswith(start)]

    def gap(self, at: int) -> str:
        """Give what stands between word `at` and the next one, a possessive included."""
        return self.text[self.ends[at] : self.starts[at + 1]]

    def at_or_after(self, offset: int) -> int:
        """Give the first word that ends after `offset`."""
        return bisect_right(self.ends, offset)

    def is_capital(self, at: int) -> bool:
        """Whether word `at` begins with a capital, or as "ap-Rhys" and "al-Masri" do."""
        surface = self.surfaces[at]
        return surface[:1].isupper() or ("-" in surface and _PARTICLE.match(surface) is not None)

    def has_possessive(self, at: int) -> bool:
        """Whether word `at` is followed by "'s"."""
        return self.text.startswith(_POSSESSIVE, self.ends[at])


def resolve(text: str, found: Iterable[Found]) -> list[Found]:
    """Give spans that do not overlap, sorted: the lower rank wins, then the longer.

    What sticks out of the winner stays found where it holds a letter or a digit of its own.
    """
    resolved: list[Found] = []
    cluster: list[Found] = []
    reach = -1
    for item in sorted(found, key=lambda f: (f.start, -f.end)):
        if item.start >= reach:
            resolved.extend(_resolve_cluster(text, cluster))
            cluster = []
        cluster.append(item)
        reach = max(reach, item.end)
    resolved.extend(_resolve_cluster(text, cluster))
    return resolved


def _resolve_cluster(text: str, cluster: list[Found]) -> list[Found]:
    """Resolve spans that hang together; there are few at a time, so the time stays linear."""
    if len(cluster) <= 1:
        return cluster
    taken: list[Found] = []
    starts: list[int] = []
    for item in sorted(cluster, key=lambda f: (f.rank, f.start - f.end, f.start)):
        for piece in _free_pieces(text, item, taken, starts):
            at = bisect_right(starts, piece.start)
            taken.insert(at, piece)
            starts.insert(at, piece.start)
    return taken


def _free_pieces(text: str, item: Found, taken: list[Found], starts: list[int]) -> list[Found]:
    at = bisect_right(starts, item.start)
    if at and taken[at - 1].end > item.start:
        at -= 1
    pieces: list[Found] = []
    begin = item.start
    for other in taken[at:]:
        if other.start >= item.end:
            break
        if begin < other.start:
            pieces.append(item._replace(start=begin, end=other.start))
        begin = max(begin, other.end)
    if begin < item.end:
        pieces.append(item._replace(start=begin, end=item.end))
    if pieces == [item]:
        return pieces
    if item.fields:  # a part of a date means nothing by itself
        pieces = [piece._replace(kind="no date", fields=(), value=None) for piece in pieces]
    trimmed = [_trim(text, piece) for piece in pieces]
    return [piece for piece in trimmed if piece.start < piece.end and _has_own(text, piece)]


def _has_own(text: str, piece: Found) -> bool:
    """Whether what is left of a span still says something: of a number only digits do."""
    return piece.kind != "id" or any(letter.isdigit() for letter in text[piece.start : piece.end])


def _trim(text: str, piece: Found) -> Found:
    """Cut marks and spaces off both ends of what is left of a span."""
    start, end = piece.start, piece.end
    while start < end and not text[start].isalnum():
        start += 1
    while end > start and not text[end - 1].isalnum():
        end -= 1
    return piece._replace(start=start, end=end)

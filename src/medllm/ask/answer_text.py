"""The text of a model's answer, piece by piece, into sentences with the sources they name.

Small models do not keep a format: JSON may be fenced, prefaced, broken off, wrongly quoted; or the
answer is prose, in lines that end in [1][2]. Whatever says something comes out as a sentence.
Thoughts, headings and announcements ("Here is the summary:") are no sentences.
"""

from __future__ import annotations

import re
from collections.abc import Generator
from typing import NamedTuple

from medllm.ask.broken_json import ObjectReader, as_lines, text_and_sources
from medllm.ask.plain_text import MARKS, clean, numbers_in
from medllm.clinical.sentences import split_sentences

_TAG = re.compile(r"<(/?)(?:think|thinking|thought|thoughts|reasoning|reflection)>", re.IGNORECASE)
_TAG_BEGINS = re.compile(r"</?[a-z]{0,10}\Z", re.IGNORECASE)
_OBJECT_BEGINS = re.compile(r"\{(?=\s*(?:(\S)|\Z))")
_BULLET = re.compile(
    r"^(?:[-*•–>]\s+|#{1,6}\s+|\(?\d{1,2}[.)]\s+|sentence \d+:\s*)+", re.IGNORECASE
)
_BOLD = re.compile(r"(\*\*|__|`)(.+?)\1")
_EXCLAMATION = re.compile(r"\w+(?: \w+){0,3}!")  # "Of course!"
_MARKS_AFTER_STOP = re.compile(rf"([.!?])\s*((?:{MARKS.pattern}\s*)+)")
_ENDS_WHOLE = re.compile(rf"(?:[.!?]|{MARKS.pattern})[\"'”’)\]*_`\s]*$")


class Sentence(NamedTuple):
    """A sentence as the model gave it."""

    text: str
    sources: tuple[int, ...]
    """The numbers it names, which need not exist."""
    is_whole: bool = True
    """False for the last one of an answer that ends in its middle."""


class AnswerReader:
    """Takes an answer in pieces; how it is cut into pieces makes no difference.

    `thoughts_end` is set by a "</think>" that was never opened: all before it was no answer.
    """

    def __init__(self) -> None:
        self.is_thinking = False
        self.thoughts_end = False
        self._tail = ""
        """The beginning of what may become a tag."""
        self._pending = ""
        self._object: ObjectReader | None = None

    def feed(self, piece: str) -> list[Sentence]:
        """Give the sentences that the piece completes."""
        return self._take(piece, is_last=False)

    def end(self) -> list[Sentence]:
        """Give what is left when no more comes."""
        return self._take("", is_last=True)

    def _take(self, piece: str, *, is_last: bool) -> list[Sentence]:
        text, self._tail = self._tail + piece, ""
        found: list[Sentence] = []
        at = 0
        for tag in _TAG.finditer(text):
            if not self.is_thinking:
                found += self._read(text[at : tag.start()], is_last=bool(tag[1]))
            if tag[1] and not self.is_thinking:
                found, self.thoughts_end = [], True
            self.is_thinking = not tag[1]
            at = tag.end()
        rest = text[at:]
        if not is_last and (begun := _TAG_BEGINS.search(rest)):
            rest, self._tail = rest[: begun.start()], rest[begun.start() :]
        return found + ([] if self.is_thinking else self._read(rest, is_last=is_last))

    def _read(self, text: str, *, is_last: bool) -> list[Sentence]:
        """Read answer text, prose and JSON by turns."""
        self._pending += text
        found: list[Sentence] = []
        while self._pending:
            before = len(self._pending), self._object
            found += self._read_object(is_last) if self._object else self._read_lines(is_last)
            if (len(self._pending), self._object) == before:
                break
        if is_last and self._object:
            found += _from_unfinished(self._object)
            self._object = None
        return found

    def _read_object(self, is_last: bool) -> list[Sentence]:
        reader = self._object
        assert reader is not None
        n_read = reader.feed(self._pending, is_last=is_last)
        self._pending = self._pending[n_read:]
        if reader.is_complete:
            self._object = None
        return [sentence for item in reader.take() for sentence in _from_item(item)]

    def _read_lines(self, is_last: bool) -> list[Sentence]:
        """Read whole lines up to where JSON begins."""
        text, end, begins = self._pending, len(self._pending), False
        for match in _OBJECT_BEGINS.finditer(text):
            if match[1] == '"' or (match[1] is None and not is_last):
                end, begins = match.start(), match[1] == '"'
                break
        if not (begins or is_last):
            end = text.rfind("\n", 0, end) + 1
        self._pending = text[end:]
        if begins:
            self._object = ObjectReader()
        lines = text[:end].splitlines()
        found = [sentence for line in lines for sentence in _from_line(line)]
        if is_last and not begins and lines and found and not _ENDS_WHOLE.search(lines[-1]):
            found[-1] = found[-1]._replace(is_whole=not _from_line(lines[-1]))
        return found


def read_sentences() -> Generator[list[Sentence], str | None, None]:
    """Take text piece by piece, give what sentences it completes; None says that no more comes."""
    reader = AnswerReader()
    complete: list[Sentence] = []
    while True:
        piece = yield complete
        complete = reader.end() if piece is None else reader.feed(piece)


def _from_item(item: dict[str, object]) -> list[Sentence]:
    """Read one object of the answer: an item of `prompts.SCHEMA`, or what stands for one."""
    text, sources = text_and_sources(item)
    if text is None:
        return [sentence for line in as_lines(item) for sentence in _from_line(line)]
    numbers = dict.fromkeys([*sources, *numbers_in(text)])
    return _split(text, tuple(numbers))


def _split(text: str, numbers: tuple[int, ...]) -> list[Sentence]:
    """Give each sentence of a text that should have been one; all rest on the same sources."""
    plain = clean(text)
    pieces = [plain[start:end] for start, end in split_sentences(plain)]
    return [Sentence(piece, numbers) for piece in pieces if any(map(str.isalnum, piece))]


def _from_unfinished(reader: ObjectReader) -> list[Sentence]:
    """Read the object that an answer broke off in, before its sources or among them or after."""
    item, is_text_whole = reader.unfinished()
    found = _from_item(item) if item else []
    if found and not (is_text_whole and found[-1].sources):
        found[-1] = found[-1]._replace(is_whole=False)
    return found


def _from_line(line: str) -> list[Sentence]:
    """Read a line of running text; a sentence without a mark rests on the next one's sources."""
    line = line.strip()
    bare = _BULLET.sub("", line)
    is_heading = line.startswith("#") or bool(_BOLD.fullmatch(bare.rstrip(":")))
    bare = _BOLD.sub(r"\2", bare)
    is_heading = is_heading and not bare.endswith((".", "!", "?"))
    if line.startswith("```") or (is_heading and not MARKS.search(bare)):
        return []
    bare = _MARKS_AFTER_STOP.sub(r" \2\1 ", bare)
    found: list[Sentence] = []
    numbers: tuple[int, ...] = ()
    for start, end in reversed(split_sentences(bare)):
        own = tuple(numbers_in(bare[start:end]))
        text = clean(bare[start:end])
        if not own and (text.endswith(":") or _EXCLAMATION.fullmatch(text)):
            continue
        numbers = own or numbers
        if any(letter.isalpha() for letter in text):
            found.append(Sentence(text, numbers))
    return found[::-1]

"""JSON objects as small models write them, character by character.

A quotation mark inside a string that was not escaped is told from the string's end by what follows
it; a comma too many is overlooked; brackets that are never closed are closed at the end.
"""

from __future__ import annotations

import json
import re
from typing import NamedTuple

_TEXT_KEYS = ("text", "sentence", "claim", "statement")
_SOURCE_KEYS = ("sources", "source", "citations", "citation", "references")
_LIST_KEYS = ("sentences", "claims", "summary", "answer", "statements")
_MAX_DEPTH = 8
"""What is nested deeper is no summary."""
_CLOSING = {"{": "}", "[": "]"}
_TEXT_BEGINS = re.compile(rf'"(?:{"|".join(_TEXT_KEYS)})"\s*:\s*$')
_FOLLOWING = re.compile(r"\s*(\S)")
_EXTRA_COMMA = re.compile(r",(\s*[}\]])")

_TEXT = re.compile(rf'"(?:{"|".join(_TEXT_KEYS)})"\s*:\s*"((?:[^"\\]|\\.)*)"', re.DOTALL)
_SOURCES = re.compile(r'"sources?"\s*:\s*\[?([^\]}]*)')

Item = dict[str, object]


class _Open(NamedTuple):
    """A bracket that is not closed yet."""

    bracket: str
    start: int
    """Where it stands in `ObjectReader._written`."""


class ObjectReader:
    """Reads one object, from its opening brace; gives those inside it that hold a sentence."""

    def __init__(self) -> None:
        self.is_complete = False
        self._written: list[str] = []
        """What was read, as correct JSON."""
        self._open: list[_Open] = []
        self._told: set[int] = set()
        """Depths at which an object inside has given a sentence."""
        self._string_start = -1
        self._is_key = False
        self._is_escaped = False
        self._items: list[Item] = []

    def take(self) -> list[Item]:
        """Give the objects that were completed since the last call."""
        items, self._items = self._items, []
        return items

    def feed(self, text: str, *, is_last: bool) -> int:
        """Read on; give how many characters were used up."""
        at = 0
        while at < len(text) and not self.is_complete:
            if self._string_start >= 0:
                closes = self._closes(text, at, is_last) if text[at] == '"' else False
                if closes is None:
                    return at  # what follows decides
                self._read_in_string(text[at], closes)
            else:
                self._read_outside(text[at])
            at += 1
        return at

    def unfinished(self) -> tuple[Item | None, bool]:
        """Give the innermost object that was not closed, and whether its text was whole."""
        is_in_string = self._string_start >= 0
        starts = [entry for entry in self._open if entry.bracket == "{"]
        if not starts or len(self._open) - 1 in self._told:
            return None, True
        first = self._open.index(starts[-1])
        begun = "".join(self._written[starts[-1].start :])
        is_text = is_in_string and bool(
            _TEXT_BEGINS.search("".join(self._written[: self._string_start]))
        )
        is_listed = is_in_string and self._open[-1].bracket == "["
        if is_in_string:
            begun = begun.removesuffix("\\") if self._is_escaped else begun
            begun += '"'
        else:
            begun = re.sub(r"[-\d.]+$", "", begun)  # "1" may have been going to be "12"
        closers = "".join(_CLOSING[entry.bracket] for entry in reversed(self._open[first:]))
        return _loads(begun.rstrip(" \t\r\n,:") + closers), not (is_text or is_listed)

    def _closes(self, text: str, at: int, is_last: bool) -> bool | None:
        """Whether a quotation mark ends the string; None where that cannot be told yet."""
        if self._is_escaped:
            return False
        following = _FOLLOWING.match(text, at + 1)
        if following is None:
            return True if is_last else None
        if self._is_key:
            return following[1] == ":"
        if following[1] != ",":
            return following[1] in "}]"
        beyond = _FOLLOWING.match(text, following.end())
        if beyond is None:
            return True if is_last else None
        return beyond[1] in '"{[}]-0123456789'

    def _read_in_string(self, letter: str, closes: bool) -> None:
        if letter == '"' and closes:
            self._string_start = -1
        elif letter == '"' and not self._is_escaped:
            self._written.append("\\")
        self._is_escaped = letter == "\\" and not self._is_escaped
        self._written.append(letter)

    def _read_outside(self, letter: str) -> None:
        if letter == '"':
            before = next((c for c in reversed(self._written) if not c.isspace()), "")
            self._is_key = before in "{," and self._open[-1].bracket == "{"
            self._string_start = len(self._written)
        elif letter in "{[":
            self._open.append(_Open(letter, len(self._written)))
        self._written.append(letter)
        if letter in "}]":
            self._close(letter)

    def _close(self, letter: str) -> None:
        while self._open:
            entry = self._open.pop()
            depth = len(self._open)
            if _CLOSING[entry.bracket] == letter:
                break
        has_told = depth in self._told
        self._told.discard(depth)
        if letter == "}" and not has_told and depth < _MAX_DEPTH:
            item = _loads("".join(self._written[entry.start :]))
            if item and (text_and_sources(item)[0] is not None or any(as_lines(item))):
                self._items.append(item)
                has_told = True
        if has_told and depth:
            self._told.add(depth - 1)
        self.is_complete = not self._open


def text_and_sources(item: Item) -> tuple[str | None, list[int]]:
    """Give an object's sentence, None where it has none, and the numbers that it names."""
    text = next((item[key] for key in _TEXT_KEYS if isinstance(item.get(key), str)), None)
    named = next((item[key] for key in _SOURCE_KEYS if key in item), [])
    numbers = [
        n for value in (named if isinstance(named, list) else [named]) for n in _as_numbers(value)
    ]
    return (text if isinstance(text, str) else None), numbers


def as_lines(item: Item) -> list[str]:
    """Give the sentences of an object that holds them as mere strings."""
    for key in _LIST_KEYS:
        value = item.get(key)
        if isinstance(value, str):
            return value.splitlines()
        if isinstance(value, list) and any(isinstance(one, str) for one in value):
            return [one for one in value if isinstance(one, str)]
    return []


def _as_numbers(value: object) -> list[int]:
    """Read "1", "[1]", "source 2", 3.0 or {"id": 4} as the number that it means."""
    if isinstance(value, bool):
        return []
    if isinstance(value, int):
        return [value]
    if isinstance(value, float):
        return [int(value)] if value.is_integer() else []
    if isinstance(value, str):
        return [int(digits) for digits in re.findall(r"(?<!\d)-?\d{1,6}", value)]
    if isinstance(value, dict):
        return [
            n for key in ("id", "number", "source", "passage") for n in _as_numbers(value.get(key))
        ]
    return []


def _loads(text: str) -> Item | None:
    """Read an object; of one that is beyond repair, its text and what numbers can be found."""
    for attempt in (text, _EXTRA_COMMA.sub(r"\1", text)):
        try:
            found = json.loads(attempt, strict=False)
        except (ValueError, RecursionError):
            continue
        return found if isinstance(found, dict) else None
    salvaged = _TEXT.search(text)
    if salvaged is None:
        return None
    sources = _SOURCES.search(text, salvaged.end())
    return {"text": salvaged[1].replace('\\"', '"'), "sources": [sources[1] if sources else ""]}

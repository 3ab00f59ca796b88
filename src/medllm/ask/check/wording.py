"""The words of a sentence as the check of claims compares them: one key for forms and synonyms."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from medllm.ask.check.numerals import number_key
from medllm.ask.check.units import unit_of
from medllm.clinical.tokens import canonical
from medllm.retrieve import words

_BORDERS = frozenset([";", ".", "but", "whereas", "while", "although", "however"])
_AROUND = 4
"""Words on either side by which one place in a sentence is known again in another."""
_PATH = Path(__file__).parent / "synonyms.tsv"
_TOKEN = re.compile(r"\d+(?:[.,·]\d+)*|(?<!\w)\.\d+|[^\W\d_][^\W_]*(?:['’]t\b)?|[^\w\s]")
_GLUE_WORDS = """
    patient case report describe author study similar present presentation show find occur have
    give treat treatment undergo perform develop follow result include accord overall subsequent
    subsequently later another also year old age aged initially initial finally level value due
    because lead led use make made become became diagnose group among amongst compare compared
    respectively total mean median individual person people subject carry carried out
    mention state suggest conclude example several time followed after before therefore however
    although though while whereas despite since both further then thereafter additionally
    accompanied together associated take first one versus vs both symptom sign complaint condition
    other certain such
    """
"""Words that a summary may add or leave out without saying anything else."""


class Word(NamedTuple):
    """A word, a number or a mark of a text, with its place there."""

    key: str
    """The same for all spellings and forms of a word and for its synonyms."""
    written: str
    start: int
    end: int
    is_content: bool
    """Neither a mark nor a word like "the", nor one that any summary may add."""
    is_number: bool


@lru_cache(maxsize=4096)
def read_words(text: str) -> tuple[Word, ...]:
    """Give the words, numbers and marks of a text in order; a known phrase counts as one word."""
    found = list(_TOKEN.finditer(text))
    stems = [stem(match.group()) for match in found]
    read: list[Word] = []
    at = 0
    while at < len(found):
        n, key = _longest_phrase(stems, at)
        start, end = found[at].start(), found[at + n - 1].end()
        written = text[start:end]
        unit = unit_of(written.lower()) if n == 1 and read and _counts(read) else ""
        key = f"unit {unit}" if unit else key
        read.append(
            Word(
                key=key,
                written=written,
                start=start,
                end=end,
                is_content=key.startswith("#") and key not in _glue(),
                is_number=key.isascii() and key.replace(".", "", 1).isdigit(),
            )
        )
        at += n
    return tuple(read)


def _counts(read: list[Word]) -> bool:
    """Whether a unit may follow the words so far: a number, "5-", "5 mg/" or "5 mg per"."""
    if read[-1].written in ("-", "/", "per") and len(read) > 1:
        joined = read[-1].written != "-"
        return read[-2].is_number or (joined and read[-2].key.startswith("unit "))
    return read[-1].is_number or read[-1].key == "one"


def content_keys(text_words: Iterable[Word]) -> set[str]:
    """Give the keys of the words that say something, without numbers."""
    return {word.key for word in text_words if word.is_content and not word.is_number}


@lru_cache(maxsize=65_536)
def stem(written: str) -> str:
    """Give "#" and the stem's id for a word, a number in its one form, or the text in lower case.

    What has no "#" is a number, a mark, or a word like "the".
    """
    lower = written.lower().replace("’", "'")
    number = number_key(lower)
    if number:
        return number
    term = words.term_of(canonical(lower)) if lower[0].isalnum() else None
    return lower if term is None else f"#{term}"


def key_of(phrase: str) -> str:
    """Give the key that a word, or a known phrase, has in `read_words`."""
    return read_words(phrase)[0].key


def _longest_phrase(stems: list[str], at: int) -> tuple[int, str]:
    """Give how many words the longest known phrase at a place has, 1 for none, and its key."""
    phrases, singles = _synonyms()
    for phrase, key in phrases.get(stems[at], ()):
        if tuple(stems[at : at + len(phrase)]) == phrase:
            return len(phrase), key
    key = singles.get(stems[at], stems[at])
    if key == "well" and "as" not in (stems[at - 1 : at] + stems[at + 1 : at + 2]):
        key = "#well"
    return 1, key


@lru_cache(maxsize=1)
def _synonyms() -> tuple[dict[str, list[tuple[tuple[str, ...], str]]], dict[str, str]]:
    """Give the phrases by their first stem, the longest first, and the single words."""
    phrases: dict[str, list[tuple[tuple[str, ...], str]]] = {}
    singles: dict[str, str] = {}
    for line in _PATH.read_text(encoding="utf-8").splitlines():
        if not line or line.startswith("#"):
            continue
        members = [tuple(map(stem, _TOKEN.findall(member))) for member in line.split("\t")]
        key = next((m[0] for m in members if len(m) == 1), "#" + "+".join(members[0]))
        for member in members:
            if len(member) == 1:
                singles.setdefault(member[0], key)
            else:
                phrases.setdefault(member[0], []).append((member, key))
    for listed in phrases.values():
        listed.sort(key=lambda entry: -len(entry[0]))
    return phrases, singles


@lru_cache(maxsize=1)
def _glue() -> frozenset[str]:
    singles = _synonyms()[1]
    return frozenset(singles.get(stem(word), stem(word)) for word in _GLUE_WORDS.split())


def around(words: Sequence[Word], at: int) -> set[str]:
    """Give the keys of the words and numbers around a place, within its clause."""
    before = _telling(words, range(at - 1, -1, -1))
    return {*before, *_telling(words, range(at + 1, len(words)))}


def beside(words: Sequence[Word], at: int) -> set[tuple[str, str]]:
    """Give the words that say something just before and just after a place."""
    before = _telling(words, range(at - 1, -1, -1))
    after = _telling(words, range(at + 1, len(words)))
    return {*(("before", key) for key in before[:1]), *(("after", key) for key in after[:1])}


def _telling(words: Sequence[Word], places: range) -> list[str]:
    found: list[str] = []
    for place in places:
        if words[place].written.lower() in _BORDERS or len(found) == _AROUND:
            break
        if words[place].is_content or words[place].is_number:
            found.append(words[place].key)
    return found

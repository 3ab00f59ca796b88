"""Typing errors in long words: one letter too many, too few, wrong, or two swapped.

A hash of every word with one letter deleted finds the neighbours of an unknown word in time that
does not grow with the lexicon (the idea of SymSpell).
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

_MIN_LENGTH = 8
"""Letters: shorter words have too many real neighbours ("mental", "dental", "rental")."""

_MAX_LENGTH = 45
"""Letters: longer ones are no words, and every deletion of theirs would be made."""

_REAL_WORDS_PATH = Path(__file__).parent / "real_words.tsv"


class Typos:
    """Mends words that are one edit away from exactly one long word of a vocabulary."""

    def __init__(self, vocabulary: Iterable[str]) -> None:
        self._words = frozenset(vocabulary)
        self._by_deletion: dict[str, list[str]] | None = None
        self._real = frozenset(_REAL_WORDS_PATH.read_text(encoding="utf-8").split())

    def mend(self, word: str) -> str:
        """Give the vocabulary's word that `word` must have meant, else `word` itself."""
        if not _MIN_LENGTH <= len(word) <= _MAX_LENGTH or not word.isalpha():
            return word
        if word in self._words or word in self._real:
            return word
        if self._by_deletion is None:
            self._by_deletion = self._index()
        found = set(self._by_deletion.get(word, ()))
        for shorter in _deletions(word):
            if shorter in self._words and len(shorter) >= _MIN_LENGTH:
                found.add(shorter)
            found.update(self._by_deletion.get(shorter, ()))
        near = {other for other in found if _is_typo(word, other)}
        return near.pop() if len(near) == 1 else word

    def _index(self) -> dict[str, list[str]]:
        index: dict[str, list[str]] = {}
        for word in sorted(self._words):
            if len(word) >= _MIN_LENGTH and word.isalpha():
                for shorter in _deletions(word):
                    index.setdefault(shorter, []).append(word)
        return index


def _deletions(word: str) -> list[str]:
    """Give the word with each of its letters but the first left out."""
    return [word[:at] + word[at + 1 :] for at in range(1, len(word))]


def _is_typo(word: str, other: str) -> bool:
    """Whether the two differ by one insertion, deletion, substitution or swap of neighbours.

    Not in the last letter: "bacteria" and "bacterial", "endoscope" and "endoscopy" are both words.
    """
    if word[-1] != other[-1]:
        return False
    if abs(len(word) - len(other)) == 1:
        return True
    if len(word) != len(other):
        return False
    differing = [at for at in range(len(word)) if word[at] != other[at]]
    if len(differing) == 1:
        return True
    if len(differing) != 2:
        return False
    first, second = differing
    return second == first + 1 and word[first] == other[second] and word[second] == other[first]

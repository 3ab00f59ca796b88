"""The names of clinical concepts: the lexicon that is shipped, and those a user loads."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple, cast

from medllm.clinical.tokens import canonical, split_words
from medllm.clinical.typos import Typos
from medllm.records import FindingKind

LEXICON_DIR = Path(__file__).parent / "lexicon"
_ABBREVIATIONS_PATH = Path(__file__).parent / "abbreviations.tsv"
_MAX_ABBREVIATION = 6
_MAX_KNOWN_WORDS = 200_000
"""How many different words of the texts read so far are remembered with their form."""


class Concept(NamedTuple):
    """A clinical concept: its preferred name, lower case, and what kind of finding it is."""

    name: str
    kind: FindingKind


class Entry(NamedTuple):
    """What a name leads to.

    `surface` is the spelling where case decides ("US"), else empty; `negated` is true of names
    that deny the concept ("afebrile").
    """

    concept: Concept
    surface: str
    negated: bool


class Sense(NamedTuple):
    """One meaning of an abbreviation that has several, and the words nearby that decide for it."""

    concept: Concept
    cues: frozenset[str]


Trie = dict[str, Any]
"""Word -> Trie; under the key "" an `Entry`, where a name ends."""
Term = tuple[str, FindingKind, list[str]]
"""Preferred name, kind, synonyms; a synonym that begins with "!" denies the concept."""


class WordForms(dict[str, str]):
    """Word as written -> its one form, typing errors in long words of the lexicon mended."""

    def __init__(self, vocabulary: Iterable[str]) -> None:
        super().__init__()
        self._typos = Typos(vocabulary)

    def __missing__(self, word: str) -> str:
        """Give the form of a word that was not met before."""
        if len(self) >= _MAX_KNOWN_WORDS:
            self.clear()
        self[word] = form = self._typos.mend(canonical(word))
        return form


class Lexicon:
    """Names as a trie of words; made by `default_lexicon`, `load_lexicon` or `build_lexicon`."""

    def __init__(self, terms: Iterable[Term]) -> None:
        self.trie: Trie = {}
        self.n_concepts = 0
        self.n_names = 0
        vocabulary: set[str] = set()
        for name, kind, synonyms in terms:
            concept = Concept(name.lower(), kind)
            self.n_concepts += 1
            for form in (name, *synonyms):
                self._add(form, concept, vocabulary)
        self.forms = WordForms(vocabulary)
        self.senses = _read_senses()

    def __repr__(self) -> str:
        """Give the counts, not the names."""
        return f"Lexicon(n_concepts={self.n_concepts}, n_names={self.n_names})"

    def _add(self, form: str, concept: Concept, vocabulary: set[str]) -> None:
        """Enter one name; of two concepts with one name the first keeps it."""
        negated = form.startswith("!")
        form = form.lstrip("!")
        words = [canonical(word) for word in split_words(form)]
        if not words:
            return
        node = self.trie
        for word in words:
            node = node.setdefault(word, {})
        if "" not in node:
            node[""] = Entry(concept, form if is_abbreviation(form) else "", negated)
            self.n_names += 1
            vocabulary.update(words)


def is_abbreviation(form: str) -> bool:
    """Whether case matters in this name: short, with two capitals or more, or a single letter."""
    if len(form) > _MAX_ABBREVIATION:
        return False
    capitals = sum(letter.isupper() for letter in form)
    return capitals >= 2 or len(form) <= 2 or (capitals == 1 and len(form) <= 3)


def read_terms(path: Path) -> Iterator[Term]:
    """Give name, kind and synonyms of each line of a TSV file of the shipped form."""
    with path.open(encoding="utf-8") as handle:
        for line in handle:
            if not line.startswith("#"):
                name, kind, synonyms = line.rstrip("\n").split("\t")
                yield name, cast(FindingKind, kind), synonyms.split("|") if synonyms else []


@lru_cache(maxsize=1)
def _read_senses() -> dict[str, list[Sense]]:
    senses: dict[str, list[Sense]] = {}
    for line in _ABBREVIATIONS_PATH.read_text(encoding="utf-8").splitlines():
        if not line.startswith("#"):
            short, name, kind, cues = line.split("\t")
            forms = frozenset(canonical(cue) for cue in re.split(r"\s+", cues))
            concept = Concept(name, cast(FindingKind, kind))
            senses.setdefault(short, []).append(Sense(concept, forms))
    return senses


@lru_cache(maxsize=1)
def default_lexicon() -> Lexicon:
    """Give the lexicon that is shipped, read once."""
    paths = sorted(LEXICON_DIR.glob("*.tsv"))
    return Lexicon(term for path in paths for term in read_terms(path))

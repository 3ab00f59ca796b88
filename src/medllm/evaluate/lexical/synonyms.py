"""Synonyms of an English WordNet on disk, looked up as NLTK does, for METEOR.

Two forms are read: Open English WordNet as `synsets.jsonl` (gzipped or not) with, if there,
`irregular_forms.tsv`; and WordNet's own database, `data.noun` and so on (wndb(5WN)), `noun.exc`.
Neither needs the file `lexnames`, which Debian's wordnet-base leaves out and NLTK asks for.
"""

from __future__ import annotations

import gzip
import json
import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import IO, NamedTuple

from medllm.errors import ConfigError

_PARTS = {"noun": "n", "verb": "v", "adj": "a", "adv": "r"}
_ENDINGS: dict[str, tuple[tuple[str, str], ...]] = {
    "n": (
        ("s", ""),
        ("ses", "s"),
        ("ves", "f"),
        ("xes", "x"),
        ("zes", "z"),
        ("ches", "ch"),
        ("shes", "sh"),
        ("men", "man"),
        ("ies", "y"),
    ),
    "v": (
        ("s", ""),
        ("ies", "y"),
        ("es", "e"),
        ("es", ""),
        ("ed", "e"),
        ("ed", ""),
        ("ing", "e"),
        ("ing", ""),
    ),
    "a": (("er", ""), ("est", ""), ("er", "e"), ("est", "e")),
    "r": (),
}
"""What a form ends in and what its lemma ends in instead (morphy(7WN))."""


class _Synset(NamedTuple):
    part: str
    members: list[str]


class Synonyms:
    """The single words that stand in a synset with a word, in any of its forms."""

    def __init__(self, folder: Path) -> None:
        """Read the WordNet in `folder`; `ConfigError` where it holds none or cannot be read."""
        self._synsets: list[tuple[str, ...]] = []
        self._index: dict[str, dict[str, list[int]]] = {part: {} for part in _ENDINGS}
        self._irregular: dict[str, dict[str, list[str]]] = {part: {} for part in _ENDINGS}
        self._known: dict[str, frozenset[str]] = {}
        try:
            self._read(folder)
        except (OSError, UnicodeDecodeError, ValueError, KeyError, TypeError, IndexError) as exc:
            raise ConfigError(
                f"the WordNet in {folder} cannot be read", hint="fetch it again"
            ) from exc

    def _read(self, folder: Path) -> None:
        derived = _there(folder, "synsets.jsonl")
        if derived is None and not (folder / "data.noun").is_file():
            hint = "name a folder with synsets.jsonl (Open English WordNet) or data.noun (WordNet)"
            raise ConfigError(f"{folder} holds no WordNet", hint=hint)
        for synset in _read_derived(derived) if derived else _read_database(folder):
            number = len(self._synsets)
            words = (name for name in synset.members if " " not in name and "_" not in name)
            self._synsets.append(tuple(words))
            for name in synset.members:
                places = self._index[synset.part].setdefault(name.lower(), [])
                places.append(number)
        forms = _derived_forms(folder) if derived else _database_forms(folder)
        for part, form, lemma in forms:
            self._irregular[part].setdefault(form, []).append(lemma)

    def __call__(self, word: str) -> frozenset[str]:
        """Give the word and every single word that shares a synset with one of its lemmas."""
        known = self._known.get(word)
        if known is None:
            found = {word}
            for part in _ENDINGS:
                for lemma in self._lemmas(word, part):
                    for number in self._index[part].get(lemma, ()):
                        found.update(self._synsets[number])
            known = self._known[word] = frozenset(found)
        return known

    def _lemmas(self, form: str, part: str) -> list[str]:
        """Give the form and its lemmas; an irregular form has those of the list and no others."""
        irregular = self._irregular[part].get(form)
        if irregular is not None:
            return [form, *irregular]
        endings = (pair for pair in _ENDINGS[part] if form.endswith(pair[0]))
        return [form, *(form[: -len(old)] + new for old, new in endings)]


def _there(folder: Path, name: str) -> Path | None:
    return next((p for p in (folder / name, folder / f"{name}.gz") if p.is_file()), None)


def _open(path: Path) -> IO[str]:
    return (gzip.open if path.suffix == ".gz" else open)(path, "rt", encoding="utf-8")


def _read_derived(path: Path) -> Iterator[_Synset]:
    with _open(path) as handle:
        for line in handle:
            entry = json.loads(line)
            yield _Synset(_part(entry["pos"]), entry["members"])


def _part(letter: str) -> str:
    """Give the part of speech; a satellite adjective is an adjective."""
    return "a" if letter == "s" else letter


def _derived_forms(folder: Path) -> Iterator[tuple[str, str, str]]:
    """Read form, lemma and part of speech by tabs; the first line says so."""
    path = _there(folder, "irregular_forms.tsv")
    if path is None:
        return
    with _open(path) as handle:
        next(handle, None)
        for line in handle:
            form, lemma, part = line.rstrip("\n").split("\t")[:3]
            yield _part(part), form, lemma


def _read_database(folder: Path) -> Iterator[_Synset]:
    """Read data.*: offset, file number, type, number of words (hexadecimal), words, ..."""
    for name, part in _PARTS.items():
        path = folder / f"data.{name}"
        if not path.is_file():
            continue
        with path.open(encoding="utf-8") as handle:
            for line in handle:
                if not line.startswith(" "):  # the licence stands at the top
                    fields = line.split(" ")
                    words = (fields[4 + 2 * at] for at in range(int(fields[3], 16)))
                    yield _Synset(part, [re.sub(r"\([a-z]+\)$", "", word) for word in words])


def _database_forms(folder: Path) -> Iterator[tuple[str, str, str]]:
    """Read *.exc: a form and its lemmas on each line."""
    found: dict[tuple[str, str], list[str]] = defaultdict(list)
    for name, part in _PARTS.items():
        path = folder / f"{name}.exc"
        if path.is_file():
            for line in path.read_text(encoding="utf-8").splitlines():
                form, *lemmas = line.split()
                found[part, form] += lemmas
    for (part, form), lemmas in found.items():
        yield from ((part, form, lemma) for lemma in lemmas)

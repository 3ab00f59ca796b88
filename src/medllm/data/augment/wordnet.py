"""Synonyms from an English WordNet on disk, for words that are safe to replace in a health text.

Two forms are read: Open English WordNet as `synsets.jsonl` (gzipped or not) with, if there,
`irregular_forms.tsv`, and WordNet's own database: `data.noun`, `data.verb`, `data.adj`, `data.adv`
(wndb(5WN)) with `noun.exc` and the like (morphy(7WN)).
"""

from __future__ import annotations

import gzip
import json
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import IO

from medllm.errors import ConfigError

PLAIN_WORDS = Path(__file__).with_name("plain_words.tsv")

_PARTS = ("noun", "verb", "adj", "adv")
_ENDINGS = (
    ("ies", ("y",)),
    ("es", ("", "e")),
    ("s", ("",)),
    ("ied", ("y",)),
    ("ed", ("", "e")),
    ("ing", ("", "e")),
)
"""What a form ends in, and what its lemma ends in instead."""


class WordNet:
    """Tells whether two words have a meaning in common."""

    def __init__(
        self, synsets: Iterable[Iterable[str]], irregular: Mapping[str, Iterable[str]]
    ) -> None:
        self._synsets: dict[str, set[int]] = defaultdict(set)
        for number, members in enumerate(synsets):
            for member in members:
                self._synsets[member.lower()].add(number)
        self._irregular = irregular

    def __len__(self) -> int:
        """Give the number of lemmas."""
        return len(self._synsets)

    def have_sense_in_common(self, one: str, other: str) -> bool:
        """Whether two words or phrases stand in one synset, in any of their forms.

        Phrases of as many words do so too where each pair of their words that differ does.
        """
        if self._senses(one) & self._senses(other):
            return True
        words, others = one.split(), other.split()
        if len(words) != len(others) or len(words) == 1:
            return False
        pairs = [(a, b) for a, b in zip(words, others, strict=True) if a != b]
        return all(self._senses(a) & self._senses(b) for a, b in pairs)

    def _senses(self, form: str) -> set[int]:
        return set().union(*(self._synsets.get(lemma, ()) for lemma in self._lemmas(form)))

    def _lemmas(self, form: str) -> set[str]:
        found = {form, *self._irregular.get(form, ())}
        for ending, instead in _ENDINGS:
            if form.endswith(ending):
                found.update(form[: -len(ending)] + end for end in instead)
        return found


def load_synonyms(folder: Path) -> dict[str, tuple[str, ...]]:
    """Give what may stand for each plain word: pairs that were read and are in this WordNet.

    Raises `ConfigError` where the folder holds no WordNet or none of the pairs is in it.
    """
    wordnet = load_wordnet(folder)
    found = {}
    for word, others in plain_words():
        if same := tuple(other for other in others if wordnet.have_sense_in_common(word, other)):
            found[word] = same
    if not found:
        raise ConfigError(f"the WordNet in {folder} has no synonyms", hint="fetch it again")
    return found


def plain_words() -> Iterator[tuple[str, tuple[str, ...]]]:
    """Give the words and phrases that are safe to replace, with what may stand for each."""
    for line in PLAIN_WORDS.read_text(encoding="utf-8").splitlines():
        if not line.startswith("#"):
            word, others = line.split("\t")
            yield word, tuple(others.split("|"))


def load_wordnet(folder: Path) -> WordNet:
    """Read a WordNet folder; raise `ConfigError` where it holds none or cannot be read."""
    derived = _first(folder, "synsets.jsonl", "synsets.jsonl.gz")
    try:
        if derived:
            return WordNet(_read_derived(derived), _read_irregular(folder))
        if (folder / "data.noun").is_file():
            return WordNet(_read_database(folder), _read_exceptions(folder))
    except (OSError, UnicodeDecodeError, ValueError, KeyError, TypeError, IndexError) as exc:
        raise ConfigError(f"the WordNet in {folder} cannot be read", hint="fetch it again") from exc
    hint = "name a folder with synsets.jsonl (Open English WordNet) or data.noun (WordNet)"
    raise ConfigError(f"{folder} holds no WordNet", hint=hint)


def _first(folder: Path, *names: str) -> Path | None:
    return next((folder / name for name in names if (folder / name).is_file()), None)


def _open(path: Path) -> IO[str]:
    if path.suffix == ".gz":
        return gzip.open(path, "rt", encoding="utf-8")
    return path.open(encoding="utf-8")


def _read_derived(path: Path) -> Iterator[list[str]]:
    with _open(path) as handle:
        for line in handle:
            yield json.loads(line)["members"]


def _read_irregular(folder: Path) -> dict[str, set[str]]:
    """Read `irregular_forms.tsv`: form, lemma, part of speech; the first line says so."""
    found: dict[str, set[str]] = defaultdict(set)
    if path := _first(folder, "irregular_forms.tsv", "irregular_forms.tsv.gz"):
        with _open(path) as handle:
            for line in handle:
                form, lemma, *_ = line.rstrip("\n").split("\t")
                found[form].add(lemma)
    return found


def _read_database(folder: Path) -> Iterator[list[str]]:
    """Give the synsets of data.*: offset, file number, type, count (hexadecimal), words, ..."""
    for part in _PARTS:
        path = folder / f"data.{part}"
        if not path.is_file():
            continue
        with path.open(encoding="utf-8") as handle:
            for line in handle:
                if line.startswith(" "):  # the licence stands at the top
                    continue
                fields = line.split(" ")
                n_words = int(fields[3], 16)
                words = (fields[4 + 2 * at] for at in range(n_words))
                yield [re.sub(r"\([a-z]+\)$", "", word).replace("_", " ") for word in words]


def _read_exceptions(folder: Path) -> dict[str, set[str]]:
    """Read *.exc: a form and its lemmas on each line."""
    found: dict[str, set[str]] = defaultdict(set)
    for part in _PARTS:
        path = folder / f"{part}.exc"
        if path.is_file():
            for line in path.read_text(encoding="utf-8").splitlines():
                form, *lemmas = line.split()
                found[form].update(lemmas)
    return found

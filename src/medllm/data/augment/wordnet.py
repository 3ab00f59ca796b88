"""Synonyms from an English WordNet on disk: words that mean one thing only, and what else says it.

Two forms are read: Open English WordNet as `synsets.jsonl` and `senses.tsv` (gzipped or not), and
WordNet's own database files (`data.noun`, `data.verb`, `data.adj`, `data.adv`; see wndb(5WN)).
"""

from __future__ import annotations

import gzip
import json
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import IO, NamedTuple

from medllm.clinical.lexicon import LEXICON_DIR, read_terms
from medllm.errors import ConfigError

_WORD = re.compile(r"[a-z]{4,}")
_LETTERS = re.compile(r"[a-z]+")

# What a word means here would need more than a dictionary: substances and plants are medicines,
# the rest are names, units and quantities.
_UNSAFE_FILES = frozenset(
    "noun.substance noun.plant noun.animal noun.quantity noun.person noun.location noun.group "
    "noun.time noun.shape noun.body noun.food".split()
)
_LEXFILES = (
    "adj.all adj.pert adv.all noun.Tops noun.act noun.animal noun.artifact noun.attribute "
    "noun.body noun.cognition noun.communication noun.event noun.feeling noun.food "
    "noun.group noun.location noun.motive noun.object noun.person noun.phenomenon "
    "noun.plant noun.possession noun.process "
    "noun.quantity noun.relation noun.shape noun.state noun.substance noun.time verb.body "
    "verb.change verb.cognition verb.communication verb.competition verb.consumption verb.contact "
    "verb.creation verb.emotion verb.motion verb.perception verb.possession verb.social "
    "verb.stative verb.weather adj.ppl"
).split()
"""The names of WordNet's lexicographer files, by number (lexnames(5WN))."""


_KINDS = ("noun", "adj", "adv")
"""Verbs are left out: their synonyms rarely take the same objects."""
_NO_SYNONYM = frozenset(
    "about after again ahead alone along already around away back before behind below beyond down "
    "early earlier ever first forth further hence here instead just later less more most much near "
    "next once only over past previously quite rather some soon still then there though through "
    "together under until well whatever when where while why wrong presently any certain sure own "
    "such very too also but even else yes twice locally topically systematic aqueous seriously "
    "apparently obviously seemingly possibly perhaps doubtful dubious unlikely improbable "
    "invisible mechanically automatically skill diffusion worn drawn opaque".split()
)
"""Words of time, place, degree, certainty and grammar, and some whose senses differ in medicine."""
_MIN_IN_DEFINITIONS = 5
"""A word that the dictionary's own definitions hardly use ("fagged", "castanets") is no plain word
to put into a patient's mouth."""
_MIN_SHARED = 0.5
"""In so many of its senses a word must share the meaning of what replaces it, and the other way
round."""


class Synset(NamedTuple):
    """Words that mean the same."""

    lexfile: str
    members: tuple[str, ...]
    definition: str = ""


class Synonyms:
    """Word -> the words that can stand for it.

    Only plain words have any, whose meaning is the same in most of their senses; what is part of a
    clinical name has none.
    """

    def __init__(self, synsets: Iterable[Synset]) -> None:
        senses: dict[str, list[Synset]] = defaultdict(list)
        used: Counter[str] = Counter()
        for synset in synsets:
            used.update(_LETTERS.findall(synset.definition.lower()))
            for member in set(synset.members):
                senses[member].append(synset)
        clinical = _clinical_words()
        names = {member.lower() for member in senses if not member.islower()}
        plain = {
            word: sets
            for word, sets in senses.items()
            if used[word] >= _MIN_IN_DEFINITIONS
            and word not in clinical
            and word not in names
            and _is_plain(word, sets, senses)
        }
        self._of: dict[str, tuple[str, ...]] = {}
        for word, sets in plain.items():
            shared = Counter(member for synset in sets for member in set(synset.members))
            found = tuple(
                other
                for other, n in sorted(shared.items())
                if other in plain
                and _kind(plain[other][0]) == _kind(sets[0])
                and n >= _MIN_SHARED * len(sets)
                and n >= _MIN_SHARED * len(plain[other])
                and other[:4] != word[:4]  # only another form of the first: "center", "centre"
            )
            if found:
                self._of[word] = found

    def __len__(self) -> int:
        """Give the number of words that have a synonym."""
        return len(self._of)

    def of(self, word: str) -> tuple[str, ...]:
        """Give what can stand for a word, in lower case; of a regular plural, plurals."""
        lower = word.lower()
        if found := self._of.get(lower):
            return found
        if lower.endswith("s") and lower[:-1] in self._of and _has_s_plural(lower[:-1]):
            return tuple(f"{other}s" for other in self._of[lower[:-1]] if _has_s_plural(other))
        return ()


def _kind(synset: Synset) -> str:
    return synset.lexfile.split(".")[0]


def _is_plain(word: str, sets: list[Synset], senses: Mapping[str, list[Synset]]) -> bool:
    """Whether a word is always a noun, an adjective or an adverb, and no form of another word."""
    if not _WORD.fullmatch(word) or word in _NO_SYNONYM:
        return False
    if any(synset.lexfile in _UNSAFE_FILES for synset in sets):
        return False
    kinds = {_kind(synset) for synset in sets}
    if len(kinds) > 1 or not kinds <= set(_KINDS):
        return False
    if word.endswith(("ing", "ed", "en")):  # "getting" is a noun too, but rarely
        return False
    return not (word.endswith("s") and (word[:-1] in senses or word[:-2] in senses))


def _clinical_words() -> frozenset[str]:
    """Give every word that is part of a clinical name, of its context or of its measure."""
    found: set[str] = set()
    for path in sorted(LEXICON_DIR.glob("*.tsv")):
        for name, _, names in read_terms(path):
            for form in (name, *names):
                found.update(_LETTERS.findall(form.lower()))
    return frozenset(found)


def _has_s_plural(word: str) -> bool:
    return not word.endswith(("s", "x", "z", "ch", "sh", "y", "fe", "f", "o", "man", "ly"))


def load_synonyms(folder: Path) -> Synonyms:
    """Read a WordNet folder; raise `ConfigError` where it holds none."""
    derived = _first(folder, "synsets.jsonl", "synsets.jsonl.gz")
    try:
        if derived:
            synonyms = Synonyms(_read_derived(derived))
        elif (folder / "data.noun").is_file():
            synonyms = Synonyms(_read_database(folder))
        else:
            hint = "name a folder with synsets.jsonl (Open English WordNet) or data.noun (WordNet)"
            raise ConfigError(f"{folder} holds no WordNet", hint=hint)
    except (OSError, UnicodeDecodeError, ValueError, KeyError, IndexError) as exc:
        raise ConfigError(f"the WordNet in {folder} cannot be read", hint="fetch it again") from exc
    if not len(synonyms):
        raise ConfigError(f"the WordNet in {folder} has no synonyms", hint="fetch it again")
    return synonyms


def _first(folder: Path, *names: str) -> Path | None:
    return next((folder / name for name in names if (folder / name).is_file()), None)


def _open(path: Path) -> IO[str]:
    if path.suffix == ".gz":
        return gzip.open(path, "rt", encoding="utf-8")
    return path.open(encoding="utf-8")


def _read_derived(path: Path) -> Iterator[Synset]:
    with _open(path) as handle:
        for line in handle:
            value = json.loads(line)
            yield Synset(value["lexfile"], tuple(value["members"]), value["definition"])


def _read_database(folder: Path) -> Iterator[Synset]:
    """Give the synsets of data.*: offset, file number, type, count (hexadecimal), words, ..."""
    for name in ("noun", "verb", "adj", "adv"):
        path = folder / f"data.{name}"
        if not path.is_file():
            continue
        with path.open(encoding="utf-8") as handle:
            for line in handle:
                if line.startswith(" "):  # the licence stands at the top
                    continue
                fields = line.split(" ")
                n_words = int(fields[3], 16)
                words = (fields[4 + 2 * at] for at in range(n_words))
                members = tuple(
                    re.sub(r"\([a-z]+\)$", "", word).replace("_", " ") for word in words
                )
                definition = line.partition("|")[2]
                yield Synset(_LEXFILES[int(fields[1])], members, definition)

"""Lexicons of the user's own: HPO, UMLS, SNOMED CT, or a simple table. Read line by line."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from itertools import chain, groupby
from pathlib import Path
from typing import cast

from medllm.clinical.lexicon import LEXICON_DIR, Lexicon, Term, read_terms
from medllm.errors import DataError
from medllm.records import FindingKind

_KINDS: frozenset[str] = frozenset(
    "symptom disorder vital result medication procedure allergy social".split()
)
_HPO_ROOT = "HP:0000118"  # phenotypic abnormality: leaves out inheritance, onset and the like
_SNOMED_FULL_NAME = "900000000000003001"
_SNOMED_TAGS: dict[str, FindingKind] = {
    "disorder": "disorder",
    "finding": "symptom",
    "procedure": "procedure",
    "regime/therapy": "procedure",
    "product": "medication",
    "medicinal product": "medication",
    "substance": "medication",
}
_UMLS_TYPES: dict[str, FindingKind] = {
    "T184": "symptom",  # sign or symptom
    "T033": "symptom",  # finding
    "T046": "disorder",  # pathologic function
    "T047": "disorder",  # disease or syndrome
    "T048": "disorder",  # mental or behavioral dysfunction
    "T191": "disorder",  # neoplastic process
    "T019": "disorder",  # congenital abnormality
    "T190": "disorder",  # anatomical abnormality
    "T037": "disorder",  # injury or poisoning
    "T121": "medication",  # pharmacologic substance
    "T195": "medication",  # antibiotic
    "T200": "medication",  # clinical drug
    "T060": "procedure",  # diagnostic procedure
    "T061": "procedure",  # therapeutic or preventive procedure
    "T059": "result",  # laboratory procedure
    "T034": "result",  # laboratory or test result
}
_MIN_LETTERS = 4
"""Shorter names of large vocabularies are mostly codes and ordinary words, unless all capitals."""

_MAX_WORDS = 8


def load_lexicon(path: Path, *, alone: bool = False) -> Lexicon:
    """Give the shipped lexicon with the names of a file added, or with `alone` only the file's.

    The file is an `.obo` (the Human Phenotype Ontology), a UMLS `MRCONSO.RRF` (kinds come from
    `MRSTY.RRF` beside it; without that file all are disorders), a SNOMED CT description file
    (`sct2_Description_*.txt`), or a TSV or CSV with the columns name, kind, synonyms (joined by
    "|"; kind and synonyms may be absent). Raises `DataError` where it is none of these.
    """
    terms = _read(path)
    first = next(terms, None)
    if first is None:
        raise DataError(f"{path} holds no name", hint=_HINT)
    own = chain([first], terms)
    if alone:
        return Lexicon(own)
    return Lexicon(chain.from_iterable([*map(read_terms, sorted(LEXICON_DIR.glob("*.tsv"))), own]))


_HINT = "give an .obo, a MRCONSO.RRF, a SNOMED CT description file, or a TSV with name and kind"


def _read(path: Path) -> Iterator[Term]:
    """Give the terms of a file, by what its first line and its name say it is."""
    try:
        with path.open(encoding="utf-8-sig") as handle:
            first = handle.readline()
    except OSError as exc:
        raise DataError(f"{path} cannot be read", hint=_HINT) from exc
    except UnicodeDecodeError as exc:
        raise DataError(f"{path} is not UTF-8 text", hint=_HINT) from exc
    if path.suffix == ".obo" or first.startswith("format-version:"):
        return _read_obo(path)
    if first.count("|") >= 17:
        return _read_umls(path)
    if first.startswith("id\teffectiveTime\t"):
        return _read_snomed(path)
    if "name" in first.lower().replace("\t", ",").replace('"', "").strip().split(","):
        return _read_table(path, "\t" if "\t" in first else ",")
    raise DataError(f"{path} is no lexicon that medllm reads", hint=_HINT)


def _read_table(path: Path, delimiter: str) -> Iterator[Term]:
    with path.open(encoding="utf-8-sig", newline="") as handle:
        for number, row in enumerate(csv.DictReader(handle, delimiter=delimiter), start=2):
            fields = {(key or "").strip().lower(): value or "" for key, value in row.items()}
            kind = fields.get("kind", "").strip() or "disorder"
            if kind not in _KINDS:
                kinds = ", ".join(sorted(_KINDS))
                raise DataError(f"{path} line {number}: unknown kind", hint=f"one of {kinds}")
            synonyms = [name for name in fields.get("synonyms", "").split("|") if name.strip()]
            if fields["name"].strip():
                yield fields["name"].strip(), cast(FindingKind, kind), synonyms


def _read_obo(path: Path) -> Iterator[Term]:
    """Give name and synonyms of the terms below the root that are not obsolete."""
    stanzas = list(_obo_stanzas(path))
    parents = {s["id"][0]: s.get("is_a", []) for s in stanzas if "id" in s}
    below: dict[str, bool] = {}
    for stanza in stanzas:
        identifier = stanza.get("id", [""])[0]
        if "is_obsolete" in stanza or "name" not in stanza:
            continue
        if _HPO_ROOT in parents and not _is_below(identifier, parents, below):
            continue
        names = [line.split('"')[1] for line in stanza.get("synonym", ()) if line.count('"') > 1]
        yield stanza["name"][0], "symptom", [name for name in names if _is_usable(name)]


def _is_below(identifier: str, parents: dict[str, list[str]], below: dict[str, bool]) -> bool:
    """Whether a term descends from the root; iterative, since a broken file may hold a circle."""
    stack, seen = [identifier], set()
    while stack:
        at = stack.pop()
        if at == _HPO_ROOT or below.get(at):
            below[identifier] = True
            return True
        if at not in seen:
            seen.add(at)
            stack.extend(parents.get(at, ()))
    return False


def _obo_stanzas(path: Path) -> Iterator[dict[str, list[str]]]:
    stanza: dict[str, list[str]] | None = None
    with path.open(encoding="utf-8") as handle:
        for line in handle:
            line = line.rstrip("\n")
            if line.startswith("["):
                if stanza:
                    yield stanza
                stanza = {} if line == "[Term]" else None
            elif stanza is not None and ": " in line:
                key, value = line.split(": ", 1)
                value = value.split(" ! ")[0] if key == "is_a" else value
                stanza.setdefault(key, []).append(value)
    if stanza:
        yield stanza


def _read_umls(path: Path) -> Iterator[Term]:
    """Give the English names of each concept; its rows stand together in MRCONSO.RRF."""
    kinds = _umls_kinds(path.with_name("MRSTY.RRF"))
    with path.open(encoding="utf-8") as handle:
        rows = (line.rstrip("\n").split("|") for line in handle)
        usable = (row for row in rows if len(row) >= 18 and row[1] == "ENG" and row[16] == "N")
        for concept, group in groupby(usable, key=lambda row: row[0]):
            kind = "disorder" if kinds is None else kinds.get(concept)
            if kind is None:
                continue
            names: list[str] = []
            for row in group:
                if _is_usable(row[14]):
                    is_preferred = row[2] == "P" and row[4] == "PF" and row[6] == "Y"
                    names.insert(0 if is_preferred else len(names), row[14])
            if names:
                yield names[0], kind, names[1:]


def _umls_kinds(path: Path) -> dict[str, FindingKind] | None:
    if not path.exists():
        return None
    kinds: dict[str, FindingKind] = {}
    with path.open(encoding="utf-8") as handle:
        for line in handle:
            concept, semantic_type = line.split("|", 2)[:2]
            if semantic_type in _UMLS_TYPES:
                kinds.setdefault(concept, _UMLS_TYPES[semantic_type])
    return kinds


def _read_snomed(path: Path) -> Iterator[Term]:
    """Give the active English names; the full name's tag, "(disorder)", gives the kind."""
    full: dict[str, tuple[str, FindingKind]] = {}
    for concept, name_type, name in _snomed_rows(path):
        stem, _, tag = name.rpartition(" (")
        if name_type == _SNOMED_FULL_NAME and tag.rstrip(")") in _SNOMED_TAGS:
            full[concept] = (stem, _SNOMED_TAGS[tag.rstrip(")")])
    for stem, kind in full.values():
        yield stem, kind, []
    for concept, name_type, name in _snomed_rows(path):
        if name_type != _SNOMED_FULL_NAME and concept in full and _is_usable(name):
            stem, kind = full[concept]
            yield stem, kind, [name]


def _snomed_rows(path: Path) -> Iterator[tuple[str, str, str]]:
    with path.open(encoding="utf-8-sig") as handle:
        next(handle)
        for line in handle:
            fields = line.rstrip("\n").split("\t")
            if len(fields) >= 9 and fields[2] == "1" and fields[5].startswith("en"):
                yield fields[4], fields[6], fields[7]


def _is_usable(name: str) -> bool:
    """Whether a name of a large vocabulary is worth entering: no code, no ordinary short word."""
    letters = sum(letter.isalpha() for letter in name)
    is_long = letters >= _MIN_LETTERS and len(name.split()) <= _MAX_WORDS
    return is_long or (letters >= 3 and name.isupper())

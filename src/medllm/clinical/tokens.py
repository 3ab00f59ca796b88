"""Words of a text with their offsets, and one form for all the spellings of a word."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from itertools import accumulate
from typing import NamedTuple

_TOKEN = re.compile(r"([^\W\d_]+(?:['’]t\b)?|\d+(?:[.,]\d+)*|['’]s\b|[^\w\s-])")
"""A word, a number, a possessive, or one mark. White space and hyphens only separate."""

_POSSESSIVE = frozenset({"'s", "’s"})
_IRREGULAR = {
    "metastases": "metastasis",
    "diagnoses": "diagnosis",
    "prognoses": "prognosis",
    "thromboses": "thrombosis",
    "stenoses": "stenosis",
    "anastomoses": "anastomosis",
    "prostheses": "prosthesis",
    "ecchymoses": "ecchymosis",
    "pareses": "paresis",
    "sepses": "sepsis",
    "psychoses": "psychosis",
    "neuroses": "neurosis",
    "analyses": "analysis",
    "synechiae": "synechia",
    "petechiae": "petechia",
    "bullae": "bulla",
    "striae": "stria",
    "vertebrae": "vertebra",
    "fistulae": "fistula",
    "papillae": "papilla",
    "scapulae": "scapula",
    "sequelae": "sequela",
    "telangiectasiae": "telangiectasia",
    "emboli": "embolus",
    "thrombi": "thrombus",
    "calculi": "calculus",
    "bronchi": "bronchus",
    "foci": "focus",
    "naevi": "naevus",
    "nevi": "nevus",
    "fungi": "fungus",
    "rhonchi": "rhonchus",
    "varices": "varix",
    "cortices": "cortex",
    "apices": "apex",
    "indices": "index",
    "phalanges": "phalanx",
    "pharynges": "pharynx",
    "meninges": "meninx",
    "diverticula": "diverticulum",
    "haematomata": "haematoma",
    "stigmata": "stigma",
    "ganglia": "ganglion",
    "ova": "ovum",
    "crises": "crisis",
    "testes": "testis",
    "ischaemic": "ischemic",
    "feet": "foot",
    "teeth": "tooth",
    "children": "child",
    "women": "woman",
    "men": "man",
    "disks": "disc",
    "disk": "disc",
    "neoplasms": "neoplasm",
    "effusions": "effusion",
}
_SPELLING = (
    ("ae", "e"),
    ("oe", "e"),
    ("leuc", "leuk"),
    ("sulph", "sulf"),
    ("our", "or"),
    ("yse", "yze"),
    ("centre", "center"),
    ("metre", "meter"),
    ("litre", "liter"),
    ("fibre", "fiber"),
    ("goitre", "goiter"),
    ("calibre", "caliber"),
    ("grey", "gray"),
    ("programme", "program"),
    ("lled", "led"),
    ("lling", "ling"),
    ("oxyda", "oxida"),
)
_MAX_LENGTH = 60
_ISE = re.compile(r"is(e|es|ed|ing|ation|ations)$")


class Tokens(NamedTuple):
    """Parallel lists: surface forms, one-form words (see `canonical`), and character offsets."""

    surface: list[str]
    words: list[str]
    starts: list[int]
    ends: list[int]


def split_words(text: str) -> list[str]:
    """Give the words, numbers and marks of `text` as written, without possessive "'s"."""
    return [part for part in _TOKEN.split(text)[1::2] if part not in _POSSESSIVE]


def tokenize(text: str, forms: Mapping[str, str] | None = None) -> Tokens:
    """Give the words, numbers and marks of `text`; possessive "'s" is left out.

    `forms` maps a word as written to its one form; `canonical` does where it is absent.
    """
    parts = _TOKEN.split(text)
    borders = list(accumulate(map(len, parts)))
    surface, starts, ends = parts[1::2], borders[0::2], borders[1::2]
    if not _POSSESSIVE.isdisjoint(surface):
        kept = [at for at, part in enumerate(surface) if part not in _POSSESSIVE]
        surface = [surface[at] for at in kept]
        starts = [starts[at] for at in kept]
        ends = [ends[at] for at in kept]
    lookup = _canonical_cached if forms is None else forms.__getitem__
    return Tokens(surface, list(map(lookup, surface)), starts[: len(surface)], ends)


def canonical(word: str) -> str:
    """Give one form for British and American, singular and plural: "Oedemas" -> "edema".

    The form need not be English ("diabetes" -> "diabete"); it only has to be the same for all
    the spellings of a word, because the lexicon's names go through it too.
    """
    lower = word.lower()
    if not 4 <= len(lower) <= _MAX_LENGTH or not lower.isalpha():
        return lower
    lower = _IRREGULAR.get(lower, lower)
    for british, american in _SPELLING:
        if british in lower and len(lower) > 4:
            lower = lower.replace(british, american)
    if len(lower) > 6:
        lower = _ISE.sub(r"iz\1", lower)
    return _singular(lower)


_canonical_cached = lru_cache(maxsize=1 << 16)(canonical)


def _singular(word: str) -> str:
    if not word.endswith("s") or word.endswith(("ss", "us", "is")):
        return word
    if word.endswith("ies") and len(word) > 5:
        return word[:-3] + "y"
    if word.endswith(("sses", "shes", "ches", "xes")):
        return word[:-2]
    return word[:-1]


def word_set(words: str) -> frozenset[str]:
    """Give the one forms of the words in a text, to compare `Tokens.words` with."""
    return frozenset(canonical(word) for word in words.split())

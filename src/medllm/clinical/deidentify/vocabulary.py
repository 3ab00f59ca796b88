"""The words that de-identification knows: names, places, eponyms, and words that name nobody."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

_LISTS_DIR = Path(__file__).parent / "lists"
_CLINICAL_DIR = Path(__file__).parents[1] / "lexicon"
_CLINICAL_WORDS_PATH = Path(__file__).parents[1] / "words.tsv"
_WORD = re.compile(r"[^\W\d_]{2,}")
_LAST_PART = re.compile(r"^.*[-'’‐]")
_CLINICAL_ENDING = re.compile(
    r"(?:itis|osis|oses|[a]?emia|[a]?emic|omas?|omata|ectomy|ectomies|otomy|ostomy|scop(?:y|ies|ic)"
    r"|graph(?:y|ic)|grams?|path(?:y|ic)|algia|uria|pno?ea|rrh?o?ea|log(?:y|ical|ist|ists)|plasty"
    r"|cillin|mycin|micin|azole|oxacin|cycline|pril|sartan|olol|statin|mab|nib|gliptin|gliflozin"
    r"|tide|prazole|caine|vir|tion|tions|ment|ments|ity|ities|ical|ically|ous|ously|lysis|plegia"
    r"|paresis|penia|cytosis|phyt(?:e|es|ic)|icians?|odontics?|thoracic|facial|iatrics?|vascular"
    r"|ologic|cytic|thorax|metry|metric|genesis|genic|tomies|[a-z]{5}ly)$"
)
"""Endings of clinical and abstract words; a name in the lists may have one and stays a name."""
_NAMES_ENDING_SO = frozenset(
    """trinity felicity verity charity unity serenity amity paloma roma tacoma sonoma oklahoma
    euphemia bohemia noemia kathmandu clement vashti""".split()
)
"""Names of people and places that end as clinical words do."""
_FUNCTION_WORDS = frozenset(
    """a an and as at be by can due for from has have he her his if in into is it its my no not of
    off on or our out over per she so such than that the their then there this to too under until up
    was we were with without within you your after before during between about all any both each
    more most other same some one two three four five""".split()
)


class Vocabulary(NamedTuple):
    """Word lists, all lower case."""

    given: frozenset[str]
    surnames: frozenset[str]
    ordinary: frozenset[str]
    clinical: frozenset[str]
    drugs: frozenset[str]
    eponyms: frozenset[str]
    eponym_heads: frozenset[str]
    cities: dict[str, tuple[tuple[str, ...], ...]]
    """First word -> the names of cities that begin with it, as words, the longest first."""
    regions: dict[str, tuple[tuple[str, ...], ...]]
    """The same of lands, states and provinces, which stay in a de-identified text."""

    def is_listed_name(self, word: str) -> bool:
        """Whether `word`, lower case, is a common given or family name."""
        return word in self.given or word in self.surnames

    def is_surname(self, word: str) -> bool:
        """Whether `word`, lower case, or what stands behind its hyphen is a common family name."""
        return word in self.surnames or _LAST_PART.sub("", word) in self.surnames

    def is_city(self, word: str) -> bool:
        """Whether `word`, lower case, is by itself the name of a listed city."""
        return (word,) in self.cities.get(word, ())

    def is_land(self, word: str) -> bool:
        """Whether `word`, lower case, is by itself the name of a land, a state or a province."""
        return (word,) in self.regions.get(word, ())

    def is_plain(self, word: str) -> bool:
        """Whether `word`, lower case, is an ordinary or a clinical word."""
        return word in self.ordinary or self.is_clinical(word)

    def is_clinical(self, word: str) -> bool:
        """Whether `word`, lower case, is clinical by the lexicon or by its ending."""
        if word in self.clinical or (word.endswith("s") and word[:-1] in self.clinical):
            return True
        if self.is_listed_name(word) or word in _NAMES_ENDING_SO:
            return False
        return len(word) > 5 and _CLINICAL_ENDING.search(word) is not None


@lru_cache(maxsize=1)
def vocabulary() -> Vocabulary:
    """Give the word lists that are shipped, read once."""
    given, surnames = _read("given_names"), _read("surnames")
    eponyms, ordinary = _read("eponyms"), _read("ordinary_words")
    return Vocabulary(
        given=given,
        surnames=surnames,
        ordinary=ordinary,
        clinical=_read_clinical() - ((given | surnames) - ordinary) - eponyms - _FUNCTION_WORDS,
        drugs=_words_of(_CLINICAL_DIR / "medications.tsv"),
        eponyms=eponyms,
        eponym_heads=_read("eponym_heads"),
        cities=_phrases(_read("cities")),
        regions=_phrases(_read("regions")),
    )


def fold(word: str) -> str:
    """Give a word in lower case and without accents: "José" and "Jose" are one name."""
    low = word.lower()
    if low.isascii():
        return low
    apart = unicodedata.normalize("NFD", low.replace("ø", "o").replace("ł", "l").replace("ı", "i"))
    return "".join(letter for letter in apart if not unicodedata.combining(letter))


def _read(name: str) -> frozenset[str]:
    lines = (_LISTS_DIR / f"{name}.tsv").read_text(encoding="utf-8").splitlines()
    return frozenset(fold(line) for line in lines if line and not line.startswith("#"))


def _read_clinical() -> frozenset[str]:
    """Give every word of the clinical lexicon and of the words that findings are made of."""
    words: set[str] = set()
    for path in (*sorted(_CLINICAL_DIR.glob("*.tsv")), _CLINICAL_WORDS_PATH):
        if path.stem == "allergy":  # trees and foods are family names and streets too
            continue
        words |= _words_of(path)
    return frozenset(words)


def _words_of(path: Path) -> frozenset[str]:
    lines = path.read_text(encoding="utf-8").splitlines()
    said = (line.lower() for line in lines if not line.startswith("#"))
    return frozenset(word for line in said for word in _WORD.findall(line))


def _phrases(names: frozenset[str]) -> dict[str, tuple[tuple[str, ...], ...]]:
    table: dict[str, list[tuple[str, ...]]] = {}
    for name in names:
        words = tuple(name.replace(".", "").replace("'s", "").split())
        table.setdefault(words[0], []).append(words)
    return {first: tuple(sorted(rows, key=len, reverse=True)) for first, rows in table.items()}

"""Why a document was found: what it shares with the query, in words that mean something."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from medllm.clinical.tokens import canonical
from medllm.clinical.words import ANATOMY, STRONG, WordClasses
from medllm.records import Finding, Hit
from medllm.retrieve import words
from medllm.retrieve.affirmed import Affirmed
from medllm.retrieve.query import blank, is_note, is_searched, says_something

_AT_MOST = 6
_LONG_NAME = 40
"""Characters: a finding that the note words at greater length goes by its usual name."""
_CLASSES = WordClasses()


class _Name(NamedTuple):
    """One way to call a finding."""

    name: str
    terms: frozenset[int]


class Reasons:
    """Names what documents share with one query, the weightiest first.

    A finding of the patient is named whole where a document has all its words. Of a note, other
    words are named only if they are clinical by themselves ("pons", not "ago" or "score"); of a
    few words searched for, all that say something.
    """

    def __init__(
        self, text: str, findings: Sequence[Finding], weights: Mapping[int, float]
    ) -> None:
        """`text` is what was searched for, `weights` its terms with tf x idf."""
        names = [name for finding in findings if _is_reason(finding) for name in _names(finding)]
        self._names = sorted(names, key=lambda name: -len(name.terms))
        self._is_note = is_note(text, findings)
        self._words: dict[int, str] = {}
        unmeasured = blank(text, (f for f in findings if f.kind == "vital"))
        for word in words.written_words(unmeasured):
            term = words.term_of(word)
            if (
                term is not None
                and says_something(word)
                and (not self._is_note or _is_clinical(word))
            ):
                self._words.setdefault(term, word.lower())
        known = self._words.keys() | {term for name in names for term in name.terms}
        heavy = [term for term, weight in weights.items() if weight > 0 and term in known]
        self._terms = sorted(heavy, key=lambda term: (-weights[term], self._words.get(term, "")))

    def of(self, hit: Hit) -> tuple[str, ...]:
        """Give at most six findings and words that the hit's title or passage affirms too."""
        text = f"{hit.document.title}\n{hit.passage.text}"
        affirmed = Affirmed(text)
        held = affirmed.terms if self._is_note else words.terms_of(text)
        whole = [name for name in self._names if affirmed.names(name.terms)]
        found: list[str] = []
        covered: set[int] = set()
        for term in self._terms:
            if term not in held or term in covered:
                continue
            named = next((name for name in whole if term in name.terms), None)
            if named is None and term in self._words:
                named = _Name(self._words[term], frozenset([term]))
            if named is not None:
                covered |= named.terms
                found.append(named.name)
        return tuple(found[:_AT_MOST])


def _is_reason(finding: Finding) -> bool:
    """Whether a finding says something about a document: any note names the vital signs."""
    is_pregnancy = finding.kind == "pregnancy" and finding.is_own
    return is_pregnancy or (is_searched(finding) and finding.kind != "vital")


def _names(finding: Finding) -> list[_Name]:
    """Give what the note calls a finding, then its usual name; of a value only the latter."""
    written = " ".join(finding.text.split())
    forms = [] if finding.kind == "result" or len(written) > _LONG_NAME else [written]
    forms.append(finding.normalised)
    named = [_Name(form, words.terms_of(form)) for form in forms]
    return [name for name in named if name.terms]


def _is_clinical(word: str) -> bool:
    return bool(_CLASSES[canonical(word)] & (ANATOMY | STRONG))

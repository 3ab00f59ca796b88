"""From a note and its findings to what is searched for."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from medllm.records import Finding
from medllm.retrieve import words

FINDING_BONUS = 0.5
"""Added to the weight of each word of the patient's own findings (docs/retrieval.md)."""
USUAL_NAME = 0.5
"""Weight of the words of a finding's usual name that the note lacks: "pruritus" for "itching"."""
_PREGNANCY = "pregnant pregnancy"
"""What a pregnant patient is searched for by too: "G2P1" finds little."""

_SEARCHED_KINDS = ("symptom", "disorder", "procedure", "medication")
_LONG = 64
"""Different words from which a text is a note, as is one that begins with an age."""
_BEGINS = 40
"""Characters: "64-year-old woman with ..." is a patient, "... in embryo and newborn" a question."""
_UNITS = frozenset(
    "mg mcg ug ml kg cm mm dl mmol umol nmol pmol mol meq ng pg fl iu min mmhg bpm hr hrs sec h "
    "day days week weeks month months year years old hour hours minute minutes".split()
)
_BOILERPLATE = frozenset(
    "history past previous previously examination examined result results showed revealed found "
    "noted reported presented presentation admission admitted hospital department service room "
    "patient patients case clinical physical normal rate signs symptoms brought since later "
    "continued nearly".split()
)
"""Words that every note has: in a small index their idf does not show it."""
_PASSED_OVER = _UNITS | _BOILERPLATE


def shape_query(text: str, findings: Iterable[Finding]) -> str:
    """Give the text without what it negates or says of somebody else.

    What is left out is blanked, so that offsets still hold. A finding that is named elsewhere as
    the patient's own stays there.
    """
    return blank(text, (f for f in findings if f.negated or f.experiencer != "patient"))


def note_terms(text: str, findings: Sequence[Finding]) -> dict[int, float]:
    """Give the terms of a note with their weights, before idf.

    In a whole note a term weighs the square root of its count, and more if it names one of the
    patient's own findings; numbers, units and measured values within the normal say little about
    which literature bears on the patient and are left out. In a question every word weighs alike.
    """
    shaped = shape_query(text, findings)
    if not is_note(shaped, findings):
        return dict.fromkeys(words.terms_of(shaped), 1.0)
    ordinary = (f for f in findings if f.kind in ("vital", "result") and not _is_abnormal(f))
    counts = words.count_terms(_content_words(blank(shaped, ordinary)))
    terms = {term: math.sqrt(count) for term, count in counts.items()}
    for finding in findings:
        if is_searched(finding):
            for term in words.terms_of(_content_words(finding.text)):
                terms[term] = terms.get(term, 0.0) + FINDING_BONUS
    for term, weight in _other_names(findings).items():
        terms.setdefault(term, weight)
    return terms


def _other_names(findings: Iterable[Finding]) -> dict[int, float]:
    """Give the terms of what literature may call the patient's findings."""
    terms: dict[int, float] = {}
    for finding in findings:
        if is_searched(finding) and finding.kind in ("symptom", "disorder"):
            names = words.count_terms(_content_words(finding.normalised))
            terms.update(dict.fromkeys(names, USUAL_NAME))
        elif finding.kind == "pregnancy" and finding.is_own:
            terms.update(dict.fromkeys(words.terms_of(_PREGNANCY), 1.0))
    return terms


def is_note(text: str, findings: Sequence[Finding]) -> bool:
    """Whether a text describes a patient: it is long, or begins with an age."""
    begins_with_age = any(f.kind == "age" and f.start < _BEGINS for f in findings)
    return begins_with_age or len(words.terms_of(text)) >= _LONG


def is_searched(finding: Finding) -> bool:
    """Whether a finding is searched for by name."""
    return finding.is_own and (finding.kind in _SEARCHED_KINDS or _is_abnormal(finding))


def says_something(word: str) -> bool:
    """Whether a word is no number, unit, single letter or boilerplate."""
    return len(word) > 1 and not word.isdigit() and word.lower() not in _PASSED_OVER


def _is_abnormal(finding: Finding) -> bool:
    return finding.kind in ("vital", "result") and finding.flag in ("low", "high")


def _content_words(text: str) -> str:
    return " ".join(filter(says_something, words.written_words(text)))


def blank(text: str, findings: Iterable[Finding]) -> str:
    """Give the text with spaces where the findings stand."""
    letters = list(text)
    for finding in findings:
        letters[finding.start : finding.end] = " " * (finding.end - finding.start)
    return "".join(letters)

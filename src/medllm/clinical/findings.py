"""What a patient description says: every finding, where it stands, and what it means there."""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import replace
from typing import NamedTuple

from medllm.clinical.context import Context, contexts
from medllm.clinical.demographics import (
    Demographics,
    demographic_findings,
    find_demographics,
)
from medllm.clinical.doses import find_dose
from medllm.clinical.grammar import Sentence, Term, find_terms
from medllm.clinical.lexicon import Concept, Lexicon, default_lexicon
from medllm.clinical.matching import Match, match_terms
from medllm.clinical.measurements import Measurement, find_measurements
from medllm.clinical.qualities import Quality, find_qualities
from medllm.clinical.sentences import split_sentences
from medllm.clinical.tokens import Tokens, tokenize
from medllm.clinical.values import Patient, find_values
from medllm.clinical.weight_change import add_weight_changes
from medllm.clinical.words import WordClasses
from medllm.records import Finding

_WORD_CLASSES = WordClasses()
_MAX_TOKENS = 400
"""A longer "sentence" is a list or a table without full stops: it is read in pieces."""

_BY_VALUE = ("result", "vital")
_WITH_QUALITY = ("result", "vital", "procedure")
"""Kinds whose names say nothing alone: "haemoglobin" is no finding, "haemoglobin 8 g/dL" is."""


def find_findings(text: str, *, lexicon: Lexicon | None = None) -> list[Finding]:
    """Give the findings of `text` in reading order; `text[f.start:f.end] == f.text` holds.

    `lexicon` takes the place of the shipped one.
    """
    lexicon = lexicon or default_lexicon()
    plain = text.replace("\\n", " \n")  # exports may hold a line break as two letters
    tokens = tokenize(plain, lexicon.forms)
    bits = list(map(_WORD_CLASSES.__getitem__, tokens.words))
    who = find_demographics(plain)
    note = Note(plain, tokens, bits, lexicon, who, find_measurements(plain, tokens), {})
    findings = demographic_findings(plain, who)
    for start, end in split_sentences(plain):
        first, last = bisect_left(tokens.starts, start), bisect_left(tokens.starts, end)
        for begin in range(first, last, _MAX_TOKENS):
            findings.extend(_read_sentence(note, begin, min(begin + _MAX_TOKENS, last)))
    findings.sort(key=lambda finding: (finding.start, finding.end))
    if plain != text:
        return [replace(found, text=text[found.start : found.end]) for found in findings]
    return findings


class Note(NamedTuple):
    """A text with all that its sentences need to be read."""

    text: str
    tokens: Tokens
    bits: list[int]
    lexicon: Lexicon
    who: Demographics
    measurements: list[Measurement]
    local: dict[str, Concept]
    """Abbreviations that the text has explained so far."""


def _read_sentence(note: Note, first: int, last: int) -> list[Finding]:
    """Give the findings among the tokens from `first` to `last`."""
    tokens, text = note.tokens, note.text
    matches = match_terms(tokens, note.lexicon, first, last, note.local)
    named = {match.first: match for match in matches}
    terms = find_terms(Sentence(tokens, note.bits, named, first, last))
    terms = add_weight_changes(tokens, terms, first, last)
    _learn_abbreviations(tokens, terms, note.local)
    values = _values(note, matches, first, last)
    qualities = _qualities(tokens, matches, terms, values, first, last)
    taken = {at for quality in qualities for at in range(quality.first, quality.last)}
    kept = [
        term
        for term, before in zip(terms, [None, *terms], strict=False)
        if term.first not in taken
        and not _is_repeated(tokens, term, before)
        and not any(value.start <= tokens.starts[term.first] < value.end for value in values)
    ]
    spans = sorted(
        [(term.first, term.last) for term in kept] + [(q.first, q.last) for q in qualities]
    )
    names = [(term.first, term.last) for term in kept]
    about = contexts(tokens, note.bits, spans, first, last, opaque=names)
    said = dict(zip(spans, about, strict=True))
    findings = values
    for term in kept:
        context = said[term.first, term.last]
        if _is_finding(term, context):
            findings.append(_finding(text, tokens, term, context))
    for quality in qualities:
        findings.append(_quality_finding(text, tokens, quality, said[quality.first, quality.last]))
    return findings


def _is_repeated(tokens: Tokens, term: Term, before: Term | None) -> bool:
    """Whether the term only abbreviates the one before: "magnetic resonance imaging (MRI)"."""
    return (
        before is not None
        and term.concept == before.concept
        and term.first == before.last + 1
        and tokens.surface[before.last] == "("
    )


def _qualities(
    tokens: Tokens,
    matches: list[Match],
    terms: list[Term],
    values: list[Finding],
    first: int,
    last: int,
) -> list[Quality]:
    """Give the results in words that no result with a number already covers."""
    names = [match for match in matches if match.concept.kind in _WITH_QUALITY]
    others = frozenset(
        at
        for term in terms
        if term.concept.kind not in _WITH_QUALITY
        for at in range(term.first, term.last)
    )
    return [
        quality
        for quality in find_qualities(tokens, names, others, first, last)
        if not any(
            tokens.starts[quality.first] < value.end and value.start < tokens.ends[quality.last - 1]
            for value in values
        )
    ]


def _values(note: Note, matches: list[Match], first: int, last: int) -> list[Finding]:
    """Give the results with a number in the sentence from `first` to `last`."""
    tokens = note.tokens
    low = bisect_left(note.measurements, first, key=lambda measured: measured.token)
    high = bisect_left(note.measurements, last, key=lambda measured: measured.token)
    if low == high:
        return []
    names = [match for match in matches if match.concept.kind in _BY_VALUE]
    return find_values(
        note.text,
        tokens,
        names,
        note.measurements[low:high],
        Patient(note.who.sex, note.who.age_years),
    )


def _is_finding(term: Term, context: Context) -> bool:
    """Whether the term says something here: a value's name alone does not, nor a mere food."""
    if term.concept.kind == "allergy":
        return context.is_allergy or "allergy" in term.concept.name
    return term.concept.kind not in _BY_VALUE


def _learn_abbreviations(tokens: Tokens, terms: list[Term], local: dict[str, Concept]) -> None:
    """Enter the abbreviations that the sentence explains: "pemphigus vulgaris (PV)"."""
    surface = tokens.surface
    for term in terms:
        at = term.last
        if at + 2 < len(surface) and surface[at] == "(" and surface[at + 2] == ")":
            short = surface[at + 1]
            if 2 <= len(short) <= 6 and short.isupper() and _abbreviates(short, surface, term):
                local[short] = term.concept


def _abbreviates(short: str, surface: list[str], term: Term) -> bool:
    """Whether the letters begin words of the term, in order, or at least run through it."""
    letters = iter("".join(surface[term.first : term.last]).lower())
    return short[0].lower() in {
        word[0].lower() for word in surface[term.first : term.last]
    } and all(letter in letters for letter in short.lower())


def _finding(text: str, tokens: Tokens, term: Term, context: Context) -> Finding:
    start, end = tokens.starts[term.first], tokens.ends[term.last - 1]
    site = ""
    if term.site is not None:
        site = text[tokens.starts[term.site[0]] : tokens.ends[term.site[1] - 1]]
    value: float | None = None
    unit = ""
    if term.concept.kind == "medication":
        dose = find_dose(text, end)
        if dose is not None:
            value, unit, end = dose
    is_allergy = context.is_allergy and term.concept.kind in ("medication", "allergy")
    return Finding(
        text=text[start:end],
        start=start,
        end=end,
        kind="allergy" if is_allergy else term.concept.kind,
        normalised=term.concept.name,
        negated=context.negated != term.negated,
        experiencer=context.experiencer,
        temporality=context.temporality,
        certainty=context.certainty,
        value=value,
        unit=unit,
        site=site,
        source=term.source,
    )


def _quality_finding(text: str, tokens: Tokens, quality: Quality, context: Context) -> Finding:
    """Give a result in words. "Negative" is what was found; denied is only "not elevated"."""
    start, end = tokens.starts[quality.first], tokens.ends[quality.last - 1]
    return Finding(
        text=text[start:end],
        start=start,
        end=end,
        kind="result",
        normalised=f"{quality.word} {quality.name}",
        negated=context.negated and quality.word != "normal",
        experiencer=context.experiencer,
        temporality=context.temporality,
        certainty=context.certainty,
        flag=quality.flag,
    )

"""A verdict for every sentence of a summary: does what it cites say it?

A quotation counts only letter for letter (white space and case aside), since an edit-distance
match takes "50 mg" for "5 mg", and only if it does not leave behind a negation, a reserve or
somebody else. A paraphrase counts as supported when one or two neighbouring sentences of what it
cites hold its words, all its numbers with their units and all that it names, with the same negation
and no opposite in their place; a sentence that joins several things counts when each of its clauses
does. That is a check of words, not of meaning: it finds what a source does not say, it cannot prove
that a source was understood.

    verify         the door: the verdict of a sentence over all that it cites
    quotation      letter for letter, and not cut out of a negation
    paraphrase     against the nearest sentences of a source
    clauses        of a sentence that joins several things
    polarity       negation and reserve, word by word; read by `negation`
    exchanged      numbers and names that have changed places
    opposites      opposites, words that must be held, the patient's sex
    names          diseases, drugs, organs, codes
    quantities     numbers with their units; read by `numerals`, `units`
    wording        words as one key for all forms and synonyms (`synonyms.tsv`)
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from medllm.ask.check.clauses import split_clauses
from medllm.ask.check.opposites import keys_of_sex
from medllm.ask.check.paraphrase import check_paraphrase
from medllm.ask.check.quantities import missing_numbers
from medllm.ask.check.quotation import check_quote
from medllm.ask.check.source import Check, Source
from medllm.ask.check.wording import content_keys, read_words
from medllm.ask.evidence import evidence_sentences
from medllm.records import Citation, Claim, Hit, Section, Verdict

HELD: tuple[Verdict, ...] = ("quoted", "supported")
"""The verdicts that say: its source says so."""
_ORDER: tuple[Verdict, ...] = (
    "quoted",
    "supported",
    "negation differs",
    "number not in source",
    "unsupported",
    "unknown source",
    "uncited",
)
"""Of several sources the one that supports the sentence best decides."""
_MAX_CLAUSES = 8
_MAX_WORDS = 200
"""A longer claim is no sentence, and comparing it would take as long as it likes."""


def verify(
    text: str, numbers: Sequence[int], evidence: Sequence[Hit], *, section: Section = "summary"
) -> Claim:
    """Give the sentence as a claim with its verdict; `numbers` are those it cites, from 1.

    Where the claim holds, a source that does not bear it keeps its number but loses its place.
    """
    numbers = list(dict.fromkeys(numbers))
    sources = {n: _source(evidence[n - 1]) for n in numbers if 1 <= n <= len(evidence)}
    checks = _check_all(text, sources)
    verdict, reason = _decide(numbers, sources, checks)
    citations = [
        Citation(number=n, start=start, end=end)
        for n in numbers
        for start, end in _shown_places(checks.get(n), verdict)
    ]
    return Claim(
        text=text, citations=tuple(citations), verdict=verdict, section=section, reason=reason
    )


def _source(hit: Hit) -> Source:
    known = content_keys(read_words(hit.document.title)) | keys_of_sex(hit.passage.text)
    return Source(hit, evidence_sentences([hit]), known)


def _check_all(text: str, sources: Mapping[int, Source]) -> dict[int, Check]:
    """Check the sentence against each source, then, where none bears it whole, clause by clause."""
    checks = {n: _check(text, source) for n, source in sources.items()}
    is_settled = any(check.verdict in HELD or check.is_final for check in checks.values())
    return checks if is_settled else _check_clauses(text, sources) or checks


def _decide(
    numbers: Sequence[int], sources: Mapping[int, Source], checks: Mapping[int, Check]
) -> tuple[Verdict, str]:
    """Give the verdict of a sentence, and the reason where it does not hold."""
    if not numbers:
        return "uncited", "it names no source"
    for n in numbers:
        if n not in sources:
            return "unknown source", f"there is no source {n}"
    best = min(checks.values(), key=lambda check: _ORDER.index(check.verdict))
    return best.verdict, best.reason


def _shown_places(check: Check | None, verdict: Verdict) -> tuple[tuple[int, int], ...]:
    is_beside = check is not None and verdict in HELD and check.verdict not in HELD
    return ((0, 0),) if check is None or is_beside or not check.places else check.places


def _check(text: str, source: Source) -> Check:
    """Check a whole sentence against one source."""
    if len(text.split()) > _MAX_WORDS:
        too_long = Check("unsupported", "it is too long to be checked", (), is_final=True)
        return check_quote(text, source) or too_long
    if not any(word.key.startswith("#") for word in read_words(text)):
        return _check_wordless(text, source)
    return check_quote(text, source) or check_paraphrase(text, source)


def _check_wordless(text: str, source: Source) -> Check:
    """Check what has no word that says something: a line that holds only a number, all of it."""
    alike = [s for s in source.sentences if s.text.lower().split() == text.lower().split()]
    if alike and any(letter.isalnum() for letter in text):
        return Check("quoted", "", ((alike[0].start, alike[0].end),))
    return Check("unsupported", "it says nothing that can be checked", ())


def _check_clauses(text: str, sources: Mapping[int, Source]) -> dict[int, Check]:
    """Check each clause against each source; give the places where all are borne, or nothing.

    A source that bears no clause is absent. Numbers have to stand there as often as in the text.
    """
    clauses = split_clauses(text)
    if not 2 <= len(clauses) <= _MAX_CLAUSES:
        return {}
    places: dict[int, list[tuple[int, int]]] = {}
    for clause in clauses:
        tried = ((n, _check(clause, source)) for n, source in sources.items())
        held = next(((n, check) for n, check in tried if check.verdict in HELD), None)
        if held is None:
            return {}
        places.setdefault(held[0], []).extend(held[1].places)
    checks = {n: Check("supported", "", tuple(sorted(set(found)))) for n, found in places.items()}
    said = " ".join(
        sources[n].hit.document.text[start:end]
        for n, check in checks.items()
        for start, end in check.places
    )
    return {} if missing_numbers(text, said) else checks

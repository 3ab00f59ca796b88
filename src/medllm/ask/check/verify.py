"""A verdict for every sentence of a summary: does what it cites say it?

A quotation counts only letter for letter (white space and case aside), since an edit-distance
match takes "50 mg" for "5 mg", and only if it does not leave behind a negation, a reserve or
somebody else. A paraphrase counts as supported when one or two neighbouring sentences of what it
cites hold its words, all its numbers with their units and all that it names, with the same negation
and no opposite in their place; a sentence that joins several things counts when each of its clauses
does. That is a check of words, not of meaning: it finds what a source does not say, it cannot prove
that a source was understood.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from medllm.ask.check.exchanged import exchanged_name, exchanged_number
from medllm.ask.check.names import unheld_name
from medllm.ask.check.opposites import keys_of_sex, opposite_in, sex_differs, unheld_word
from medllm.ask.check.polarity import loses_reserve, negation_differs
from medllm.ask.check.quantities import missing_numbers
from medllm.ask.check.quotation import Check, Source, check_quote
from medllm.ask.check.wording import content_keys, read_words
from medllm.ask.evidence import Sentence, evidence_sentences
from medllm.clinical.findings import find_findings
from medllm.records import Citation, Claim, Finding, Hit, Section, Verdict

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
_MIN_SHARED = 0.65
"""The least share of a paraphrase's words that its source must hold."""
_MAX_WINDOWS = 8
"""Windows of a source that are looked at closely: those that hold most of the words."""
_MAX_CLAUSES = 8
_CLAUSE = re.compile(
    r";|,(?!\d)|\b(?:and|but|while|whereas|although|though|which|who|then|thereafter|followed by|"
    r"after which|led to|with|when|had|underwent|received|developed|taking)\b"
    r"|(?=\b(?:without|after|before|because)\b)",
    re.IGNORECASE,
)
_JOINT_AT_END = re.compile(rf"(?:{_CLAUSE.pattern})$", re.IGNORECASE)
_MAX_WORDS = 200
"""A longer claim is no sentence, and comparing it would take as long as it likes."""


def verify(
    text: str, numbers: Sequence[int], evidence: Sequence[Hit], *, section: Section = "summary"
) -> Claim:
    """Give the sentence as a claim with its verdict; `numbers` are those it cites, from 1.

    Where the claim holds, a source that does not bear it keeps its number but loses its place.
    """
    numbers = list(dict.fromkeys(numbers))
    if not numbers:
        return Claim(
            text=text, citations=(), verdict="uncited", section=section, reason="it names no source"
        )
    sources = {n: _source(evidence[n - 1]) for n in numbers if 1 <= n <= len(evidence)}
    checks = {n: _check(text, source) for n, source in sources.items()}
    best = min(checks.values(), key=lambda check: _ORDER.index(check.verdict), default=None)
    is_open = best and best.verdict not in HELD and not any(c.is_final for c in checks.values())
    if is_open and (joined := _check_clauses(text, sources)):
        checks, best = joined, next(iter(joined.values()))
    verdict, reason = (best.verdict, best.reason) if best else ("unsupported", "")
    unknown = next((n for n in numbers if n not in sources), None)
    if unknown is not None:
        verdict, reason = "unknown source", f"there is no source {unknown}"
    citations = [
        Citation(number=n, start=start, end=end)
        for n in numbers
        for start, end in _shown_places(checks.get(n), verdict)
    ]
    return Claim(
        text=text, citations=tuple(citations), verdict=verdict, section=section, reason=reason
    )


def _shown_places(check: Check | None, verdict: Verdict) -> tuple[tuple[int, int], ...]:
    is_beside = check is not None and verdict in HELD and check.verdict not in HELD
    return ((0, 0),) if check is None or is_beside or not check.places else check.places


def _source(hit: Hit) -> Source:
    known = content_keys(read_words(hit.document.title)) | keys_of_sex(hit.passage.text)
    return Source(hit, evidence_sentences([hit]), known)


def _check(text: str, source: Source) -> Check:
    """Check a whole sentence against one source."""
    if len(text.split()) > _MAX_WORDS:
        too_long = Check("unsupported", "it is too long to be checked", (), is_final=True)
        return check_quote(text, source) or too_long
    if not any(word.key.startswith("#") for word in read_words(text)):
        return _check_wordless(text, source)
    return check_quote(text, source) or _check_paraphrase(text, source)


def _check_wordless(text: str, source: Source) -> Check:
    """Check what has no word that says something: a line that holds only a number, all of it."""
    alike = [s for s in source.sentences if s.text.lower().split() == text.lower().split()]
    if alike and any(letter.isalnum() for letter in text):
        return Check("quoted", "", ((alike[0].start, alike[0].end),))
    return Check("unsupported", "it says nothing that can be checked", ())


class _Window(NamedTuple):
    """One or two neighbouring sentences of a source, measured against a text."""

    share: float
    """Of the text's words that they hold, or that need not stand in a sentence."""
    share_alone: float
    """Of the text's words that they hold themselves."""
    n_shared: int
    """Words of any kind that they share with the text."""
    n_keys: int
    """Words of the text."""
    sentences: Sequence[Sentence]


class _Result(NamedTuple):
    """A window with what came of it, and how much it is about the text."""

    check: Check
    weight: tuple[float, int]


def _check_paraphrase(text: str, source: Source) -> Check:
    """Check the text against the sentences of a source, then against neighbouring pairs.

    A sentence that contradicts the text outweighs one that supports it if it is nearer to it.
    """
    nearest = Check("unsupported", "its source holds none of its words", ())
    for size in (1, 2):
        results = [_check_window(text, window, source) for window in _windows(text, source, size)]
        supporting = [result for result in results if result.check.verdict == "supported"]
        opposing = [result for result in results if result.check.is_final]
        for_it = max(supporting, key=lambda result: result.weight, default=None)
        against = max(opposing, key=lambda result: result.weight, default=None)
        if for_it and (against is None or for_it.weight >= against.weight):
            return for_it.check
        if against:
            return against.check
        if results and not nearest.places:
            nearest = results[0].check
    return nearest


def _windows(text: str, source: Source, size: int) -> list[_Window]:
    """Give the runs of `size` sentences nearest to the text, the nearest first."""
    keys, every = content_keys(read_words(text)), {word.key for word in read_words(text)}
    found: list[_Window] = []
    for at in range(len(source.sentences) - size + 1) if keys else ():
        sentences = source.sentences[at : at + size]
        words = [word for sentence in sentences for word in read_words(sentence.text)]
        held = content_keys(words)
        share, alone = (len(keys & x) / len(keys) for x in (held | source.known_keys, held))
        if share:
            n_shared = len(every & {word.key for word in words})
            found.append(_Window(share, alone, n_shared, len(keys), sentences))
    nearest = sorted(found, key=lambda w: (w.share, w.n_shared), reverse=True)[:_MAX_WINDOWS]
    others = sorted(found, key=lambda w: (w.share_alone, w.n_shared), reverse=True)
    return nearest + [window for window in others[:_MAX_WINDOWS] if window not in nearest]


def _check_window(text: str, window: _Window, source: Source) -> _Result:
    """Check the text against a run of sentences."""
    first, last = window.sentences[0], window.sentences[-1]
    place = ((first.start, last.end),)
    said = " ".join(sentence.text for sentence in window.sentences)
    missing = missing_numbers(text, said)
    fault = _contradiction(text, said, source)
    # A pair brings other things too; an opposite stands for the word that it is the opposite of.
    share = window.share_alone + (fault.replaced / window.n_keys if fault else 0)
    weight = share, window.n_shared
    is_final = share >= _MIN_SHARED and first is last and fault is not None
    if missing:
        reason = f"its source does not hold {', '.join(missing)}"
        return _Result(Check("number not in source", reason, place, is_final), weight)
    if fault:
        return _Result(Check(fault.verdict, fault.reason, place, is_final), weight)
    fault = _missing(text, said, source, window.share)
    if fault:
        return _Result(Check(fault.verdict, fault.reason, place), weight)
    return _Result(Check("supported", "", place), weight)


def _missing(text: str, said: str, source: Source, share: float) -> _Fault | None:
    """Say what of the text the source does not hold, if anything."""
    held = content_keys(read_words(said)) | source.known_keys
    if word := unheld_word(text, f"{source.hit.document.title}. {said}"):
        return _Fault("unsupported", f"its source does not say {word}")
    if name := unheld_name(text, held, said):
        return _Fault("unsupported", f"its source does not speak of {name}")
    if share < _MIN_SHARED:
        return _Fault("unsupported", "its source holds too few of its words")
    return None


class _Fault(NamedTuple):
    """How a source contradicts a text."""

    verdict: Verdict
    reason: str
    replaced: int = 0
    """Words of the text in whose place the source has others."""


def _contradiction(text: str, said: str, source: Source) -> _Fault | None:
    """Say how the source contradicts the text, if it does."""
    if negation_differs(text, said):
        return _Fault("negation differs", "it and its source differ in what is negated")
    if number := exchanged_number(text, said):
        reason = f"its source has another number in place of {number}"
        return _Fault("number not in source", reason)
    if opposite := opposite_in(text, said):
        return _Fault("unsupported", f"its source says the opposite of {opposite}", 1)
    if name := exchanged_name(text, said):
        return _Fault("unsupported", f"its source has another name in place of {name}")
    if sex_differs(text, said, source.hit.passage.text):
        return _Fault("unsupported", "its source is about the other sex")
    if loses_reserve(text, said):
        return _Fault("unsupported", "its source says it with reserve")
    if _is_of_others(text, said):
        return _Fault("unsupported", "its source says it of somebody else")
    return None


def _is_of_others(text: str, said: str) -> bool:
    """Whether the source knows a finding of the text only in somebody else than the patient."""

    def own(findings: list[Finding]) -> set[str]:
        return {f.normalised for f in findings if f.experiencer == "patient"}

    theirs = find_findings(said)
    return bool(own(find_findings(text)) & ({f.normalised for f in theirs} - own(theirs)))


def _check_clauses(text: str, sources: dict[int, Source]) -> dict[int, Check] | None:
    """Check each clause against each source; give the places where all of them are borne, or None.

    A source that bears no clause is absent. Numbers have to stand there as often as in the text.
    """
    clauses = _clauses(text)
    if not 2 <= len(clauses) <= _MAX_CLAUSES:
        return None
    places: dict[int, list[tuple[int, int]]] = {}
    for clause in clauses:
        tried = ((n, _check(clause, source)) for n, source in sources.items())
        held = next(((n, check) for n, check in tried if check.verdict in HELD), None)
        if held is None:
            return None
        places.setdefault(held[0], []).extend(held[1].places)
    checks = {n: Check("supported", "", tuple(sorted(set(found)))) for n, found in places.items()}
    said = " ".join(
        sources[n].hit.document.text[start:end]
        for n, check in checks.items()
        for start, end in check.places
    )
    return None if missing_numbers(text, said) else checks


def _clauses(text: str) -> list[str]:
    """Cut a sentence into clauses that each say something; "for 14 days" stays with its verb."""
    borders = [0, *(match.end() for match in _CLAUSE.finditer(text)), len(text)]
    clauses: list[str] = []
    for start, end in zip(borders, borders[1:], strict=False):
        piece = text[start:end]
        if clauses and not (_says_something(piece) and _says_something(clauses[-1])):
            clauses[-1] += piece
        else:
            clauses.append(piece)
    return [_without_joints(clause) for clause in clauses]


def _says_something(text: str) -> bool:
    return bool(content_keys(read_words(text)))


def _without_joints(clause: str) -> str:
    """Take the marks and the "and" off the ends of a clause."""
    clause = clause.strip(" \t\n,;.")
    while match := _JOINT_AT_END.search(clause):
        if match.start() == match.end():
            break
        clause = clause[: match.start()].rstrip(" \t\n,;.")
    return clause

"""Findings that no list holds: a head noun with what describes it and where it is.

"talus fracture", "nodular ulcerative lesions", "lesion of the talus", "swollen popliteal fossa",
"tympanomastoiditis". The classes of words are in `words.tsv`.
"""

from __future__ import annotations

from typing import NamedTuple

from medllm.clinical.lexicon import Concept
from medllm.clinical.matching import Match
from medllm.clinical.tokens import Tokens, word_set
from medllm.clinical.words import (
    ADJECTIVE,
    ANATOMY,
    DESCRIPTOR,
    LATERALITY,
    QUALITY,
    SEVERITY,
    STRONG,
    WEAK,
)

_ENTITY_KINDS = ("symptom", "disorder")
_MODIFIER = ANATOMY | DESCRIPTOR | LATERALITY
_HEAD = STRONG | WEAK
_DETERMINERS = word_set("the a an his her both their its this that")
_PLACES = word_set("in on over around behind at along above below near across under")
_LOCATED = word_set(
    """pain tenderness swelling tinnitus numbness weakness paresthesia edema rash itching pruritus
    burning discomfort adhesion tingling ache stiffness cramp soreness redness erythema
    sensation spasm"""
)
_BLOCKERS = word_set(
    """clinic unit center department specialist registry scale score screening screen test marker
    antigen antibody titer gene guideline study research ward team repair prophylaxis
    chemoprophylaxis prevention antibiotic
    vaccine vaccination society questionnaire inventory protocol resection excision removal
    surgeon surgery specialty free colored color service biopsy monitor monitoring hospital
    nurse physician board patient risk like"""
)
_FUNCTION_WORDS = word_set(
    """and or but with without was were is are had has have of in on at to for from by as that
    which who during after before since due than then not no be been being did does this these
    those into over under while when where if also only there he she it they we his her their
    showed revealed suggesting consistent causing associated measuring following secondary
    extending involving demonstrating confirming appeared developed region"""
)
_ASKED = word_set("no any or nor without")
"""Behind these even a weak head is meant as a finding: "no mass", "aneurysm or dissection"."""

_COPULA = word_set("was is were are appeared became seemed looked remained")
_SYMPTOM_HEADS = word_set(
    """ache attack bleeding blister bruise cramp deficit discharge discomfort disturbance edema
    eruption erythema fever impairment itching lump numbness pain palsy papule paralysis paresis
    petechia plaque purpura pustule rash redness seizure soreness spasm stiffness swelling
    tenderness tingling vesicle weakness mass thickening loss enlargement limitation fullness
    sensation retention incontinence rigidity distention distension"""
)
_STANDS_ALONE = word_set(
    """fever pain rash edema seizure weakness numbness tingling bleeding itching tenderness
    paresis paralysis ulcer purpura cramp discomfort stiffness swelling ache"""
)
"""Heads that complete no finding before them: in "cough fever" a comma is missing."""

_UNSAID = word_set("the his her a an its their both non")


class Term(NamedTuple):
    """Tokens `first` to `last` (not included) are a finding; `site` are tokens of its place."""

    first: int
    last: int
    concept: Concept
    site: tuple[int, int] | None
    source: str
    negated: bool = False


class Sentence(NamedTuple):
    """The tokens from `first` to `last` (not included), their classes and the names in them."""

    tokens: Tokens
    bits: list[int]
    matches: dict[int, Match]
    first: int
    last: int


def find_terms(sentence: Sentence) -> list[Term]:
    """Give lexicon matches and head nouns of a sentence, each grown to its whole phrase."""
    terms: list[Term] = []
    bits, matches = sentence.bits, sentence.matches
    at = sentence.first
    while at < sentence.last:
        match = matches.get(at)
        term: Term | None = None
        if match is not None and match.concept.kind not in _ENTITY_KINDS:
            term = Term(match.first, match.last, match.concept, None, "lexicon", match.negated)
            terms.append(term)
        elif match is not None and _is_modifier(sentence, match):
            match = None  # "acute febrile dermatosis"
        elif match is not None and match.last == at + 1 and bits[at] & QUALITY:
            term = _quality(sentence, at)
            if term is not None:
                terms.append(term)
            else:
                term = _grow(sentence, match, terms, source="lexicon")
        elif match is not None:
            term = _grow(sentence, match, terms, source="lexicon")
        elif bits[at] & _HEAD:
            word = sentence.tokens.words[at]
            concept = Concept(word, "symptom" if word in _SYMPTOM_HEADS else "disorder")
            term = _grow(sentence, Match(at, at + 1, concept), terms, source="rules")
        elif bits[at] & QUALITY:
            term = _quality(sentence, at)
            if term is not None:
                terms.append(term)
        at = max(term.last if term else 0, match.last if match else 0, at + 1)
    return terms


def _grow(sentence: Sentence, core: Match, terms: list[Term], *, source: str) -> Term | None:
    """Append the core with its modifiers to `terms` and give it; `None` where it is nothing."""
    words, bits = sentence.tokens.words, sentence.bits
    floor = terms[-1].last if terms else sentence.first
    start = _grow_left(sentence, core.first, floor)
    end = core.last
    while end < sentence.last and bits[end] & _HEAD and end not in sentence.matches:
        end += 1
    if end < sentence.last and words[end] in _BLOCKERS:
        return None
    if core.first > sentence.first and words[core.first - 1] == "anti":
        return None
    end = _grow_right(sentence, end)
    is_single = core.last - core.first == 1
    is_bare = start == core.first and end == core.last
    if is_single and is_bare and bits[core.first] & WEAK and not _joins(sentence, core, terms):
        before = words[core.first - 1] if core.first > sentence.first else ""
        if before not in _ASKED:
            return None
    concept = core.concept
    if _joins(sentence, core, terms) and start == core.first:
        start = terms.pop().first
        is_bare = False
    if is_single and bits[core.first] & _HEAD and not is_bare:
        concept = Concept(_name(sentence, start, end), concept.kind)
    site = _site(sentence, start, end, core)
    term = Term(start, end, concept, site, source, core.negated)
    terms.append(term)
    return term


def _is_modifier(sentence: Sentence, match: Match) -> bool:
    """Whether an adjective that names a finding describes another here: "febrile dermatosis"."""
    following = match.last
    return (
        match.last - match.first == 1
        and bool(sentence.bits[match.first] & DESCRIPTOR)
        and following < sentence.last
        and bool(sentence.bits[following] & (DESCRIPTOR | _HEAD | ANATOMY))
    )


def _joins(sentence: Sentence, core: Match, terms: list[Term]) -> bool:
    """Whether the core only completes the finding before it: "tumour mass"."""
    if not terms or terms[-1].last != core.first or not sentence.bits[core.first] & _HEAD:
        return False
    if sentence.tokens.words[core.first] in _STANDS_ALONE:
        return False
    before = sentence.bits[core.first - 1]
    return terms[-1].concept.kind in _ENTITY_KINDS and not before & (QUALITY | SEVERITY | ADJECTIVE)


def _grow_left(sentence: Sentence, start: int, floor: int) -> int:
    """Give where the describing words before a core begin: "normochromic, normocytic" too."""
    words, bits = sentence.tokens.words, sentence.bits
    while start > floor:
        if bits[start - 1] & _MODIFIER and not bits[start - 1] & SEVERITY:
            start -= 1
        elif (
            words[start - 1] == ","
            and start - 2 >= floor
            and bits[start - 2] & DESCRIPTOR
            and bits[start] & DESCRIPTOR
        ):
            start -= 2
        elif words[start - 1] == "non" and bits[start] & DESCRIPTOR:
            start -= 1
        else:
            break
    return start


def _grow_right(sentence: Sentence, end: int) -> int:
    """Give the end with "of the talus" or, after a pain, "in the right ear"."""
    words = sentence.tokens.words
    if end >= sentence.last:
        return end
    is_place = words[end] in _PLACES and words[end - 1] in _LOCATED
    if words[end] != "of" and not is_place:
        return end
    place = _anatomy_end(sentence, end + 1)
    while place and place + 1 < sentence.last and words[place] in ("and", "of"):
        further = _anatomy_end(sentence, place + 1)
        if not further or (further < sentence.last and words[further] in _COPULA):
            break
        place = further
    return place or end


def _anatomy_end(sentence: Sentence, at: int) -> int:
    """Give the end of a body part that begins at `at`, 0 where none does."""
    words, bits = sentence.tokens.words, sentence.bits
    while at < sentence.last and words[at] in _DETERMINERS:
        at += 1
    end = 0
    while (
        at < sentence.last
        and bits[at] & (_MODIFIER | SEVERITY)
        and not bits[at] & _HEAD
        and at not in sentence.matches
    ):
        at += 1
        if bits[at - 1] & ANATOMY:
            end = at
    if end and end == at and bits[end - 1] & ADJECTIVE:
        if end >= sentence.last or end in sentence.matches or bits[end] & _HEAD:
            return end
        if words[end].isalpha() and words[end] not in _FUNCTION_WORDS:
            return end + 1  # "of the uterine cavum": the noun that the adjective needs
    return end


def _quality(sentence: Sentence, at: int) -> Term | None:
    """Give "swollen popliteal fossa" or "left ovary was atrophied"."""
    words, bits = sentence.tokens.words, sentence.bits
    end = _anatomy_end(sentence, at + 1)
    if end and words[at + 1] not in _DETERMINERS:
        name = _name(sentence, at, end)
        return Term(at, end, Concept(name, "symptom"), (at + 1, end), "rules")
    back = at - 1
    if back > sentence.first and words[back].endswith("ly"):
        back -= 1
    if back <= sentence.first or words[back] not in _COPULA or not bits[back - 1] & ANATOMY:
        return None
    start = back - 1
    while start > sentence.first and bits[start - 1] & (ANATOMY | LATERALITY):
        start -= 1
    name = f"{sentence.tokens.surface[at].lower()} {_name(sentence, start, back)}"
    return Term(start, at + 1, Concept(name, "symptom"), (start, back), "rules")


def _name(sentence: Sentence, start: int, end: int) -> str:
    """Give the words in lower case, without sides and articles."""
    return " ".join(
        sentence.tokens.surface[i].lower()
        for i in range(start, end)
        if not sentence.bits[i] & LATERALITY and sentence.tokens.words[i] not in _UNSAID
    )


def _site(sentence: Sentence, start: int, end: int, core: Match) -> tuple[int, int] | None:
    where = [
        i
        for i in range(start, end)
        if sentence.bits[i] & (ANATOMY | LATERALITY) and not core.first <= i < core.last
    ]
    return (where[0], where[-1] + 1) if where else None

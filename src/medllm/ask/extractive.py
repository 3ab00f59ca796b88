"""A summary without a language model: the sentences that bear most on the patient, each cited.

Sentences are taken one by one. Each is worth the weights of the patient's terms in it and of the
terms that the retrieved passages have in common; a term that was covered counts less the next time,
so that the same thing is not said twice (a greedy cover of a submodular function, after Lin and
Bilmes, ACL 2011). Every sentence stands letter for letter in its source.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace

from medllm.ask.evidence import Sentence, evidence_sentences
from medllm.ask.sections import CUES, SECTIONS, section_of, share_out
from medllm.records import Citation, Claim, Hit, Section
from medllm.retrieve import words
from medllm.retrieve.affirmed import affirmed
from medllm.retrieve.relevance import Relevance

_COVERED = 0.5
"""What is left of a term's weight each time a chosen sentence has it."""
_LENGTH_POWER = 0.3
"""Worth is divided by words to this power: 0 takes the longest sentences, 1 the densest."""
_COMMON_WEIGHT = 1.5
"""Weight of terms that the evidence has in common against the query's own."""
_PRIOR_POWER = 4.0
"""Worth is multiplied by the relative score of the source to this power."""
_SAME = 0.8
"""Two sentences that share this much of the shorter one's terms say the same thing."""
"""The constants above were chosen on 900 BioASQ questions, see docs/retrieval.md."""
_WORDS = range(4, 101)
_FIGURE = re.compile(r"\(?\b(?:figs?\.|figures?|tables?)\s*\d", re.IGNORECASE)
_POINTS_TO_FIGURE = re.compile(
    r"\b(?:detailed|shown|listed|summari[sz]ed|presented|described|given|provided|depicted"
    r"|illustrated|displayed|reported) in (?:the )?(?:figs?\b|figures?|tables?)",
    re.IGNORECASE,
)
_LEANS_BACK = re.compile(
    r"(?:he|she|it|they|this|these|those|his|her|their|its|however|therefore|thus|moreover|"
    r"also|then|both|such|subsequently|in addition|furthermore|and|following which|"
    r"all (?:of )?these)\b",
    re.IGNORECASE,
)
_LEANING = 0.8
"""A sentence that opens with a pronoun or a link needs its neighbours to be understood."""
_METHODS = re.compile(
    r"(?:methods?|background|objectives?|aims?|purpose|introduction|design|setting|patients and "
    r"methods|materials and methods)\s*:|we (?:aimed|sought|investigated|linked|recruited|searched)"
    r"|(?:the|our) (?:aim|purpose|objective)",
    re.IGNORECASE,
)
_GENERAL = re.compile(
    r"\b(?:studies (?:have|suggest|show)|guidelines?|literature|(?:is|are) recommended"
    r"|should (?:be|not)|we (?:suggest|recommend|propose|conclude)"
    r"|(?:reference|normal) ranges? for)\b",
    re.IGNORECASE,
)
"""What a report says beyond its patient: it tells nothing of how the patient came and fared."""
_METHODS_WEIGHT = 0.5
"""What an article did or wanted to do is worth less than what it found."""
_LEAST = 0.25
"""What is worth less than this share of the best sentence says nothing about the patient."""
_LEAST_TOLD = 0.1
"""The same of what plainly tells how a similar patient came, was treated and fared."""
_FROM_ONE = 3
"""Sentences of one article, and sentences of one patient in a section: so many at most."""


def write_extractive(
    evidence: Sequence[Hit],
    weights: Mapping[int, float],
    *,
    n_sentences: int,
    relevance: Relevance | None = None,
) -> list[Claim]:
    """Give at most `n_sentences` claims, grouped by section, from the evidence.

    `weights` are the query's terms with tf x idf, the patient's own findings weighing more. With a
    `relevance` that goes by findings only what a sentence affirms counts, and an article is quoted
    only where it names one of them.
    """
    sentences = [sentence for sentence in evidence_sentences(evidence) if _is_usable(sentence)]
    by_findings = relevance if relevance is not None and relevance.is_by_findings else None
    if by_findings is not None:
        sentences = [_affirming(sentence) for sentence in sentences]
    kinds = [hit.document.kind for hit in evidence]
    value = term_values(sentences, weights)
    of_patients = [
        sentence
        for sentence in sentences
        if kinds[sentence.number - 1] == "patients" and not _GENERAL.search(sentence.text)
    ]
    of_articles = [s for s in sentences if kinds[s.number - 1] == "articles"]
    quotas = share_out(n_sentences, bool(of_patients), bool(of_articles))
    best = max((_worth(sentence, value, {}) for sentence in sentences), default=0.0)
    chosen: list[Sentence] = []
    claims: list[Claim] = []
    parts: dict[Section, list[Sentence]] = {section: [] for section in SECTIONS}
    for sentence in of_patients:
        parts[section_of(sentence, evidence)].append(sentence)
    for section in SECTIONS:
        picked = _pick_told(parts[section], section, value, quotas[section], chosen, best=best)
        claims += _claims(picked, section)
    least = 0.0
    if by_findings is not None:
        of_articles = [s for s in of_articles if by_findings.share(s.text)]
        least = _LEAST * max((_worth(sentence, value, {}) for sentence in of_articles), default=0.0)
    picked = pick(of_articles, value, quotas["articles"], chosen, least=lambda _: least)
    claims += _claims(picked, "articles")
    return claims or _from_any_section(sentences, evidence, value, n_sentences)


def _pick_told(
    fitting: Sequence[Sentence],
    section: Section,
    value: Mapping[int, float],
    n: int,
    chosen: list[Sentence],
    *,
    best: float,
) -> list[Sentence]:
    """Give up to `n` sentences that tell a part of a case, without what says too little.

    How another patient was treated and fared shares few words with a note that cannot know it yet;
    an outcome is told by its words rather than by standing at the end.
    """
    cues = CUES[section]
    told = [sentence for sentence in fitting if cues.search(sentence.text)]
    if section == "outcome" and told:
        fitting = told

    def least(sentence: Sentence) -> float:
        is_told = section != "work-up" and sentence in told
        return best * (_LEAST_TOLD if is_told else _LEAST)

    return pick(fitting, value, n, chosen, least=least)


def _from_any_section(
    sentences: Sequence[Sentence], evidence: Sequence[Hit], value: Mapping[int, float], n: int
) -> list[Claim]:
    """Give the best sentences where a short summary has no share for the only section told."""
    sections: dict[Section, list[Sentence]] = {section: [] for section in (*SECTIONS, "articles")}
    for sentence in pick(sentences, value, n, []):
        is_of_patient = evidence[sentence.number - 1].document.kind == "patients"
        sections[section_of(sentence, evidence) if is_of_patient else "articles"].append(sentence)
    return [claim for section, found in sections.items() for claim in _claims(found, section)]


def term_values(sentences: Sequence[Sentence], weights: Mapping[int, float]) -> dict[int, float]:
    """Give what each term is worth: its weight in the query, plus how common it is in the evidence.

    Common is counted in documents, not sentences, and only terms that two documents share count.
    """
    top = max(weights.values(), default=1.0) or 1.0
    value = {term: weight / top for term, weight in weights.items()}
    held = Counter(term for group in _by_document(sentences) for term in group)
    n_documents = len({sentence.number for sentence in sentences})
    for term, n in held.items():
        if n > 1:
            value[term] = value.get(term, 0.0) + _COMMON_WEIGHT * n / n_documents
    return value


def pick(
    sentences: Iterable[Sentence],
    value: Mapping[int, float],
    n: int,
    chosen: list[Sentence],
    *,
    least: Callable[[Sentence], float] = lambda _: 0.0,
    max_words: int | None = None,
) -> list[Sentence]:
    """Give up to `n` sentences, best first by what they add to `chosen`, which they are added to.

    What adds no more than `least` says is left out, with `max_words` also what does not fit.
    """
    left = list(sentences)
    covered = Counter(term for sentence in chosen for term in sentence.terms)
    picked: list[Sentence] = []
    while left and len(picked) < n:
        best = max(left, key=lambda s: (_worth(s, value, covered), -s.number, -s.start))
        left.remove(best)
        if _worth(best, value, covered) <= least(best):
            continue
        n_words = len(best.text.split())
        is_too_long = max_words is not None and n_words > max_words
        n_from_it = sum(other.number == best.number for other in picked)
        if is_too_long or n_from_it >= _FROM_ONE or any(_is_same(best, s) for s in chosen):
            continue
        if max_words is not None:
            max_words -= n_words
        picked.append(best)
        chosen.append(best)
        covered.update(best.terms)
    return picked


def _worth(sentence: Sentence, value: Mapping[int, float], covered: Mapping[int, int]) -> float:
    gain = sum(value.get(term, 0.0) * _COVERED ** covered.get(term, 0) for term in sentence.terms)
    length = len(sentence.text.split())
    leaning = _LEANING if _LEANS_BACK.match(sentence.text) else 1.0
    methods = _METHODS_WEIGHT if _METHODS.match(sentence.text) else 1.0
    prior = math.pow(sentence.prior, _PRIOR_POWER)
    return gain * leaning * methods * prior / math.pow(length, _LENGTH_POWER)


def _is_same(one: Sentence, other: Sentence) -> bool:
    shared = len(one.terms & other.terms)
    return shared >= _SAME * max(1, min(len(one.terms), len(other.terms)))


def _is_usable(sentence: Sentence) -> bool:
    """Whether the sentence can stand alone: of sensible length, and not about a figure."""
    text = sentence.text
    is_of_figure = _FIGURE.match(text) or _POINTS_TO_FIGURE.search(text)
    return len(text.split()) in _WORDS and not is_of_figure and bool(sentence.terms)


def _affirming(sentence: Sentence) -> Sentence:
    """Give the sentence with the terms of what it affirms."""
    return replace(sentence, terms=words.terms_of(affirmed(sentence.text)))


def _by_document(sentences: Iterable[Sentence]) -> list[set[int]]:
    groups: dict[int, set[int]] = {}
    for sentence in sentences:
        groups.setdefault(sentence.number, set()).update(sentence.terms)
    return list(groups.values())


def _claims(sentences: Iterable[Sentence], section: Section) -> list[Claim]:
    """Give the sentences as claims, in the order of the sources and of what stands in them."""
    return [
        Claim(
            text=sentence.text,
            citations=(Citation(number=sentence.number, start=sentence.start, end=sentence.end),),
            verdict="quoted",
            section=section,
        )
        for sentence in sorted(sentences, key=lambda s: (s.number, s.start))
    ]

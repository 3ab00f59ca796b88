"""Documents that were found, as text and for a program."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from medllm.cli.terminal import bold, faint, flat, mark_words, shorten, warning, width, wrap
from medllm.clinical.sentences import split_sentences
from medllm.records import Document, DocumentKind, Finding, Hit
from medllm.retrieve import words

_TITLE_CHARACTERS = 110
_INDENT = " " * 5
_SHARED = 6
_NAMES: dict[DocumentKind, str] = {"patients": "SIMILAR PATIENTS", "articles": "ARTICLES"}


def hits_facts(hits: Sequence[Hit]) -> list[dict[str, Any]]:
    """Give hits for a program."""
    return [
        {
            "rank": hit.rank,
            "id": hit.document.id,
            "score": hit.score,
            "title": hit.document.title,
            "year": hit.document.year,
            "sex": hit.document.sex,
            "age_years": hit.document.age_years,
            "source": hit.document.source,
            "url": hit.document.url,
            "licence": hit.document.licence,
            "retracted": hit.document.retracted,
            "passage": {
                "start": hit.passage.start,
                "end": hit.passage.end,
                "text": hit.passage.text,
            },
            "why": list(hit.why),
        }
        for hit in hits
    ]


def show_hits(
    kind: DocumentKind,
    hits: Sequence[Hit],
    *,
    findings: Sequence[Finding] = (),
    with_text: bool = False,
    at_most: int | None = None,
) -> str:
    """List hits of a kind: rank, title, where from, what they share with the query.

    `with_text` adds the sentence of the best passage that shares most.
    """
    if not hits:
        return f"{bold(_NAMES[kind])}\n  none found"
    shown = hits[:at_most]
    lines = [bold(_NAMES[kind]), *(_hit(hit, findings, with_text) for hit in shown)]
    if len(hits) > len(shown):
        lines.append(faint(f"{_INDENT}and {len(hits) - len(shown)} more: --top {len(hits)}"))
    return "\n".join(lines)


def title_of(document: Document) -> str:
    """Give the title, or the first words where there is none."""
    mark = "RETRACTED: " if document.retracted else ""
    return mark + (flat(document.title) or shorten(document.text, _TITLE_CHARACTERS))


def age_in_words(years: float) -> str:
    """Give an age as it is said: years, under two years months, under two months days."""
    for number, unit in ((years, "year"), (years * 12, "month")):
        if number >= 2:
            return f"{int(number)} {unit}s"
    days = round(years * 365.25)
    return f"{days} day{'' if days == 1 else 's'}"


def about(document: Document) -> list[str]:
    """Give what else is known of a document: person, year, source, licence, id."""
    person = ""
    if document.age_years is not None or document.sex:
        age = age_in_words(document.age_years) if document.age_years is not None else ""
        person = " ".join(part for part in (document.sex or "", age) if part)
    year = str(document.year) if document.year else ""
    facts = (person, year, document.source, document.licence, document.id)
    return [flat(fact) for fact in facts if fact]


def shared(hit: Hit, findings: Sequence[Finding]) -> list[str]:
    """Give what a hit shares with the query: whole findings where it has all their words.

    The rest are the query's words, the weightiest first, without what says nothing by itself.
    """
    held = words.count_terms(f"{hit.document.title}\n{hit.passage.text}").keys()
    forms = [
        (form, words.count_terms(form).keys())
        for finding in findings
        if finding.is_own
        for form in (flat(finding.text), finding.normalised)
    ]
    whole = [(form, terms) for form, terms in forms if terms <= held]
    names: list[str] = []
    covered: set[int] = set()
    for word in hit.why:
        term = words.term_of(word)
        if term is None or term in covered:
            continue
        name, terms = next((pair for pair in whole if term in pair[1]), (word, {term}))
        covered |= terms
        if len(name) > 2:
            names.append(name)
    return names[:_SHARED]


def _hit(hit: Hit, findings: Sequence[Finding], with_text: bool) -> str:
    title = wrap(title_of(hit.document), indent=_INDENT, first=f"{hit.rank:>3}. ")
    lines = [warning(title) if hit.document.retracted else title]
    lines.append(faint(wrap(" · ".join(about(hit.document)), indent=_INDENT)))
    if names := shared(hit, findings):
        lines.append(wrap("shares: " + ", ".join(names), indent=_INDENT))
    if with_text:
        lines.append(mark_words(wrap(f"“{_best_sentence(hit)}”", indent=_INDENT), hit.why))
    return "\n".join(lines)


def _best_sentence(hit: Hit) -> str:
    """Give the passage's sentence that shares most of the query's words, cut to two lines."""
    passage = hit.passage.text
    spans = split_sentences(passage) or [(0, len(passage))]
    wanted = {words.term_of(word) for word in hit.why}

    def n_shared(span: tuple[int, int]) -> int:
        return len(wanted & words.count_terms(passage[span[0] : span[1]]).keys())

    start, end = max(spans, key=n_shared)
    return shorten(passage[start:end], 2 * (width() - len(_INDENT)) - 10)

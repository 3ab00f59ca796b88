"""Documents that were found, as text and for a program."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from medllm.ask.labels import age_in_words, headline
from medllm.cli.terminal import bold, faint, flat, mark_words, shorten, warning, width, wrap
from medllm.clinical.sentences import split_sentences
from medllm.records import Document, DocumentKind, Hit
from medllm.retrieve import words

_INDENT = " " * 5
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
    with_text: bool = False,
    at_most: int | None = None,
) -> str:
    """List hits of a kind: rank, title, where from, what they share with the query.

    `with_text` adds the sentence of the best passage that shares most.
    """
    if not hits:
        return f"{bold(_NAMES[kind])}\n  none found"
    shown = hits[:at_most]
    lines = [bold(_NAMES[kind]), *(_hit(hit, with_text) for hit in shown)]
    if len(hits) > len(shown):
        lines.append(faint(f"{_INDENT}and {len(hits) - len(shown)} more: --top {len(hits)}"))
    return "\n".join(lines)


def title_of(document: Document) -> str:
    """Give the title, or the first words where there is none."""
    mark = "RETRACTED: " if document.retracted else ""
    return mark + flat(headline(document))


def about(document: Document) -> list[str]:
    """Give what else is known of a document: person, year, source, licence, id."""
    person = ""
    if document.age_years is not None or document.sex:
        age = age_in_words(document.age_years) if document.age_years is not None else ""
        person = " ".join(part for part in (document.sex or "", age) if part)
    year = str(document.year) if document.year else ""
    facts = (person, year, document.source, document.licence, document.id)
    return [flat(fact) for fact in facts if fact]


def _hit(hit: Hit, with_text: bool) -> str:
    title = wrap(title_of(hit.document), indent=_INDENT, first=f"{hit.rank:>3}. ")
    lines = [warning(title) if hit.document.retracted else title]
    lines.append(faint(wrap(" · ".join(about(hit.document)), indent=_INDENT)))
    if hit.why:
        lines.append(wrap("shares: " + ", ".join(hit.why), indent=_INDENT))
    if with_text:
        lines.append(mark_words(wrap(f"“{_best_sentence(hit)}”", indent=_INDENT), hit.why))
    return "\n".join(lines)


def _best_sentence(hit: Hit) -> str:
    """Give the passage's sentence that shares most of the query's words, cut to two lines."""
    passage = hit.passage.text
    spans = split_sentences(passage) or [(0, len(passage))]
    wanted = words.terms_of(" ".join(hit.why))

    def n_shared(span: tuple[int, int]) -> int:
        return len(wanted & words.terms_of(passage[span[0] : span[1]]))

    start, end = max(spans, key=n_shared)
    return shorten(passage[start:end], 2 * (width() - len(_INDENT)) - 10)

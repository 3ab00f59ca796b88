"""The sources on the page: each passage that citations count, with its cited sentences marked."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from medllm.ask.labels import headline
from medllm.ask.page.literature import about, retraction
from medllm.ask.page.markup import (
    Attribute,
    Child,
    Html,
    Span,
    element,
    hidden,
    join,
    marked,
    outside_link,
)
from medllm.records import Answer, Citation, Hit


def sentence_anchor(citation: Citation, hit: Hit) -> str:
    """Name the anchor of a cited sentence, or "" where the page cannot show the sentence."""
    start, end = _in_passage(citation, hit)
    if start < end or _is_elsewhere(citation, hit):
        return f"sentence-{citation.number}-{citation.start}-{citation.end}"
    return ""


def _in_passage(citation: Citation, hit: Hit) -> tuple[int, int]:
    """Turn offsets in the document into offsets in the passage, clipped to it; empty if outside."""
    if not 0 <= citation.start < citation.end:
        return 0, 0
    start = max(citation.start - hit.passage.start, 0)
    return start, max(start, min(citation.end - hit.passage.start, len(hit.passage.text)))


def _is_elsewhere(citation: Citation, hit: Hit) -> bool:
    """Whether the sentence lies in the document, but wholly outside the passage."""
    start, end = _in_passage(citation, hit)
    return start >= end and 0 <= citation.start < citation.end <= len(hit.document.text)


def sources_section(answer: Answer) -> Html:
    """Show what citations count: each source's passage, whole, with the cited sentences marked.

    Without JavaScript it stands below the summary and is reached by anchors; with it, the same
    section opens beside the text.
    """
    citing: defaultdict[int, dict[Citation, list[int]]] = defaultdict(lambda: defaultdict(list))
    for position, claim in enumerate(answer.summary.claims, start=1):
        for citation in dict.fromkeys(claim.citations):
            citing[citation.number][citation].append(position)
    items = [_source(n, hit, citing[n]) for n, hit in enumerate(answer.evidence, start=1)]
    nothing = element("p", "No passages were used.", class_="none")
    close = element("button", "Close", hidden(" sources"), type="button", id="close", hidden=True)
    head = element("div", element("h2", "Sources", id="sources-heading"), close, class_="bar")
    body = element("div", _keys() if items else None, *(items or [nothing]), class_="sources")
    section = element("section", head, body, id="sources", aria_labelledby="sources-heading")
    return element("div", section, id="sources-place")


def _keys() -> Html:
    box = element("input", type="checkbox", id="keys", checked=True)
    words = " Keys 1 to 9 open a source, Escape closes"
    return element("p", element("label", box, words), class_="keys", hidden=True)


def _source(number: int, hit: Hit, citing: dict[Citation, list[int]]) -> Html:
    document = hit.document
    label = element("span", f"[{number}]", class_="rank")
    heading = element("h3", hidden("Source "), label, " ", element("bdi", headline(document)))
    link = outside_link(document.url)
    return element(
        "article",
        element("div", heading, tabindex=-1, id=f"source-{number}-heading"),
        retraction(document),
        about(document, kind="Published patient" if document.kind == "patients" else "Article"),
        _passage(hit, list(citing)),
        _elsewhere(hit, list(citing)),
        _cited_by(citing),
        element("p", link, class_="links") if link else None,
        id=f"source-{number}",
        aria_labelledby=f"source-{number}-heading",
    )


def _passage(hit: Hit, citations: Sequence[Citation]) -> Html:
    """Show the whole passage with every cited sentence marked."""
    spans = [Span(*_in_passage(c, hit), sentence_anchor(c, hit)) for c in citations]
    return element("p", marked(hit.passage.text, spans, _cited), class_="passage", dir="auto")


def _cited(_: tuple[int, ...]) -> dict[str, Attribute]:
    return {"class": "cited", "tabindex": -1}


def _elsewhere(hit: Hit, citations: Sequence[Citation]) -> Html | None:
    """Show the cited sentences of this document that lie wholly outside the passage."""
    outside: list[Child] = []
    for citation in citations:
        if _is_elsewhere(citation, hit):
            sentence = hit.document.text[citation.start : citation.end]
            span = Span(0, len(sentence), sentence_anchor(citation, hit))
            words = marked(sentence, [span], _cited)
            outside.append(element("p", words, class_="passage", dir="auto"))
    hint = element("p", "Also cited, from elsewhere in the same document:", class_="hint")
    return join([hint, *outside]) if outside else None


def _cited_by(citing: dict[Citation, list[int]]) -> Html:
    positions = sorted({position for claims in citing.values() for position in claims})
    links: list[Child] = [
        element("a", f"sentence {position}", href=f"#claim-{position}", class_="back")
        for position in positions
    ]
    if not links:
        return element("p", "Not cited in the summary.", class_="cited-by")
    return element("p", "Cited in the summary by ", join(links, ", "), class_="cited-by")

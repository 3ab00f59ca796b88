"""The literature on the page: a card for each similar patient and article that was found."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from medllm.ask.labels import age_in_words, headline
from medllm.ask.page.markup import Child, Html, element, hidden, join, outside_link
from medllm.records import Answer, Document, Hit

RETRACTED = "RETRACTED"
SEPARATOR = "\u00a0· "


def hits_section(name: str, heading: str, hint: str, answer: Answer, hits: Sequence[Hit]) -> Html:
    """Show hits as numbered cards under a heading; says so in words where there are none."""
    title = element("h2", heading, id=f"{name}-heading")
    if not hits:
        body = [element("p", "None were found in the index.", class_="none")]
    else:
        numbers = _evidence_numbers(answer.evidence)
        cards = [_card(name, hit, numbers.get(_key(hit.document), ())) for hit in hits]
        body = [
            element("p", hint, class_="hint"),
            element("ol", *cards, role="list", class_="cards"),
        ]
    return element("section", title, *body, id=name, aria_labelledby=f"{name}-heading")


def _key(document: Document) -> tuple[str, str]:
    return (document.kind, document.id)


def _evidence_numbers(evidence: Sequence[Hit]) -> dict[tuple[str, str], list[int]]:
    numbers: defaultdict[tuple[str, str], list[int]] = defaultdict(list)
    for number, hit in enumerate(evidence, start=1):
        numbers[_key(hit.document)].append(number)
    return numbers


def _card(name: str, hit: Hit, numbers: Sequence[int]) -> Html:
    document = hit.document
    rank = element("span", hidden("Rank "), str(hit.rank), class_="rank")
    heading = element("h3", rank, " ", element("bdi", headline(document)))
    links: list[Child] = [source_link(number) for number in numbers]
    shown = join(["In the sources as ", join(links, ", ")]) if numbers else None
    lines = [shown, outside_link(document.url)]
    return element(
        "li",
        heading,
        retraction(document),
        about(document),
        _why(hit),
        element("p", join([line for line in lines if line], SEPARATOR), class_="links"),
        None if numbers else _passage_in_card(hit),
        class_="card",
        id=f"{name}-{hit.rank}",
    )


def _passage_in_card(hit: Hit) -> Html:
    words = element("summary", "Passage found", hidden(f" in number {hit.rank}"))
    return element("details", words, element("p", hit.passage.text, class_="passage", dir="auto"))


def source_link(number: int, anchor: str = "", *, again: bool = False) -> Html:
    """Link to source `number`, or to the sentence `anchor` in it, as "[3]".

    `again` tells a listener that this is another sentence of a source that was just named.
    """
    words: list[Child] = [
        "[",
        hidden("source "),
        str(number),
        hidden(", another sentence") if again else "",
        "]",
    ]
    target = f"#{anchor or f'source-{number}'}"
    return element("a", *words, class_="cite", href=target, data_source=number)


def retraction(document: Document) -> Html | None:
    """Say in words that a document was retracted; nothing for others."""
    if not document.retracted:
        return None
    words = ": this publication has been withdrawn"
    return element("p", element("strong", RETRACTED), words, class_="retracted")


def about(document: Document, *, kind: str = "") -> Html:
    """Give one line: `kind`, sex, age, year, journal or collection, publication types, licence."""
    types = [name for name in document.publication_types if name.lower() != "journal article"]
    age = "" if document.age_years is None else age_in_words(document.age_years)
    person = ", ".join(part for part in (_sex(document), age) if part)
    year = str(document.year) if document.year is not None else "year not known"
    licence = f"licence: {document.licence}" if document.licence else "licence not known"
    parts = [kind, person, year, document.source, *types, licence]
    bdi = [element("bdi", part) for part in parts if part]
    return element("p", join(bdi, SEPARATOR), class_="about")


def _sex(document: Document) -> str:
    return {"F": "female", "M": "male"}.get(document.sex or "", "")


def _why(hit: Hit) -> Html | None:
    if not hit.why:
        return None
    words = join([element("bdi", word) for word in hit.why], ", ")
    return element("p", "Shares with the note: ", words, class_="why")

"""PubMed citations: `PubmedArticleSet` files of the baseline, the daily updates and efetch.

Source: the DTD at dtd.nlm.nih.gov/ncbi/pubmed, and the descriptions of its elements at
nlm.nih.gov/bsd/licensee/elements_descriptions.html.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from xml.etree.ElementTree import Element

from medllm.data.reading import BadInputError, Located, Place, Reading, clean
from medllm.data.xml_stream import read_elements
from medllm.records import Document, DocumentKind

ROOT = "PubmedArticleSet"
_CITATIONS = {"PubmedArticle": "MedlineCitation", "PubmedBookArticle": "BookDocument"}
_RETRACTED_BY = ("RetractionIn", "RetractedandRepublishedIn")
_SPACE = re.compile(r"[ \t\r\n]+")
_YEAR = re.compile(r"(?<![0-9])[12][0-9]{3}(?![0-9])")
_EXPONENT = re.compile(r"[-+\u2212\u2013]?[0-9]+")


def read_pubmed_xml(path: Path, kind: DocumentKind | None, reading: Reading) -> Iterator[Located]:
    """Give the citations of a file; where there is no abstract, the title is the text.

    `DeleteCitation` is not acted on: it speaks of citations in other files.
    """
    number = 0
    elements = read_elements(path, ROOT, _CITATIONS)
    try:
        for number, element in enumerate(elements, start=1):  # noqa: B007
            place = Place(path, record=number)
            try:
                document = _to_document(element, kind or "articles", reading)
            except BadInputError as exc:
                reading.leave_out(place, str(exc))
            else:
                yield Located(place, document)
    except BadInputError as exc:
        reading.leave_out(Place(path, record=number + 1 if number else None), str(exc))


def _to_document(element: Element, kind: DocumentKind, reading: Reading) -> Document:
    citation = element.find(_CITATIONS[element.tag])
    pmid = _flat(citation.find("PMID")) if citation is not None else ""
    if citation is None or not pmid:
        raise BadInputError("has no PMID")
    article = citation.find("Article") if element.tag == "PubmedArticle" else citation
    if article is None:
        raise BadInputError("has no Article")
    title = _flat(article.find("ArticleTitle")) or _flat(article.find("VernacularTitle"))
    title = title or _flat(article.find("Book/BookTitle"))
    abstract = _abstract(article.find("Abstract"))
    if not abstract and not title:
        raise BadInputError("has neither a title nor an abstract")
    reading.title_only += not abstract
    types = _texts(article, "PublicationTypeList/PublicationType", "PublicationType")
    return Document(
        id=pmid,
        kind=kind,
        text=abstract or title,
        title=title,
        year=_year(article),
        source=_flat(article.find("Journal/Title")) or _flat(article.find("Book/BookTitle")),
        url=f"https://pubmed.ncbi.nlm.nih.gov/{pmid}/" if pmid.isdecimal() else "",
        mesh=_texts(citation, "MeshHeadingList/MeshHeading/DescriptorName"),
        publication_types=types,
        retracted=_is_retracted(citation, types),
    )


def _texts(element: Element, *paths: str) -> tuple[str, ...]:
    texts = (_flat(found) for path in paths for found in element.iterfind(path))
    return tuple(text for text in texts if text)


def _is_retracted(citation: Element, types: tuple[str, ...]) -> bool:
    notices = citation.iterfind("CommentsCorrectionsList/CommentsCorrections")
    is_marked = any(notice.get("RefType") in _RETRACTED_BY for notice in notices)
    return is_marked or "Retracted Publication" in types


def _year(article: Element) -> int | None:
    """Give the year of the issue, else the first of a range such as "1998 Dec-1999 Jan"."""
    dates = ("Journal/JournalIssue/PubDate", "Book/PubDate")
    paths = [f"{date}/{part}" for date in dates for part in ("Year", "MedlineDate")]
    for path in (*paths, "ArticleDate/Year"):
        if found := _YEAR.search(_flat(article.find(path))):
            return int(found.group())
    return None


def _abstract(abstract: Element | None) -> str:
    """Give the sections on lines of their own, each behind its label."""
    if abstract is None:
        return ""
    sections = []
    for part in abstract.iterfind("AbstractText"):
        label = part.get("Label", "").strip()
        text = _flat(part)
        is_labelled = label and label.upper() != "UNLABELLED"
        sections.append(f"{clean(label)}: {text}" if is_labelled and text else text)
    return "\n".join(section for section in sections if section)


def _flat(element: Element | None) -> str:
    """Give an element's text without its markup, on one line, with exponents as "10^9"."""
    if element is None:
        return ""
    pieces: list[str] = []
    _collect(element, pieces)
    return _SPACE.sub(" ", clean("".join(pieces))).strip()


def _collect(element: Element, pieces: list[str]) -> None:
    """Collect the text in order. "10<sup>9</sup>/L" must not become "109/L"."""
    text = element.text or ""
    before = next((piece[-1] for piece in reversed(pieces) if piece), "")
    if element.tag == "sup" and before.isdigit() and _EXPONENT.fullmatch(text.strip()):
        pieces.append("^")
    pieces.append(text)
    for child in element:
        _collect(child, pieces)
        pieces.append(child.tail or "")

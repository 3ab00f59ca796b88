from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import pytest

from medllm.errors import DataError


def citation(pmid: str, inner: str = "<ArticleTitle>Invented</ArticleTitle>") -> str:
    return (
        f"<PubmedArticle><MedlineCitation><PMID>{pmid}</PMID>"
        f"<Article>{inner}</Article></MedlineCitation></PubmedArticle>"
    )


def write(
    tmp_path: Path, *citations: str, start: str = "", end: str = "</PubmedArticleSet>"
) -> Path:
    file = tmp_path / "pubmed.xml"
    file.write_text(f"{start}<PubmedArticleSet>{''.join(citations)}{end}", encoding="utf-8")
    return file


def test_a_citation_gives_title_sections_year_journal_and_mesh(read: Any, fixtures: Path) -> None:
    first = read(fixtures / "pubmed.xml").documents[0]
    assert first.id == "90000101"
    assert first.kind == "articles"
    title = "Platelets below 20\xa0×\xa010^9/L and Helicobacter pylori: an invented trial."
    assert first.title == title
    assert first.text == (
        "BACKGROUND: Counts under 20 x 10^9/L are rare; CO2 was not measured.\n"
        "Ca2+ < 2.1 mmol/L in four adults."
    )
    assert first.year == 2021
    assert first.source == "Journal of invented haematology"
    assert first.url == "https://pubmed.ncbi.nlm.nih.gov/90000101/"
    assert first.mesh == ("Adult", "Purpura, Thrombocytopenic")
    assert first.publication_types == ("Journal Article", "Randomized Controlled Trial")
    assert first.retracted is False


def test_both_marks_of_a_retraction_are_read(read: Any, fixtures: Path) -> None:
    documents = read(fixtures / "pubmed.xml").documents
    assert [document.retracted for document in documents] == [False, True, True, False]


def test_the_notice_of_a_retraction_is_not_itself_retracted(read: Any, tmp_path: Path) -> None:
    notice = citation(
        "7",
        "<ArticleTitle>Retraction notice</ArticleTitle><PublicationTypeList>"
        "<PublicationType>Retraction of Publication</PublicationType></PublicationTypeList>",
    ).replace(
        "</MedlineCitation>",
        '<CommentsCorrectionsList><CommentsCorrections RefType="RetractionOf"/>'
        "</CommentsCorrectionsList></MedlineCitation>",
    )
    assert read(write(tmp_path, notice)).documents[0].retracted is False


def test_the_year_is_found_in_words_and_in_the_electronic_date(read: Any, fixtures: Path) -> None:
    documents = read(fixtures / "pubmed.xml").documents
    assert [document.year for document in documents] == [2021, 1998, 2015, 2023]


def test_a_citation_without_an_abstract_has_its_title_as_text(read: Any, fixtures: Path) -> None:
    result = read(fixtures / "pubmed.xml")
    letter = result.documents[1]
    assert letter.text == letter.title == "[A letter without an abstract]."
    assert (result.reading.taken, result.reading.title_only, result.reading.left_out) == (4, 1, 0)


def test_a_book_chapter_is_read(read: Any, fixtures: Path) -> None:
    chapter = read(fixtures / "pubmed.xml").documents[3]
    assert (chapter.id, chapter.title) == ("90000104", "Hyperkalaemia")
    assert (chapter.source, chapter.publication_types) == ("Invented Reference", ("Review",))


@pytest.mark.parametrize(
    ("markup", "text"),
    [
        ("10<sup>9</sup>/L", "10^9/L"),
        ("10<sup>-3</sup> mol", "10^-3 mol"),
        ("1.5 &#215; 10<b><sup>6</sup></b>", "1.5 × 10^6"),
        ("kg/m<sup>2</sup>", "kg/m2"),
        ("<sup>18</sup>F-FDG", "18F-FDG"),
        ("p53<sup>a</sup>", "p53a"),
        ("<b><i>a</i> b</b> c", "a b c"),
        ("a &lt; b &amp; c", "a < b & c"),
    ],
)
def test_inline_markup_becomes_text_that_means_the_same(
    read: Any, tmp_path: Path, markup: str, text: str
) -> None:
    inner = f"<ArticleTitle>{markup}</ArticleTitle>"
    assert read(write(tmp_path, citation("1", inner))).documents[0].title == text


def test_citations_without_id_or_text_are_named_by_number(read: Any, tmp_path: Path) -> None:
    broken = "<PubmedArticle><MedlineCitation><PMID>5</PMID></MedlineCitation></PubmedArticle>"
    file = write(tmp_path, citation("1"), citation(""), citation("3", ""), broken, citation("9"))
    result = read(file)
    assert result.ids == ["1", "9"]
    assert result.reasons == [
        (2, "has no PMID"),
        (3, "has neither a title nor an abstract"),
        (4, "has no Article"),
    ]


def test_xml_that_breaks_off_keeps_what_came_before(read: Any, tmp_path: Path) -> None:
    file = write(tmp_path, citation("1"), citation("2"), citation("3")[:60], end="")
    result = read(file)
    assert result.ids == ["1", "2"]
    assert result.reading.left_out == 1
    (number, reason) = result.reasons[0]
    assert number == 3
    assert reason.startswith("is not well-formed XML: ")
    assert reason.endswith("nothing after it was read")


def test_a_zipped_file_that_is_cut_off_keeps_what_came_before(read: Any, tmp_path: Path) -> None:
    text = "".join(citation(str(n), f"<ArticleTitle>{n * n}</ArticleTitle>") for n in range(20_000))
    zipped = gzip.compress(f"<PubmedArticleSet>{text}</PubmedArticleSet>".encode())
    file = tmp_path / "pubmed.xml.gz"
    file.write_bytes(zipped[: len(zipped) // 2])
    result = read(file)
    assert result.ids == [str(n) for n in range(result.reading.taken)]
    assert 5_000 < result.reading.taken < 15_000
    assert result.reading.left_out == 1


LAUGHS = (
    '<!DOCTYPE PubmedArticleSet [<!ENTITY a "secret ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;">'
    '<!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;&b;">]>'
)
OUTSIDE = '<!DOCTYPE PubmedArticleSet [<!ENTITY x SYSTEM "file:///etc/hostname">]>'
PARAMETER = '<!DOCTYPE PubmedArticleSet [<!ENTITY % x SYSTEM "http://127.0.0.1:9/x"> %x;]>'


@pytest.mark.parametrize("start", [LAUGHS, OUTSIDE, PARAMETER])
@pytest.mark.parametrize("format", [None, "pubmed-xml"])
def test_a_file_that_defines_entities_is_refused(
    read: Any, tmp_path: Path, start: str, format: str | None
) -> None:
    file = write(tmp_path, citation("1", "<ArticleTitle>&c;&x;</ArticleTitle>"), start=start)
    with pytest.raises(DataError, match="it defines XML entities") as caught:
        read(file, format=format)
    assert "secret" not in str(caught.value)


def test_an_entity_of_the_dtd_that_is_not_fetched_is_not_dropped(read: Any, tmp_path: Path) -> None:
    start = '<!DOCTYPE PubmedArticleSet PUBLIC "x" "http://127.0.0.1:9/x.dtd">'
    title = "<ArticleTitle>TNF-&alpha; and &mystery;</ArticleTitle>"
    document = read(write(tmp_path, citation("1", title), start=start)).documents[0]
    assert document.title == "TNF-α and &mystery;"


def test_deep_nesting_is_refused(read: Any, tmp_path: Path) -> None:
    deep = f"<ArticleTitle>{'<i>' * 50_000}x{'</i>' * 50_000}</ArticleTitle>"
    result = read(write(tmp_path, citation("1"), citation("2", deep)))
    assert result.ids == ["1"]
    assert result.reasons == [
        (2, "its elements are nested deeper than 200; nothing after it was read")
    ]


def test_an_encoding_that_nobody_knows_is_refused(read: Any, tmp_path: Path) -> None:
    start = '<?xml version="1.0" encoding="klingon"?>'
    with pytest.raises(DataError, match="declares an encoding|not well-formed"):
        read(write(tmp_path, citation("1"), start=start), format="pubmed-xml")


def test_utf16_with_its_declaration_is_read(read: Any, tmp_path: Path) -> None:
    file = tmp_path / "pubmed.xml"
    start = '<?xml version="1.0" encoding="utf-16"?>'
    file.write_text(f"{start}<PubmedArticleSet>{citation('1')}</PubmedArticleSet>", "utf-16")
    assert read(file).ids == ["1"]


def test_a_folder_of_files_is_read_in_order_and_a_broken_one_is_named(
    read: Any, tmp_path: Path
) -> None:
    for n in (2, 1):
        file = write(tmp_path, citation(str(n)))
        file.rename(tmp_path / f"pubmed24n000{n}.xml")
    (tmp_path / "pubmed24n0003.xml.gz").write_bytes(b"\x1f\x8bbroken")
    (tmp_path / "pubmed24n0004.xml").write_text("<html></html>")
    (tmp_path / "pubmed24n0004.xml.md5").write_text("0")
    result = read(tmp_path)
    assert result.ids == ["1", "2"]
    assert [problem.path.name for problem in result.reading.problems] == [
        "pubmed24n0003.xml.gz",
        "pubmed24n0004.xml",
    ]
    assert result.reading.problems[1].reason.startswith("its root element is not PubmedArticleSet")

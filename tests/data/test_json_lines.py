from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from medllm.data.documents import Reading, read_documents
from medllm.errors import DataError
from medllm.records import Document, to_json

BROKEN = (
    b'{"id": "1", "text": "first"}\n'
    b"{broken\n"
    b'{"text": "no id"}\n'
    b'{"id": "", "text": "empty id"}\n'
    b'{"id": "5", "text": " \\n "}\n'
    b'{"id": "6"}\n'
    b'["a", "list"]\n'
    b'{"id": "8", "text": "\xff"}\n'
    b'{"id": "9", "text": 9}\n'
    b"\n"
    b'{"id": "11", "text": "null\\u0000byte"}\n'
    b"\x00\x00\x00\n"
    b'{"id": 13, "text": "last"}'
)


def write(tmp_path: Path, *records: Any) -> Path:
    file = tmp_path / "records.jsonl"
    file.write_text("".join(json.dumps(record) + "\n" for record in records))
    return file


def test_own_fields_are_all_read(read: Any, fixtures: Path) -> None:
    article, patient = read(fixtures / "own.jsonl").documents
    assert article == Document(
        id="a1",
        kind="articles",
        title="Beta blockers in thyroid storm",
        text="Propranolol slowed the heart within an hour in this invented series.",
        year=2019,
        source="Journal of Invented Medicine",
        url="https://example.org/a1",
        licence="CC0",
        mesh=("Thyroid Crisis", "Propranolol"),
        publication_types=("Journal Article",),
        retracted=True,
    )
    assert (patient.kind, patient.sex, patient.age_years) == ("patients", "M", 34.0)


def test_an_explicit_kind_wins_over_the_record(read: Any, fixtures: Path) -> None:
    documents = read(fixtures / "own.jsonl", kind="articles").documents
    assert [document.kind for document in documents] == ["articles", "articles"]


def test_bad_lines_are_named_and_do_not_stop_the_reading(read: Any, tmp_path: Path) -> None:
    file = tmp_path / "records.jsonl"
    file.write_bytes(BROKEN)
    result = read(file)
    assert [(d.id, d.text) for d in result.documents] == [
        ("1", "first"),
        ("11", "null byte"),
        ("13", "last"),
    ]
    assert result.reasons == [
        (2, "is not JSON: broken at character 2"),
        (3, "has no field id"),
        (4, "has no field id"),
        (5, "has no text: field text is empty or absent"),
        (6, "has no text: field text is empty or absent"),
        (7, "is not a JSON object"),
        (8, "is not UTF-8 at byte 22 of the line"),
        (9, "field text is not a string"),
        (12, "is not JSON: broken at character 1"),
    ]
    assert (result.reading.taken, result.reading.left_out) == (3, 9)
    assert str(result.reading.problems[0]) == f"{file}, line 2: is not JSON: broken at character 2"


@pytest.mark.parametrize(
    ("name", "value", "wanted"),
    [
        ("year", "2012", "a whole number from 1 to 9999"),
        ("year", 2012.5, "a whole number from 1 to 9999"),
        ("year", True, "a whole number from 1 to 9999"),
        ("year", 10**400, "a whole number from 1 to 9999"),
        ("year", float("nan"), "a whole number from 1 to 9999"),
        ("age_years", "60", "a number from 0 to 150"),
        ("age_years", float("inf"), "a number from 0 to 150"),
        ("age_years", -1, "a number from 0 to 150"),
        ("sex", "unknown", "F or M"),
        ("sex", 1, "F or M"),
        ("title", 5, "a string"),
        ("source", ["x"], "a string"),
        ("licence", {}, "a string"),
        ("url", "javascript:alert(1)", "an http or https address"),
        ("url", "https://example.org/ x", "an http or https address"),
        ("mesh", "Fever", "a list of strings"),
        ("publication_types", [1], "a list of strings"),
        ("retracted", "yes", "true or false"),
    ],
)
def test_an_optional_field_of_another_type_is_left_empty_and_named(
    read: Any, tmp_path: Path, name: str, value: Any, wanted: str
) -> None:
    result = read(write(tmp_path, {"id": "1", "text": "words", name: value}))
    assert result.documents == [Document(id="1", kind="articles", text="words")]
    assert result.reasons == [(1, f"field {name} is not {wanted}; left empty")]
    assert (result.reading.taken, result.reading.left_out) == (1, 0)


def test_an_unknown_kind_is_named(read: Any, tmp_path: Path) -> None:
    result = read(write(tmp_path, {"id": "1", "text": "words", "kind": "patient"}))
    assert result.documents[0].kind == "articles"
    assert result.reasons == [(1, "field kind is unknown; read as articles")]


def test_null_means_absent(read: Any, tmp_path: Path) -> None:
    names = ("title", "year", "source", "url", "sex", "age_years", "mesh", "retracted", "kind")
    result = read(write(tmp_path, {"id": "1", "text": "words"} | dict.fromkeys(names)))
    assert result.documents == [Document(id="1", kind="articles", text="words")]
    assert result.reading.n_problems == 0


def test_a_year_written_as_a_float_is_a_year(read: Any, tmp_path: Path) -> None:
    result = read(write(tmp_path, {"id": "1", "text": "words", "year": 2012.0}))
    assert repr(result.documents[0].year) == "2012"


def test_an_id_that_comes_again_is_handed_out_again_and_named(read: Any, tmp_path: Path) -> None:
    records = [{"id": i, "text": t} for i, t in (("a", "old"), ("b", "other"), ("a", "new"))]
    result = read(write(tmp_path, *records))
    assert [document.text for document in result.documents] == ["old", "other", "new"]
    assert (result.reading.taken, result.reading.duplicates, result.reading.distinct) == (3, 1, 2)
    assert result.reasons == [(3, "has the id of an earlier document, which it replaces")]
    assert result.reading.left_out == 0


def test_duplicates_are_found_across_the_files_of_one_reading(tmp_path: Path) -> None:
    reading = Reading()
    file = write(tmp_path, {"id": "1", "text": "words"})
    for _ in range(2):
        list(read_documents(file, reading=reading))
    assert (reading.taken, reading.duplicates) == (2, 1)


def test_all_problems_are_counted_and_the_first_thousand_kept(read: Any, tmp_path: Path) -> None:
    result = read(write(tmp_path, {"id": "1", "text": "words"}, *[{"id": "x"}] * 1200))
    assert result.reading.left_out == result.reading.n_problems == 1200
    assert len(result.reading.problems) == 1000


def test_a_zipped_file_that_is_cut_off_keeps_what_came_before(read: Any, tmp_path: Path) -> None:
    lines = "".join(json.dumps({"id": str(n), "text": f"{n * n}"}) + "\n" for n in range(20_000))
    zipped = gzip.compress(lines.encode())
    file = tmp_path / "records.jsonl.gz"
    file.write_bytes(zipped[: len(zipped) // 2])
    result = read(file)
    n = result.reading.taken
    assert result.ids == [str(i) for i in range(n)]
    assert 5_000 < n < 15_000
    reason = "breaks off here: the compressed data are cut off or damaged"
    assert result.reasons == [(n + 1, reason)]


def test_a_byte_order_mark_is_no_content(read: Any, tmp_path: Path) -> None:
    file = tmp_path / "records.jsonl"
    file.write_bytes(b'\xef\xbb\xbf{"id": "1", "text": "words"}\n')
    assert read(file).documents == [Document(id="1", kind="articles", text="words")]


@pytest.mark.parametrize("line", ['{"id": ' + "9" * 5000 + "}", '{"id": ' + "[" * 100_000])
def test_json_of_absurd_size_is_named(read: Any, tmp_path: Path, line: str) -> None:
    file = tmp_path / "records.jsonl"
    file.write_text('{"id": "1", "text": "words"}\n' + line + "\n")
    assert read(file).reasons == [(2, "is JSON of a size that no record has")]


def test_a_line_longer_than_any_record_is_named(
    read: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("medllm.data.streams.MAX_LINE_BYTES", 1000)
    records = [{"id": "1", "text": "a"}, {"id": "2", "text": "b" * 5000}, {"id": "3", "text": "c"}]
    result = read(write(tmp_path, *records))
    assert result.ids == ["1", "3"]
    assert [line for line, _ in result.reasons] == [2]


def test_a_lone_surrogate_becomes_the_replacement_character(read: Any, tmp_path: Path) -> None:
    result = read(write(tmp_path, {"id": "1", "text": "a\ud800b \U0001fac0"}))
    assert result.documents[0].text == "a\ufffdb \U0001fac0"


def test_beir_takes_a_title_for_the_text_where_there_is_none(read: Any, fixtures: Path) -> None:
    result = read(fixtures / "beir")
    assert result.ids == ["d1", "d2", "d3"]
    assert result.documents[2].text == "Hypothermia after drowning: a title that stands alone"
    assert result.reading.title_only == 1
    assert result.reading.left_out == 0


def test_beir_leaves_out_what_has_neither_title_nor_text(read: Any, tmp_path: Path) -> None:
    file = write(tmp_path, {"_id": "1", "title": "T", "text": "x"}, {"_id": "2", "title": ""})
    result = read(file, format="beir")
    assert result.ids == ["1"]
    assert result.reasons == [(2, "has no text: field text is empty or absent")]


def test_e3c_gives_year_source_licence_and_address(read: Any, fixtures: Path) -> None:
    first, second = read(fixtures / "e3c_cases.jsonl").documents
    assert first.text == "A 14-year-old boy came with facial puffiness.\nUrine showed protein.\n"
    assert (first.id, first.kind, first.title, first.year) == ("EN900001", "articles", "", 2012)
    assert (first.source, first.licence) == ("The Invented Medical Journal", "CC BY 4.0")
    assert first.url == "https://example.org/cases/1"
    assert second.url == "https://doi.org/10.99999/invented.2004.2"


def test_e3c_names_a_date_that_is_none(read: Any, tmp_path: Path) -> None:
    case = {"id": "1", "text": "x", "doi": "", "publication_date": "last year"}
    result = read(write(tmp_path, case), format="e3c")
    assert result.documents[0].year is None
    assert result.reasons == [(1, "field publication_date is not a date; left empty")]


PLAIN = st.text(st.characters(exclude_categories=("Cc", "Cs")) | st.sampled_from("\n\t"))
FILLED = PLAIN.filter(str.strip)
DOCUMENTS = st.builds(
    Document,
    id=FILLED,
    kind=st.sampled_from(["patients", "articles"]),
    text=FILLED,
    title=PLAIN,
    year=st.none() | st.integers(1, 9999),
    source=PLAIN,
    url=st.just("") | st.builds("https://example.org/{}".format, st.integers()),
    licence=PLAIN,
    sex=st.sampled_from([None, "F", "M"]),
    age_years=st.none() | st.floats(0, 150),
    mesh=st.lists(PLAIN).map(tuple),
    publication_types=st.lists(PLAIN).map(tuple),
    retracted=st.booleans(),
)


@given(documents=st.lists(DOCUMENTS, min_size=1), ascii_only=st.booleans())
@settings(max_examples=60, deadline=None)
def test_any_document_written_as_a_json_line_is_read_back_equal(
    tmp_path_factory: pytest.TempPathFactory, documents: list[Document], ascii_only: bool
) -> None:
    file = tmp_path_factory.mktemp("round") / "records.jsonl"
    lines = [json.dumps(to_json(d), ensure_ascii=ascii_only) + "\n" for d in documents]
    file.write_text("".join(lines), encoding="utf-8")
    assert list(read_documents(file, reading=Reading())) == documents


JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)
FIELDS = st.sampled_from(
    [*Document.__slots__, "_id", "doi", "publication_date", "patient_uid", "patient", "gender"]
    + ["age"]
)


@given(
    records=st.lists(st.dictionaries(FIELDS, JSON), max_size=3),
    format=st.sampled_from(["jsonl", "beir", "e3c", "pmc-patients"]),
)
@settings(max_examples=150, deadline=None)
def test_any_json_gives_clean_documents_or_a_data_error(
    tmp_path_factory: pytest.TempPathFactory, records: list[dict[str, Any]], format: str
) -> None:
    file = tmp_path_factory.mktemp("any") / "records.jsonl"
    file.write_text("".join(json.dumps(record) + "\n" for record in records))
    reading = Reading()
    try:
        documents = list(read_documents(file, format=format, reading=reading))
    except DataError:
        assert reading.taken == 0
        return
    assert reading.taken + reading.left_out == len(records)
    for document in documents:
        assert document.id.strip()
        assert document.text.strip()
        json.dumps(to_json(document), allow_nan=False, ensure_ascii=False).encode("utf-8")

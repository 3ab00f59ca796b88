from __future__ import annotations

import gzip
import json
import shutil
import traceback
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from medllm.data.documents import FORMATS, Problem, Reading, detect_format, read_documents
from medllm.errors import ConfigError, DataError, MedllmError

SECRET = "Quagmire"


@pytest.mark.parametrize(
    ("name", "format"),
    [
        ("pmc_patients_v1.csv", "pmc-patients"),
        ("pmc_patients_v2.json", "pmc-patients"),
        ("beir", "beir"),
        ("beir/corpus.jsonl", "beir"),
        ("own.jsonl", "jsonl"),
        ("e3c_cases.jsonl", "e3c"),
        ("pubmed.xml", "pubmed-xml"),
    ],
)
@pytest.mark.parametrize("suffix", [None, "", ".txt", ".gz"])
def test_the_format_is_told_by_content_whatever_the_name(
    fixtures: Path, tmp_path: Path, name: str, format: str, suffix: str | None
) -> None:
    source = fixtures / name
    if suffix is None or source.is_dir():
        assert detect_format(source) == format
        return
    file = tmp_path / f"renamed{suffix}"
    raw = source.read_bytes()
    file.write_bytes(gzip.compress(raw) if suffix == ".gz" else raw)
    assert detect_format(file) == format


def test_a_folder_of_texts_is_text(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("Text.")
    (tmp_path / "b.md").write_text("Text.")
    (tmp_path / "labels.csv").write_text("a,b\n")
    assert detect_format(tmp_path) == "text"
    assert detect_format(tmp_path / "a.txt") == "text"


def test_a_licence_beside_unknown_data_does_not_make_a_folder_of_notes(tmp_path: Path) -> None:
    (tmp_path / "LICENSE.txt").write_text("Terms.")
    (tmp_path / "topics.csv").write_text("a,b\n")
    with pytest.raises(DataError, match="holds no file of a known format"):
        detect_format(tmp_path)


def test_a_corpus_with_the_name_that_recds_gives_it_is_found(
    read: Any, fixtures: Path, tmp_path: Path
) -> None:
    shutil.copy(fixtures / "beir" / "corpus.jsonl", tmp_path / "PPR_corpus.jsonl")
    assert read(tmp_path).ids == ["d1", "d2", "d3"]
    shutil.copy(fixtures / "beir" / "corpus.jsonl", tmp_path / "PAR_corpus.jsonl")
    with pytest.raises(DataError, match="PAR_corpus.jsonl, PPR_corpus.jsonl"):
        read(tmp_path)


def test_a_folder_of_one_format_is_read_and_other_files_are_named(
    read: Any, fixtures: Path, tmp_path: Path
) -> None:
    shutil.copy(fixtures / "own.jsonl", tmp_path / "own.jsonl")
    (tmp_path / "PROVENANCE.txt").write_text("Invented.")
    result = read(tmp_path)
    assert result.ids == ["a1", "p1"]
    assert [str(problem) for problem in result.reading.problems] == [
        f"{tmp_path}/PROVENANCE.txt: was not read: not a file of jsonl"
    ]
    assert result.reading.left_out == 0


def test_a_folder_of_several_formats_is_an_error_that_names_them(
    fixtures: Path, tmp_path: Path
) -> None:
    for name in ("own.jsonl", "e3c_cases.jsonl"):
        shutil.copy(fixtures / name, tmp_path / name)
    with pytest.raises(DataError, match=r"e3c_cases.jsonl \(e3c\), own.jsonl \(jsonl\)"):
        detect_format(tmp_path)


def test_a_broken_first_line_does_not_hide_the_format(tmp_path: Path) -> None:
    file = tmp_path / "records.jsonl"
    file.write_text('broken\n{"text": "no id"}\n{"id": "1", "text": "words"}\n')
    assert detect_format(file) == "jsonl"


@pytest.mark.parametrize(
    ("name", "content", "seen"),
    [
        ("x.bin", b"", "it is empty"),
        ("x.jsonl", b" \n\n", "it is empty"),
        ("x.zip", b"PK\x03\x04....", "a zip archive"),
        ("x.pdf", b"%PDF-1.7\n", "a PDF"),
        ("x.parquet", b"PAR1....", "a Parquet file"),
        ("x.csv", b"a,b\nQuagmire,1\n", "a table, but its first line lacks"),
        ("x.csv", b"Quagmire,1\n", "a table, but its first line lacks"),
        ("x.json", b'[{"Quagmire": 1}]', "a JSON list, but its objects have no patient_uid"),
        ("x.json", b'{\n"Quagmire": 1\n}', "none of its first 100 lines is a JSON object"),
        ("x.jsonl", b'{"Quagmire": 1}', "no object has an id and a text"),
        ("x.xml", b"<Quagmire/>", "its root element is not PubmedArticleSet"),
        ("x", b"Quagmire came by.", "text of no known format"),
        ("x", bytes(range(256)), "it is binary"),
        ("x.csv", "a,b\n".encode("utf-16"), "UTF-16"),
        ("x.gz", b"\x1f\x8b\x08broken", "the compressed data are cut off or damaged"),
    ],
)
def test_an_unknown_file_is_an_error_that_says_what_was_seen(
    tmp_path: Path, name: str, content: bytes, seen: str
) -> None:
    file = tmp_path / name
    file.write_bytes(content)
    with pytest.raises(DataError) as caught:
        detect_format(file)
    assert seen in str(caught.value)
    assert SECRET not in str(caught.value)
    assert "--format" in caught.value.hint
    assert all(format in caught.value.hint for format in FORMATS)


@pytest.mark.parametrize("format", [None, *FORMATS])
def test_a_path_that_is_not_there_is_an_error_at_once(tmp_path: Path, format: str | None) -> None:
    with pytest.raises(DataError, match="absent: no such file or directory") as caught:
        read_documents(tmp_path / "absent", format=format, reading=Reading())
    assert "--format" not in caught.value.hint


@pytest.mark.parametrize("format", [None, *FORMATS])
def test_an_empty_folder_is_an_error(read: Any, tmp_path: Path, format: str | None) -> None:
    with pytest.raises(DataError):
        read(tmp_path, format=format)


@pytest.mark.parametrize("format", FORMATS)
def test_an_empty_file_is_an_error(read: Any, tmp_path: Path, format: str) -> None:
    (tmp_path / "x.txt").write_bytes(b"")
    with pytest.raises(DataError, match="no document could be read"):
        read(tmp_path / "x.txt", format=format)


def test_a_path_that_no_file_system_has_is_an_error() -> None:
    for path in (Path("a\0b"), Path("x" * 5000)):
        with pytest.raises(DataError):
            detect_format(path)


def test_an_unknown_format_is_an_error_that_lists_the_formats(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="unknown format cvs") as caught:
        read_documents(tmp_path, format="cvs", reading=Reading())
    assert "pmc-patients" in caught.value.hint


def test_a_file_that_gives_no_document_is_an_error_with_the_first_reason(
    read: Any, tmp_path: Path
) -> None:
    file = tmp_path / "x.jsonl"
    file.write_text('{"id": "1", "text": ""}\n' * 3)
    with pytest.raises(DataError) as caught:
        read(file)
    reason = "has no text: field text is empty or absent"
    assert str(caught.value) == f"no document could be read: {file}, line 1: {reason}; 3 in all"
    assert "one object a line" in caught.value.hint


def test_counts_grow_while_the_documents_are_consumed(fixtures: Path) -> None:
    reading = Reading()
    documents = read_documents(fixtures / "own.jsonl", reading=reading)
    assert reading.taken == 0
    next(documents)
    assert reading.taken == 1


def test_a_problem_says_file_place_and_reason() -> None:
    file = Path("x.json")
    assert str(Problem(file, "is bad", line=3)) == "x.json, line 3: is bad"
    assert str(Problem(file, "is bad", record=7)) == "x.json, record 7: is bad"
    assert str(Problem(file, "is bad")) == "x.json: is bad"


SECRETS = {
    "jsonl": '{{"id": "1", "text": 5, "title": "{0}"}}\n{{"{0}\n{{"id": "", "text": "{0}"}}\n',
    "beir": '{{"_id": [], "text": "{0}"}}\n{0}\n',
    "e3c": '{{"id": {{}}, "text": "{0}", "publication_date": "{0}"}}\n',
    "pmc-patients": 'patient_uid,patient,age\n1-1,"{0}" {0},{0}\n2-1,"{0}\n',
    "pubmed-xml": "<PubmedArticleSet><PubmedArticle>{0}</PubmedArticle>{0}<{0}></PubmedArticleSet>",
}


@pytest.mark.parametrize("format", SECRETS)
def test_no_problem_and_no_error_holds_content(read: Any, tmp_path: Path, format: str) -> None:
    file = tmp_path / "x"
    file.write_text(SECRETS[format].format(SECRET))
    reading = Reading()
    with pytest.raises(DataError) as caught:
        list(read_documents(file, format=format, reading=reading))
    assert reading.problems
    assert not any(SECRET in str(problem) for problem in reading.problems)
    assert SECRET not in "".join(traceback.format_exception(caught.value)) + caught.value.hint


PIECES = st.sampled_from(
    [b"{", b"}", b"[", b"]", b'"', b",", b"\n", b'"id": "1"', b'"text": "x"', b'"patient_uid"']
    + [b"patient_uid,patient\n", b"9000001-1,x\n", b"<PubmedArticleSet>", b"<PubmedArticle>"]
    + [b"</PubmedArticle>", b"<!DOCTYPE x [", b"<!ENTITY a 'b'>", b"&a;", b"\xff\xfe", b"\x1f\x8b"]
)
BYTES = st.binary(max_size=200) | st.lists(PIECES | st.binary(max_size=3)).map(b"".join)


@given(raw=BYTES, format=st.sampled_from([None, *FORMATS]), zipped=st.booleans())
@settings(max_examples=400, deadline=None)
def test_any_bytes_give_documents_or_a_data_error(
    tmp_path_factory: pytest.TempPathFactory, raw: bytes, format: str | None, zipped: bool
) -> None:
    file = tmp_path_factory.mktemp("bytes") / "x.txt"
    file.write_bytes(gzip.compress(raw) if zipped else raw)
    reading = Reading()
    try:
        documents = list(read_documents(file, format=format, reading=reading))
    except DataError:
        assert reading.taken == 0
    else:
        assert reading.taken == len(documents) > 0
        assert all(json.dumps(d.text, ensure_ascii=False).encode("utf-8") for d in documents)


def test_every_error_is_one_that_the_command_line_knows() -> None:
    assert issubclass(DataError, MedllmError)

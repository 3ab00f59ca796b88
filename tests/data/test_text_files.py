from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from medllm.data.text import find_title
from medllm.errors import DataError


@pytest.mark.parametrize(
    ("text", "title"),
    [
        ("# Pulmonary embolism\n\nText.", "Pulmonary embolism"),
        ("## Closed heading ##\nText.", "Closed heading"),
        ("Pulmonary embolism\n==================\nText.", "Pulmonary embolism"),
        ("Pulmonary embolism\n\nText of it.", "Pulmonary embolism"),
        ("\n\n  Is aspirin enough?\n\nText of it.", "Is aspirin enough?"),
        ("Pulmonary embolism\n" + "A long paragraph. " * 10, "Pulmonary embolism"),
        ("A 54-year-old man came with three days of fever and a\nproductive cough.\n", ""),
        ("A 54-year-old man came with fever.\n\nHe was given fluids.", ""),
        ("A single line", ""),
        ("A single line\n", ""),
        ("-----\n\nText.", ""),
        ("word " * 60 + "\n\nText.", ""),
    ],
)
def test_the_first_line_is_the_title_where_it_looks_like_one(text: str, title: str) -> None:
    assert find_title(text) == title


def test_a_folder_is_read_in_order_with_paths_as_ids(read: Any, tmp_path: Path) -> None:
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "two.md").write_text("# Two\n\nText two.")
    (tmp_path / "a.txt").write_bytes(b"Text one,\r\nwrapped.\x0c\r")
    (tmp_path / ".hidden.txt").write_text("not read")
    result = read(tmp_path)
    assert [(d.id, d.title, d.text) for d in result.documents] == [
        ("a.txt", "a", "Text one,\nwrapped. \n"),
        ("b/two.md", "Two", "# Two\n\nText two."),
    ]
    assert {document.kind for document in result.documents} == {"articles"}
    assert result.reading.n_problems == 0


def test_a_single_file_has_its_name_as_id(read: Any, tmp_path: Path) -> None:
    (tmp_path / "note.txt").write_text("A patient.")
    (document,) = read(tmp_path / "note.txt", kind="patients").documents
    assert (document.id, document.kind, document.title) == ("note.txt", "patients", "note")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
def test_utf8_and_marked_utf16_are_read(read: Any, tmp_path: Path, encoding: str) -> None:
    raw = "Fièvre à 39 °C, naïve.\n".encode(encoding)
    if encoding == "utf-16-le":
        raw = b"\xff\xfe" + raw
    if encoding == "utf-16-be":
        raw = b"\xfe\xff" + raw
    (tmp_path / "note.txt").write_bytes(raw)
    assert read(tmp_path / "note.txt").documents[0].text == "Fièvre à 39 °C, naïve.\n"


def test_files_that_cannot_be_read_are_named_with_their_reason(read: Any, tmp_path: Path) -> None:
    (tmp_path / "good.txt").write_text("Text.")
    (tmp_path / "latin.txt").write_bytes("Fièvre".encode("latin-1"))
    (tmp_path / "binary.txt").write_bytes(bytes(range(256)) * 4)
    (tmp_path / "empty.txt").write_text(" \n")
    (tmp_path / "scan.pdf").write_bytes(b"%PDF-1.4")
    (tmp_path / "half.txt").write_bytes(b"\xff\xfea\x00\x00\xd8")
    (tmp_path / "nowhere.txt").symlink_to(tmp_path / "absent")
    os.mkfifo(tmp_path / "pipe.txt")
    result = read(tmp_path)
    assert result.ids == ["good.txt"]
    assert {problem.path.name: problem.reason for problem in result.reading.problems} == {
        "latin.txt": "is not utf-8 at byte 3; convert it: iconv -f ENCODING -t UTF-8",
        "binary.txt": "is binary, not text",
        "empty.txt": "has no text",
        "scan.pdf": "is not a .txt or .md file",
        "half.txt": "is not utf-16-le at byte 5; convert it: iconv -f ENCODING -t UTF-8",
        "nowhere.txt": "no such file or directory",
        "pipe.txt": "not a regular file",
    }
    assert result.reading.left_out == 7


def test_a_stray_control_character_does_not_make_a_text_binary(read: Any, tmp_path: Path) -> None:
    (tmp_path / "note.txt").write_bytes(b"Text\x00with\x07two.")
    assert read(tmp_path / "note.txt").documents[0].text == "Text with two."


def test_a_file_larger_than_any_text_is_named(
    read: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("medllm.data.text.MAX_TEXT_BYTES", 1 << 20)
    (tmp_path / "large.txt").write_text("x" * ((1 << 20) + 1))
    with pytest.raises(DataError, match="is larger than 1 MiB"):
        read(tmp_path / "large.txt")

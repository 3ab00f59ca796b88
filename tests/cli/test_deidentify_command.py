"""`medllm data deidentify`: texts, JSON Lines, tables; what it refuses and what it never says."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from tests.cli.conftest import Run
from tests.cli.running import CANARY, Done, assert_mendable

NOTE = (
    f"Dr Thistlewick saw Ms {CANARY} on 12 March 2024 and on 26 March 2024. MRN 00412345. "
    "She has Parkinson's disease and takes levodopa 100 mg."
)


@pytest.fixture
def notes(home: Path) -> Path:
    """Give a folder with a note in it and one in a folder of its own."""
    folder = home / "notes"
    (folder / "ward").mkdir(parents=True)
    (folder / "one.txt").write_text(NOTE)
    (folder / "ward" / "two.md").write_text(f"# Ward\n{CANARY} slept well.\n")
    return folder


def secret_in(home: Path) -> Path:
    path = home / "secret.txt"
    path.write_text("correct horse\n")
    return path


def test_a_folder_of_texts_is_written_without_its_identifiers(
    medllm: Run, home: Path, notes: Path
) -> None:
    names = home / "names.txt"
    names.write_text(f"{CANARY}\n")
    done = medllm("data", "deidentify", notes, "--to", "out", "--names", names)
    assert done.code == 0, done.err
    assert "2 files" in done.out
    assert CANARY not in done.out
    one = (home / "out" / "one.txt").read_text()
    two = (home / "out" / "ward" / "two.md").read_text()
    for gone in (CANARY, "Thistlewick", "12 March 2024", "00412345"):
        assert gone not in one + two
    assert "Parkinson's disease and takes levodopa 100 mg." in one
    assert (notes / "one.txt").read_text() == NOTE


def test_counts_are_printed_by_category_and_no_text(medllm: Run, notes: Path) -> None:
    done = medllm("data", "deidentify", notes / "one.txt", "--to", "out", "--json")
    assert done.json["identifiers"] == {"name": 2, "date": 2, "medical_record": 1}
    assert done.json["texts"] == 1
    assert "Thistlewick" not in done.out + done.err


def test_with_a_secret_two_runs_give_the_same_and_without_one_they_do_not(
    medllm: Run, home: Path, notes: Path
) -> None:
    secret = secret_in(home)
    texts = []
    for to, options in (
        ("a", ["--secret-file", secret]),
        ("b", ["--secret-file", secret]),
        ("c", []),
    ):
        assert medllm("data", "deidentify", notes, "--to", to, *options).code == 0
        texts.append((home / to / "one.txt").read_text())
    assert texts[0] == texts[1] != texts[2]


def rows(home: Path, name: str) -> list[dict[str, str]]:
    return [json.loads(line) for line in (home / name).read_text().splitlines()]


def test_json_lines_keep_the_fields_that_were_not_chosen(medllm: Run, home: Path) -> None:
    source = home / "notes.jsonl"
    lines = [
        {"id": n, "patient": p, "by": "Dr Roe", "text": NOTE}
        for n, p in ((1, "a"), (2, "a"), (3, "b"))
    ]
    source.write_text("\n".join(map(json.dumps, lines)) + "\n")
    done = medllm(
        "data", "deidentify", source, "--to", "out", "--secret-file", secret_in(home),
        "--field", "text", "--patient-field", "patient",
    )  # fmt: skip
    assert done.code == 0, done.err
    first, second, third = rows(home, "out/notes.jsonl")
    assert [row["id"] for row in (first, second, third)] == [1, 2, 3]
    assert first["by"] == "Dr Roe"
    assert first["text"] == second["text"] != third["text"]
    assert "Thistlewick" not in third["text"]


def test_a_table_is_read_with_its_headings(medllm: Run, home: Path) -> None:
    source = home / "list.csv"
    source.write_text(
        "patient_name,date of birth,mrn,note\n"
        f'Marta {CANARY},04/05/1951,412345,"fever, ""chills"""\n'
    )
    assert medllm("data", "deidentify", source, "--to", "out").code == 0
    with (home / "out" / "list.csv").open(newline="") as handle:
        header, row = csv.reader(handle)
    assert header == ["patient_name", "date of birth", "mrn", "note"]
    assert row[3] == 'fever, "chills"'
    for gone in ("Marta", CANARY, "04/05/1951", "412345"):
        assert gone not in ",".join(row)


def test_a_file_named_after_the_patient_is_renamed(medllm: Run, home: Path) -> None:
    (home / f"{CANARY}_letter.txt").write_text("Fever.")
    names = home / "names.txt"
    names.write_text(CANARY)
    done = medllm(
        "data", "deidentify", home / f"{CANARY}_letter.txt", "--to", "out", "--names", names
    )
    assert done.code == 0
    (written,) = (home / "out").iterdir()
    assert written.suffix == ".txt"
    assert CANARY not in written.name + done.out
    assert "renamed" in done.err


def refused(medllm: Run, *arguments: str | Path) -> Done:
    return medllm("data", "deidentify", *arguments)


def test_an_input_is_never_written_over(medllm: Run, home: Path, notes: Path) -> None:
    for to in (notes, home / "x" / ".." / "notes"):
        (home / "x").mkdir(exist_ok=True)
        assert_mendable(refused(medllm, notes, "--to", to), "take the place of an input")
    assert (notes / "one.txt").read_text() == NOTE


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.jsonl", b'{"text": "x"}\n{"text": ', "a.jsonl, line 2: is not JSON"),
        ("a.jsonl", b"[1]\n", "line 1: is not an object"),
        ("a.jsonl", b'{"note": "x"}\n', "line 1: has no field text"),
        ("a.csv", b"text,b\nx\n", "row 2: 1 cells under 2 headings"),
        ("a.csv", b'text,b\n"x,1\n', "is not a table"),
        ("a.csv", b"", "is empty"),
        ("a.txt", b"\xff\xfe\xfa", "is not UTF-8"),
        ("a.txt", b"a\0b", "is not a text file"),
        ("a.pdf", b"%PDF-1.7", "is of a kind that is not read"),
    ],
)
def test_what_cannot_be_read_is_refused_and_nothing_is_left(
    medllm: Run, home: Path, name: str, content: bytes, said: str
) -> None:
    (home / name).write_bytes(content)
    done = refused(medllm, name, "--to", "out", "--field", "text")
    assert_mendable(done, said)
    assert not [path for path in (home / "out").rglob("*") if path.is_file()]


def test_settings_that_cannot_be_are_refused(medllm: Run, home: Path, notes: Path) -> None:
    (home / "empty").write_text("\n")
    to = ("--to", "out")
    assert_mendable(refused(medllm, "absent.txt", *to), "does not exist")
    assert_mendable(refused(medllm, notes, *to, "--names", "empty"), "holds no name")
    assert_mendable(refused(medllm, notes, *to, "--names", "absent"), "cannot read the names")
    assert_mendable(refused(medllm, notes, *to, "--secret-file", "empty"), "is empty")
    (home / "nothing").mkdir()
    assert_mendable(refused(medllm, "nothing", *to), "there is no file")
    (home / "file").write_text("x")
    assert_mendable(refused(medllm, notes, "--to", "file"), "file")


def test_two_files_for_one_place_are_refused(medllm: Run, home: Path) -> None:
    for folder in ("a", "b"):
        (home / folder).mkdir()
        (home / folder / "n.txt").write_text("Fever.")
    assert_mendable(refused(medllm, "a/n.txt", "b/n.txt", "--to", "out"), "same place")

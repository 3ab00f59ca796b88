"""Notes that nobody could answer: each is refused in one line, and quickly."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.conftest import Run
from tests.cli.running import CANARY, NOTE, assert_mendable

BAD_NOTES = {
    "empty": (b"", "the note is empty"),
    "blank": (b" \n\t \r\n", "the note is empty"),
    "without words": (b"1234 / 5678 !!", "no words"),
    "binary": (b"\x7fELF\x02\0\0\0" + CANARY.encode() + bytes(range(256)), "not a text file"),
    "a PDF": (b"%PDF-1.7\n" + CANARY.encode(), "not a text file"),
    "in another encoding": (f"{NOTE} Température 39 °C.".encode("latin-1"), "not UTF-8"),
    "in German": (
        f"{CANARY} ist eine Patientin, die mit Fieber und Husten in die Klinik kam. Sie hat keine "
        "Schmerzen, und der Husten ist seit drei Tagen nicht besser.".encode(),
        "German",
    ),
    "in another script": (
        f"{CANARY}: 患者因发热咳嗽三天入院，无胸痛，既往体健。".encode(),
        "script",
    ),
}


@pytest.mark.parametrize("kind", BAD_NOTES)
def test_a_note_that_cannot_be_answered_is_refused(
    kind: str, medllm: Run, home: Path, example_index: Path
) -> None:
    content, words = BAD_NOTES[kind]
    note = home / "note.txt"
    note.write_bytes(content)
    done = medllm("ask", note, "--index", example_index, "--html", home / "a.html")
    assert_mendable(done, words)
    assert not done.out
    assert not (home / "a.html").exists()


def test_a_bad_note_is_refused_by_search_and_from_standard_input_alike(
    medllm: Run, example_index: Path
) -> None:
    content, words = BAD_NOTES["in another encoding"]
    done = medllm("search", "--file", "-", "--index", example_index, text=content)
    assert_mendable(done, words, "standard input")


def test_ten_thousand_pages_are_refused_without_taking_the_memory_they_would_need(
    medllm: Run, home: Path, example_index: Path
) -> None:
    note = home / "note.txt"
    note.write_text(f"{CANARY} has had a cough for three days. " * 750_000)  # 33 MB
    done = medllm("ask", note, "--index", example_index)
    assert_mendable(done, "characters", "the limit is 200,000")
    status = home / "status"  # written at the end of the process, by the guard
    if not status.exists():
        pytest.skip("this system does not tell how much memory a process took")
    (peak,) = (line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
    assert int(peak.split()[1]) < 150_000, peak  # kB; what is imported takes 70,000


def test_a_note_that_is_not_there_is_named(medllm: Run, example_index: Path) -> None:
    assert_mendable(medllm("ask", "absent.txt", "--index", example_index), "absent.txt", "no such")


def test_a_note_in_the_place_of_its_path_is_not_repeated(medllm: Run, example_index: Path) -> None:
    assert_mendable(medllm("ask", NOTE, "--index", example_index), "the given text", "no such file")
    long = NOTE * 40  # longer than any path may be
    assert_mendable(medllm("ask", long, "--index", example_index), "the given text")


def test_a_text_without_quotes_is_not_repeated(medllm: Run, example_index: Path) -> None:
    done = medllm("search", *NOTE.split(), "--index", example_index)
    assert_mendable(done, "more arguments", "quotes")


def test_a_folder_is_no_note(medllm: Run, home: Path, example_index: Path) -> None:
    assert_mendable(medllm("ask", home, "--index", example_index), "directory")

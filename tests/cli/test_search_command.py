"""`medllm search`: what it prints for a person and for a program."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from medllm.cli.main import main
from medllm.cli.show import show_hits
from medllm.records import Document, Hit, Passage
from tests.cli.conftest import Run


def hit(text: str, *, title: str = "", why: tuple[str, ...] = (), retracted: bool = False) -> Hit:
    document = Document(id="x1", kind="articles", text=text, title=title, retracted=retracted)
    passage = Passage(document_id="x1", start=0, end=len(text), text=text)
    return Hit(document=document, passage=passage, score=1.0, rank=1, why=why)


def test_without_a_kind_both_lists_are_shown(inside: Run, example_index: Path) -> None:
    done = inside("search", "itchy rash", "--index", example_index, "--top", "2")
    assert (done.code, done.err) == (0, "")
    assert done.out.index("SIMILAR PATIENTS") < done.out.index("ARTICLES")
    assert done.out.count("  2. ") == 2
    assert re.search("shares: itchy,? rash", done.out)
    assert "“" in done.out


def test_an_index_without_patients_says_so(inside: Run, home: Path) -> None:
    (home / "corpus.jsonl").write_text('{"id": "a", "text": "An itchy rash."}\n')
    assert inside("index", "build", "corpus.jsonl", "--to", "idx").code == 0
    done = inside("search", "itchy rash", "--index", "idx")
    assert (done.code, done.err) == (0, "note: this index holds no patients\n")
    assert "SIMILAR PATIENTS\n  none found" in done.out
    assert inside("search", "itchy rash", "--index", "idx", "--kind", "articles").err == ""


def test_json_has_the_lists_that_were_asked_for(inside: Run, example_index: Path) -> None:
    command = ("search", "itchy rash", "--index", example_index, "--top", "3", "--json")
    both = inside(*command).json
    assert list(both) == ["mode", "patients", "articles"]
    assert [hit["rank"] for hit in both["patients"]] == [1, 2, 3]
    one = inside(*command, "--kind", "articles").json
    assert list(one) == ["mode", "articles"]
    assert one["articles"] == both["articles"]


def test_a_note_is_searched_for_by_what_is_the_patients_own(
    capsys: pytest.CaptureFixture[str], example_index: Path, note: Path
) -> None:
    assert main(["search", "--file", str(note), "--index", str(example_index), "--top", "3"]) == 0
    shown = capsys.readouterr().out
    assert "pulmonary embolism" in shown.lower()
    assert "breast cancer" not in "".join(line for line in shown.splitlines() if "shares:" in line)


def test_filters_hold(capsys: pytest.CaptureFixture[str], example_index: Path) -> None:
    command = ["search", "fever", "--index", str(example_index), "--json"]
    main([*command, "--kind", "patients", "--sex", "f", "--age-to", "2"])
    patients = json.loads(capsys.readouterr().out)["patients"]
    assert patients
    assert all(found["sex"] == "F" and found["age_years"] <= 2 for found in patients)
    main([*command, "--kind", "articles", "--year-from", "2015", "--year-to", "2018"])
    articles = json.loads(capsys.readouterr().out)["articles"]
    assert articles
    assert all(2015 <= found["year"] <= 2018 for found in articles)


@pytest.mark.parametrize("columns", [40, 80, 100, 200])
def test_no_line_is_wider_than_the_terminal(
    columns: int,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    example_index: Path,
    note: Path,
) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    index = ["--index", str(example_index)]
    main(["search", "--file", str(note), *index])
    main(["ask", str(note), *index, "--model", "extractive"])
    main(["doctor", *index])
    main(["index", "status", str(example_index)])
    lines = capsys.readouterr().out.splitlines()
    too_wide = [line for line in lines if len(line) > min(columns, 100)]
    assert all(" " not in line.strip() for line in too_wide), too_wide  # a path is not broken


def test_text_from_outside_cannot_steer_the_terminal() -> None:
    evil = hit("A rash.\x1b[2J\x9b31m \u202egnp.exe", title="Rash \x1b]0;owned\x07 study")
    shown = show_hits("articles", [evil], with_text=True)
    assert not set(shown) & set("\x1b\x9b\x07\u202e")


def test_a_retraction_stands_before_the_title() -> None:
    assert "RETRACTED: Rash study" in show_hits(
        "articles", [hit("A", title="Rash study", retracted=True)]
    )


def test_a_document_without_a_title_is_named_by_its_first_words() -> None:
    shown = show_hits("articles", [hit("word " * 200)])
    assert "word …”" in shown
    assert len(shown) < 250

"""`medllm index`: what it says, what it leaves in the folder."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from medllm.cli.main import main
from medllm.files import sha256_file
from medllm.manifest import read_entries
from tests.cli.conftest import Run


def test_building_says_what_was_taken_and_what_the_index_holds(
    inside: Run, home: Path, examples: Path
) -> None:
    done = inside(
        "index", "build", examples / "patients.jsonl", "--kind", "patients", "--to", "idx"
    )
    assert (done.code, done.err) == (0, "")
    first, second, third = done.out.splitlines()
    assert first.startswith("took 60 documents in ")
    assert first.endswith(": 60 new")
    assert second == "wrote 128 passages" or second.startswith("wrote ")
    assert third == "idx now holds 60 patients and 0 articles"
    again = inside("index", "add", "idx", examples / "patients.jsonl", "--kind", "patients")
    assert again.out.splitlines()[0].endswith(": 60 unchanged")


def test_patients_taken_for_articles_are_pointed_out(inside: Run, examples: Path) -> None:
    done = inside("index", "build", examples / "patients.jsonl", "--to", "idx")
    assert done.code == 0
    assert "--kind patients" in done.err


def test_json_tells_the_same_to_a_program(inside: Run, examples: Path) -> None:
    built = inside("index", "build", examples / "articles.jsonl", "--to", "idx", "--json").json
    assert (built["taken"], built["added"], built["left_out"]) == (60, 60, 0)
    assert built["holds"] == {"patients": 0, "articles": 60}
    status = inside("index", "status", "idx", "--json").json
    assert status["documents"] == built["holds"]
    deleted = inside("index", "delete", "idx", "example-a01", "nothing", "--json").json
    assert deleted == {"deleted": ["example-a01"], "unknown": ["nothing"]}
    copied = inside("index", "snapshot", "idx", "--to", "copy", "--json").json
    assert copied == {"copied_to": "copy"}
    assert inside("index", "status", "copy", "--json").json["documents"]["articles"] == 59


def test_deleting_leaves_no_trace_in_any_file(
    own_index: Path, capsys: pytest.CaptureFixture[str], examples: Path
) -> None:
    line = (examples / "patients.jsonl").read_text().splitlines()[0]
    record = json.loads(line)
    words = record["text"][:60].encode()
    files = [path for path in own_index.rglob("*") if path.is_file()]
    assert any(words in path.read_bytes() for path in files), "the text is looked for rightly"
    assert main(["index", "delete", str(own_index), record["id"]]) == 0
    assert capsys.readouterr().out == "deleted 1 of 1 documents\n"
    left = [path for path in own_index.rglob("*") if path.is_file()]
    assert not [path.name for path in left if words in path.read_bytes()]


def test_deleting_again_names_what_was_not_there(
    own_index: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["index", "delete", str(own_index), "no-such-id", "no-such-id"]) == 0
    shown = capsys.readouterr().out
    assert shown == "deleted 0 of 1 documents\nnot in the index: no-such-id\n"


def test_each_build_and_addition_is_noted_in_the_manifest(
    example_index: Path, examples: Path
) -> None:
    built, added = read_entries(example_index)
    assert (built["command"], added["command"]) == ("index build", "index add")
    assert built["inputs"] == [
        {
            "name": "patients.jsonl",
            "n_files": 1,
            "size_bytes": (examples / "patients.jsonl").stat().st_size,
            "sha256": sha256_file(examples / "patients.jsonl"),
        }
    ]
    assert built["options"] == {"kind": "patients", "format": None, "encoder": None}
    assert added["results"]["holds"] == {"patients": 60, "articles": 60}
    assert "problems" not in added["results"]


def test_a_snapshot_has_the_manifest_too(own_index: Path, tmp_path: Path) -> None:
    assert main(["index", "snapshot", str(own_index), "--to", str(tmp_path / "copy")]) == 0
    assert read_entries(tmp_path / "copy") == read_entries(own_index)


def test_status_shows_sources_years_and_state(
    example_index: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["index", "status", str(example_index)]) == 0
    shown = capsys.readouterr().out
    for words in ("60 patients and 60 articles", "patients.jsonl, articles.jsonl", "ready", "none"):
        assert words in shown

"""`medllm findings` and `medllm evaluate findings`: what they print, and what they refuse."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Run
from tests.cli.running import CANARY, NOTE, assert_mendable

ANNOTATED = {
    "id": "n1",
    "text": "She had fever but no cough.",
    "clinical_entities": [
        {"start": 8, "end": 13, "text": "fever"},
        {"start": 21, "end": 26, "text": "cough"},
    ],
    "results": [],
    "events": [],
}


def test_what_a_note_says_is_shown_in_groups(inside: Run, note: Path) -> None:
    done = inside("findings", note)
    assert (done.code, done.err) == (0, "")
    assert "absent     fever; cough" in done.out
    assert "family: breast cancer" in done.out
    assert "NEWS2" in done.out


def test_json_has_offsets_into_the_note(inside: Run, note: Path) -> None:
    facts = inside("findings", note, "--json").json
    assert facts["findings"]
    for finding in facts["findings"]:
        assert NOTE[finding["start"] : finding["end"]] == finding["text"]


def test_what_cannot_be_read_is_refused(medllm: Run, inside: Run, home: Path, note: Path) -> None:
    assert_mendable(medllm("findings", "absent.txt"), "absent.txt", "no such file")
    assert_mendable(medllm("findings", text=""), "the note is empty")
    assert_mendable(inside("findings", note, "--lexicon", "absent.obo"), "absent.obo")
    assert_mendable(inside("findings", note, "--lexicon", note), "note.txt", "lexicon")
    assert_mendable(inside("findings", note, "--model", "extractive"), "language model")
    assert_mendable(inside("evaluate", "findings", "absent.jsonl"), "absent.jsonl")
    assert_mendable(inside("evaluate", "findings", note), "note.txt line 1")


def test_annotated_notes_are_measured_in_80_columns(
    inside: Run, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = home / "annotated.jsonl"
    path.write_text(json.dumps(ANNOTATED) + "\n")
    done = inside("evaluate", "findings", path)
    assert done.code == 0, done.err
    assert "1 annotated notes" in done.out
    assert max(map(len, done.out.splitlines())) <= 80
    assert CANARY not in done.out
    scores = inside("evaluate", "findings", path, "--json").json
    assert {score["name"] for score in scores}

"""Where `prepare` writes, what it writes over, and what it does not."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from medllm.data.prepare.outputs import MANIFEST
from medllm.data.prepare.run import WORK, prepare
from medllm.errors import ConfigError, DataError
from tests.data.prepare.making import all_bytes, dialogues, ids, settings, write_records

ALLOW = {"action": "allow"}


@pytest.fixture
def source(tmp_path: Path) -> Path:
    return write_records(tmp_path / "a.jsonl", dialogues(40))


def test_the_same_run_may_be_repeated_in_its_folder(source: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    prepare(settings(source, overlap=ALLOW), out)
    before = all_bytes(out)
    prepare(settings(source, overlap=ALLOW), out)
    assert all_bytes(out) == before


def test_a_run_of_other_settings_is_not_written_over(source: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    prepare(settings(source, overlap=ALLOW), out)
    before = all_bytes(out)
    other = {"overlap": ALLOW, "split": {"test": 0.5}}
    with pytest.raises(DataError, match="other settings") as raised:
        prepare(settings(source, **other), out)
    assert "--overwrite" in raised.value.hint
    assert all_bytes(out) == before
    assert not (out / WORK).exists()
    prepare(settings(source, overwrite=True, **other), out)
    assert len(ids(out / "test.jsonl")) > 10


def test_a_run_of_other_input_is_not_written_over(source: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    prepare(settings(source, overlap=ALLOW), out)
    write_records(source, dialogues(50, seed=3))
    with pytest.raises(DataError, match="other input"):
        prepare(settings(source, overlap=ALLOW), out)
    done = prepare(settings(source, overlap=ALLOW, overwrite=True), out)
    assert done.report["sources"][0]["read"] == 50


def test_files_that_somebody_else_wrote_are_not_written_over(source: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / "train.jsonl").write_text("mine\n")
    with pytest.raises(DataError, match="no run of medllm finished"):
        prepare(settings(source, overlap=ALLOW), out)
    assert (out / "train.jsonl").read_text() == "mine\n"


def test_a_source_that_cannot_be_read_leaves_no_folder_behind(tmp_path: Path) -> None:
    missing = {"name": "genmedgpt-5k", "path": tmp_path / "missing.json"}
    with pytest.raises(DataError, match="missing.json"):
        prepare(settings(missing), tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_another_input_is_read_anew_after_a_run_that_stopped(source: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    source.write_text(source.read_text() + "{\n", encoding="utf-8")
    with pytest.raises(DataError, match="broken"):
        prepare(settings(source, overlap=ALLOW), out)
    write_records(source, dialogues(50, seed=3))
    done = prepare(settings(source, overlap=ALLOW), out)
    assert done.report["sources"][0]["read"] == 50
    assert (out / MANIFEST).exists()


def test_a_file_is_no_place_for_a_run(source: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="is not a folder"):
        prepare(settings(source, overlap=ALLOW), source)


@pytest.mark.parametrize(
    ("section", "said"),
    [
        ({"augment": {"wordnet": Path("no-wordnet")}}, "no-wordnet"),
        ({"clean": {"languages": ["english"]}}, "english is no language"),
    ],
)
def test_what_is_missing_is_said_before_anything_is_read(
    source: Path, tmp_path: Path, section: dict[str, object], said: str
) -> None:
    with pytest.raises((ConfigError, DataError), match=said):
        prepare(settings(source, **section), tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_of_records_too_one_split_can_be_read(tmp_path: Path) -> None:
    records = [
        replace(one, meta={"split": "test" if n % 4 == 0 else "train"})
        for n, one in enumerate(dialogues(40))
    ]
    path = write_records(tmp_path / "a.jsonl", records)
    table = {"name": "records", "path": path, "split": "train", "into": "train"}
    done = prepare(settings(table), tmp_path / "out")
    assert done.report["records"] == {"train": 30, "validation": 0, "test": 0}
    with pytest.raises(ConfigError, match="unknown split"):
        prepare(settings({**table, "split": "tset"}), tmp_path / "other")

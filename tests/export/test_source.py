"""Where training records came from: told from the run, and unknown where anything is gone."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from medllm.data.sft_files import write_lines
from medllm.errors import ConfigError
from medllm.export.facts import TrainingSource
from medllm.export.source import (
    Source,
    check_name,
    find_source,
    licence_of,
    trained_on,
    validation_records,
)
from medllm.files import read_json, write_atomically, write_json
from medllm.manifest import append_entry, describe_run
from medllm.models.hf_folder import FACTS
from medllm.models.hf_parts import Parts
from medllm.tune.config import check_config, to_toml
from tests.tune.records import many


def a_run(folder: Path, base: Path, sources: tuple[str, ...], **data: Any) -> Path:
    """Make a run folder as `medllm train` leaves it, but for weights."""
    run, records = folder / "run", folder / "train.jsonl"
    (run / "adapter").mkdir(parents=True)
    with write_lines(records) as handle:
        for record, source in zip(many(len(sources)), sources, strict=True):
            handle.write_record(replace(record, source=source))
    table = {"model": {"base": str(base)}, "data": {"train": [str(records)], **data}}
    write_atomically(run / "config.toml", to_toml(check_config(table)))
    entry = describe_run("train", options={}, inputs=[records], started="", results={})
    append_entry(run, entry)
    return run


def of(run: Path | None, base: Path) -> TrainingSource:
    return trained_on(Source(Parts(base, run / "adapter" if run else None, base), run))


@pytest.fixture
def base(tmp_path: Path) -> Path:
    (tmp_path / "base").mkdir()
    return tmp_path / "base"


def test_open_records_without_patients_are_told_apart(base: Path, tmp_path: Path) -> None:
    found = of(a_run(tmp_path, base, ("medqa", "medquad", "medqa")), base)
    assert found.sets == ("medqa", "medquad")
    assert found.is_known
    assert not found.is_gated
    assert not found.may_hold_patient_text
    assert found.licences, "those of the catalogue"


@pytest.mark.parametrize(
    ("source", "is_gated", "may"),
    [("ehr-ds-qa", True, True), ("healthcaremagic-100k", None, True), ("our-own", False, True)],
)
def test_gated_sets_and_those_about_patients_are_marked(
    source: str, is_gated: bool | None, may: bool, base: Path, tmp_path: Path
) -> None:
    found = of(a_run(tmp_path, base, ("medqa", source)), base)
    assert found.is_known
    assert is_gated is None or found.is_gated is is_gated
    assert found.may_hold_patient_text is may


def test_plain_text_is_of_nobody_knows_where(base: Path, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("words", encoding="utf-8")
    found = of(a_run(tmp_path, base, ("medqa",), text=[str(tmp_path / "a.txt")]), base)
    assert found.sets == ("medqa", "plain text")
    assert found.may_hold_patient_text


def test_what_is_gone_or_changed_leaves_it_unknown(base: Path, tmp_path: Path) -> None:
    run = a_run(tmp_path, base, ("medqa",))
    records = tmp_path / "train.jsonl"
    whole = records.read_bytes()
    records.write_bytes(whole + whole)
    for found in (of(run, base), of(None, base)):
        assert not found.is_known
        assert found.may_hold_patient_text
    records.unlink()
    assert not of(run, base).is_known
    records.write_bytes(whole)
    assert of(run, base).is_known


def test_a_base_that_was_trained_here_is_looked_at_too(tmp_path: Path) -> None:
    first = tmp_path / "first"
    first.mkdir()
    (tmp_path / "stock").mkdir()
    earlier = a_run(first, tmp_path / "stock", ("ehr-ds-qa",))
    model = earlier / "model"
    model.mkdir()
    write_json(model / FACTS, {"base": str(tmp_path / "stock"), "kind": "model"})
    (tmp_path / "second").mkdir()
    found = of(a_run(tmp_path / "second", model, ("medqa",)), model)
    assert found.sets == ("ehr-ds-qa", "medqa")
    assert found.is_gated
    (earlier / "config.toml").unlink()
    assert not of(tmp_path / "second" / "run", model).is_known


def test_validation_records_are_those_that_were_validated_on(base: Path, tmp_path: Path) -> None:
    held_out = tmp_path / "validation.jsonl"
    with write_lines(held_out) as handle:
        handle.write_record(many(1)[0])
    run = a_run(tmp_path, base, ("medqa",), validation=[str(held_out)])
    source = Source(Parts(base, run / "adapter", base), run)
    assert validation_records(source) == [], "the manifest does not list it"
    entries = read_json(run / "manifest.json")
    append_entry(run, describe_run("train", options={}, inputs=[held_out], started="", results={}))
    assert len(read_json(run / "manifest.json")) == len(entries) + 1
    assert validation_records(source) == [held_out]


def test_the_licence_is_told_from_the_card_the_text_or_the_hub_id(base: Path) -> None:
    source = Source(Parts(base, None, base), None)
    assert licence_of(source) == ""
    (base / "LICENSE").write_text("LLAMA 3.1 COMMUNITY LICENSE AGREEMENT", encoding="utf-8")
    assert licence_of(source) == "llama3.1"
    (base / "README.md").write_text("---\ntags: [x]\nlicense: mit\n---\nlicense: not-this\n")
    assert licence_of(source) == "mit"


def test_a_snapshot_of_the_hub_has_its_hub_id(tmp_path: Path) -> None:
    folder = tmp_path / "models--meta-llama--Llama-3.2-1B-Instruct" / "snapshots" / "abc123"
    folder.mkdir(parents=True)
    source = find_source(str(folder), Parts(folder, None, folder))
    assert source.base_name == "meta-llama/Llama-3.2-1B-Instruct"
    assert licence_of(source) == "llama3.2"


def test_names_are_made_fit_for_files() -> None:
    assert check_name("out/My run é 1") == "out-My-run-1"
    with pytest.raises(ConfigError, match="no name"):
        check_name("...")

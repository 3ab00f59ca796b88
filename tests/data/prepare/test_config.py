from __future__ import annotations

from pathlib import Path

import pytest

from medllm.data.prepare.config import PrepareConfig, load_prepare_config
from medllm.errors import ConfigError

WHOLE = """
[search]
top = 5

[prepare]
[[prepare.sources]]
name = "genmedgpt-5k"
path = "chatdoctor5k.json"
held_out = 120

[[prepare.sources]]
name = "medquad"
path = "MedQuAD"
weight = 2.5

[prepare.split]
validation = 0.1

[prepare.mix]
by = "temperature"
"""


def load(tmp_path: Path, text: str, *overrides: str) -> PrepareConfig:
    path = tmp_path / "config.toml"
    path.write_text(text, encoding="utf-8")
    return load_prepare_config(path, overrides)


def test_a_file_is_read_beside_the_sections_of_other_commands(tmp_path: Path) -> None:
    settings = load(tmp_path, WHOLE)
    assert [source.name for source in settings.sources] == ["genmedgpt-5k", "medquad"]
    assert settings.sources[0].held_out == 120
    assert settings.split.validation == 0.1
    assert settings.mix.by == "temperature"
    assert settings.overlap.action == "refuse"


def test_an_override_reaches_an_inner_section(tmp_path: Path) -> None:
    settings = load(tmp_path, WHOLE, "prepare.overlap.action=leave out", "prepare.split.test=0.2")
    assert settings.overlap.action == "leave out"
    assert settings.split.test == 0.2


@pytest.mark.parametrize(
    ("change", "message", "hint"),
    [
        (("held_out", "heldout"), "unknown key prepare.sources[1].heldout", "held_out"),
        (("[prepare.mix]", "[prepare.mixx]"), "unknown key prepare.mixx", "prepare.mix"),
        (("validation", "valid"), "unknown key prepare.split.valid", "validation"),
        (("0.1", "1.5"), "prepare.split.validation: ", ""),
        (("0.1", "0.96"), "validation and test leave nothing to learn from", ""),
        (("120", '"many"'), "prepare.sources[1].held_out: ", ""),
        (("120", '120\ninto = "test"'), "into and held_out exclude each other", ""),
        (('path = "MedQuAD"\n', ""), "prepare.sources[2].path is missing", ""),
        ((WHOLE, "[search]\ntop = 5"), "has no section [prepare]", ""),
        ((WHOLE, "[prepare]\n"), "prepare.sources is missing", ""),
        ((WHOLE, "[prepare\n"), "is not TOML", ""),
    ],
)
def test_what_is_wrong_is_named_and_what_was_meant(
    tmp_path: Path, change: tuple[str, str], message: str, hint: str
) -> None:
    with pytest.raises(ConfigError) as raised:
        load(tmp_path, WHOLE.replace(*change))
    assert message in str(raised.value)
    assert hint in raised.value.hint
    assert raised.value.hint


def test_paths_are_relative_to_the_file_that_holds_them(tmp_path: Path) -> None:
    settings = load(tmp_path, WHOLE.replace("MedQuAD", "/data/MedQuAD"))
    assert settings.sources[0].path == tmp_path / "chatdoctor5k.json"
    assert settings.sources[1].path == Path("/data/MedQuAD")
    more = '[prepare.deidentify]\non = true\nsecret_file = "secret"\n'
    assert load(tmp_path, WHOLE + more).deidentify.secret_file == tmp_path / "secret"

"""Settings: checked on the way in, and an error names the key and the nearest right one."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from medllm.cli.options import read_config
from medllm.config import Config, load_config
from medllm.errors import ConfigError


def write(folder: Path, text: str) -> Path:
    path = folder / "settings.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_without_a_file_the_defaults_hold() -> None:
    assert load_config(None) == Config()


def test_a_file_sets_what_it_names_and_leaves_the_rest(tmp_path: Path) -> None:
    path = write(tmp_path, '[ask]\nmodel = "ollama:llama3.2"\n[models]\ntemperature = 1\n')
    config = load_config(path)
    assert config.ask.model == "ollama:llama3.2"
    assert config.models.temperature == 1.0
    assert config.ask.sentences == Config().ask.sentences
    assert config.search == Config().search


def test_an_override_beats_the_file_and_the_last_one_counts(tmp_path: Path) -> None:
    path = write(tmp_path, "[search]\ntop = 3\n")
    assert load_config(path, ["search.top=4", "search.top=5"]).search.top == 5


@pytest.mark.parametrize(
    ("override", "value"),
    [
        ("ask.model=ollama:tiny", "ollama:tiny"),
        ('ask.model="ollama:tiny"', "ollama:tiny"),
        ("ask.model=openai:http://127.0.0.1:8000/v1#m=1", "openai:http://127.0.0.1:8000/v1#m=1"),
        ("ask.threshold=0.5", 0.5),
        ("ask.sentences = 7", 7),
        ("models.api_key_file=/keys/one", Path("/keys/one")),
    ],
)
def test_an_override_is_read_as_toml_or_else_as_text(override: str, value: object) -> None:
    section, key = override.partition("=")[0].strip().split(".")
    assert getattr(getattr(load_config(None, [override]), section), key) == value


@pytest.mark.parametrize(
    ("override", "message", "hint"),
    [
        ("search.tpo=3", "unknown key search.tpo", "did you mean search.top?"),
        ("serch.top=3", "unknown key serch", "did you mean search?"),
        ("ask.xyzzy=3", "unknown key ask.xyzzy", "known: ask.model"),
        ("search.top=ten", "search.top: ", "docs/config.md"),
        ('search.top="10"', "search.top: ", "docs/config.md"),
        ("search.top=true", "search.top: ", "docs/config.md"),
        ("search.top=0", "search.top: ", "docs/config.md"),
        ("search.top=1001", "search.top: ", "docs/config.md"),
        ("search.mode=magic", "search.mode: ", "docs/config.md"),
        ("ask.threshold=1.5", "ask.threshold: ", "docs/config.md"),
        ("ask.threshold=nan", "ask.threshold: ", "docs/config.md"),
        ("models.connect_timeout_s=0", "models.connect_timeout_s: ", "docs/config.md"),
        ("models.connect_timeout_s=inf", "models.connect_timeout_s: ", "docs/config.md"),
        ("search.top", "--set search.top is not of the form", "ask.sentences=8"),
        ("=3", "is not of the form", "ask.sentences=8"),
        ("search.=3", "is not of the form", "ask.sentences=8"),
        ("top=3", "is not of the form", "ask.sentences=8"),
    ],
)
def test_a_wrong_setting_is_named_with_what_to_do(override: str, message: str, hint: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load_config(None, [override])
    assert message in str(caught.value)
    assert hint in caught.value.hint
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[search\n", "is not TOML"),
        ("search = 3\n", "search: "),
        ("[[search]]\ntop = 3\n", "search: "),
        ("top = 3\n", "unknown key top"),
        ("[search.inner]\ntop = 3\n", "unknown key search.inner"),
        ("[search]\ntop = 3\ntop = 4\n", "is not TOML"),
    ],
)
def test_a_wrong_file_is_named(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        load_config(write(tmp_path, text))


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    (tmp_path / "latin.toml").write_bytes(b'[ask]\nmodel = "caf\xe9"\n')
    for name, message in (
        ("absent.toml", "no such file"),
        (".", "is a directory"),
        ("latin.toml", "is not TOML"),
    ):
        with pytest.raises(ConfigError, match=message) as caught:
            load_config(tmp_path / name)
        assert str(tmp_path) in str(caught.value)
        assert caught.value.hint


def test_an_override_of_a_section_that_the_file_made_a_value_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="search is a value"):
        load_config(write(tmp_path, "search = 3\n"), ["search.top=4"])


def test_the_file_in_the_home_is_read_where_none_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MEDLLM_HOME", str(tmp_path))
    assert read_config(None, None) == Config()
    (tmp_path / "config.toml").write_text("[search]\ntop = 3\n")
    assert read_config(None, None).search.top == 3
    assert read_config(write(tmp_path, "[search]\ntop = 4\n"), None).search.top == 4
    monkeypatch.setenv("MEDLLM_HOME", "")
    assert read_config(None, None) == Config()


@given(st.text(max_size=30), st.text(max_size=30))
def test_no_override_leads_to_anything_but_settings_or_a_clear_error(name: str, value: str) -> None:
    outcome: Config | str
    try:
        outcome = load_config(None, [f"{name}={value}", f"ask.{name}={value}"])
    except ConfigError as exc:
        outcome = exc.hint
    assert outcome

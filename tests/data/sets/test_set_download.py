from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from typing import Any

import pytest

from medllm.data.sets.catalogue import CATALOGUE
from medllm.data.sets.download import download
from medllm.errors import EXTRAS, ConfigError, DataError, MissingExtraError

sys.path.insert(0, str(Path(__file__).parent))
from fake_hub import FakeHub  # noqa: E402

needs_hub = pytest.mark.skipif(
    importlib.util.find_spec("huggingface_hub") is None,
    reason="huggingface_hub is not installed (extra data)",
)
GENMEDGPT = CATALOGUE["genmedgpt-5k"].hub_id


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(EXTRAS, "data", ("pyarrow", "huggingface_hub"))
    if importlib.util.find_spec("huggingface_hub"):
        from huggingface_hub import constants

        monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub-cache"))
        monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
        monkeypatch.setattr(constants, "HF_HUB_DISABLE_PROGRESS_BARS", True)


@needs_hub
def test_only_the_files_of_the_set_are_fetched_and_can_be_read(
    read_records: Any, set_files: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    raw = (set_files / "chatdoctor5k.json").read_bytes()
    files = {"README.md": b"x", "chatdoctor5k.json": raw, "extra/chatdoctor5k.txt": b"y"}
    with FakeHub(GENMEDGPT, files) as fake:
        monkeypatch.setenv("HF_ENDPOINT", fake.url)
        (path,) = download("genmedgpt-5k", tmp_path)
    assert path == tmp_path / "genmedgpt-5k" / "chatdoctor5k.json"
    assert path.read_bytes() == raw
    assert not [asked for asked in fake.asked if "README" in asked]
    assert len(read_records("genmedgpt-5k", tmp_path / "genmedgpt-5k").records) == 2


@needs_hub
def test_the_hub_is_offline_again_after_the_download_and_hears_no_telemetry(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from huggingface_hub import constants

    with FakeHub(GENMEDGPT, {"chatdoctor5k.json": b"[]"}) as fake:
        monkeypatch.setenv("HF_ENDPOINT", fake.url)
        download("genmedgpt-5k", tmp_path)
    assert constants.HF_HUB_OFFLINE is True
    assert not [asked for asked in fake.asked if "telemetry" in asked]
    assert not any("torch/" in agent for agent in fake.agents)


@needs_hub
def test_a_file_that_is_there_is_not_fetched_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with FakeHub(GENMEDGPT, {"chatdoctor5k.json": b"[]"}) as fake:
        monkeypatch.setenv("HF_ENDPOINT", fake.url)
        download("genmedgpt-5k", tmp_path)
        first = tmp_path / "genmedgpt-5k" / "chatdoctor5k.json"
        before = first.stat().st_mtime_ns
        download("genmedgpt-5k", tmp_path)
    assert first.stat().st_mtime_ns == before


@needs_hub
def test_without_the_hub_a_half_filled_folder_is_not_called_done(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with FakeHub(GENMEDGPT, {"chatdoctor5k.json": b"[]"}) as fake:
        url = fake.url
    monkeypatch.setenv("HF_ENDPOINT", url)
    (tmp_path / "genmedgpt-5k").mkdir()
    (tmp_path / "genmedgpt-5k" / "some.json").write_text("[]")
    with pytest.raises(DataError, match="no connection, or it broke off") as caught:
        download("genmedgpt-5k", tmp_path)
    assert "run it again" in caught.value.hint
    from huggingface_hub import constants

    assert constants.HF_HUB_OFFLINE is True


@needs_hub
@pytest.mark.parametrize(
    ("mode", "message"),
    [
        ("gated", "asks for an account on the hub"),
        ("absent", "is not on the hub"),
        ("broken", "no connection, or it broke off"),
        ("cut", "no connection, or it broke off"),
    ],
)
def test_what_the_hub_refuses_is_one_clear_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mode: str, message: str
) -> None:
    import huggingface_hub.file_download as file_download

    monkeypatch.setattr(file_download.time, "sleep", lambda seconds: None)  # between its retries
    with FakeHub(GENMEDGPT, {"chatdoctor5k.json": b"[]" * 1000}, mode) as fake:
        monkeypatch.setenv("HF_ENDPOINT", fake.url)
        with pytest.raises(DataError, match=message) as caught:
            download("genmedgpt-5k", tmp_path)
    assert caught.value.hint
    assert not (tmp_path / "genmedgpt-5k" / "chatdoctor5k.json").exists()


@needs_hub
def test_a_hub_without_the_wanted_files_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with FakeHub(GENMEDGPT, {"renamed.json": b"[]"}) as fake:
        monkeypatch.setenv("HF_ENDPOINT", fake.url)
        with pytest.raises(DataError, match=r"holds none of chatdoctor5k\.json"):
            download("genmedgpt-5k", tmp_path)


@pytest.mark.parametrize(
    ("name", "message", "hint"),
    [
        ("ehr-ds-qa", "is gated: each user must apply", "credentialed user"),
        ("chexpert", "is gated: each user must apply", "register"),
        ("clicr", "is not for download", "write to the authors"),
        ("bioread", "is not on the hub", "archive.org"),
        ("mts-dialog", "is not on the hub", "github.com/abachaa/MTS-Dialog"),
        ("messages", "is not on the hub", "your own files"),
    ],
)
def test_what_is_not_open_says_how_to_apply_and_makes_no_folder(
    tmp_path: Path, name: str, message: str, hint: str
) -> None:
    with pytest.raises(DataError, match=message) as caught:
        download(name, tmp_path / "sets")
    assert hint in caught.value.hint
    assert not (tmp_path / "sets").exists()


def test_an_unknown_set_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="unknown data set genmed"):
        download("genmed", tmp_path)


def test_without_the_library_the_extra_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    with pytest.raises(MissingExtraError, match="huggingface_hub") as caught:
        download("genmedgpt-5k", tmp_path / "sets")
    assert "medllm[data]" in caught.value.hint
    assert not (tmp_path / "sets").exists()


@needs_hub
def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "sets").write_text("a file")
    with pytest.raises(DataError, match="cannot write"):
        download("genmedgpt-5k", tmp_path / "sets")

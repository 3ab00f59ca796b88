"""Folders that are no index, or one no longer: one clear line each, and no traceback."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from medllm.errors import DataError
from medllm.manifest import append_entry, read_entries
from medllm.retrieve.embedded import EmbeddedIndex
from medllm.retrieve.folder import state_of
from medllm.retrieve.index import Filter
from medllm.retrieve.shard_files import allocated_bytes, copy_files, files_digest
from tests.retrieve.comparing import ALL_TERMS, assert_same
from tests.retrieve.conftest import NewIndex
from tests.retrieve.invented import DIMENSION, random_entries
from tests.retrieve.oracle import Oracle

ENCODER = {"spec": "none", "digest": "0", "dimension": DIMENSION}


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An index of 30 documents, closed; copied before it is damaged."""
    path = tmp_path_factory.mktemp("sound") / "idx"
    with EmbeddedIndex.create(path, encoder=ENCODER) as index:
        index.upsert(random_entries(0, 30, with_vectors=True))
        index.delete(["d3"])
        index.finish()
    return path


@pytest.fixture
def path(sound: Path, tmp_path: Path) -> Path:
    """A copy of the sound index."""
    copy_files(sound, tmp_path / "idx")
    return tmp_path / "idx"


def assert_refused(path: Path, says: str) -> None:
    with pytest.raises(DataError, match=says) as caught:
        EmbeddedIndex.open(path)
    assert str(path) in str(caught.value)
    assert caught.value.hint
    with pytest.raises(DataError, match=says):  # and the lock was let go
        EmbeddedIndex.open(path)


def edit(path: Path, **facts: Any) -> None:
    file = path / "index.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), **facts}))


def test_the_sound_index_opens(path: Path) -> None:
    oracle = Oracle()
    oracle.upsert(random_entries(0, 30, with_vectors=True))
    oracle.delete(["d3"])
    with EmbeddedIndex.open(path) as index:
        assert not index.folder.must_mend
        assert_same(index, oracle, with_vectors=True)


def test_opening_and_searching_rewrites_no_file_of_ours(path: Path) -> None:
    EmbeddedIndex.open(path).close()  # the engine takes up its journals
    files = [path / "index.json", path / "terms.npz"]
    before = [file.stat().st_mtime_ns for file in files]
    with EmbeddedIndex.open(path) as index:
        index.search_words(ALL_TERMS, limit=3, where=Filter())
    assert [file.stat().st_mtime_ns for file in files] == before


def test_nothing_there(tmp_path: Path) -> None:
    assert_refused(tmp_path / "idx", "does not exist")
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_no_index_is_left_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").touch()
    assert_refused(tmp_path, "is not an index")
    assert_refused(tmp_path / "notes.txt", "is not an index")
    with pytest.raises(DataError, match="is not empty"):
        EmbeddedIndex.create(tmp_path, encoder=None)
    with pytest.raises(DataError, match="is not empty"):
        EmbeddedIndex.create(tmp_path / "notes.txt", encoder=None)
    with pytest.raises(DataError, match="cannot write"):
        EmbeddedIndex.create(tmp_path / "notes.txt" / "idx", encoder=None)
    assert [p.name for p in tmp_path.iterdir()] == ["notes.txt"]


def test_a_folder_with_only_a_shard_in_it_is_not_taken_for_a_broken_off_start(
    tmp_path: Path,
) -> None:
    (tmp_path / "shard").mkdir()
    with pytest.raises(DataError, match="is not empty"):
        EmbeddedIndex.create(tmp_path, encoder=None)


def test_an_index_of_a_newer_format(path: Path) -> None:
    edit(path, format=2)
    assert_refused(path, "has format 2, this medllm reads up to 1")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "not JSON"),
        ("{", "not JSON"),
        ("\xff\xfe", "not JSON"),
        ("[]", "no format number"),
        ("{}", "no format number"),
        ('{"format": "1"}', "no format number"),
        ('{"format": true}', "no format number"),
        ('{"format": 1}', "lacks average_length, created, encoder, files"),
    ],
)
def test_a_damaged_index_json(path: Path, text: str, says: str) -> None:
    (path / "index.json").write_bytes(text.encode("latin-1"))
    assert_refused(path, says)


@pytest.mark.parametrize(
    ("name", "value"),
    [("average_length", []), ("encoder", 5), ("encoder", {"spec": "x"}), ("is_exact", "yes")],
)
def test_a_fact_of_another_type(path: Path, name: str, value: Any) -> None:
    edit(path, **{name: value})
    assert_refused(path, f"lacks {name}")


def test_the_shard_is_missing(path: Path) -> None:
    shutil.rmtree(path / "shard")
    assert_refused(path, "is damaged")


def test_index_json_is_missing(path: Path) -> None:
    (path / "index.json").unlink()
    assert_refused(path, "cut short")
    assert state_of(path) == ""


def _cut(file: Path) -> None:
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])


@pytest.mark.parametrize("harm", [_cut, Path.unlink], ids=["cut short", "missing"])
def test_any_file_of_the_engine_cut_short_or_missing_is_noticed(
    path: Path, sound: Path, harm: Callable[[Path], None]
) -> None:
    shard = path / "shard"
    files = [p for p in shard.rglob("*") if p.is_file() and "wal" not in p.parts]
    assert len(files) > 20
    for file in files:
        harm(file)
        with pytest.raises(DataError, match="is damaged"):
            EmbeddedIndex.open(path)
        original = sound / file.relative_to(path)
        copy_files(original.parent, file.parent)
    EmbeddedIndex.open(path).close()


@pytest.mark.parametrize(
    "name", ["segment.json", "edge_config.json", "mutable_id_tracker.mappings"]
)
def test_flipped_bytes_that_the_engine_notices(path: Path, name: str) -> None:
    file = max((path / "shard").rglob(name), key=lambda found: found.stat().st_size)
    data = bytearray(file.read_bytes())
    for at in range(0, len(data), 7):
        data[at] ^= 0x55
    file.write_bytes(data)
    assert_refused(path, "is damaged")


def test_flipped_bytes_in_the_texts_are_noticed_when_they_are_read(path: Path) -> None:
    for file in (path / "shard").rglob("payload_storage/page_0.dat"):
        n_used = len(file.read_bytes().rstrip(b"\0"))
        with file.open("r+b") as handle:
            handle.write(b"\x55" * n_used)
    with pytest.raises(DataError, match="is damaged"), EmbeddedIndex.open(path) as index:
        list(index.documents(Filter()))


@pytest.mark.parametrize("content", [None, b"", b"PK", b"x" * 999])
def test_missing_or_damaged_counts_are_counted_anew(path: Path, content: bytes | None) -> None:
    if content is None:
        (path / "terms.npz").unlink()
    else:
        (path / "terms.npz").write_bytes(content)
    with EmbeddedIndex.open(path) as index:
        assert index.folder.must_mend
    test_the_sound_index_opens(path)


def test_flipped_counts_are_counted_anew(path: Path) -> None:
    file = path / "terms.npz"
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 0x55
    file.write_bytes(data)
    EmbeddedIndex.open(path).close()
    test_the_sound_index_opens(path)


def test_a_copy_has_the_same_bytes_and_the_same_holes(tmp_path: Path) -> None:
    (tmp_path / "a" / "deep").mkdir(parents=True)
    with (tmp_path / "a" / "deep" / "holes").open("wb") as file:
        file.seek(5_000_000)
        file.write(b"middle")
        file.seek(9_000_000)
        file.write(b"end")
        file.truncate(20_000_000)
    (tmp_path / "a" / "empty").touch()
    (tmp_path / "a" / "only a hole").touch()
    (tmp_path / "a" / "full").write_bytes(bytes(range(256)) * 9000)
    with (tmp_path / "a" / "only a hole").open("wb") as file:
        file.truncate(3_000_000)
    copy_files(tmp_path / "a", tmp_path / "b")
    for file_path in (tmp_path / "a").rglob("*"):
        if file_path.is_file():
            copy = tmp_path / "b" / file_path.relative_to(tmp_path / "a")
            assert copy.read_bytes() == file_path.read_bytes()
    assert files_digest(tmp_path / "a") == files_digest(tmp_path / "b")
    assert allocated_bytes(tmp_path / "b") <= allocated_bytes(tmp_path / "a") + 2**16


def test_a_snapshot_takes_the_manifest_along(new_index: NewIndex, tmp_path: Path) -> None:
    index = new_index()
    append_entry(index.folder.path, {"command": "index build"})
    index.snapshot(tmp_path / "copy")
    assert read_entries(tmp_path / "copy") == [{"command": "index build"}]

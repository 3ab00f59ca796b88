"""A disk that is full or may not be written, and documents of unusual size."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections import namedtuple
from collections.abc import Iterator
from pathlib import Path

import pytest

from medllm.errors import DataError
from medllm.records import Document
from medllm.retrieve import folder as folder_module
from medllm.retrieve.build import add_documents
from medllm.retrieve.embedded import EmbeddedIndex
from medllm.retrieve.index import Filter
from medllm.retrieve.search import search
from tests.retrieve.comparing import assert_nothing_else
from tests.retrieve.conftest import NewIndex

MB = 2**20

Usage = namedtuple("Usage", "total used free")


def documents(n: int, *, first: int = 0) -> list[Document]:
    return [
        Document(id=f"d{k}", kind="patients", text="Fever. Cough with rash. " * 50)
        for k in range(first, first + n)
    ]


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 200 MB in memory, mounted for this test."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=200m", "none", str(disk)]
    if os.geteuid() != 0 or shutil.which("mount") is None:
        pytest.skip("only root can mount a small disk")
    if subprocess.run(mount, capture_output=True).returncode != 0:
        pytest.skip("this machine does not let root mount a small disk")
    yield disk
    subprocess.run(["umount", "-l", str(disk)], check=True)


def fill(disk: Path, *, leave: int) -> None:
    with (disk / "filler").open("wb") as file:
        os.posix_fallocate(file.fileno(), 0, shutil.disk_usage(disk).free - leave)


def test_on_a_disk_that_fills_up_nothing_acknowledged_is_lost(small_disk: Path) -> None:
    path = small_disk / "idx"
    progress: list[int] = []
    with EmbeddedIndex.create(path, encoder=None) as index:
        fill(small_disk, leave=134 * MB)
        with pytest.raises(DataError, match="no space left for the index") as caught:
            add_documents(
                index, documents(20_000), progress=lambda added: progress.append(added.documents)
            )
        assert "goes on where it stopped" in caught.value.hint
        assert 0 < progress[-1] < 20_000
    (small_disk / "filler").unlink()
    with EmbeddedIndex.open(path) as index:
        assert_nothing_else(index, {d.id: d for d in documents(progress[-1])})
        added = add_documents(index, documents(progress[-1] + 300))
        assert (added.added, added.unchanged) == (300, progress[-1])


def test_an_index_on_a_full_disk_is_not_opened(small_disk: Path) -> None:
    path = small_disk / "idx"
    with EmbeddedIndex.create(path, encoder=None) as index:
        add_documents(index, documents(10))
    fill(small_disk, leave=MB)
    with pytest.raises(DataError, match="no space left for the index"):
        EmbeddedIndex.open(path)
    (small_disk / "filler").unlink()
    fill(small_disk, leave=folder_module.OPENING_BYTES + MB)
    with EmbeddedIndex.open(path) as index:
        assert_nothing_else(index, {d.id: d for d in documents(10)})


def test_an_index_on_a_disk_that_cannot_be_written(small_disk: Path) -> None:
    path = small_disk / "idx"
    EmbeddedIndex.create(path, encoder=None).close()
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    with pytest.raises(DataError, match="cannot write .*read-only"):
        EmbeddedIndex.open(path)
    with pytest.raises(DataError, match="cannot write .*read-only"):
        EmbeddedIndex.create(small_disk / "new", encoder=None)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_an_index_in_a_folder_that_cannot_be_written(new_index: NewIndex) -> None:
    index = new_index()
    index.close()
    (index.folder.path / "lock").chmod(0o400)
    index.folder.path.chmod(0o500)
    with pytest.raises(DataError, match="cannot write .*permission denied"):
        EmbeddedIndex.open(index.folder.path)
    index.folder.path.chmod(0o700)


def test_nothing_is_begun_without_room_for_it(
    new_index: NewIndex, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    index = new_index()
    add_documents(index, documents(3))
    free = folder_module.RESERVE_BYTES - 1
    monkeypatch.setattr(folder_module.shutil, "disk_usage", lambda path: Usage(free, 0, free))
    for begin in (
        lambda: add_documents(index, documents(9)),
        index.compact,
        lambda: EmbeddedIndex.create(tmp_path / "other", encoder=None),
    ):
        with pytest.raises(DataError, match="no space left for the index"):
            begin()
    assert_nothing_else(index, {d.id: d for d in documents(3)})
    monkeypatch.setattr(folder_module.shutil, "disk_usage", lambda path: Usage(0, 0, 0))
    with pytest.raises(DataError, match="no space left for the index"):
        index.snapshot(tmp_path / "copy")
    index.close()
    with pytest.raises(DataError, match="no space left for the index"):
        EmbeddedIndex.open(index.folder.path)


def test_a_document_of_30_megabytes(new_index: NewIndex) -> None:
    index = new_index()
    sentence = "Pseudopseudohypoparathyroidism " + "hyperbetalipoproteinaemia " * 60 + "again. "
    text = sentence * (30_000_000 // len(sentence)) + "Ataxia came last."
    add_documents(index, [Document(id="large", kind="patients", text=text), *documents(2)])
    (hit,) = search(index, "ataxia", where=Filter())
    assert hit.document.text == text
    assert hit.passage.text.endswith("Ataxia came last.")
    index.delete(["large"])
    assert_nothing_else(index, {d.id: d for d in documents(2)})


def test_documents_of_a_character_or_without_words_or_without_text(new_index: NewIndex) -> None:
    index = new_index()
    texts = ["x", "...", " ", "", "\0", "é", "𝛼", "the", "fever"]
    held = [Document(id=f"d{n}", kind="patients", text=text) for n, text in enumerate(texts)]
    assert add_documents(index, held).added == len(texts)
    assert index.read([d.id for d in held]) == {d.id: d for d in held}
    assert [h.document.id for h in search(index, "x", where=Filter())] == ["d0"]
    assert search(index, "...", where=Filter()) == []
    assert search(index, "", where=Filter()) == []


def test_an_index_of_nothing_but_empty_documents(new_index: NewIndex) -> None:
    index = new_index()
    add_documents(index, [Document(id="d", kind="patients", text="  \n ")])
    assert (index.count(Filter()), index.count_passages()) == (1, 0)


def test_ten_thousand_identical_documents(new_index: NewIndex) -> None:
    index = new_index()
    text = "A man with fever and cough."
    held = [Document(id=f"d{n}", kind="patients", text=text) for n in range(10_000)]
    add_documents(index, held)
    hits = search(index, "fever and cough", where=Filter(), top=50)
    assert len({hit.document.id for hit in hits}) == 50
    assert len({hit.score for hit in hits}) == 1
    assert hits[0].score > 0  # idf is small, never negative
    assert [h.document.id for h in hits] == sorted(h.document.id for h in hits)
    assert index.delete(d.id for d in held[1:]) == 9_999
    assert [h.document.id for h in search(index, "cough", where=Filter())] == ["d0"]

"""A disk that is full: what was there before stays usable, and the same command goes on."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.conftest import Run
from tests.cli.running import NOTE, assert_mendable

SIZE = 256 * 2**20
"""An index of the examples takes 17 MB, 56 MB once it was opened, and 128 MB are kept free."""


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """Give a small disk of its own, which only root can make."""
    path = tmp_path / "disk"
    path.mkdir()
    if not shutil.which("mount") or os.geteuid() != 0:
        pytest.skip("only root can mount a small disk to fill")
    command = ["mount", "-t", "tmpfs", "-o", f"size={SIZE}", "tmpfs", str(path)]
    if subprocess.run(command, capture_output=True).returncode != 0:
        pytest.skip("this machine does not let a test mount a small disk")
    yield path
    subprocess.run(["umount", str(path)], check=True, capture_output=True)


def fill(disk: Path, *, leave: int) -> Path:
    """Take all of the disk but about `leave` bytes."""
    path = disk / f"filler-{leave}"
    n_bytes = shutil.disk_usage(disk).free - leave
    with path.open("wb") as handle:
        os.posix_fallocate(handle.fileno(), 0, n_bytes)
    return path


def test_a_full_disk_costs_nothing_that_was_indexed(
    disk: Path, medllm: Run, examples: Path
) -> None:
    index = disk / "idx"
    patients = (examples / "patients.jsonl", "--kind", "patients")
    assert medllm("index", "build", *patients, "--to", index).code == 0
    filler = fill(disk, leave=100 * 2**20)
    adding = ("index", "add", index, examples / "articles.jsonl", "--kind", "articles")
    assert_mendable(medllm(*adding), "no space left", "free some space")
    assert_mendable(medllm("index", "build", *patients, "--to", disk / "new"), "no space left")
    found = medllm("search", "pleuritic chest pain", "--index", index, "--kind", "patients")
    assert found.code == 0, found.err
    assert "embolism" in found.out
    filler.unlink()
    assert medllm(*adding).code == 0
    assert medllm("index", "build", *patients, "--to", disk / "new").code == 0
    for place in (index, disk / "new"):
        assert medllm("index", "status", place, "--json").json["documents"]["patients"] == 60


def test_a_page_that_does_not_fit_is_said_and_the_answer_is_printed(
    disk: Path, medllm: Run, home: Path, example_index: Path
) -> None:
    (home / "note.txt").write_text(NOTE)
    fill(disk, leave=4096)
    command = ("ask", "note.txt", "--index", example_index, "--model", "extractive")
    done = medllm(*command, "--html", disk / "answer.html")
    assert_mendable(done, "no space left while writing", "answer.html")
    assert "SUMMARY" in done.out
    assert not [path for path in disk.iterdir() if "answer" in path.name]


def test_a_full_output_is_no_traceback(home: Path, example_index: Path, medllm: Run) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("this system has no /dev/full")
    (home / "note.txt").write_text(NOTE)
    done = medllm("search", "--file", "note.txt", "--index", example_index, "--json")
    assert done.code == 0
    import sys

    command = f"{sys.executable} -m medllm search rash --index {example_index} > /dev/full"
    failed = subprocess.run(["sh", "-c", command], capture_output=True, text=True, timeout=60)
    assert failed.returncode == 2
    assert failed.stderr.startswith("error: cannot write: no space left on device")
    assert len(failed.stderr.splitlines()) == 2

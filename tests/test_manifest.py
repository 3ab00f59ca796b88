"""The manifest: what a run was, and nothing that should not be in it."""

from __future__ import annotations

import getpass
import hashlib
import json
import platform
import subprocess
from pathlib import Path

import pytest

from medllm import __version__, manifest
from medllm.errors import DataError


def describe(*inputs: Path) -> dict[str, object]:
    return manifest.describe_run(
        "index build",
        options={"kind": "patients"},
        inputs=inputs,
        started=manifest.now(),
        results={"taken": 1},
    )


def test_an_entry_says_what_ran_where_with_what_and_when(tmp_path: Path) -> None:
    source = tmp_path / "corpus.jsonl"
    source.write_text("abc")
    entry = describe(source)
    assert entry["command"] == "index build"
    assert entry["options"] == {"kind": "patients"}
    assert entry["results"] == {"taken": 1}
    assert entry["medllm"] == __version__
    assert entry["python"] == platform.python_version()
    assert entry["packages"]["qdrant-edge-py"]  # type: ignore[index]
    assert str(entry["started"]) <= str(entry["finished"])
    assert str(entry["finished"]).endswith("+00:00")
    digest = hashlib.sha256(b"abc").hexdigest()
    assert entry["inputs"] == [
        {"name": "corpus.jsonl", "n_files": 1, "size_bytes": 3, "sha256": digest}
    ]


def test_an_entry_names_neither_the_machine_nor_the_user_nor_a_place(tmp_path: Path) -> None:
    (tmp_path / "corpus.jsonl").write_text("abc")
    machine = json.dumps(manifest.machine())
    assert platform.node() not in machine
    entry = describe(tmp_path / "corpus.jsonl")
    assert str(tmp_path) not in json.dumps(entry)
    assert f"/{getpass.getuser()}/" not in json.dumps(entry)


def test_entries_are_appended_in_order_and_read_back(tmp_path: Path) -> None:
    assert manifest.read_entries(tmp_path) == []
    for name in ("one", "two"):
        manifest.append_entry(tmp_path, {"command": name})
    assert [entry["command"] for entry in manifest.read_entries(tmp_path)] == ["one", "two"]


@pytest.mark.parametrize("text", ["", "[", "{}", "[1]", "\xff"])
def test_a_damaged_manifest_is_named_and_left_as_it_is(tmp_path: Path, text: str) -> None:
    path = tmp_path / manifest.NAME
    path.write_text(text, encoding="latin-1")
    for act in (
        lambda: manifest.read_entries(tmp_path),
        lambda: manifest.append_entry(tmp_path, {}),
    ):
        with pytest.raises(DataError, match=r"manifest\.json is damaged") as caught:
            act()
        assert "move" in caught.value.hint
    assert path.read_text(encoding="latin-1") == text


def test_a_folder_is_named_by_the_digest_of_all_its_files(tmp_path: Path) -> None:
    folder = tmp_path / "notes"
    (folder / "inner").mkdir(parents=True)
    (folder / "b.txt").write_text("bb")
    (folder / "inner" / "a.txt").write_text("a")
    before = manifest.digest_input(folder)
    assert (before.name, before.n_files, before.size_bytes) == ("notes", 2, 3)
    # A digest of the lines that `sha256sum` prints, in the order of the names.
    lines = "".join(
        f"{hashlib.sha256(text).hexdigest()}  {name}\n"
        for name, text in (("b.txt", b"bb"), ("inner/a.txt", b"a"))
    )
    assert before.sha256 == hashlib.sha256(lines.encode()).hexdigest()
    (folder / "b.txt").rename(folder / "c.txt")
    assert manifest.digest_input(folder).sha256 != before.sha256


def test_an_input_that_is_gone_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="cannot read .*absent"):
        manifest.digest_input(tmp_path / "absent")


def test_the_commit_is_that_of_the_checkout_and_marked_where_files_differ(tmp_path: Path) -> None:
    package = tmp_path / "src" / "medllm"
    package.mkdir(parents=True)
    assert manifest.commit(package) == ""

    def git(*arguments: str) -> str:
        who = ["-c", "user.name=Test", "-c", "user.email=test@example.org"]
        command = ["git", "-C", str(tmp_path), *who, *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()

    (package / "a.py").write_text("a = 1\n")
    git("init", "--quiet")
    git("add", "src")
    git("commit", "--quiet", "--no-gpg-sign", "-m", "First")
    git("tag", "v1")
    head = git("rev-parse", "HEAD")
    assert manifest.commit(package) == head
    (package / "a.py").write_text("a = 2\n")
    assert manifest.commit(package) == f"{head}-dirty"


def test_no_git_is_no_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "src" / "medllm"
    package.mkdir(parents=True)
    (tmp_path / ".git").mkdir()
    assert manifest.commit(package) == "", "a repository without a commit"
    monkeypatch.setenv("PATH", str(tmp_path))
    assert manifest.commit(package) == ""


def test_a_copy_takes_the_entries_along(tmp_path: Path) -> None:
    for name in ("old", "new", "none"):
        (tmp_path / name).mkdir()
    manifest.copy_entries(tmp_path / "none", tmp_path / "new")
    assert not list((tmp_path / "new").iterdir())
    manifest.append_entry(tmp_path / "old", {"command": "one"})
    manifest.copy_entries(tmp_path / "old", tmp_path / "new")
    assert manifest.read_entries(tmp_path / "new") == [{"command": "one"}]

"""Index folders that are none, are broken or busy, and corpora that cannot be read."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from medllm.retrieve.embedded import EmbeddedIndex
from tests.cli.conftest import Run
from tests.cli.running import CANARY, assert_mendable, finish, start

ARTICLE = {"id": "a1", "title": "Itchy rash", "text": f"{CANARY} had an itchy rash for two weeks."}


def write_lines(path: Path, *records: object) -> Path:
    lines = (line if isinstance(line, str) else json.dumps(line) for line in records)
    path.write_text("\n".join(lines) + "\n")
    return path


def change(index: Path, **facts: object) -> None:
    path = index / "index.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | facts))


def test_a_folder_that_is_not_there_is_named_with_the_command_that_makes_it(medllm: Run) -> None:
    done = medllm("search", "fever", "--index", "nowhere")
    assert_mendable(done, "nowhere does not exist", "medllm index build")


def test_a_folder_that_is_no_index_is_left_as_it_is(inside: Run, home: Path) -> None:
    (home / "papers").mkdir()
    (home / "papers" / "a.txt").write_text("A paper.")
    for command in (
        ("search", "fever", "--index", "papers"),
        ("index", "status", "papers"),
        ("index", "delete", "papers", "a1"),
    ):
        assert_mendable(inside(*command), "papers is not an index")
    assert [path.name for path in (home / "papers").iterdir()] == ["a.txt"]


def test_an_index_is_not_built_into_a_folder_with_other_files(medllm: Run, home: Path) -> None:
    corpus = write_lines(home / "corpus.jsonl", ARTICLE)
    (home / "papers").mkdir()
    (home / "papers" / "a.txt").write_text("A paper.")
    assert_mendable(medllm("index", "build", corpus, "--to", "papers"), "not empty")
    assert [path.name for path in (home / "papers").iterdir()] == ["a.txt"]


def test_an_index_is_not_built_over_another(
    medllm: Run, inside: Run, home: Path, own_index: Path
) -> None:
    corpus = write_lines(home / "corpus.jsonl", ARTICLE)
    done = medllm("index", "build", corpus, "--to", own_index)
    assert_mendable(done, "holds an index already", "index add")
    assert inside("index", "status", own_index, "--json").json["documents"]["articles"] == 60


@pytest.mark.parametrize("lost", ["index.json", "shard"])
def test_a_half_written_index_is_told_from_a_whole_one(
    lost: str, medllm: Run, own_index: Path
) -> None:
    path = own_index / lost
    shutil.rmtree(path) if path.is_dir() else path.unlink()
    assert_mendable(medllm("search", "fever", "--index", own_index), own_index.name)


def test_a_damaged_description_is_named(medllm: Run, own_index: Path) -> None:
    (own_index / "index.json").write_text('{"format": 1, "sta')
    done = medllm("search", "fever", "--index", own_index)
    assert done.code == 2
    assert "damaged" in done.err


def test_an_index_of_a_newer_version_says_so(medllm: Run, own_index: Path) -> None:
    change(own_index, format=99)
    assert_mendable(medllm("search", "fever", "--index", own_index), "format 99", "update medllm")


def test_an_index_that_is_open_elsewhere_is_not_waited_for(medllm: Run, own_index: Path) -> None:
    with EmbeddedIndex.open(own_index):
        done = medllm("search", "fever", "--index", own_index)
        assert_mendable(done, "open in another process")
    assert medllm("search", "fever", "--index", own_index).code == 0


def test_a_build_that_was_not_finished_goes_on_and_is_not_added_to(
    medllm: Run, inside: Run, home: Path, own_index: Path
) -> None:
    change(own_index, state="building")
    corpus = write_lines(home / "corpus.jsonl", ARTICLE)
    assert_mendable(medllm("index", "add", own_index, corpus), "was not finished", "index build")
    searched = inside("search", "fever", "--index", own_index)
    assert searched.code == 0
    assert "not finished" in searched.err
    done = medllm("index", "build", corpus, "--to", own_index)
    assert done.code == 0, done.err
    assert "going on" in done.err
    assert inside("index", "status", own_index, "--json").json["state"] == "ready"


BAD_SOURCES = {
    "absent": (None, "no such file"),
    "empty": (b"", "empty"),
    "binary": (bytes(range(256)) * 8, "binary"),
    "a zip archive": (b"PK\x03\x04" + bytes(100), "zip"),
    "text of no known format": (CANARY.encode() + b" has a cough.\n", "no known format"),
}


@pytest.mark.parametrize("kind", BAD_SOURCES)
def test_a_source_that_cannot_be_read_leaves_no_folder_behind(
    kind: str, inside: Run, home: Path
) -> None:
    content, words = BAD_SOURCES[kind]
    if content is not None:
        (home / "corpus.dat").write_bytes(content)
    assert_mendable(inside("index", "build", "corpus.dat", "--to", "idx"), "corpus.dat", words)
    assert not (home / "idx").exists()


def test_a_second_source_that_is_absent_is_said_before_the_first_is_indexed(
    inside: Run, home: Path, own_index: Path
) -> None:
    records = ({"id": f"a{n}", "text": f"Case {n} had a rash."} for n in range(2_100))
    corpus = write_lines(
        home / "corpus.jsonl", *records
    )  # more than are read before the first batch
    sources = (corpus, "absent.jsonl", "--format", "jsonl")
    assert_mendable(inside("index", "build", *sources, "--to", "idx"), "absent.jsonl")
    assert not (home / "idx").exists()
    assert_mendable(inside("index", "add", own_index, *sources), "absent.jsonl")
    assert inside("index", "status", own_index, "--json").json["documents"]["articles"] == 60


def test_a_corpus_without_one_good_record_is_an_error_and_leaves_no_folder(
    medllm: Run, home: Path
) -> None:
    corpus = write_lines(home / "corpus.jsonl", {"id": "a", "text": ""}, {"id": "b", "text": " "})
    done = medllm("index", "build", corpus, "--format", "jsonl", "--to", "idx")
    assert_mendable(done, "no document could be read", "corpus.jsonl, line 1")
    assert not (home / "idx").exists()


def test_bad_records_are_counted_and_named_and_the_rest_is_indexed(
    medllm: Run, inside: Run, home: Path
) -> None:
    corpus = write_lines(
        home / "corpus.jsonl",
        ARTICLE,
        {"id": "a2", "text": ""},
        f'{{"id": "a3", "text": "{CANARY} half',
        {**ARTICLE, "text": f"{CANARY} had a rash; this is the later text."},
    )
    done = medllm("index", "build", corpus, "--to", "idx")
    assert done.code == 0, done.err
    assert "took 2 documents" in done.out
    assert "left out 2 records" in done.out
    printed = " ".join(done.out.split())  # long paths wrap
    assert "line 2" in printed
    assert "line 3" in printed
    assert "1 document with the id of an earlier one" in printed
    assert CANARY not in printed
    found = inside("search", "rash", "--index", "idx", "--kind", "articles", "--json").json
    assert [hit["id"] for hit in found["articles"]] == ["a1"]
    assert "later text" in found["articles"][0]["passage"]["text"]


def test_an_unknown_format_is_answered_with_those_there_are(inside: Run, home: Path) -> None:
    corpus = write_lines(home / "corpus.jsonl", ARTICLE)
    done = inside("index", "build", corpus, "--format", "xlsx", "--to", "idx")
    assert_mendable(done, "unknown format xlsx", "pubmed-xml")


def test_a_damaged_manifest_is_said_before_anything_is_added(
    inside: Run, home: Path, own_index: Path
) -> None:
    (own_index / "manifest.json").write_text("[")
    corpus = write_lines(home / "corpus.jsonl", ARTICLE)
    assert_mendable(inside("index", "add", own_index, corpus), "manifest.json", "move")
    assert inside("index", "status", own_index, "--json").json["documents"]["articles"] == 60


def test_two_builds_into_one_folder_do_not_mix(home: Path, inside: Run) -> None:
    corpus = write_lines(home / "corpus.jsonl", ARTICLE)
    both = [start("index", "build", corpus, "--to", "idx", home=home) for _ in range(2)]
    codes = sorted(finish(process, home).code for process in both)
    assert codes == [0, 2]
    assert inside("index", "status", "idx", "--json").json["documents"]["articles"] == 1

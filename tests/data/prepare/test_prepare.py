from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from medllm.data.prepare import parts
from medllm.data.prepare.outputs import MANIFEST, OUTPUTS
from medllm.data.prepare.run import WORK, prepare
from medllm.data.prepare.split import place_of
from medllm.errors import ConfigError, DataError
from medllm.files import sha256_file
from medllm.records import Turn
from tests.data.prepare.making import (
    all_bytes,
    dialogues,
    ids,
    read_lines,
    record,
    settings,
    write_records,
)
from tests.data.prepare.test_duplicates import edit

LEAVE_OUT = {"action": "leave out"}
ALLOW = {"action": "allow"}


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A file of 120 dialogues, with every kind of fault."""
    good = dialogues(120)
    copies = [edit(good[at], f"copy-{at}", "swap") for at in range(5)]
    bad = [record("empty", "Why?", " "), record("greeting", "Why?", "Hello. Regards")]
    path = write_records(tmp_path / "dialogues.jsonl", [*good[:60], *copies, *bad, *good[60:]])
    with path.open("a", encoding="utf-8") as handle:
        handle.write('{"id": "cut off", "messages": [{"role": "user", "cont\n[1, 2]\n')
        handle.write('{"id": "wrong type", "messages": "Zanzibar"}\n')
    return path


@pytest.fixture(autouse=True)
def _small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parts, "PART_RECORDS", 25)


def test_every_record_is_in_a_split_or_left_out_with_its_reason(
    source: Path, tmp_path: Path
) -> None:
    done = prepare(settings(source, broken="leave out", overlap=LEAVE_OUT), tmp_path / "out")
    out = tmp_path / "out"
    kept = sum(len(ids(out / f"{name}.jsonl")) for name in ("train", "validation", "test"))
    left = read_lines(out / "left_out.jsonl")
    assert kept + len(left) == 130
    assert done.report["left_out"] == len(left)
    reasons = {entry["reason"] for entry in left}
    assert "an answer is empty" in reasons
    assert "an answer holds only a greeting or mark-up" in reasons
    assert "is a near duplicate" in reasons
    assert "field messages is not a list of turns" in reasons
    places = [entry.get("line") for entry in left if entry["step"] == "read"]
    assert places == [128, 129, 130]


def test_no_text_is_in_anything_but_the_splits(source: Path, tmp_path: Path) -> None:
    prepare(settings(source, broken="leave out", overlap=LEAVE_OUT), tmp_path / "out")
    with_text = ("train.jsonl", "validation.jsonl", "test.jsonl", "left_out.jsonl")
    for name, content in all_bytes(tmp_path / "out").items():
        if name not in with_text:
            assert b"pain" not in content
            assert b"Zanzibar" not in content
            assert str(tmp_path).encode() not in content or name == MANIFEST


def test_the_text_of_what_is_left_out_is_beside_the_reason_if_wanted(
    source: Path, tmp_path: Path
) -> None:
    plain = {"broken": "leave out", "overlap": LEAVE_OUT}
    prepare(settings(source, **plain), tmp_path / "with")
    prepare(settings(source, left_out_text=False, **plain), tmp_path / "without")
    there = (tmp_path / "with/left_out.jsonl").read_text()
    assert '"content":"Hello. Regards"' in there
    assert "pain" in there
    left = read_lines(tmp_path / "without/left_out.jsonl")
    assert not any("messages" in entry for entry in left)
    assert [entry["reason"] for entry in left] == [
        json.loads(line)["reason"] for line in there.splitlines()
    ]


def test_broken_records_are_refused_by_place_unless_told_otherwise(
    source: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    with pytest.raises(DataError, match="3 records or files are broken") as raised:
        prepare(settings(source), out)
    assert "dialogues.jsonl, line 130: field messages is not a list of turns" in str(raised.value)
    assert "Zanzibar" not in str(raised.value)
    assert "prepare.broken" in raised.value.hint
    assert not all_bytes(out)


def test_two_runs_give_the_same_bytes(source: Path, tmp_path: Path) -> None:
    config = settings(source, broken="leave out", overlap=LEAVE_OUT, mix={"by": "temperature"})
    prepare(config, tmp_path / "one")
    prepare(config, tmp_path / "two")
    assert all_bytes(tmp_path / "one") == all_bytes(tmp_path / "two")
    assert set(all_bytes(tmp_path / "one")) == {*OUTPUTS, MANIFEST}


def test_the_manifest_has_digests_of_all_files(source: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    prepare(settings(source, broken="leave out", overlap=LEAVE_OUT), out)
    manifest = json.loads((out / MANIFEST).read_text())
    assert [entry["name"] for entry in manifest["outputs"]] == list(OUTPUTS)
    assert all(entry["sha256"] == sha256_file(out / entry["name"]) for entry in manifest["outputs"])
    assert manifest["inputs"][0]["sha256"] == sha256_file(source)
    assert not (out / WORK).exists()


def test_what_is_done_is_not_done_again(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    train = dialogues(40, seed=9)
    asked = write_records(tmp_path / "asked.jsonl", [edit(train[0], "asked", "swap")])
    path = write_records(tmp_path / "train.jsonl", train)
    sources = [
        {"name": "records", "path": path, "into": "train"},
        {"name": "records", "path": asked, "into": "test"},
    ]
    none = {"near": False}
    with pytest.raises(DataError, match="1 of 1 evaluation records"):
        prepare(settings(*sources, duplicates=none), tmp_path / "out")
    cleaned: list[str] = []
    monkeypatch.setattr(parts, "clean_record", lambda record, rules: cleaned.append("x"))
    prepare(settings(*sources, duplicates=none, overlap=ALLOW), tmp_path / "out")
    assert cleaned == []


def test_a_held_out_number_is_that_many_groups_with_the_lowest_hashes(tmp_path: Path) -> None:
    records = dialogues(100)
    path = write_records(tmp_path / "a.jsonl", records)
    table = {"name": "records", "path": path, "held_out": 12}
    plain = {"duplicates": {"near": False}, "overlap": ALLOW}
    prepare(settings(table, split={"test": 0.5}, **plain), tmp_path / "out")
    held = set(ids(tmp_path / "out/test.jsonl"))
    ordered = sorted(records, key=lambda one: place_of(one.group, "medllm"))
    assert held == {one.id for one in ordered[:12]}
    assert len(ids(tmp_path / "out/validation.jsonl")) < 15


def test_groups_that_were_held_out_stay_so_when_data_are_added(tmp_path: Path) -> None:
    records = dialogues(300)
    path = write_records(tmp_path / "a.jsonl", records[:60])
    table = {"name": "records", "path": path, "held_out": 12}
    plain = {"duplicates": {"near": False}, "overlap": ALLOW}
    prepare(settings(table, **plain), tmp_path / "one")
    write_records(path, records)
    kept = {**table, "keep_held_out": tmp_path / "one/test.jsonl"}
    prepare(settings(kept, **plain), tmp_path / "two")
    assert set(ids(tmp_path / "two/test.jsonl")) == set(ids(tmp_path / "one/test.jsonl"))


def test_adding_data_moves_nothing(tmp_path: Path) -> None:
    records = dialogues(200)
    plain = {"duplicates": {"near": False}, "overlap": ALLOW, "split": {"test": 0.2}}
    for n, name in ((100, "one"), (200, "two")):
        path = write_records(tmp_path / f"{name}.jsonl", records[:n])
        prepare(settings(path, **plain), tmp_path / name)
    for split in ("train", "validation", "test"):
        assert set(ids(tmp_path / f"one/{split}.jsonl")) <= set(
            ids(tmp_path / f"two/{split}.jsonl")
        )


def test_a_group_is_never_split(tmp_path: Path) -> None:
    records = [
        record(f"{n}-{at}", one.messages[0].content + f" Part {at}?", one.messages[1].content[::-1],
               group=f"patient {n}")
        for n, one in enumerate(dialogues(60)) for at in range(3)
    ]  # fmt: skip
    path = write_records(tmp_path / "a.jsonl", records)
    plain = {"duplicates": {"near": False}, "overlap": ALLOW}
    prepare(settings(path, split={"test": 0.3, "validation": 0.3}, **plain), tmp_path / "out")
    groups = [
        {line["group"] for line in read_lines(tmp_path / f"out/{name}.jsonl")}
        for name in ("train", "validation", "test")
    ]
    assert all(groups)
    assert sum(map(len, groups)) == len(set.union(*groups)) == 60


def test_a_set_keeps_its_own_splits_and_its_test_is_kept_of_duplicates(tmp_path: Path) -> None:
    records = dialogues(30)
    asked = [replace(one, meta={"split": "test"}) for one in records[:10]]
    copies = [replace(edit(one, f"copy-{one.id}", "case"), meta={}) for one in asked]
    path = write_records(tmp_path / "a.jsonl", [*copies, *records[10:], *asked])
    config = settings(path, split={"test": 0, "validation": 0}, overlap=ALLOW)
    prepare(config, tmp_path / "out")
    assert set(ids(tmp_path / "out/test.jsonl")) == {one.id for one in asked}
    assert not {one.id for one in copies} & set(ids(tmp_path / "out/train.jsonl"))


def leaking_sources(tmp_path: Path) -> list[dict[str, object]]:
    records = dialogues(60, seed=2)
    train = write_records(tmp_path / "train.jsonl", records)
    leak = [edit(one, f"asked-{one.id}", "swap") for one in records[:6]]
    asked = write_records(tmp_path / "asked.jsonl", leak)
    return [
        {"name": "records", "path": train, "into": "train"},
        {"name": "records", "path": asked, "into": "test"},
    ]


def test_splits_that_overlap_are_refused_and_nothing_is_written_but_why(tmp_path: Path) -> None:
    config = settings(*leaking_sources(tmp_path), duplicates={"near": False})
    with pytest.raises(DataError, match="6 of 6 evaluation records") as raised:
        prepare(config, tmp_path / "out")
    assert "leave out" in raised.value.hint
    assert set(all_bytes(tmp_path / "out")) == {"overlap.json"}
    assert json.loads((tmp_path / "out/overlap.json").read_text())["verdict"] == "leak"


def test_training_records_that_leak_are_left_out_when_told_to(tmp_path: Path) -> None:
    config = settings(*leaking_sources(tmp_path), duplicates={"near": False}, overlap=LEAVE_OUT)
    done = prepare(config, tmp_path / "out")
    assert done.overlap.n_leaked == 0
    assert len(ids(tmp_path / "out/test.jsonl")) == 6
    left = read_lines(tmp_path / "out/left_out.jsonl")
    assert {entry["id"] for entry in left} >= {f"d{n}" for n in range(6)}
    assert {entry["reason"] for entry in left} == {"holds text of an evaluation record"}


def test_splits_that_overlap_are_written_when_allowed(tmp_path: Path) -> None:
    config = settings(*leaking_sources(tmp_path), duplicates={"near": False}, overlap=ALLOW)
    done = prepare(config, tmp_path / "out")
    assert done.report["overlap"]["leaked"] == 6
    assert len(ids(tmp_path / "out/train.jsonl")) == 60


def test_records_with_the_same_id_are_not_both_written(tmp_path: Path) -> None:
    one, two, *rest = dialogues(12)
    twin = replace(two, id=one.id)
    path = write_records(tmp_path / "a.jsonl", [one, twin, *rest])
    prepare(settings(path, overlap=ALLOW), tmp_path / "out")
    left = read_lines(tmp_path / "out/left_out.jsonl")
    assert [entry["reason"] for entry in left] == ["has the id of another record"]


def test_a_mix_by_weights_has_the_shares_and_unique_ids(tmp_path: Path) -> None:
    tables = [
        {
            "name": "records",
            "path": write_records(tmp_path / f"{n}.jsonl", dialogues(40, seed=n, source=f"s{n}")),
            "into": "train",
            "weight": weight,
        }
        for n, weight in ((1, 3.0), (2, 1.0))
    ]
    config = settings(*tables, mix={"by": "weights", "total": 200}, duplicates={"near": False})
    prepare(config, tmp_path / "out")
    lines = read_lines(tmp_path / "out/train.jsonl")
    assert sum(line["source"] == "s1" for line in lines) == 150
    assert len({(line["source"], line["id"]) for line in lines}) == 200
    assert len({line["source"] for line in lines[:20]}) == 2


def test_a_limit_reads_no_further(source: Path, tmp_path: Path) -> None:
    done = prepare(
        settings({"name": "records", "path": source, "limit": 30}, overlap=ALLOW), tmp_path / "out"
    )
    assert done.report["sources"][0]["read"] == 30


def test_a_second_run_in_the_same_folder_gets_a_clear_line(source: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    said: list[str] = []

    def progress(step: str, done: int, total: int) -> None:
        if not said:
            with pytest.raises(DataError, match="another run works in") as raised:
                prepare(settings(source, broken="leave out"), out)
            said.append(str(raised.value))

    prepare(settings(source, broken="leave out", overlap=ALLOW), out, progress=progress)
    assert len(said) == 1


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ({"name": "no-such-set", "path": "x"}, "no-such-set"),
        ({"name": "records", "path": "not-there.jsonl"}, "not-there.jsonl"),
    ],
)
def test_what_cannot_be_read_is_named(
    tmp_path: Path, table: dict[str, object], message: str
) -> None:
    with pytest.raises((ConfigError, DataError), match=message) as raised:
        prepare(settings(table), tmp_path / "out")
    assert raised.value.hint
    assert not (tmp_path / "out" / MANIFEST).exists()


def test_too_few_groups_to_hold_out_are_an_error(tmp_path: Path) -> None:
    path = write_records(tmp_path / "a.jsonl", dialogues(5))
    with pytest.raises(ConfigError, match="only 5"):
        prepare(settings({"name": "records", "path": path, "held_out": 5}), tmp_path / "out")


def test_identifiers_are_replaced_in_turns_and_meta_alike(tmp_path: Path) -> None:
    text = "Please call me on 020 7946 0958 about my knee, or on 020 7946 0123."
    one = record("a", text, "It will be seen to.", meta={"note": text, "split": "train"})
    path = write_records(tmp_path / "a.jsonl", [one])
    secret = tmp_path / "secret"
    secret.write_text("not to be guessed", encoding="utf-8")
    done = prepare(settings(path, deidentify={"on": True, "secret_file": secret}), tmp_path / "out")
    content = (tmp_path / "out/train.jsonl").read_text(encoding="utf-8")
    assert "7946" not in content
    assert done.report["sources"][0]["identifiers"] >= 4


def test_de_identification_without_a_secret_is_an_error(source: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="needs a secret"):
        prepare(settings(source, broken="leave out", deidentify={"on": True}), tmp_path / "out")


def test_turns_of_a_system_are_kept_as_they_are(tmp_path: Path) -> None:
    one = record("a")
    messages = (Turn(role="system", content="Be kind."), *one.messages)
    path = write_records(tmp_path / "a.jsonl", [replace(one, messages=messages)])
    prepare(settings(path, split={"test": 0, "validation": 0}), tmp_path / "out")
    (line,) = read_lines(tmp_path / "out/train.jsonl")
    assert line["messages"][0] == {"role": "system", "content": "Be kind."}

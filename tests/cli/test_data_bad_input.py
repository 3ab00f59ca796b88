"""Bad input to `medllm data prepare`: named by file and record, exit code 2, nothing half written.

Every record holds CANARY, a patient's name, which must stand in no message.
"""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from tests.cli.conftest import Run
from tests.cli.running import CANARY, Done


def row(n: int) -> dict[str, object]:
    return {
        "instruction": "Answer.",
        "input": f"I am {CANARY}, and my knee number {n} hurts.",
        "output": f"{CANARY}, rest the knee for {n} days.",
    }


def prepare(medllm: Run, home: Path, name: str, path: str, more: str = "") -> Done:
    (home / "config.toml").write_text(
        f'[prepare]\n[[prepare.sources]]\nname = "{name}"\npath = "{path}"\n{more}\n'
    )
    return medllm("data", "prepare", "config.toml", "--to", "out")


def check_refused(done: Done, home: Path, *said: str) -> None:
    assert done.code == 2, done.err
    assert done.out == ""
    for words in said:
        assert words in done.err
    assert "Traceback" not in done.err
    assert CANARY not in done.err
    assert done.err.startswith("error: ")
    assert done.err.count("\n") <= 2
    out = home / "out"
    written = [path for path in out.rglob("*") if ".work" not in path.parts] if out.exists() else []
    assert written == []


def test_a_json_file_that_is_cut_off(medllm: Run, home: Path) -> None:
    whole = json.dumps([row(n) for n in range(20_000)])
    (home / "a.json").write_text(whole[: len(whole) // 2])
    done = prepare(medllm, home, "genmedgpt-5k", "a.json")
    n_whole = whole[: len(whole) // 2].count("}")
    check_refused(done, home, f"a.json, record {n_whole + 1}: is not JSON from here on, or cut off")


def test_a_packed_file_that_is_cut_off(medllm: Run, home: Path) -> None:
    lines = "".join(json.dumps(row(n)) + "\n" for n in range(20_000))
    packed = gzip.compress(lines.encode())
    (home / "a.jsonl.gz").write_bytes(packed[: len(packed) // 2])
    done = prepare(medllm, home, "alpaca", "a.jsonl.gz")
    check_refused(done, home, "a.jsonl.gz, line ", "breaks off here")


def test_mixed_encodings(medllm: Run, home: Path) -> None:
    lines = [json.dumps(row(n)).encode() for n in range(5)]
    lines[3] = lines[3].replace(b"hurts", b"h\xe4mmert")
    (home / "a.jsonl").write_bytes(b"\n".join(lines))
    done = prepare(medllm, home, "alpaca", "a.jsonl")
    check_refused(done, home, "1 record or file is broken", "a.jsonl, line 4: is not UTF-8")
    listed = b"[" + b",".join(lines) + b"]"
    (home / "b.json").write_bytes(listed)
    check_refused(prepare(medllm, home, "alpaca", "b.json"), home, "b.json, record 4: is not UTF-8")


def test_a_file_in_utf_16(medllm: Run, home: Path) -> None:
    (home / "a.json").write_bytes(json.dumps([row(1)]).encode("utf-16"))
    check_refused(prepare(medllm, home, "alpaca", "a.json"), home, "a.json", "UTF-16", "iconv")


def test_a_csv_with_a_stray_quote(medllm: Run, home: Path) -> None:
    lines = ["question,answer"]
    lines += [f'"Why, {CANARY}, number {n}?","Rest {n} days, then walk."' for n in range(6)]
    lines[3] = lines[3].replace("Rest", '"Rest', 1)
    (home / "a.csv").write_text("\n".join(lines) + "\n")
    done = prepare(medllm, home, "question-answer", "a.csv")
    check_refused(done, home, "a.csv, line 4", "quote")


def test_a_field_of_the_wrong_type(medllm: Run, home: Path) -> None:
    rows = [row(n) for n in range(4)]
    rows[2]["output"] = [CANARY]
    (home / "a.json").write_text(json.dumps(rows))
    done = prepare(medllm, home, "genmedgpt-5k", "a.json")
    check_refused(done, home, "a.json, record 3: field output is not a string")


def test_a_split_whose_file_is_missing(medllm: Run, home: Path) -> None:
    folder = home / "medqa"
    folder.mkdir()
    exam = {"question": CANARY, "options": {"A": "x", "B": "y"}, "answer": "x", "answer_idx": "A"}
    (folder / "train.jsonl").write_text(json.dumps(exam) + "\n")
    done = prepare(medllm, home, "medqa", "medqa", 'split = "test"')
    check_refused(done, home, "medqa has no file of the split test", "it has train")
    assert not (home / "out").exists()


def test_a_file_of_another_data_set(medllm: Run, home: Path) -> None:
    (home / "a.json").write_text(json.dumps([row(1)]))
    done = prepare(medllm, home, "medical-o1-reasoning-sft", "a.json")
    check_refused(done, home, "a.json is not medical-o1-reasoning-sft: it looks like alpaca")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is empty"),
        (b"%PDF-1.7 " + CANARY.encode(), "is a PDF"),
        (b"PK\x03\x04" + CANARY.encode(), "is a zip archive"),
        (b"\x00\x01\x02\x03" * 50, "is binary"),
    ],
)
def test_a_file_that_is_no_data(medllm: Run, home: Path, content: bytes, said: str) -> None:
    (home / "a.json").write_bytes(content)
    check_refused(prepare(medllm, home, "alpaca", "a.json"), home, "a.json", said)


def test_a_file_that_is_not_there(medllm: Run, home: Path) -> None:
    check_refused(prepare(medllm, home, "alpaca", "no.json"), home, "no.json", "no such file")
    assert not (home / "out").exists()


def test_without_the_broken_records_it_goes_on_when_told_to(medllm: Run, home: Path) -> None:
    rows = [row(n) for n in range(40)]
    rows[2]["output"] = [CANARY]
    (home / "a.json").write_text(json.dumps(rows))
    more = "\n[prepare.duplicates]\nnear = false\n[prepare.overlap]\naction = 'allow'"
    check_refused(prepare(medllm, home, "genmedgpt-5k", "a.json", more), home, "record 3")
    done = medllm(
        "data", "prepare", "config.toml", "--to", "out", "--set", "prepare.broken=leave out"
    )
    assert done.code == 0, done.err
    left = (home / "out/left_out.jsonl").read_text().splitlines()
    assert json.loads(left[0])["record"] == 3
    assert CANARY not in left[0]


@pytest.mark.parametrize(
    ("config", "said"),
    [
        ("[prepare]\nsource = []\n", "prepare.source"),
        ("[[prepare.sources]]\nname = 'x'\npath = 'a'\nwieght = 2\n", "did you mean"),
        ("[prepare]\n[[prepare.sources]]\npath = 'a'\n", "prepare.sources[1].name is missing"),
        ("[prepare.split]\ntest = 2\n[[prepare.sources]]\nname = 'x'\npath = 'a'\n", "split.test"),
        ("[train]\nlr = 1\n", "has no section [prepare]"),
        ("[prepare\n", "is not TOML"),
    ],
)
def test_a_configuration_that_is_wrong(medllm: Run, home: Path, config: str, said: str) -> None:
    (home / "config.toml").write_text(config)
    done = medllm("data", "prepare", "config.toml", "--to", "out")
    check_refused(done, home, said)
    assert not (home / "out").exists()

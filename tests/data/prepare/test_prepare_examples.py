"""The configurations in examples/prepare do what they say."""

from __future__ import annotations

import json
import random
import shutil
from pathlib import Path

import pytest

from medllm.data.prepare.config import load_prepare_config
from medllm.data.prepare.overlap import find_overlap
from medllm.data.prepare.run import prepare
from medllm.data.sft_files import load_records
from tests.conftest import REAL_DATA
from tests.data.prepare.making import ids, odd_words, read_lines


def test_the_mix_of_four_tasks_runs_as_it_is_shipped(examples: Path, tmp_path: Path) -> None:
    done = prepare(load_prepare_config(examples / "prepare/mix.toml"), tmp_path / "out")
    train = read_lines(tmp_path / "out/train.jsonl")
    assert len(train) == 48
    assert {line["task"] for line in train} == {"choice", "summary", "question", "dialogue"}
    assert not any("thank you" in line["messages"][-1]["content"].lower() for line in train)
    left = read_lines(tmp_path / "out/left_out.jsonl")
    assert [entry["reason"] for entry in left] == [
        "has no text: field output is empty or absent",
        "is a near duplicate",
    ]
    assert done.overlap.n_leaked == 0


def copied(examples: Path, folder: Path) -> Path:
    return Path(shutil.copy(examples / "prepare/genmedgpt.toml", folder))


def check_withheld(out: Path) -> None:
    """120 groups are withheld, and nothing of them is in the training split."""
    assert len({line["group"] for line in read_lines(out / "test.jsonl")}) == 120
    splits = [list(load_records(out / f"{name}.jsonl")) for name in ("train", "validation", "test")]
    assert not find_overlap(splits[0], [*splits[1], *splits[2]]).n_leaked
    for line in read_lines(out / "train.jsonl"):
        assert [turn["role"] for turn in line["messages"]] == ["system", "user", "assistant"]


def test_the_experiment_withholds_120_dialogues(examples: Path, tmp_path: Path) -> None:
    folder = tmp_path / "genmedgpt-5k"
    folder.mkdir()
    draw = random.Random(1)
    rows = [
        {
            "instruction": "Answer.",
            "input": f"Doctor, I have {odd_words(draw, 12)}?",
            "output": f"It may be {odd_words(draw, 15)}.",
        }
        for _ in range(400)
    ]
    (folder / "chatdoctor5k.json").write_text(json.dumps(rows))
    prepare(load_prepare_config(copied(examples, tmp_path)), tmp_path / "out")
    assert len(ids(tmp_path / "out/test.jsonl")) == 120
    check_withheld(tmp_path / "out")


@pytest.mark.real_data
@pytest.mark.skipif(not REAL_DATA.exists(), reason="needs ../shared/data")
def test_the_experiment_withholds_120_real_dialogues(examples: Path, tmp_path: Path) -> None:
    (tmp_path / "genmedgpt-5k").mkdir()
    shutil.copy(REAL_DATA / "genmedgpt/genmedgpt-first-90.json", tmp_path / "genmedgpt-5k")
    done = prepare(load_prepare_config(copied(examples, tmp_path)), tmp_path / "out")
    (source,) = done.report["sources"]
    assert (source["read"], source["broken"]) == (4_906, 0)
    check_withheld(tmp_path / "out")

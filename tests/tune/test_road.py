"""The road as it is typed: text is read, dialogues are learnt on top, the adapter answers."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from medllm.cli.main import main
from medllm.models.chat import Message, ModelSettings
from medllm.models.spec import open_model, parse_spec
from tests.tune.records import many
from tests.tune.runs import write


def train(to: str, capsys: pytest.CaptureFixture[str], *sets: str) -> dict[str, object]:
    """Train by the shipped config with some settings changed; give the report."""
    options = [part for one in (*sets, "data.window=128") for part in ("--set", one)]
    code = main(["train", "tiny-cpu.toml", *options, "--to", to, "--json"])
    printed = capsys.readouterr()
    assert code == 0, printed.err
    return dict(json.loads(printed.out))


def test_continued_pre_training_then_a_mixture_of_tasks_then_answers(
    tiny_model: Path, tmp_path: Path, monkeypatch, capsys
):
    monkeypatch.chdir(tmp_path)
    Path("pages.jsonl").write_text('{"text": "Cough for three days. No fever."}\n' * 12)
    for name, n in (("a", 8), ("b", 4), ("v", 4)):
        write(Path(f"{name}.jsonl"), many(n, seed=n), name)
    read = train(
        "read",
        capsys,
        f"model.base={tiny_model}",
        "data.train=[]",
        "data.validation=[]",
        'data.text=["pages.jsonl"]',
        "train.method=full",
        "train.max_steps=2",
    )
    assert read["result"] == "model"
    tuned = train(
        "tuned",
        capsys,
        "model.base=read/model",
        'data.train=["a.jsonl", "b.jsonl"]',
        "data.weights=[1, 2]",
        'data.text=["pages.jsonl"]',
        'data.validation=["v.jsonl"]',
        "train.method=pissa",
        "model.dtype=bfloat16",
        "train.max_steps=2",
    )
    assert tuned["records"]["train"]["records"] == 8 + 2 * 4 + 12  # type: ignore[index]
    model = open_model(parse_spec("hf:read/model+tuned"), ModelSettings())
    chunks = list(model.stream([Message("user", "Hm?")], schema=None, max_tokens=3))
    assert chunks[-1].completion_tokens == 3

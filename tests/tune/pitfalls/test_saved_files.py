"""Pitfalls 13 and 16: files that other programs read."""

from __future__ import annotations

import copy
import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from medllm.files import read_json
from medllm.models.hf_folder import load_weights
from medllm.tune.merge import merge
from medllm.tune.methods import add_adapter, load_base
from medllm.tune.results import save_result, vllm_says
from medllm.tune.train import prepare, train
from tests.tune.runs import settings


@pytest.fixture(scope="module")
def base(tiny_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a base with the tokenizer.model that Llama 2 has beside tokenizer.json."""
    folder = Path(shutil.copytree(tiny_model, tmp_path_factory.mktemp("saved") / "base"))
    (folder / "tokenizer.model").write_bytes(b"pieces and their scores")
    return folder


@pytest.mark.parametrize("method", ["lora", "full"])
def test_pitfall_13_saved_models_have_the_keys_and_files_that_exporters_read(
    method, base, tmp_path
):
    config = settings(
        tmp_path, base, n_records=4, validation=False, train__max_steps=1, train__method=method
    )
    done = train(config, tmp_path / "run").folder
    folder = done / "model"
    if method == "lora":
        folder = tmp_path / "merged"
        merge(str(done), folder)
        assert (done / "adapter" / "tokenizer.model").is_file()
    written = json.loads((folder / "config.json").read_text())
    assert written["rope_theta"] == 500_000.0
    assert "rope_scaling" in written
    tokenizer_config = json.loads((folder / "tokenizer_config.json").read_text())
    assert "<|eot_id|>" in tokenizer_config["chat_template"]
    assert (folder / "tokenizer.model").read_bytes() == b"pieces and their scores"


def test_pitfall_13_transformers_alone_leaves_them_out(base, tokenizer, tmp_path):
    load_weights(base, dtype="float32").save_pretrained(tmp_path)
    copy.deepcopy(tokenizer).save_pretrained(tmp_path)
    written = json.loads((tmp_path / "config.json").read_text())
    assert "rope_theta" not in written
    assert "rope_parameters" in written
    assert not (tmp_path / "tokenizer.model").exists()
    assert "chat_template" not in json.loads((tmp_path / "tokenizer_config.json").read_text())


def refused_by_vllm(config: dict[str, Any], max_lora_rank: int = 16) -> bool:
    """Tell what its PEFTHelper and its loader of adapters refuse with their defaults."""
    return bool(
        config.get("modules_to_save")
        or config.get("use_dora")
        or config.get("trainable_token_indices")
        or config["r"] > max_lora_rank
    )


@pytest.mark.parametrize(
    ("keys", "says"),
    [
        ({}, ""),
        ({"train__method": "lora+"}, ""),
        ({"train__method": "rslora"}, ""),
        ({"train__method": "dora"}, "refuses it: merge first"),
        ({"lora__learn_tokens": ["<|eot_id|>"]}, "refuses its trained tokens: merge first"),
        ({"train__method": "pissa", "lora__rank": 12}, "needs --max-lora-rank 24"),
    ],
)
def test_pitfall_16_an_adapter_says_what_vllm_has_against_it(keys, says, tiny_model, tmp_path):
    prepared = prepare(settings(tmp_path, tiny_model, n_records=4, validation=False, **keys))
    chosen = prepared.settings
    base = load_base(tiny_model, chosen, prepared.tokenizer)
    model = add_adapter(base, chosen, prepared.tokenizer)
    initial = tmp_path / "initial" if chosen.train.method == "pissa" else None
    if initial:
        model.save_pretrained(initial)
    folder = save_result(
        model,
        prepared.tokenizer,
        prepared.template,
        base=tiny_model,
        quantise="none",
        initial=initial,
        run=tmp_path,
    )
    written = read_json(folder / "adapter_config.json")
    assert written.get("modules_to_save") is None, "control tokens are learnt one by one instead"
    assert refused_by_vllm(written) == bool(says)
    assert read_json(folder / "medllm.json")["vllm"] == says


def test_pitfall_16_whole_modules_are_named_too():
    assert vllm_says({"r": 8, "modules_to_save": ["lm_head"]}) == "refuses it: merge first"
    assert vllm_says({"r": 16}) == ""
    assert vllm_says({"r": 17}) == "needs --max-lora-rank 17"

"""Pitfalls 6 and 12: control tokens that nobody trained, and two matrices that should be one."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest
import torch
from peft import LoraConfig, get_peft_model

from medllm.errors import ConfigError
from medllm.models.hf_folder import load_tokenizer, load_weights
from medllm.tune.merge import merge
from medllm.tune.templates import choose_template
from medllm.tune.train import prepare, train
from tests.tune import tokenizers_of_bases as bases
from tests.tune.runs import settings

END = "<|eot_id|>"


@pytest.fixture(scope="module")
def runs(tied_model: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Give two runs of two steps on a tied model: with and without learning a control token."""
    folder = tmp_path_factory.mktemp("control")
    found = {}
    for name, tokens in (("learnt", [END]), ("naive", [])):
        config = settings(
            folder,
            tied_model,
            n_records=8,
            validation=False,
            lora__learn_tokens=tokens,
            train__max_steps=2,
        )
        merge(str(train(config, folder / name).folder), folder / f"{name}-merged")
        found[name] = folder / f"{name}-merged"
    return found


def changed_rows(before: Path, after: Path) -> list[int]:
    """Give the tokens whose embeddings differ."""
    one, other = (
        load_weights(f, dtype="float32").model.embed_tokens.weight for f in (before, after)
    )
    return [int(n) for n in (one != other).any(dim=1).nonzero().flatten()]


def test_pitfall_06_a_base_without_a_chat_template_must_be_given_one():
    tokenizer = copy.deepcopy(bases.llama3())
    tokenizer.chat_template = None
    with pytest.raises(ConfigError, match="no chat template") as caught:
        choose_template("auto", tokenizer)
    assert "model.template" in caught.value.hint
    assert choose_template("llama3", tokenizer).name == "llama3"


def test_pitfall_06_it_is_said_which_of_its_control_tokens_nobody_trains(own_model, tmp_path):
    (own_model / "chat_template.jinja").unlink()
    config = (own_model / "tokenizer_config.json").read_text()
    (own_model / "tokenizer_config.json").write_text(config.replace("chat_template", "x"))

    def untrained(**keys: Any) -> tuple[str, ...]:
        named = {"n_records": 4, "validation": False, "model__template": "llama3", **keys}
        return prepare(settings(tmp_path, own_model, **named)).untrained

    heads = ("<|start_header_id|>", "<|end_header_id|>")
    assert untrained() == (*heads, END)
    assert untrained(lora__learn_tokens=[*heads, END]) == ()
    assert untrained(train__method="full") == ()


def test_pitfall_06_its_control_tokens_are_learnt_where_they_are_named(runs, tied_model):
    end = load_tokenizer(tied_model).convert_tokens_to_ids(END)
    assert changed_rows(tied_model, runs["learnt"]) == [end]
    assert changed_rows(tied_model, runs["naive"]) == [], "an adapter alone leaves them as noise"


def test_pitfall_12_tied_embeddings_stay_one_matrix(runs, tied_model):
    for folder in runs.values():
        model = load_weights(folder, dtype="float32")
        assert model.lm_head.weight.data_ptr() == model.model.embed_tokens.weight.data_ptr()
        assert json.loads((folder / "config.json").read_text())["tie_word_embeddings"] is True

    naive: Any = get_peft_model(
        load_weights(tied_model, dtype="float32"),
        LoraConfig(r=2, target_modules=["q_proj"], modules_to_save=["lm_head"]),
    )
    with torch.no_grad():
        naive.base_model.model.lm_head.modules_to_save["default"].weight.add_(1.0)
    merged = naive.merge_and_unload()
    assert not torch.equal(merged.lm_head.weight, merged.model.embed_tokens.weight)

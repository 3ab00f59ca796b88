"""Pitfall 11: a base in 4 or 8 bits trains an adapter, and cannot hold it."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from medllm.errors import ConfigError
from medllm.models.hf import add_trained_adapter
from medllm.models.hf_folder import load_weights
from medllm.models.hf_parts import find_parts
from medllm.tune.config import load_train_config
from medllm.tune.merge import merge
from medllm.tune.methods import quantisation
from medllm.tune.metrics import losses_by_step
from medllm.tune.train import train
from tests.tune.runs import same, settings, weights

pytest.importorskip("bitsandbytes")


@pytest.fixture(scope="module", params=["4bit", "8bit"])
def run(request, tiny_model, tmp_path_factory):
    folder = tmp_path_factory.mktemp("quantised")
    config = settings(
        folder,
        tiny_model,
        validation=False,
        data__window=128,
        model__quantise=request.param,
        model__dtype="bfloat16",
        train__max_steps=6,
        train__lr=2e-2,
    )
    return train(config, folder / "run").folder


def test_an_adapter_is_trained_on_a_quantised_base_and_held_in_float32(run):
    losses = losses_by_step(run)
    assert losses[6] < losses[1]
    assert {tensor.dtype for tensor in weights(run).values()} == {torch.float32}


def test_a_run_on_a_base_in_8_bits_goes_on_to_the_same_bits(tiny_model, tmp_path):
    config = settings(
        tmp_path, tiny_model, validation=False, model__quantise="8bit", train__max_steps=4
    )
    whole = train(config, tmp_path / "whole").folder

    def stop(values: dict[str, Any]) -> None:
        if values["event"] == "step" and values["step"] == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(config, tmp_path / "run", tell=stop)
    train(config, tmp_path / "run", resume=True)
    assert same(weights(tmp_path / "run"), weights(whole))


def test_pitfall_11_it_is_merged_only_into_weights_that_can_hold_it(run, tmp_path):
    found = {
        through: merge(str(run), tmp_path / through, through=through, dtype="float32")
        for through in ("original", "dequantised")
    }
    near = found["dequantised"]["difference_to_trained"]
    assert near < found["original"]["difference_to_trained"], "a quantised base is another base"
    for through, done in found.items():
        assert done["max_logit_difference"] < 1e-4, through
    if load_train_config(run / "config.toml").model.quantise == "8bit":
        return

    parts = find_parts(str(run))
    ids = torch.arange(10, 60)[None]

    def trained() -> object:
        base = load_weights(parts.base, dtype="float32", quantization_config=quantisation("4bit"))
        return add_trained_adapter(base, parts.adapter).eval()

    with torch.inference_mode():
        before = trained()(ids).logits.float()
        naive = trained().merge_and_unload()(ids).logits.float()
        ours = load_weights(tmp_path / "dequantised", dtype="float32").eval()(ids).logits
    assert (naive - before).abs().max() > 3 * (ours - before).abs().max(), "rounded to 4 bits anew"


def test_only_an_adapter_of_a_quantised_base_is_merged_through_one(tiny_model, tmp_path):
    config = settings(tmp_path, tiny_model, n_records=4, validation=False, train__max_steps=1)
    run = train(config, tmp_path / "run").folder
    with pytest.raises(ConfigError, match="not trained on a quantised base"):
        merge(str(run), tmp_path / "merged", through="dequantised")


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_dora_on_a_base_in_8_bits_is_refused_without_a_gpu(tiny_model, tmp_path):
    config = settings(
        tmp_path, tiny_model, validation=False, model__quantise="8bit", train__method="dora"
    )
    with pytest.raises(ConfigError, match="needs a GPU"):
        train(config, tmp_path / "run")

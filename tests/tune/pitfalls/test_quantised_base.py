"""Pitfall 11: a base in 4 bits trains an adapter, and cannot hold it."""

from __future__ import annotations

import pytest
import torch

from medllm.errors import ConfigError
from medllm.models.hf import add_trained_adapter
from medllm.models.hf_folder import load_weights
from medllm.models.hf_parts import find_parts
from medllm.tune.merge import merge
from medllm.tune.methods import quantisation
from medllm.tune.metrics import losses_by_step
from medllm.tune.train import train
from tests.tune.runs import settings

pytest.importorskip("bitsandbytes")


@pytest.fixture(scope="module")
def run(tiny_model, tmp_path_factory):
    folder = tmp_path_factory.mktemp("quantised")
    config = settings(
        folder,
        tiny_model,
        validation=False,
        data__window=128,
        model__quantise="4bit",
        model__dtype="bfloat16",
        train__max_steps=6,
        train__lr=2e-2,
    )
    return train(config, folder / "run").folder


def test_an_adapter_is_trained_on_a_base_in_4_bits(run):
    losses = losses_by_step(run)
    assert losses[6] < losses[1]


def test_pitfall_11_it_is_merged_only_into_weights_that_can_hold_it(run, tmp_path):
    found = {
        through: merge(str(run), tmp_path / through, through=through, dtype="float32")
        for through in ("original", "dequantised")
    }
    near = found["dequantised"]["difference_to_trained"]
    assert near < found["original"]["difference_to_trained"], "4 bits are another base"
    for through, done in found.items():
        assert done["max_logit_difference"] < 1e-4, through

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


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_a_base_in_8_bits_is_refused_without_a_gpu(tiny_model, tmp_path):
    config = settings(tmp_path, tiny_model, validation=False, model__quantise="8bit")
    with pytest.raises(ConfigError, match="needs a GPU"):
        train(config, tmp_path / "run")

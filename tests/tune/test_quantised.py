"""A base in 4 bits: it trains, and merges as what it was in training or as it was published."""

from __future__ import annotations

import pytest
import torch

from medllm.errors import ConfigError
from medllm.tune.merge import merge
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


def test_it_is_merged_only_into_weights_that_can_hold_it(run, tmp_path):
    found = {
        through: merge(str(run), tmp_path / through, through=through, dtype="float32")
        for through in ("original", "dequantised")
    }
    near = found["dequantised"]["difference_to_trained"]
    assert near < found["original"]["difference_to_trained"], "4 bits are another base"
    for through, done in found.items():
        assert done["max_logit_difference"] < 1e-4, through


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_a_base_in_8_bits_is_refused_without_a_gpu(tiny_model, tmp_path):
    config = settings(tmp_path, tiny_model, validation=False, model__quantise="8bit")
    with pytest.raises(ConfigError, match="needs a GPU"):
        train(config, tmp_path / "run")

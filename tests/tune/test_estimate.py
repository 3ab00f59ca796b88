"""The estimate of a run against what the run really took."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from medllm.errors import ModelError
from medllm.tune import methods
from medllm.tune.batches import collate
from medllm.tune.estimate import Estimate, estimate
from medllm.tune.fitting import check_fit
from medllm.tune.train import Prepared, prepare, train
from tests.tune.runs import settings

WITHIN = 0.25
"""An estimate that is further off than this is a defect."""


def measured(prepared: Prepared) -> tuple[int, int]:
    """Give the bytes that autograd keeps and the operations of one real step, forward and back."""
    config = prepared.settings
    base = methods.load_base(prepared.base, config, prepared.tokenizer)
    model = methods.add_adapter(base, config, prepared.tokenizer).train()
    if config.train.checkpointing:
        model.gradient_checkpointing_enable({"use_reentrant": False})
        if hasattr(model, "peft_config"):
            model.enable_input_require_grads()
    lengths = prepared.train.lengths
    row = max(prepared.rows, key=lambda one: sum(lengths[n] for n in one))
    batch = collate(prepared.train, [row] * config.train.batch, pad=0)
    own = {parameter.untyped_storage().data_ptr() for parameter in model.parameters()}
    kept: dict[int, int] = {}
    held: list[Any] = []

    def keep(tensor: torch.Tensor) -> torch.Tensor:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in own:
            kept[storage.data_ptr()] = storage.nbytes()
            held.append(tensor)
        return tensor

    layers = model.get_base_model().model if hasattr(model, "peft_config") else model.model
    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        layers(batch["input_ids"], position_ids=batch["position_ids"], use_cache=False)
    with FlopCounterMode(display=False) as counter:
        model(**batch, use_cache=False).loss.backward()
    return sum(kept.values()), int(counter.get_total_flops())


@pytest.mark.parametrize(
    ("method", "checkpointing"),
    [("lora", False), ("dora", False), ("full", False), ("lora", True)],
)
def test_memory_and_work_are_near_those_of_a_real_step(tmp_path, tiny_model, method, checkpointing):
    config = settings(
        tmp_path,
        tiny_model,
        validation=False,
        train__method=method,
        train__batch=2,
        train__checkpointing=checkpointing,
    )
    prepared = prepare(config)
    found = estimate(prepared)
    kept_bytes, flops = measured(prepared)
    if not checkpointing:  # else what the backward makes again is not seen by the hooks
        assert found.memory.activations == pytest.approx(kept_bytes, rel=WITHIN)
    lengths = prepared.train.lengths
    longest = max(sum(lengths[n] for n in row) for row in prepared.rows)
    per_token = found.flops / found.tokens
    assert per_token == pytest.approx(flops / (2 * longest), rel=WITHIN)


def test_parameters_steps_and_tokens_are_those_of_the_run(tmp_path, tiny_model):
    config = settings(tmp_path, tiny_model, train__epochs=2)
    found = estimate(prepare(config))
    done = train(config, tmp_path / "run")
    assert found.trained_parameters == done.report["trained_parameters"]
    assert found.parameters == done.report["parameters"]
    assert found.steps == done.report["steps"]
    assert found.tokens == done.report["tokens"]
    newest = tmp_path / "run" / "checkpoints" / f"checkpoint-{found.steps}"
    adam_bytes = (newest / "optimizer.pt").stat().st_size
    assert found.memory.optimizer == pytest.approx(adam_bytes, rel=WITHIN)
    weights_bytes = (tiny_model / "model.safetensors").stat().st_size
    assert found.memory.weights == pytest.approx(weights_bytes, rel=0.02)


def test_a_70_billion_model_is_estimated_without_its_weights(tmp_path, own_model):
    import json

    path = own_model / "config.json"
    shape = {
        "hidden_size": 8192,
        "intermediate_size": 28672,
        "num_hidden_layers": 80,
        "num_attention_heads": 64,
        "num_key_value_heads": 8,
        "head_dim": 128,
        "vocab_size": 128256,
    }
    path.write_text(json.dumps({**json.loads(path.read_text()), **shape}))
    (own_model / "model.safetensors").unlink()
    sizes = {}
    for quantise in ("none", "4bit"):
        config = settings(
            tmp_path / "data",
            own_model,
            validation=False,
            model__dtype="bfloat16",
            model__quantise=quantise,
        )
        sizes[quantise] = estimate(prepare(config))
    assert sizes["none"].parameters - sizes["none"].trained_parameters == 70_553_706_496
    assert sizes["none"].memory.weights == 2 * 70_553_706_496
    assert 36e9 < sizes["4bit"].memory.weights < 42e9


def test_what_does_not_fit_says_which_settings_would(tmp_path, tiny_model):
    config = settings(tmp_path, tiny_model, validation=False, train__batch=8)
    prepared = prepare(config)
    found = estimate(prepared)
    check_fit(prepared, found, limit_bytes=found.memory.total)
    with pytest.raises(ModelError, match="of memory") as caught:
        check_fit(prepared, found, limit_bytes=found.memory.total * 3 // 4)
    assert caught.value.hint == "it would fit with train.checkpointing = True"
    with pytest.raises(ModelError) as caught:
        check_fit(prepared, found, limit_bytes=found.memory.total // 8)
    assert "train.batch = 1, train.accumulate = 16" in caught.value.hint
    with pytest.raises(ModelError) as caught:
        check_fit(prepared, found, limit_bytes=1000)
    assert "smaller base" in caught.value.hint


def test_a_longer_window_takes_more_memory_and_more_records_more_steps(tmp_path, tiny_model):
    def of(**keys: Any) -> Estimate:
        return estimate(prepare(settings(tmp_path, tiny_model, validation=False, **keys)))

    small, wide, many_steps = of(), of(data__window=512), of(n_records=80)
    assert wide.memory.activations > 1.5 * small.memory.activations
    assert many_steps.steps > 1.5 * small.steps
    assert replace(small, steps=0).to_json()["memory"]["total"] == small.memory.total

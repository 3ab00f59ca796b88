"""An adapter's GGUF on its base's GGUF is the model with the adapter in it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from medllm.errors import ModelError
from medllm.export.adapter import check_adapter, write_adapter
from medllm.export.llama import LlamaFile
from medllm.export.reference import log_softmax
from medllm.export.shape import read_shape
from medllm.files import read_json, write_json
from medllm.models.hf_folder import load_weights
from tests.export.proving import merged, write

KINDS: dict[str, dict[str, Any]] = {
    "LoRA": {},
    "rsLoRA": {"use_rslora": True},
    "ranks and alphas of their own": {
        "alpha_pattern": {"q_proj": 32},
        "rank_pattern": {"v_proj": 2},
    },
    "queries and keys alone": {"target_modules": ["q_proj", "k_proj"]},
}
IDS = list(range(5, 105))


def make_adapter(base: Path, to: Path, **kind: Any) -> Any:
    """Write an adapter whose B is not zero; give the model that has it."""
    import torch
    from peft import LoraConfig, get_peft_model

    settings = {"r": 8, "lora_alpha": 16, "target_modules": "all-linear", **kind}
    torch.manual_seed(1)
    config = LoraConfig(task_type="CAUSAL_LM", init_lora_weights=False, **settings)
    model = get_peft_model(load_weights(base, dtype="float32"), config).eval()
    model.save_pretrained(to)
    return model


@pytest.mark.parametrize("kind", KINDS)
def test_it_adds_what_peft_adds(kind: str, llama3: Path, tmp_path: Path, llama_cpp: None) -> None:
    import torch

    model = make_adapter(llama3, tmp_path / "adapter", **KINDS[kind])
    with torch.inference_mode():
        logits = model(input_ids=torch.tensor([IDS])).logits[0].numpy()
    write_adapter(tmp_path / "a.gguf", tmp_path / "adapter", read_shape(llama3), name="a")
    write(merged(llama3), tmp_path / "base.gguf", "F32")
    apart = {}
    for adapter in (tmp_path / "a.gguf", None):
        with LlamaFile(tmp_path / "base.gguf", n_context=128, adapter=adapter) as llama:
            own = log_softmax(llama.logits(IDS))
        wanted = log_softmax(logits)
        apart[adapter] = float((np.exp(wanted) * (wanted - own)).sum(-1).mean())
    with_it, without = apart.values()
    assert abs(with_it) < 1e-4
    assert without > 0.1, "the adapter matters"


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ({"use_dora": True}, "it is DoRA"),
        ({"modules_to_save": ["lm_head"]}, "holds whole layers"),
        ({"trainable_token_indices": {"embed_tokens": [1]}}, "tokens of its own"),
        ({"bias": "all"}, "changes biases"),
        ({"peft_type": "IA3"}, "it is IA3, not LoRA"),
        ({"fan_in_fan_out": True}, "the other way round"),
    ],
)
def test_what_llama_cpp_cannot_add_is_to_be_merged(
    keys: dict[str, Any], said: str, tmp_path: Path
) -> None:
    plain = {"peft_type": "LORA", "lora_alpha": 16, "r": 8, "bias": "none"}
    write_json(tmp_path / "adapter_config.json", plain)
    check_adapter(tmp_path)
    write_json(tmp_path / "adapter_config.json", {**plain, **keys})
    with pytest.raises(ModelError, match=said) as caught:
        check_adapter(tmp_path)
    assert "merged" in caught.value.hint


def test_an_adapter_of_another_shape_or_with_half_a_pair_is_refused(
    llama3: Path, llama2: Path, tmp_path: Path
) -> None:
    from safetensors.torch import load_file, save_file

    make_adapter(llama3, tmp_path / "adapter")
    path = tmp_path / "adapter" / "adapter_model.safetensors"
    with pytest.raises(ModelError, match="does not fit"):
        write_adapter(tmp_path / "a.gguf", tmp_path / "adapter", read_shape(llama2), name="a")
    tensors = load_file(path)
    one = next(iter(tensors))
    halved = {name: tensor for name, tensor in tensors.items() if name != one}
    renamed = {**halved, one.replace("lora_A", "lora_magnitude_vector"): tensors[one]}
    for wrong, said in ((halved, "not whole"), (renamed, "lora_magnitude_vector")):
        save_file(wrong, path)
        with pytest.raises(ModelError, match=said):
            write_adapter(tmp_path / "a.gguf", tmp_path / "adapter", read_shape(llama3), name="a")
    assert read_json(tmp_path / "adapter" / "adapter_config.json")["r"] == 8
    assert not (tmp_path / "a.gguf").exists()

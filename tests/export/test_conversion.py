"""What a Llama's folder becomes, a few rows at a time, and what is refused by name."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from medllm.errors import ModelError
from medllm.export import weights
from medllm.export.convert import write_model
from medllm.export.gguf_file import encode, to_bfloat16
from medllm.export.pretokenizer import WAYS, _pre_tokenizer, choose_pretokenizer
from medllm.export.rope import rope_factors
from medllm.export.sentencepiece import read_scores, scores_of_merges
from medllm.export.shape import Rope, read_shape
from medllm.export.vocabulary import read_vocabulary
from medllm.export.weights import find_tensors
from medllm.files import read_json, write_json
from tests.export.models import (
    LLAMA_3_ROPE,
    llama2_tokenizer,
    llama3_tokenizer,
    make_llama,
    sentencepiece_file,
)
from tests.export.proving import merged, write


@pytest.fixture
def own(llama3: Path, tmp_path: Path) -> Path:
    """Give a copy that a test may break."""
    return Path(shutil.copytree(llama3, tmp_path / "own"))


def change_config(folder: Path, **keys: Any) -> None:
    write_json(folder / "config.json", {**read_json(folder / "config.json"), **keys})


def test_a_gguf_says_what_config_and_tokenizer_say(llama3: Path, tmp_path: Path) -> None:
    from gguf import GGUFReader

    write(merged(llama3), tmp_path / "x.gguf", "F16")
    reader = GGUFReader(tmp_path / "x.gguf")
    values = {name: field.contents() for name, field in reader.fields.items()}
    config = read_json(llama3 / "config.json")
    assert values["general.architecture"] == "llama"
    assert values["llama.attention.head_count_kv"] == config["num_key_value_heads"] == 2
    assert values["llama.rope.freq_base"] == config["rope_parameters"]["rope_theta"]
    assert values["tokenizer.ggml.pre"] == "llama-bpe"
    assert values["tokenizer.ggml.add_bos_token"] is True
    assert values["tokenizer.ggml.tokens"][-3:] == ["[PAD600]", "[PAD601]", "[PAD602]"]
    assert "{% generation" not in values["tokenizer.chat_template"]
    kinds = {tensor.name: tensor.tensor_type.name for tensor in reader.tensors}
    assert kinds["rope_freqs.weight"] == kinds["blk.1.attn_norm.weight"] == "F32"
    assert kinds["blk.1.attn_q.weight"] == kinds["output.weight"] == "F16"


def test_a_tied_model_has_one_matrix(tmp_path: Path) -> None:
    from gguf import GGUFReader

    folder = make_llama(tmp_path / "tied", tied=True)
    write(merged(folder), tmp_path / "x.gguf", "F32")
    names = {tensor.name for tensor in GGUFReader(tmp_path / "x.gguf").tensors}
    assert "token_embd.weight" in names
    assert "output.weight" not in names


def test_one_file_or_many_give_the_same_bytes_a_few_rows_at_a_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = make_llama(tmp_path / "whole", dtype="bfloat16")
    parts = make_llama(tmp_path / "parts", dtype="bfloat16", max_shard="60KB")
    assert len(list(parts.glob("*.safetensors"))) > 3
    write(merged(whole), tmp_path / "whole.gguf", "Q8_0")
    monkeypatch.setattr(weights, "_AT_ONCE", 1000)
    write(merged(parts), tmp_path / "parts.gguf", "Q8_0")
    assert (tmp_path / "whole.gguf").read_bytes() == (tmp_path / "parts.gguf").read_bytes()


def test_numbers_are_rounded_as_torch_rounds_them() -> None:
    import torch

    numbers = np.random.default_rng(0).standard_normal((64, 64)).astype(np.float32) * 100
    as_torch = torch.from_numpy(numbers).to(torch.bfloat16).view(torch.uint16).numpy()
    assert (to_bfloat16(numbers) == as_torch).all()
    assert (encode(as_torch, "F32", "x").view(np.uint32) >> 16 == as_torch).all()
    assert encode(as_torch, "BF16", "x") is as_torch


def test_what_does_not_fit_half_precision_is_said_not_written() -> None:
    with pytest.raises(ModelError, match="blk.0 holds numbers too large for F16"):
        encode(np.full((2, 32), 1e5, np.float32), "F16", "blk.0")
    with pytest.raises(ModelError, match="holds what is no number"):
        encode(np.full((2, 32), np.nan, np.float32), "Q8_0", "blk.0")


def test_rope_is_stretched_as_transformers_stretches_it() -> None:
    import torch
    from transformers import LlamaConfig
    from transformers.modeling_rope_utils import ROPE_INIT_FUNCTIONS

    real = {**LLAMA_3_ROPE, "rope_theta": 500_000.0, "original_max_position_embeddings": 8192}
    config = LlamaConfig(
        hidden_size=256, num_attention_heads=2, rope_parameters=real, max_position_embeddings=131072
    )
    theirs, _ = ROPE_INIT_FUNCTIONS["llama3"](config, torch.device("cpu"))
    rope = Rope(base=500_000.0, kind="llama3", factor=8.0, original_context=8192)
    factors = rope_factors(rope, 128)
    assert factors is not None
    plain = 500_000.0 ** (-np.arange(0, 128, 2) / 128)
    np.testing.assert_allclose(plain / factors, theirs.numpy(), rtol=1e-5)
    assert rope_factors(Rope(base=1e4), 128) is None


def test_both_forms_of_rope_settings_are_read(own: Path) -> None:
    new = read_shape(own)
    config = read_json(own / "config.json")
    assert config["rope_theta"] == 10_000.0
    assert config["rope_scaling"]["rope_type"] == "llama3"
    del config["rope_parameters"]
    write_json(own / "config.json", config)
    assert read_shape(own) == new
    assert new.rope.kind == "llama3"


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ({"model_type": "qwen2"}, "is a qwen2 model"),
        ({"model_type": "mixtral"}, "is a mixtral model"),
        ({"attention_bias": True}, "its attention has biases"),
        ({"mlp_bias": True}, "feed-forward layers have biases"),
        ({"num_local_experts": 8}, "mixture of experts"),
        ({"quantization_config": {"quant_method": "gptq"}}, "quantised already"),
        ({"hidden_act": "gelu"}, "has SiLU, and this model gelu"),
        ({"rope_parameters": {"rope_type": "yarn", "rope_theta": 1e4}}, "of the kind yarn"),
        ({"rope_parameters": {"rope_type": "llama3", "rope_theta": 1e4}}, "sizes of a Llama"),
        ({"num_attention_heads": "many"}, "sizes of a Llama"),
    ],
)
def test_what_is_no_llama_is_refused_by_name(own: Path, keys: dict[str, Any], said: str) -> None:
    change_config(own, **keys)
    with pytest.raises(ModelError, match=said) as caught:
        read_shape(own)
    assert caught.value.hint


def test_tensors_that_do_not_belong_are_refused(own: Path, tmp_path: Path) -> None:
    model = merged(own)
    tensors = model.tensors

    def attempt(changed: dict[str, Any]) -> None:
        write_model(tmp_path / "x.gguf", model.shape, model.vocabulary, changed, "F16", name="x")

    one = "model.layers.0.self_attn.q_proj.weight"
    with pytest.raises(ModelError, match="has no tensor model.norm.weight"):
        attempt({name: t for name, t in tensors.items() if name != "model.norm.weight"})
    with pytest.raises(ModelError, match=r"q_proj.bias"):
        attempt({**tensors, one.replace("weight", "bias"): tensors["model.norm.weight"]})
    with pytest.raises(ModelError, match=r"is \(64,\), config.json says \(64, 64\)"):
        attempt({**tensors, one: tensors["model.norm.weight"]})
    assert not list(tmp_path.glob("*.gguf"))


def test_a_damaged_weight_file_is_named(own: Path) -> None:
    path = own / "model.safetensors"
    whole = path.read_bytes()
    for raw, said in (
        (whole[:-10], "cut short"),
        (whole[:4], "no safetensors"),
        (b"\xff" * 100, "no safetensors"),
        (whole[:8] + b"[]" + whole[10:], "header of .* is damaged"),
        (whole.replace(b'"F32"', b'"F64"', 1), "is stored as F64"),
    ):
        path.write_bytes(raw)
        with pytest.raises(ModelError, match=said):
            find_tensors(own)
    path.unlink()
    with pytest.raises(ModelError, match="missing"):
        find_tensors(own)


def test_scores_are_the_files_own_or_follow_from_the_merges(tmp_path: Path) -> None:
    tokenizer = llama2_tokenizer()
    path = tmp_path / "tokenizer.model"
    path.write_bytes(sentencepiece_file())
    with_file = read_vocabulary(tokenizer, len(tokenizer), path)
    without = read_vocabulary(tokenizer, len(tokenizer), None)
    assert with_file.scores != without.scores
    for made in (with_file, without):  # only their order matters
        joined = [n for n, token in enumerate(made.tokens) if n >= 259 and len(token) > 1]
        assert joined == sorted(joined, key=lambda n: -made.scores[n])
    assert {with_file.kinds[n] for n in range(3, 259)} == {6}, "bytes"
    assert with_file.scores[:259] == [0.0] * 259


def test_a_tokenizer_model_of_another_base_is_not_used(tmp_path: Path) -> None:
    path = tmp_path / "tokenizer.model"
    path.write_bytes(sentencepiece_file())
    assert read_scores(path, ["a", "b"]) == []
    assert read_scores(tmp_path / "absent", ["a"]) == []
    path.write_bytes(sentencepiece_file()[:-7])
    with pytest.raises(ModelError, match="tokenizer.model is damaged"):
        read_scores(path, ["a", "b"])


def test_pieces_of_blanks_and_what_no_merge_makes_come_last() -> None:
    tokens = ["a", "b", "ab", "▁▁", "abab", "lonely"]
    scores = scores_of_merges(tokens, [("a", "b"), ("ab", "ab"), ("▁", "▁")])
    assert scores == [0.0, 0.0, -1.0, -1e9, -2.0, -1e9]


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.name)
def test_a_pre_tokeniser_is_known_by_what_it_does(way: Any) -> None:
    backend = llama3_tokenizer().backend_tokenizer
    backend.pre_tokenizer = _pre_tokenizer(way)
    backend.model.ignore_merges = way.ignore_merges
    assert choose_pretokenizer(backend) == way.name


def test_a_pre_tokeniser_of_its_own_is_refused() -> None:
    from tokenizers import normalizers, pre_tokenizers

    backend = llama3_tokenizer().backend_tokenizer
    backend.pre_tokenizer = pre_tokenizers.Whitespace()
    with pytest.raises(ModelError, match="in a way of its own"):
        choose_pretokenizer(backend)
    backend = llama3_tokenizer().backend_tokenizer
    backend.normalizer = normalizers.Lowercase()
    with pytest.raises(ModelError, match="changes characters"):
        choose_pretokenizer(backend)


def test_a_stopped_writing_leaves_no_file(llama3: Path, tmp_path: Path) -> None:
    def stop(n_bytes: int) -> None:
        raise KeyboardInterrupt

    model = merged(llama3)
    with pytest.raises(KeyboardInterrupt):
        write_model(
            tmp_path / "x.gguf",
            model.shape,
            model.vocabulary,
            model.tensors,
            "F16",
            name="x",
            tell=stop,
        )
    assert list(tmp_path.iterdir()) == []


def test_a_tokenizer_keeps_what_transformers_drops(tmp_path: Path) -> None:
    from medllm.models.hf_folder import load_tokenizer
    from medllm.tune.folders import save_tokenizer
    from medllm.tune.templates import shipped_templates

    tokenizer = llama2_tokenizer(legacy=True)
    tmp_path.joinpath("t").mkdir()
    save_tokenizer(tokenizer, shipped_templates()["llama2"], tmp_path / "t")
    assert json.loads((tmp_path / "t" / "tokenizer_config.json").read_text())["legacy"] is True
    text = "<s>fever"
    assert load_tokenizer(tmp_path / "t")(text)["input_ids"] == tokenizer(text)["input_ids"]

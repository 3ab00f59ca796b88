"""The shipped configs, with bases of their true shapes: counted in seconds, without a weight."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from medllm.tune.config import load_train_config
from medllm.tune.estimate import estimate
from medllm.tune.train import prepare
from tests.tune.records import many
from tests.tune.runs import write

LLAMA3_8B = (4096, 14336, 32, 32, 8, 128256, False, 8_030_261_248)
SHAPES = {
    "genmedgpt-llama2-7b": (4096, 11008, 32, 32, 32, 32000, False, 6_738_415_616),
    "clinmed-llama3-8b-int8": LLAMA3_8B,
    "reasoning-r1-distill-8b": LLAMA3_8B,
    "summarize-llama3.2-1b": (2048, 8192, 16, 32, 8, 128256, True, 1_235_814_400),
    "summarize-llama3.3-70b-qlora-fsdp": (8192, 28672, 80, 64, 8, 128256, False, 70_553_706_496),
}
"""Width, inner width, layers, heads, heads of keys, words, whether embeddings are tied; and the
parameters that their makers' model cards count."""
BYTES = {"none": 2.0, "8bit": 1.0, "4bit": 0.52}


@pytest.mark.parametrize("name", SHAPES)
def test_a_shipped_config_is_reckoned_with_the_shape_of_its_base(name, own_model, tmp_path):
    width, inner, n_layers, heads, key_heads, n_words, is_tied, n_parameters = SHAPES[name]
    shape = {
        "hidden_size": width,
        "intermediate_size": inner,
        "num_hidden_layers": n_layers,
        "num_attention_heads": heads,
        "num_key_value_heads": key_heads,
        "head_dim": width // heads,
        "vocab_size": n_words,
        "tie_word_embeddings": is_tied,
    }
    path = own_model / "config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **shape}))
    (own_model / "model.safetensors").unlink()
    records = write(tmp_path / "train.jsonl", many(120, seed=1))
    sets = [f"model.base={own_model}", "model.template=llama3", f'data.train=["{records}"]']
    config = load_train_config(Path(f"{name}.toml"), [*sets, "data.validation=[]"])
    found = estimate(prepare(config))
    assert found.parameters - found.trained_parameters == n_parameters
    embeddings = (1 if is_tied else 2) * n_words * width
    of_layers = (n_parameters - embeddings) * BYTES[config.model.quantise]
    assert found.memory.weights == pytest.approx(of_layers + 2 * embeddings, rel=0.01)
    # Forward 2 operations a parameter and token, as many towards the inputs, again if recomputed.
    passes = 3 if config.train.checkpointing else 2
    looked_up = 0 if is_tied else embeddings // 2
    least = passes * 2 * (n_parameters - looked_up)
    assert 0.9 * least < found.flops / found.tokens < 1.3 * least

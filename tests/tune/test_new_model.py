"""`medllm model new`: a Llama from scratch."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from medllm.errors import ConfigError, DataError
from medllm.models.hf_folder import load_tokenizer, load_weights
from medllm.tune.new_model import SHAPES, new_model, read_texts, train_tokenizer
from tests.conftest import EXAMPLES

TEXTS = ["Fever and cough since Monday.", "No rash, no fever. Cough with green sputum, 38.9 C."]


def test_a_new_model_is_a_llama_with_the_sizes_it_was_asked_for(tiny_model):
    model = load_weights(tiny_model, dtype="float32")
    assert type(model).__name__ == "LlamaForCausalLM"
    assert model.config.hidden_size == 64
    assert model.config.num_hidden_layers == 2
    assert model.config.vocab_size == len(load_tokenizer(tiny_model)) == 512


def test_its_tokenizer_learnt_words_of_the_text_and_gives_every_text_back(tiny_model):
    tokenizer = load_tokenizer(tiny_model)
    words = set(tokenizer.get_vocab())
    assert "Ġpatients" in words or "Ġpatient" in words
    text = "Temp 38.9 °C — naïve 患者\n\n\tdose 5 mg"
    ids = tokenizer(text, add_special_tokens=False)["input_ids"]
    assert tokenizer.decode(ids) == text
    assert tokenizer("fever")["input_ids"][0] == tokenizer.bos_token_id


def test_the_same_text_and_seed_give_the_same_bytes(tmp_path):
    for name, seed in (("a", 0), ("b", 0), ("c", 1)):
        new_model(TEXTS, tmp_path / name, seed=seed)
    a, b, c = ((tmp_path / name / "model.safetensors").read_bytes() for name in "abc")
    assert a == b
    assert a != c
    files = [(tmp_path / name / "tokenizer.json").read_bytes() for name in "ab"]
    assert files[0] == files[1]


def test_padding_is_never_the_end_of_a_turn(tiny_model):
    tokenizer = load_tokenizer(tiny_model)
    assert tokenizer.pad_token == "<|finetune_right_pad_id|>"
    assert tokenizer.pad_token_id != tokenizer.eos_token_id


def test_config_has_the_keys_that_exporters_read(tiny_model):
    config = json.loads((tiny_model / "config.json").read_text())
    assert config["rope_theta"] == config["rope_parameters"]["rope_theta"] == 500_000.0
    assert config["rope_scaling"] is None
    assert config["torch_dtype"] == "float32"
    written = json.loads((tiny_model / "tokenizer_config.json").read_text())
    assert "generation %}" not in written["chat_template"]
    assert (tiny_model / "chat_template.jinja").read_text().strip() == written["chat_template"]


def test_a_tied_model_stores_one_matrix(tied_model, tiny_model):
    tied = load_weights(tied_model, dtype="float32")
    assert tied.lm_head.weight.data_ptr() == tied.model.embed_tokens.weight.data_ptr()
    size = (tied_model / "model.safetensors").stat().st_size
    matrix_bytes = 512 * 64 * 4
    assert (tiny_model / "model.safetensors").stat().st_size - size >= matrix_bytes


def test_texts_come_from_records_documents_and_plain_files(tmp_path):
    records = tmp_path / "records.jsonl"
    turns = [{"role": "user", "content": "one?"}, {"role": "assistant", "content": "two."}]
    line = {"id": "1", "messages": turns, "reasoning": "three"}
    records.write_text(json.dumps(line) + "\n" + json.dumps({"title": "four", "text": "five"}))
    plain = tmp_path / "plain.txt"
    plain.write_text("six\n\nseven\n")
    found = list(read_texts([records, plain]))
    assert found == ["three", "one?", "two.", "four", "five", "six", "seven"]


def test_what_cannot_be_made_is_said_by_place(tmp_path):
    broken = tmp_path / "broken.jsonl"
    broken.write_text('{"text": "a"}\n{"text": "secret pat')
    with pytest.raises(DataError, match="line 2: is not JSON") as caught:
        list(read_texts([broken]))
    assert "secret" not in str(caught.value)
    with pytest.raises(DataError, match="no text to learn"):
        new_model(["  "], tmp_path / "empty")
    with pytest.raises(ConfigError, match="at least 262"):
        new_model(TEXTS, tmp_path / "small", vocabulary=100)
    with pytest.raises(DataError, match="is not empty"):
        new_model(TEXTS, tmp_path)


def test_small_is_larger_than_tiny_and_takes_what_vocabulary_there_is():
    assert SHAPES["small"].hidden_size > SHAPES["tiny"].hidden_size
    assert len(train_tokenizer(TEXTS, 8192, 128)) < 400


def test_the_examples_are_enough_for_the_vocabulary():
    assert sum(map(len, read_texts([EXAMPLES / "articles.jsonl"]))) > 10_000


def test_a_missing_file_is_named(tmp_path: Path):
    with pytest.raises(DataError, match=r"nothing\.txt"):
        list(read_texts([tmp_path / "nothing.txt"]))

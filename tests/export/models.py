"""Small Llamas of every shape that is exported, with random weights that make positions matter."""

from __future__ import annotations

import struct
from functools import cache
from pathlib import Path
from typing import Any

from medllm.models.hf_folder import load_tokenizer
from medllm.tune.folders import save_model
from medllm.tune.new_model import read_texts, train_tokenizer
from medllm.tune.templates import prepare_tokenizer, shipped_templates
from tests.conftest import EXAMPLES

DEEPSEEK = ("<｜begin▁of▁sentence｜>", "<｜end▁of▁sentence｜>", "<｜User｜>", "<｜Assistant｜>")
LLAMA_3_ROPE = {
    "rope_type": "llama3",
    "rope_theta": 10_000.0,
    "factor": 8.0,
    "low_freq_factor": 1.0,
    "high_freq_factor": 4.0,
    "original_max_position_embeddings": 64,
}
"""Llama 3.1's rule with a short original context, so that it matters within a short text."""


def llama3_tokenizer() -> Any:
    return train_tokenizer(read_texts([EXAMPLES / "articles.jsonl"]), 600, 2048)


def deepseek_tokenizer() -> Any:
    """A Llama 3 tokenizer with the tokens of DeepSeek-R1-Distill."""
    tokenizer = llama3_tokenizer()
    tokenizer.add_special_tokens({"extra_special_tokens": list(DEEPSEEK)})
    tokenizer.add_tokens(["<think>", "</think>"])
    tokenizer.bos_token, tokenizer.eos_token = DEEPSEEK[:2]
    prepare_tokenizer(tokenizer, shipped_templates()["deepseek-r1"])
    return tokenizer


@cache
def _pieces() -> tuple[list[str], list[tuple[str, str]]]:
    """Tokens and merges as SentencePiece has them: any two pieces that make a third may join, in
    the order of the third's score."""
    from tokenizers import Tokenizer, models, normalizers
    from tokenizers.trainers import BpeTrainer

    inner: Any = Tokenizer(models.BPE(unk_token="<unk>"))
    inner.normalizer = normalizers.Sequence(
        [normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")]
    )
    special = ["<unk>", "<s>", "</s>", *(f"<0x{byte:02X}>" for byte in range(256))]
    words = [word for text in read_texts([EXAMPLES / "articles.jsonl"]) for word in text.split()]
    trainer = BpeTrainer(vocab_size=700, special_tokens=special, show_progress=False)
    inner.train_from_iterator([*words, "[INST] [/INST] <<SYS>>"], trainer)
    known = inner.get_vocab()
    learnt = sorted((t for t in known if t not in special), key=known.__getitem__)
    joined = [t for t in learnt if len(t) > 1] + ["▁▁", "▁▁▁▁"]
    tokens = [*special, *joined, *(t for t in learnt if len(t) == 1)]
    place = {token: number for number, token in enumerate(tokens)}
    merges = [
        (token[:at], token[at:])
        for token in joined
        for at in range(1, len(token))
        if token[:at] in place and token[at:] in place
    ]
    return tokens, merges


def llama2_tokenizer(*, legacy: bool = False) -> Any:
    """SentencePiece as Llama 2 has it; `legacy` puts a space after each control token as well."""
    from transformers import LlamaTokenizer

    tokens, merges = _pieces()
    tokenizer: Any = LlamaTokenizer(
        vocab={token: number for number, token in enumerate(tokens)}, merges=merges, legacy=legacy
    )
    prepare_tokenizer(tokenizer, shipped_templates()["llama2"])
    return tokenizer


def sentencepiece_file() -> bytes:
    """Write tokenizer.model as SentencePiece does, with Llama 2's scores."""
    tokens, _ = _pieces()
    kinds = {0: 2, 1: 3, 2: 3} | dict.fromkeys(range(3, 259), 6)
    raw = b""
    for number, token in enumerate(tokens):
        score = 0.0 if number < 259 else -1e9 if not token.strip("▁") else -float(number - 259)
        text = token.encode()
        piece = b"\x0a" + _varint(len(text)) + text + b"\x15" + struct.pack("<f", score)
        piece += b"\x18" + _varint(kinds.get(number, 1))
        raw += b"\x0a" + _varint(len(piece)) + piece
    return raw + b"\x12\x02\x08\x01"  # trainer_spec, of which nothing is read


def _varint(number: int) -> bytes:
    raw = b""
    while number > 127:
        raw, number = raw + bytes([number & 127 | 128]), number >> 7
    return raw + bytes([number])


TOKENIZERS = {
    "llama2": llama2_tokenizer,
    "llama3": llama3_tokenizer,
    "llama3.2": llama3_tokenizer,
    "llama3.3": llama3_tokenizer,
    "deepseek-r1": deepseek_tokenizer,
}
"""By the template that goes with them."""


def make_llama(
    folder: Path,
    *,
    template: str = "llama3",
    heads: tuple[int, int] = (4, 2),
    hidden: int = 64,
    intermediate: int = 160,
    layers: int = 2,
    tied: bool = False,
    rope: dict[str, Any] | None = None,
    dtype: str = "float32",
    max_shard: str = "5GB",
    tokenizer: Any = None,
    seed: int = 0,
    spread: float = 0.25,
    **config: Any,
) -> Path:
    """Write a model folder; weights are drawn wide enough that a wrong turn of a head is seen."""
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    tokenizer = tokenizer or TOKENIZERS[template]()
    made = LlamaConfig(
        vocab_size=len(tokenizer) + 3,  # as many models have rows that no token has
        hidden_size=hidden,
        intermediate_size=intermediate,
        num_hidden_layers=layers,
        num_attention_heads=heads[0],
        num_key_value_heads=heads[1],
        max_position_embeddings=2048,
        tie_word_embeddings=tied,
        initializer_range=spread,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
        rope_parameters=rope or {"rope_type": "default", "rope_theta": 10_000.0},
        **config,
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model: Any = LlamaForCausalLM(made)
        for name, weight in model.named_parameters():
            if "norm" in name:  # all ones say nothing about whether they are read
                torch.nn.init.uniform_(weight, 0.5, 1.5)
    model = model.to(getattr(torch, dtype))
    save_model(model, tokenizer, shipped_templates()[template], folder)
    if max_shard != "5GB":
        (folder / "model.safetensors").unlink()
        model.save_pretrained(folder, max_shard_size=max_shard)
    load_tokenizer(folder)
    return folder

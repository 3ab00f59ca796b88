"""Small tokenizers that write text as those of the five bases do, with their control tokens."""

from __future__ import annotations

from functools import cache
from typing import Any

from medllm.tune.new_model import read_texts, train_tokenizer
from tests.conftest import EXAMPLES

DEEPSEEK = ("<｜begin▁of▁sentence｜>", "<｜end▁of▁sentence｜>", "<｜User｜>", "<｜Assistant｜>")


@cache
def llama3() -> Any:
    return train_tokenizer(read_texts([EXAMPLES / "articles.jsonl"]), 512, 2048)


@cache
def deepseek() -> Any:
    """A Llama 3 tokenizer with DeepSeek's tokens; its makers pad with the end of the text."""
    tokenizer = train_tokenizer(read_texts([EXAMPLES / "articles.jsonl"]), 512, 2048)
    tokenizer.add_special_tokens({"extra_special_tokens": list(DEEPSEEK)})
    tokenizer.add_tokens(["<think>", "</think>"])
    tokenizer.bos_token, tokenizer.eos_token = DEEPSEEK[:2]
    tokenizer.pad_token = DEEPSEEK[1]
    return tokenizer


@cache
def llama2() -> Any:
    """Byte pairs on words that begin with U+2581, as Llama 2 has them: a space before each text."""
    from tokenizers import Tokenizer, decoders, models, normalizers
    from tokenizers.trainers import BpeTrainer
    from transformers import PreTrainedTokenizerFast

    inner: Any = Tokenizer(models.BPE(unk_token="<unk>", byte_fallback=True, fuse_unk=True))
    inner.normalizer = normalizers.Sequence(
        [normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")]
    )
    inner.decoder = decoders.Sequence(
        [
            decoders.Replace("▁", " "),
            decoders.ByteFallback(),
            decoders.Fuse(),
            decoders.Strip(" ", 1, 0),
        ]
    )
    special = ["<unk>", "<s>", "</s>", *(f"<0x{byte:02X}>" for byte in range(256))]
    words = [word for text in read_texts([EXAMPLES / "articles.jsonl"]) for word in text.split()]
    trainer = BpeTrainer(vocab_size=600, special_tokens=special, show_progress=False)
    inner.train_from_iterator([*words, "[INST] [/INST] <<SYS>>"], trainer)
    return PreTrainedTokenizerFast(
        tokenizer_object=inner, bos_token="<s>", eos_token="</s>", unk_token="<unk>"
    )

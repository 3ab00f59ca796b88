"""A Llama from scratch: tokenizer trained on a text, random weights, Llama-3-style template."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from medllm.errors import ConfigError, DataError, extra
from medllm.models.hf_folder import be_quiet
from medllm.tune.folders import save_model
from medllm.tune.templates import prepare_tokenizer, shipped_templates

Size = Literal["tiny", "small"]

SPECIAL_TOKENS = (
    "<|begin_of_text|>",
    "<|end_of_text|>",
    "<|start_header_id|>",
    "<|end_header_id|>",
    "<|eot_id|>",
    "<|finetune_right_pad_id|>",
)
_WORDS = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}|"
    r" ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
"""How Llama 3 cuts text before byte pairs are merged, so that exporters meet the usual case."""
_FEWEST_TOKENS = 256 + len(SPECIAL_TOKENS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """The sizes of a Llama, in the words of its config.json."""

    vocab_size: int
    hidden_size: int
    intermediate_size: int
    num_hidden_layers: int
    num_attention_heads: int
    num_key_value_heads: int
    max_position_embeddings: int


SHAPES: dict[Size, Shape] = {
    "tiny": Shape(
        vocab_size=512,
        hidden_size=64,
        intermediate_size=192,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=2048,
    ),
    "small": Shape(
        vocab_size=8192,
        hidden_size=384,
        intermediate_size=1024,
        num_hidden_layers=6,
        num_attention_heads=6,
        num_key_value_heads=2,
        max_position_embeddings=4096,
    ),
}


def read_texts(paths: Iterable[Path]) -> Iterator[str]:
    """Give the texts of files: lines of a text file, strings of records or documents in JSON Lines.

    Raises `DataError` where a file cannot be read or a line is not JSON.
    """
    for path in paths:
        try:
            lines = path.read_text(encoding="utf-8").splitlines()
        except FileNotFoundError as exc:
            hint = "give files of text, or the records of `medllm data prepare`"
            raise DataError(f"{path} does not exist", hint=hint) from exc
        except (OSError, UnicodeDecodeError) as exc:
            raise DataError(f"{path} cannot be read as text", hint="give UTF-8 files") from exc
        if path.suffix != ".jsonl":
            yield from (line for line in lines if line.strip())
            continue
        for number, line in enumerate(lines, 1):
            if line.strip():
                yield from _texts_of_line(line, f"{path}, line {number}")


def _texts_of_line(line: str, place: str) -> list[str]:
    try:
        value = json.loads(line)
    except json.JSONDecodeError as exc:
        raise DataError(f"{place}: is not JSON", hint="give text files or JSON Lines") from exc
    if not isinstance(value, dict):
        raise DataError(f"{place}: is not an object", hint="give text files or JSON Lines")
    messages = value.get("messages", [])
    contents = [turn.get("content") for turn in messages if isinstance(turn, dict)]
    texts = [value.get("title"), value.get("text"), value.get("reasoning"), *contents]
    return [text for text in texts if isinstance(text, str) and text]


def new_model(
    texts: Iterable[str],
    to: Path,
    *,
    size: Size | Shape = "tiny",
    seed: int = 0,
    tied: bool = False,
    vocabulary: int | None = None,
) -> dict[str, Any]:
    """Write a model folder and give its sizes; the same texts and seed give the same weights.

    `tied` makes input and output embeddings one matrix, as in Llama 3.2 1B. Raises `DataError`
    where there is no text or the folder holds something already.
    """
    shape = size if isinstance(size, Shape) else SHAPES[size]
    n_tokens = vocabulary or shape.vocab_size
    if n_tokens < _FEWEST_TOKENS:
        raise ConfigError(
            f"a vocabulary has at least {_FEWEST_TOKENS} tokens, got {n_tokens}",
            hint="leave the option away",
        )
    if to.exists() and any(to.iterdir()):
        raise DataError(f"{to} is not empty", hint="name a folder that does not exist yet")
    be_quiet()
    with extra("train"):
        import torch
        from transformers import LlamaConfig, LlamaForCausalLM
    tokenizer = train_tokenizer(texts, n_tokens, shape.max_position_embeddings)
    sizes = {name: getattr(shape, name) for name in Shape.__slots__}
    config = LlamaConfig(
        **{**sizes, "vocab_size": len(tokenizer)},
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
        tie_word_embeddings=tied,
        rope_parameters={"rope_type": "default", "rope_theta": 500_000.0},
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model: Any = LlamaForCausalLM(config)
    save_model(model, tokenizer, shipped_templates()["llama3"], to)
    n_parameters = sum(parameter.numel() for parameter in model.parameters())
    return {"folder": str(to), "parameters": n_parameters, "vocabulary": len(tokenizer)}


def train_tokenizer(texts: Iterable[str], vocabulary: int, longest: int) -> Any:
    """Give a byte-level tokenizer as Llama 3 has one, with its control tokens and template.

    It puts the begin-of-text token before what it reads by itself, as Llama 3's does.
    """
    with extra("train"):
        from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, processors
        from tokenizers.trainers import BpeTrainer
        from transformers import PreTrainedTokenizerFast
    kept = [text for text in texts if text.strip()]
    if not kept:
        raise DataError("there is no text to learn words from", hint="name files that hold some")
    inner: Any = Tokenizer(models.BPE(ignore_merges=True))
    split = pre_tokenizers.Split(Regex(_WORDS), "isolated")
    bytes_only = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    inner.pre_tokenizer = pre_tokenizers.Sequence([split, bytes_only])
    inner.decoder = decoders.ByteLevel()
    trainer = BpeTrainer(
        vocab_size=vocabulary,
        special_tokens=list(SPECIAL_TOKENS),
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    inner.train_from_iterator(kept, trainer)
    begin = SPECIAL_TOKENS[0]
    inner.post_processor = processors.TemplateProcessing(
        single=f"{begin} $A", special_tokens=[(begin, inner.token_to_id(begin))]
    )
    tokenizer = PreTrainedTokenizerFast(  # type: ignore[no-untyped-call]
        tokenizer_object=inner,
        bos_token=begin,
        eos_token="<|eot_id|>",
        extra_special_tokens=list(SPECIAL_TOKENS[1:4]),
        model_max_length=longest,
        clean_up_tokenization_spaces=False,
    )
    prepare_tokenizer(tokenizer, shipped_templates()["llama3"])
    return tokenizer

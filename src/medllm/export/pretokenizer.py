"""Which of llama.cpp's ways to cut text into words is the tokenizer's own.

llama.cpp knows a fixed list of them by name (`tokenizer.ggml.pre`). A model's name says nothing
sure about its own, so both are made to cut the same awkward texts and compared.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from medllm.errors import ModelError, extra

_LLAMA_3 = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}|"
    r" ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
_GPT_2 = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"


class Way(NamedTuple):
    """One of llama.cpp's: regular expressions that cut one after the other (llama-vocab.cpp)."""

    name: str
    cuts: tuple[str, ...]
    ignore_merges: bool
    """Whether a word that is a token is taken whole, without merging."""


WAYS = (
    Way("llama-bpe", (_LLAMA_3,), True),
    Way("smaug-bpe", (_LLAMA_3,), False),
    Way("qwen2", (_LLAMA_3.replace(r"\p{N}{1,3}", r"\p{N}"),), False),
    Way("gpt-2", (_GPT_2,), False),
    Way("smollm", (r"\p{N}", _GPT_2), False),
)
_PROBES = (
    "She'LL take 12345678 units at 10:30, don't you think?",
    "WBC 12,500/µL\r\n\r\n\tCRP  <0.5 mg/L   \n  (see below)...",
    "naïve Ärztin, 体温38.5℃, температура 1234, 😀😀 x²+y³",
    "a\u00a0b\u3000c 'S 's 'Re ½ ٣٤٥٦ re-check__it  ",
)


def choose_pretokenizer(backend: Any) -> str:
    """Give llama.cpp's name of how a tokenizer (of the tokenizers package) cuts text into words.

    Raises `ModelError` where it cuts in a way that llama.cpp does not have.
    """
    if backend.normalizer is not None:
        changed = [text for text in _PROBES if backend.normalizer.normalize_str(text) != text]
        if changed:
            raise _unknown("it changes characters before it cuts")
    if backend.pre_tokenizer is None:
        raise _unknown("it does not cut text into words")
    own = [backend.pre_tokenizer.pre_tokenize_str(text) for text in _PROBES]
    ignores = bool(getattr(backend.model, "ignore_merges", False))
    for way in WAYS:
        if way.ignore_merges != ignores:
            continue
        like = _pre_tokenizer(way)
        if own == [like.pre_tokenize_str(text) for text in _PROBES]:
            return way.name
    raise _unknown("it cuts text into words in a way of its own")


def _pre_tokenizer(way: Way) -> Any:
    with extra("train"):
        from tokenizers import Regex, pre_tokenizers
    cuts: list[Any] = [pre_tokenizers.Split(Regex(cut), "isolated") for cut in way.cuts]
    bytes_only = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    return pre_tokenizers.Sequence([*cuts, bytes_only])


def _unknown(reason: str) -> ModelError:
    return ModelError(
        f"llama.cpp has nothing like this tokenizer: {reason}",
        hint="use the tokenizer that came with the base; loaded in transformers it must cut "
        "text as Llama 2's or Llama 3's does",
    )

"""A tokenizer as a GGUF holds it: tokens, kinds, merges or scores, and what stands around a text.

What is written is the tokenizer as it works once it is loaded, which is what the model was trained
and evaluated with; a tokenizer.json can say something else than transformers makes of it.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from medllm.errors import DataError, ModelError
from medllm.export.pretokenizer import choose_pretokenizer
from medllm.export.sentencepiece import SPACE, read_scores, scores_of_merges
from medllm.models.hf_folder import check_vocabulary

NORMAL, UNKNOWN, CONTROL, USER_DEFINED, UNUSED, BYTE = 1, 2, 3, 4, 5, 6
"""What llama.cpp calls the kinds of tokens (llama.h, `llama_token_type`)."""

_END_OF_TURN = ("<|eot_id|>", "<|im_end|>", "<end_of_turn>")


@dataclass(frozen=True, slots=True, kw_only=True)
class Vocabulary:
    """Everything under `tokenizer.` in a GGUF. Lists go by token id and are equally long."""

    model: Literal["gpt2", "llama"]
    """Byte pairs (Llama 3) or SentencePiece (Llama 2)."""
    pre: str
    tokens: list[str] = field(repr=False)
    kinds: list[int] = field(repr=False)
    scores: list[float] = field(repr=False)
    """Of SentencePiece; empty for byte pairs."""
    merges: list[str] = field(repr=False)
    """Of byte pairs; empty for SentencePiece."""
    special: dict[str, int]
    """bos, eos, unknown, padding, eot: the ids of those that there are."""
    adds_bos: bool
    adds_space: bool
    template: str = field(repr=False)


def read_vocabulary(tokenizer: Any, n_embeddings: int, model_file: Path | None) -> Vocabulary:
    """Give the vocabulary of a loaded tokenizer, filled up to the rows of the model's matrix.

    `model_file` is the base's tokenizer.model where there is one. Raises `ModelError` where
    llama.cpp has no such tokenizer, or where it does not fit the model.
    """
    check_vocabulary(tokenizer, n_embeddings)
    backend = tokenizer.backend_tokenizer
    inner = json.loads(backend.to_str())["model"]
    if inner.get("type") != "BPE":
        raise ModelError(
            f"llama.cpp's Llama has no tokenizer of the kind {inner.get('type')}",
            hint="use the tokenizer that came with the base",
        )
    tokens = _tokens(tokenizer, n_embeddings)
    merges = [tuple(m.split(" ")) if isinstance(m, str) else tuple(m) for m in inner["merges"]]
    is_pieces = bool(inner.get("byte_fallback"))
    if is_pieces:
        scores = read_scores(model_file, tokens) or scores_of_merges(tokens, merges)
    template = str(tokenizer.chat_template or "")
    return Vocabulary(
        model="llama" if is_pieces else "gpt2",
        pre="default" if is_pieces else choose_pretokenizer(backend),
        tokens=tokens,
        kinds=_kinds(tokenizer, tokens, is_pieces=is_pieces),
        scores=scores if is_pieces else [],
        merges=[] if is_pieces else [" ".join(pair) for pair in merges],
        special=_special(tokenizer),
        adds_bos=_adds_bos(tokenizer, template),
        adds_space=is_pieces and _adds_space(tokenizer),
        template=template,
    )


def _tokens(tokenizer: Any, n: int) -> list[str]:
    """Give the tokens by id; ids that stand for nothing get a name that no text holds."""
    tokens = [""] * n
    for token, number in tokenizer.get_vocab().items():
        if number >= n:
            raise DataError(f"the tokenizer has a token {number}, the model {n} rows")
        tokens[number] = token
    return [token or f"[PAD{number}]" for number, token in enumerate(tokens)]


def _kinds(tokenizer: Any, tokens: list[str], *, is_pieces: bool) -> list[int]:
    known = tokenizer.get_vocab()
    kinds = [NORMAL if token in known else UNUSED for token in tokens]
    if is_pieces:
        for byte in range(256):
            if (number := known.get(f"<0x{byte:02X}>")) is not None:
                kinds[number] = BYTE
    for number, added in tokenizer.added_tokens_decoder.items():
        kinds[number] = CONTROL if added.special else USER_DEFINED
    unknown = known.get(tokenizer.unk_token) if is_pieces else None
    if unknown is not None:
        kinds[unknown] = UNKNOWN
    return kinds


def _special(tokenizer: Any) -> dict[str, int]:
    known = tokenizer.get_vocab()
    turn_ends = [known[token] for token in _END_OF_TURN if token in known]
    ids = {
        "bos": tokenizer.bos_token_id,
        "eos": tokenizer.eos_token_id,
        "unknown": tokenizer.unk_token_id,
        "padding": tokenizer.pad_token_id,
        "eot": turn_ends[0] if turn_ends else None,
    }
    return {name: int(number) for name, number in ids.items() if number is not None}


def _adds_bos(tokenizer: Any, template: str) -> bool:
    """Whether a text begins with the begin-of-text token: by itself, or by every prompt."""
    if tokenizer.bos_token_id is None:
        return False
    by_itself: list[int] = tokenizer("a")["input_ids"]
    return by_itself[0] == tokenizer.bos_token_id or "bos_token" in template


def _adds_space(tokenizer: Any) -> bool:
    """Whether a text gets a space in front where a model reads it: after the begin of text.

    transformers' newer Llama 2 tokenizers put one only in front of a text without that token, as
    no prompt is; llama.cpp knows one rule for both.
    """
    ids = tokenizer(f"{tokenizer.bos_token}a", add_special_tokens=False)["input_ids"]
    return str(tokenizer.convert_ids_to_tokens(ids[1])).startswith(SPACE)

"""Pitfalls 14 and 15: what a GGUF must say of a tokenizer, or text becomes other tokens."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from tokenizers import pre_tokenizers

from medllm.export.vocabulary import read_vocabulary
from medllm.tune.templates import prepare_tokenizer, shipped_templates
from tests.tune import tokenizers_of_bases as bases

TEXTS = ["the patient had fever for three days", "chest pain and shortness of breath at rest"]


def ready(name: str, tokenizer: Any) -> Any:
    own = copy.deepcopy(tokenizer)
    prepare_tokenizer(own, shipped_templates()[name])
    return own


def cut(text: str, scores: Mapping[str, float]) -> list[str]:
    """Cut as SentencePiece does: of all neighbours the pair with the highest score is joined."""
    pieces = list("▁" + text.replace(" ", "▁"))
    while True:
        joined = ["".join(pair) for pair in zip(pieces, pieces[1:], strict=False)]
        known = [(scores[piece], -at) for at, piece in enumerate(joined) if piece in scores]
        if not known:
            return pieces
        at = -max(known)[1]
        pieces[at : at + 2] = [joined[at]]


def test_pitfall_14_scores_of_llama_2_are_known_without_its_tokenizer_model(tmp_path: Path):
    vocab = pytest.importorskip("gguf.vocab")
    tokenizer = ready("llama2", bases.llama2())
    found = read_vocabulary(tokenizer, len(tokenizer), None)
    expected = [tokenizer.tokenize(text) for text in TEXTS]
    assert [cut(text, dict(zip(found.tokens, found.scores, strict=True))) for text in TEXTS] == (
        expected
    )

    tokenizer.save_pretrained(tmp_path)
    naive = {text.decode(): score for text, score, _ in vocab.LlamaHfVocab(tmp_path).all_tokens()}
    assert set(naive.values()) == {-1000.0}
    assert [cut(text, naive) for text in TEXTS] != expected, "the leftmost pair wins each time"


def test_pitfall_15_the_way_to_cut_words_is_told_by_how_the_tokenizer_cuts():
    llama3 = ready("llama3", bases.llama3())
    found = read_vocabulary(llama3, len(llama3), None)
    assert (found.model, found.pre) == ("gpt2", "llama-bpe")
    llama2 = ready("llama2", bases.llama2())
    found = read_vocabulary(llama2, len(llama2), None)
    assert (found.model, found.pre) == ("llama", "default")

    text = "She'LL take 12345 mg"
    own = llama3.backend_tokenizer.pre_tokenizer.pre_tokenize_str(text)
    naive = pre_tokenizers.ByteLevel(add_prefix_space=False).pre_tokenize_str(text)
    assert own != naive, "under another name the same text is cut elsewhere"

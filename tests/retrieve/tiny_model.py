"""A real RoBERTa of two layers, with random weights, made in a second."""

from __future__ import annotations

from pathlib import Path

TEXTS = [
    "The patient had a fever and a cough for three days.",
    "A woman of 54 years with dyspnoea, chest pain and palpitations at night.",
    "He was given amoxicillin and recovered within a week; the rash had gone.",
]

HIDDEN = 32


def make_roberta(folder: Path, *, max_tokens: int = 62, says_its_length: bool = True) -> Path:
    """Save the model with its tokenizer; it sees `max_tokens` and two more that mark the ends."""
    import torch
    from tokenizers import ByteLevelBPETokenizer
    from transformers import RobertaConfig, RobertaModel, RobertaTokenizerFast

    folder.mkdir(parents=True)
    trained = ByteLevelBPETokenizer()
    marks = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
    trained.train_from_iterator(TEXTS * 5, vocab_size=400, special_tokens=marks)
    trained.save_model(str(folder))
    length = {"model_max_length": max_tokens + 2} if says_its_length else {}
    tokenizer = RobertaTokenizerFast.from_pretrained(str(folder), **length)
    tokenizer.save_pretrained(str(folder))
    torch.manual_seed(0)
    config = RobertaConfig(
        vocab_size=len(tokenizer),
        hidden_size=HIDDEN,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=64,
        # Positions are counted from behind the padding's, which is 1.
        max_position_embeddings=max_tokens + 2 + 2,
        pad_token_id=1,
        bos_token_id=0,
        eos_token_id=2,
        initializer_range=0.3,  # so that different texts are far from each other
    )
    RobertaModel(config, add_pooling_layer=False).eval().save_pretrained(str(folder))
    return folder

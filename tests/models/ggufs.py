"""Tiny GGUF files with random weights, and the model folders that they were made from."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.export.models import make_llama


def make_gguf(folder: Path, *, template: str = "llama3", **options: Any) -> Path:
    """Write a model folder, `model/`, and beside it the same as model.gguf in F32."""
    from medllm.export.convert import write_model
    from medllm.export.shape import read_shape
    from medllm.export.vocabulary import read_vocabulary
    from medllm.export.weights import find_tensors
    from medllm.models.hf_folder import load_tokenizer

    source = make_llama(folder / "model", template=template, **options)
    shape = read_shape(source)
    vocabulary = read_vocabulary(load_tokenizer(source), shape.vocab_size, None)
    path = folder / "model.gguf"
    write_model(path, shape, vocabulary, find_tensors(source), "F32", name="tiny")
    return path

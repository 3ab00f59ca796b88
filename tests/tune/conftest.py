"""Truly tiny models, made once: two layers, 64 dimensions, a vocabulary out of the examples."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import EXAMPLES


@pytest.fixture(scope="session", autouse=True)
def _one_thread() -> Iterator[None]:
    torch = pytest.importorskip("torch")
    pytest.importorskip("trl")
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give the folder of a tiny Llama; tests read it and never write there."""
    from medllm.tune.new_model import new_model, read_texts

    folder = tmp_path_factory.mktemp("models") / "tiny"
    new_model(read_texts([EXAMPLES / "articles.jsonl"]), folder)
    return folder


@pytest.fixture(scope="session")
def tied_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give one whose input and output embeddings are one matrix."""
    from medllm.tune.new_model import new_model, read_texts

    folder = tmp_path_factory.mktemp("models") / "tied"
    new_model(read_texts([EXAMPLES / "articles.jsonl"]), folder, tied=True)
    return folder


@pytest.fixture
def own_model(tiny_model: Path, tmp_path: Path) -> Path:
    """Give a copy of the tiny model that a test may break."""
    return Path(shutil.copytree(tiny_model, tmp_path / "own"))


@pytest.fixture(scope="session")
def tokenizer(tiny_model: Path) -> Any:
    """Give its tokenizer, ready for training."""
    from medllm.models.hf_folder import load_tokenizer
    from medllm.tune.templates import choose_template, prepare_tokenizer

    loaded = load_tokenizer(tiny_model)
    prepare_tokenizer(loaded, choose_template("auto", loaded))
    return loaded

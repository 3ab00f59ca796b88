"""Small models of the shapes that are exported, made once; llama.cpp may be absent."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture(scope="session", autouse=True)
def _one_thread() -> Iterator[None]:
    torch = pytest.importorskip("torch")
    pytest.importorskip("trl")
    pytest.importorskip("gguf", reason="the extra export is not installed")
    from medllm.export import reference

    before = torch.get_num_threads(), reference.N_ANSWERS
    torch.set_num_threads(1)
    reference.N_ANSWERS = 2  # each answer takes as long as all texts together
    yield
    reference.N_ANSWERS = before[1]
    torch.set_num_threads(before[0])


@pytest.fixture(scope="session")
def llama_cpp() -> None:
    """Skip where llama.cpp is not compiled."""
    pytest.importorskip(
        "llama_cpp", reason='llama.cpp is not installed: pip install "medllm[gguf]"'
    )


@pytest.fixture(scope="session")
def llama3(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a Llama 3 with grouped heads and stretched rope; tests read it and never write there."""
    from tests.export.models import LLAMA_3_ROPE, make_llama

    return make_llama(tmp_path_factory.mktemp("llama3") / "llama3", rope=LLAMA_3_ROPE)


@pytest.fixture(scope="session")
def llama2(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a Llama 2: SentencePiece, every head by itself, no tokenizer.model."""
    from tests.export.models import make_llama

    folder = tmp_path_factory.mktemp("llama2") / "llama2"
    return make_llama(folder, template="llama2", heads=(4, 4))

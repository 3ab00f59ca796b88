from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.register_assert_rewrite("tests.retrieve.contract", "tests.retrieve.comparing")

from medllm.retrieve import build  # noqa: E402
from medllm.retrieve.embedded import EmbeddedIndex  # noqa: E402
from medllm.retrieve.encoders import Encoder, load_encoder  # noqa: E402
from medllm.retrieve.passages import cut_passages  # noqa: E402
from tests.retrieve.tiny_model import make_roberta  # noqa: E402

NewIndex = Callable[..., EmbeddedIndex]


@pytest.fixture
def new_index(tmp_path: Path) -> Iterator[NewIndex]:
    """Makes empty indexes under the test's folder; what is still open is closed after the test."""
    made: list[EmbeddedIndex] = []

    def make(name: str = "idx", *, dimension: int | None = None) -> EmbeddedIndex:
        encoder = None
        if dimension is not None:
            encoder = {"spec": "none", "digest": "0", "dimension": dimension}
        made.append(EmbeddedIndex.create(tmp_path / name, encoder=encoder))
        return made[-1]

    yield make
    for index in made:
        index.folder.abandon()


@pytest.fixture(scope="session")
def roberta(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a tiny RoBERTa that sees 62 tokens; not to be changed."""
    pytest.importorskip("sentence_transformers", reason="the extra `dense` is not installed")
    return make_roberta(tmp_path_factory.mktemp("models") / "roberta")


@pytest.fixture(scope="session")
def encoder(roberta: Path) -> Encoder:
    """The tiny RoBERTa, loaded."""
    return load_encoder(str(roberta))


@pytest.fixture
def cut(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Every text that was cut into passages."""
    texts: list[str] = []

    def listening(text: str) -> Any:
        texts.append(text)
        return cut_passages(text)

    monkeypatch.setattr(build, "cut_passages", listening)
    return texts

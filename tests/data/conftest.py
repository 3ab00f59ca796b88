from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from medllm.data.documents import Reading, read_documents
from medllm.records import Document, DocumentKind


class Read(NamedTuple):
    documents: list[Document]
    reading: Reading

    @property
    def ids(self) -> list[str]:
        return [document.id for document in self.documents]

    @property
    def reasons(self) -> list[tuple[int | None, str]]:
        """Line or record number, and reason, of each problem."""
        return [(p.line or p.record, p.reason) for p in self.reading.problems]


ReadAll = Callable[..., Read]


@pytest.fixture
def fixtures() -> Path:
    """The invented files in the exact formats."""
    return Path(__file__).parent / "fixtures"


@pytest.fixture
def read() -> ReadAll:
    """Reads a path to its end."""

    def read_all(
        path: Path, *, kind: DocumentKind | None = None, format: str | None = None
    ) -> Read:
        reading = Reading()
        documents = list(read_documents(path, kind=kind, format=format, reading=reading))
        return Read(documents, reading)

    return read_all

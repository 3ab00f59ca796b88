from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from medllm.records import Document
from medllm.retrieve.build import add_documents
from medllm.retrieve.embedded import EmbeddedIndex
from tests.ask.sources import EXAMPLES


def example_documents() -> list[Document]:
    """The invented corpus of examples/."""
    documents = []
    for kind in ("patients", "articles"):
        for line in (EXAMPLES / f"{kind}.jsonl").read_text(encoding="utf-8").splitlines():
            row: dict[str, Any] = json.loads(line)
            fields = {name: row[name] for name in Document.__slots__ if name in row}
            for name in ("mesh", "publication_types"):
                fields[name] = tuple(fields.get(name, ()))
            documents.append(Document(**{**fields, "kind": kind}))
    return documents


@pytest.fixture(scope="session")
def example_index(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedIndex]:
    """The example corpus in a real index; not to be changed."""
    folder = tmp_path_factory.mktemp("examples") / "idx"
    with EmbeddedIndex.create(folder, encoder=None) as index:
        add_documents(index, example_documents())
        yield index

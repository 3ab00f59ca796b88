"""BEIR: `corpus.jsonl` with `_id`, `title` and `text`, beside queries that are not read here.

Source: github.com/beir-cellar/beir, and the ReCDS benchmark of PMC-Patients, which uses the format.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from medllm.data.fields import Fields, read_json_lines
from medllm.data.reading import BadInputError, Located, Reading
from medllm.data.streams import files_in
from medllm.records import Document, DocumentKind


def read_beir(path: Path, kind: DocumentKind | None, reading: Reading) -> Iterator[Located]:
    """Give the documents of a corpus file; a title without a text is its own text, and counted.

    Real collections hold such records, and their relevance judgements point to them.
    """

    def convert(fields: Fields) -> Document:
        title = fields.string("title")
        return Document(
            id=fields.id("_id", "id"),
            kind=kind or "articles",
            text=fields.text_or_title(title),
            title=title,
        )

    return read_json_lines(path, reading, convert)


def find_corpus(folder: Path) -> Path | None:
    """Give the corpus in a BEIR folder, or None: `corpus.jsonl`, or ReCDS's `PPR_corpus.jsonl`."""
    endings = ("corpus.jsonl", "corpus.jsonl.gz")
    found = [file for file in files_in(folder) if file.parent == folder]
    found = [
        f for f in found if f.name in endings or f.name.endswith(tuple("_" + e for e in endings))
    ]
    if len(found) > 1:
        names = ", ".join(file.name for file in found)
        raise BadInputError(f"it holds several corpora, name one of them: {names}")
    return found[0] if found else None

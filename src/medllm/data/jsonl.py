"""JSON Lines with medllm's own field names: one object a line, `id` and `text` required."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from medllm.data.fields import Fields, read_json_lines
from medllm.data.reading import Located, Reading
from medllm.records import Document, DocumentKind


def read_jsonl(path: Path, kind: DocumentKind | None, reading: Reading) -> Iterator[Located]:
    """Give the documents of a `.jsonl` or `.jsonl.gz`.

    The fields are those of `records.Document`; `_id` is taken for `id`, other fields are not read.
    Where `kind` is None the record's own kind counts, else it is an article.
    """

    def convert(fields: Fields) -> Document:
        return Document(
            id=fields.id("id", "_id"),
            kind=kind or fields.kind("articles"),
            text=fields.text(),
            title=fields.string("title"),
            year=fields.year(),
            source=fields.string("source"),
            url=fields.address(),
            licence=fields.string("licence"),
            sex=fields.sex(),
            age_years=fields.age_years(),
            mesh=fields.strings("mesh"),
            publication_types=fields.strings("publication_types"),
            retracted=fields.flag("retracted"),
        )

    return read_json_lines(path, reading, convert)

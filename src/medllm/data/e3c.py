"""E3C, the European Clinical Case Corpus: one case a line, with DOI, journal and licence.

Source: github.com/hltfbk/E3C-Corpus. The cases have no title; their texts have "\\r\\n" line ends.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from medllm.data.fields import Fields, read_json_lines
from medllm.data.reading import Located, Reading
from medllm.records import Document, DocumentKind

_DATE = re.compile(r"([0-9]{4})(?:-[0-9]{2}){0,2}")


def read_e3c(path: Path, kind: DocumentKind | None, reading: Reading) -> Iterator[Located]:
    """Give the cases of a `cases.jsonl`, articles unless `kind` says otherwise."""

    def convert(fields: Fields) -> Document:
        return Document(
            id=fields.id("id"),
            kind=kind or "articles",
            text=fields.text(),
            year=_year(fields),
            source=fields.string("source"),
            url=_address(fields),
            licence=fields.string("licence"),
        )

    return read_json_lines(path, reading, convert)


def _year(fields: Fields) -> int | None:
    date = fields.string("publication_date")
    match = _DATE.fullmatch(date)
    if date and not match:
        fields.reading.note(fields.place, "field publication_date is not a date; left empty")
    return int(match.group(1)) if match else None


def _address(fields: Fields) -> str:
    doi = fields.string("doi")
    return fields.address() or (f"https://doi.org/{doi}" if doi.startswith("10.") else "")

"""The one door to all readers: a path in, documents out, and every loss counted and named."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from medllm.data.beir import find_corpus, read_beir
from medllm.data.detect import (
    FORMATS,
    SUFFIXES,
    detect_format,
    has_suffix,
    is_known_file,
    unreadable,
)
from medllm.data.e3c import read_e3c
from medllm.data.jsonl import read_jsonl
from medllm.data.pmc_patients import read_pmc_patients
from medllm.data.pubmed_xml import read_pubmed_xml
from medllm.data.reading import BadInputError, Located, Place, Problem, Reading
from medllm.data.streams import files_in, is_folder, read_head
from medllm.data.text import read_text
from medllm.errors import ConfigError, DataError
from medllm.records import Document, DocumentKind

__all__ = ["FORMATS", "Problem", "Reading", "detect_format", "read_documents"]

_EXPECTED = {
    "pmc-patients": "a CSV or a JSON list with patient_uid and patient",
    "beir": 'one object a line: {"_id": ..., "title": ..., "text": ...}',
    "jsonl": 'one object a line: {"id": ..., "text": ...}',
    "text": ".txt or .md files in UTF-8",
    "e3c": 'one object a line: {"id": ..., "text": ..., "publication_date": ...}',
    "pubmed-xml": "XML with the root PubmedArticleSet",
}


def read_documents(
    path: Path, *, kind: DocumentKind | None = None, format: str | None = None, reading: Reading
) -> Iterator[Document]:
    """Give the documents of a file or a folder, one by one, and count in `reading`.

    Where `kind` is None, pmc-patients gives patients, jsonl what each record says, all others
    articles. A bad record is left out and named in `reading.problems`. A document whose id came
    before is handed out too, to replace the earlier one, and is counted as a duplicate.

    Raises:
        ConfigError: `format` is none of `FORMATS`.
        DataError: at once, where the path cannot be read or its format cannot be told; at the end,
            where it gave no document at all.
    """
    if format is not None and format not in FORMATS:
        raise ConfigError(f"unknown format {format}", hint=f"one of {', '.join(FORMATS)}")
    chosen = format or detect_format(path)
    try:
        files = _files(path, chosen, reading)
    except BadInputError as exc:
        raise unreadable(path, str(exc)) from exc
    return _read_files(path, files, chosen, kind, reading)


def _files(path: Path, format: str, reading: Reading) -> list[Path]:
    """Give the files to read; name those of a folder that are not of the format."""
    if not is_folder(path):
        read_head(path, 1)
        return [path]
    if format == "beir":
        corpus = find_corpus(path)
        if corpus is None:
            raise BadInputError("it holds no corpus.jsonl")
        return [corpus]
    files = files_in(path, reading)
    for file in files:
        if has_suffix(file, SUFFIXES[format]):
            continue
        if format == "text":
            reading.leave_out(Place(file), "is not a .txt or .md file")
        elif is_known_file(file):
            reading.note(Place(file), f"was not read: not a file of {format}")
    return [file for file in files if has_suffix(file, SUFFIXES[format])]


def _read_files(
    path: Path, files: list[Path], format: str, kind: DocumentKind | None, reading: Reading
) -> Iterator[Document]:
    taken, n_problems = reading.taken, reading.n_problems
    root = path if is_folder(path) else path.parent
    for file in files:
        try:
            for located in _read_file(file, root, format, kind, reading):
                reading.take(located)
                yield located.document
        except BadInputError as exc:
            reading.leave_out(Place(file), str(exc))
    if reading.taken == taken:
        reason = f"{path} is empty"
        if reading.n_problems > n_problems:
            first = reading.problems[n_problems:][:1]
            reason = f"{first[0] if first else path}; {reading.n_problems - n_problems} in all"
        raise DataError(f"no document could be read: {reason}", hint=_hint(format))


def _hint(format: str) -> str:
    return f"{format} is {_EXPECTED[format]}; name another format with --format"


def _read_file(
    file: Path, root: Path, format: str, kind: DocumentKind | None, reading: Reading
) -> Iterator[Located]:
    if format == "text":
        return read_text(file, root, kind, reading)
    if format == "pmc-patients":
        return read_pmc_patients(file, kind, reading)
    if format == "beir":
        return read_beir(file, kind, reading)
    if format == "e3c":
        return read_e3c(file, kind, reading)
    if format == "pubmed-xml":
        return read_pubmed_xml(file, kind, reading)
    return read_jsonl(file, kind, reading)

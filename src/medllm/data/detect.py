"""Which format a path holds, by what is in it, and only then by its name."""

from __future__ import annotations

import io
import os
from collections.abc import Collection
from itertools import islice
from pathlib import Path

import ijson

from medllm.data.beir import find_corpus
from medllm.data.fields import parse_object
from medllm.data.foreign import foreign_kind
from medllm.data.patient_rows import is_patient_header, read_header
from medllm.data.pubmed_xml import ROOT
from medllm.data.reading import BadInputError, Reading
from medllm.data.streams import files_in, is_folder, read_head, read_lines
from medllm.data.text import is_binary
from medllm.data.xml_stream import read_root_name
from medllm.errors import DataError

FORMATS = ("pmc-patients", "beir", "jsonl", "text", "e3c", "pubmed-xml")
"""Every format that is read, by the name that `--format` takes."""

SUFFIXES = {
    "pmc-patients": (".csv", ".json", ".jsonl"),
    "jsonl": (".jsonl", ".ndjson"),
    "text": (".txt", ".md"),
    "e3c": (".jsonl",),
    "pubmed-xml": (".xml",),
}
"""What a format's files are called in a folder, gzipped or not; `beir` has its own names."""

_DATA_SUFFIXES = (".csv", ".json", ".jsonl", ".ndjson", ".xml")
_MAX_LINES = 100  # so many lines are looked at for one that is not broken


def detect_format(path: Path) -> str:
    """Give the format of a file or a folder, one of `FORMATS`.

    Raises `DataError` where it cannot be read or is none of them, saying what was seen.
    """
    try:
        found = _format_of_folder(path) if is_folder(path) else _format_of_file(path)
    except BadInputError as exc:
        raise unreadable(path, str(exc)) from exc
    return found


def unreadable(path: Path, reason: str) -> DataError:
    """Give the error for a path that cannot be read, with what to do next."""
    formats = f"the formats are {', '.join(FORMATS)}; name one with --format"
    # exists() comes first: it bears a path with a null byte, access() does not.
    is_open = os.path.exists(path) and os.access(path, os.R_OK)
    hint = formats if is_open else "name a file or a folder that is there and can be read"
    return DataError(f"cannot read {path}: {reason}", hint=hint)


def has_suffix(file: Path, suffixes: Collection[str]) -> bool:
    """Whether a file is called so, gzipped or not, in any case."""
    return file.name.lower().removesuffix(".gz").endswith(tuple(suffixes))


def is_known_file(file: Path) -> bool:
    """Whether a file is called like one of any format."""
    return has_suffix(file, (*_DATA_SUFFIXES, *SUFFIXES["text"]))


def _format_of_folder(folder: Path) -> str:
    if find_corpus(folder):
        return "beir"
    files = files_in(folder)
    found: dict[str, str] = {}
    for file in files:
        if has_suffix(file, _DATA_SUFFIXES):
            try:
                found.setdefault(_format_of_file(file), file.name)
            except BadInputError:
                continue  # a folder of notes may hold a stray data file; the reading names it
    if len(found) > 1:
        names = ", ".join(f"{name} ({format})" for format, name in found.items())
        raise BadInputError(f"it holds files of several formats, name one of them: {names}")
    if found:
        return next(iter(found))
    n_texts = sum(has_suffix(file, SUFFIXES["text"]) for file in files)
    # A licence or a read-me beside data of an unknown format does not make a folder of notes.
    if n_texts > sum(has_suffix(file, _DATA_SUFFIXES) for file in files):
        return "text"
    raise BadInputError("it holds no file of a known format" if files else "the folder is empty")


def _format_of_file(path: Path) -> str:
    head = read_head(path)
    start = head.lstrip()[:1]
    if not start:
        raise BadInputError("it is empty")
    if start == b"[" and _is_patient_list(path):
        return "pmc-patients"
    if start == b"{" or has_suffix(path, (".jsonl", ".ndjson")):
        return _format_of_lines(path)
    if b"<" in head[:4].strip() and read_root_name(head) == ROOT:
        return "pubmed-xml"
    if is_patient_header(read_header(head.split(b"\n", 1)[0].decode("utf-8", "replace"))):
        return "pmc-patients"
    if has_suffix(path, SUFFIXES["text"]):
        return "text"
    raise BadInputError(_describe(head, path))


def _is_patient_list(path: Path) -> bool:
    # A megabyte holds the first patient: the longest of PMC-Patients has 0.1 MB.
    head = read_head(path, 1 << 20).decode("utf-8", "replace").encode("utf-8")
    try:
        for prefix, event, value in ijson.parse(io.BytesIO(head)):
            if (prefix, event, value) == ("item", "map_key", "patient_uid"):
                return True
    except ijson.JSONError:
        pass  # the head ends somewhere within a patient
    return False


def _format_of_lines(path: Path) -> str:
    is_object = False
    for line in islice(read_lines(path, Reading()), _MAX_LINES):
        try:
            keys = parse_object(line.text).keys()
        except BadInputError:
            continue
        is_object = True
        if format := _format_of_keys(keys):
            return format
    if is_object:
        raise BadInputError("it is JSON Lines, but no object has an id and a text")
    raise BadInputError(f"none of its first {_MAX_LINES} lines is a JSON object of its own")


def _format_of_keys(keys: Collection[str]) -> str:
    names = set(keys)
    if {"patient_uid", "patient"} <= names:
        return "pmc-patients"
    if {"id", "text", "publication_date", "doi"} <= names:
        return "e3c"
    if "_id" in names and names <= {"_id", "title", "text", "metadata"}:
        return "beir"
    return "jsonl" if "text" in names and names & {"id", "_id"} else ""


def _describe(head: bytes, path: Path) -> str:
    """Say what a file of no known format looks like, without its content."""
    if kind := foreign_kind(head):
        return f"it is {kind}"
    if is_binary(head):
        return "it is binary"
    if head.lstrip().startswith(b"["):
        return "it is a JSON list, but its objects have no patient_uid; write one object a line"
    if head.lstrip().startswith(b"<"):
        return f"it is XML or HTML, but its root element is not {ROOT}"
    if has_suffix(path, (".csv", ".tsv")):
        return "it is a table, but its first line lacks the columns patient_uid and patient"
    return "it is text of no known format"

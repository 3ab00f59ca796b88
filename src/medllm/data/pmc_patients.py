"""PMC-Patients: patient summaries from case reports, as CSV (V1) or as a JSON list (V1, V2).

Source: Figshare collection 6723465, huggingface.co/datasets/zhengyun21/PMC-Patients; licence
CC BY-NC-SA 4.0. `patient_uid` is `<PMC id>-<n>`: the set's own README says PMID, its files do not.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from medllm.data.fields import MAX_AGE_YEARS, Fields, is_number, read_json_lines
from medllm.data.json_list import read_json_list
from medllm.data.patient_rows import read_rows
from medllm.data.reading import BadInputError, Located, Reading
from medllm.data.streams import read_head
from medllm.records import Document, DocumentKind

_UID = re.compile(r"([0-9]+)-[0-9]+")
_PART = re.compile(r"""\[\s*([0-9]+(?:\.[0-9]*)?)\s*,\s*["']([a-z]+)["']\s*\]""")
_MAX_AGE_CHARACTERS = 200
_YEARS = {
    "year": 1.0,
    "month": 1 / 12,
    "week": 7 / 365.25,
    "day": 1 / 365.25,
    "hour": 1 / (24 * 365.25),
}


def read_pmc_patients(path: Path, kind: DocumentKind | None, reading: Reading) -> Iterator[Located]:
    """Give the patients of a CSV, a JSON list, or JSON Lines with the same keys."""

    def convert(fields: Fields) -> Document:
        return _to_document(fields, kind or "patients")

    start = read_head(path, 4096).lstrip()[:1]
    if start == b"{":
        return read_json_lines(path, reading, convert)
    rows = read_json_list(path, reading) if start == b"[" else read_rows(path, reading)
    return _convert_all(rows, convert)


def _convert_all(
    rows: Iterator[Fields], convert: Callable[[Fields], Document]
) -> Iterator[Located]:
    for fields in rows:
        try:
            document = convert(fields)
        except BadInputError as exc:
            fields.reading.leave_out(fields.place, str(exc))
        else:
            yield Located(fields.place, document)


def _to_document(fields: Fields, kind: DocumentKind) -> Document:
    uid = fields.id("patient_uid")
    published = _UID.fullmatch(uid)
    number = published.group(1) if published else ""
    return Document(
        id=uid,
        kind=kind,
        # The published set writes a new line as a backslash and an n.
        text=fields.text("patient").replace("\\n", "\n"),
        title=fields.string("title").replace("\\n", " "),
        source="PMC-Patients",
        url=f"https://www.ncbi.nlm.nih.gov/pmc/articles/PMC{number}/" if published else "",
        # Only for what comes from the set: a hospital's own rows in its format keep their terms.
        licence="CC BY-NC-SA 4.0" if published else "",
        sex=fields.sex("gender"),
        age_years=_age_years(fields),
    )


def _age_years(fields: Fields) -> float | None:
    """Give the age from `[[7.0, 'year'], [11.0, 'month']]`, a list in JSON, its text in CSV."""
    value = fields.record.get("age")
    if value is None or value in ("", "[]", []):
        return None
    parts = _parts_of_text(value) if isinstance(value, str) else _parts_of_list(value)
    if parts and all(unit in _YEARS for _, unit in parts):
        years = sum(number * _YEARS[unit] for number, unit in parts)
        if 0 <= years <= MAX_AGE_YEARS:
            return years
    fields.reading.note(fields.place, "field age is not a list of [number, unit]; left empty")
    return None


def _parts_of_text(text: str) -> list[tuple[float, str]]:
    """Give number and unit of each part of a Python literal; it is matched, never evaluated."""
    outer = text.strip()
    if len(text) > _MAX_AGE_CHARACTERS or outer[:1] + outer[-1:] != "[]":
        return []
    if _PART.sub("", outer[1:-1]).strip(" ,"):
        return []
    return [(float(number), unit) for number, unit in _PART.findall(outer)]


def _parts_of_list(value: Any) -> list[tuple[float, str]]:
    if not isinstance(value, list) or not all(isinstance(p, list) and len(p) == 2 for p in value):
        return []
    is_right = all(is_number(number) and isinstance(unit, str) for number, unit in value)
    return [(number, unit) for number, unit in value] if is_right else []

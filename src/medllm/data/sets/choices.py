"""Multiple choice: MedQA and MedMCQA.

Sources: github.com/jind11/MedQA (JSON Lines; the hub copy of GBaker has the four-option version),
github.com/medmcqa/medmcqa (JSON Lines named .json; `cop` counts from 1) and the hub copy of
openlifescienceai (Parquet; `cop` counts from 0). The two counts look alike, so a file is read
twice: first to learn from a 0 or a 4 how it counts. A file that has neither is refused.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from medllm.data.fields import Fields
from medllm.data.reading import BadInputError, EmptyRecordError, Reading, clean
from medllm.data.sets.description import DataSet
from medllm.data.sets.making import (
    LocatedRecord,
    Source,
    ask,
    digest,
    group_of,
    optional,
    read_each,
    split_meta,
    text_of,
)
from medllm.data.sets.rows import read_rows
from medllm.records import SftRecord

MEDQA = DataSet(
    name="medqa",
    title="MedQA: questions of the US, mainland China and Taiwan medical licence examinations",
    tasks=("choice",),
    size="US 12,723 (4-option test 1,273); mainland China 34,251; Taiwan 14,123",
    licence="MIT",
    access="open",
    where="Google Drive, linked from github.com/jind11/MedQA; or the hub (US, four options)",
    hub_id="GBaker/MedQA-USMLE-4-options",
    hub_files=("phrases_no_exclude_*.jsonl",),
    suffixes=(".jsonl", ".json", ".parquet"),
)
MEDMCQA = DataSet(
    name="medmcqa",
    title="MedMCQA: questions of Indian medical entrance examinations",
    tasks=("choice",),
    size="train 182,822, validation 4,183; the 6,150 of the test have no answers",
    licence="MIT (repository); Apache-2.0 (hub)",
    access="open",
    where="github.com/medmcqa/medmcqa; or the hub",
    hub_id="openlifescienceai/medmcqa",
    hub_files=("data/*.parquet",),
)

_ASK = "Answer with the letter and the text of the best option."
_KEY = re.compile("[A-Za-z]")
_LETTERS = "ABCD"
_OPTIONS = ("opa", "opb", "opc", "opd")


def read_medqa(source: Source, reading: Reading) -> Iterator[LocatedRecord]:
    """Give the questions of MedQA with any number of options."""

    def convert(fields: Fields) -> Iterator[SftRecord]:
        question, options = text_of(fields, "question"), _options_of(fields.record.get("options"))
        letter = text_of(fields, "answer_idx").upper()
        if letter not in options:
            raise BadInputError("field answer_idx names none of the options")
        answer = optional(fields, "answer")
        if answer and answer != options[letter]:
            raise BadInputError("fields answer and answer_idx do not agree")
        meta = split_meta(source, choices=options, step=optional(fields, "meta_info"))
        yield _choice(MEDQA, digest(question, *options.values()), question, letter, meta)

    return read_each(read_rows(source.path, reading), convert)


def read_medmcqa(source: Source, reading: Reading) -> Iterator[LocatedRecord]:
    """Give the questions of MedMCQA; the explanation is kept in `meta`, since many are poor.

    Raises `BadInputError` where it cannot be told whether the answers count from 0 or from 1.
    """
    first = _first_answer(source)

    def convert(fields: Fields) -> Iterator[SftRecord]:
        question = text_of(fields, "question")
        options = {
            letter: text_of(fields, name) for letter, name in zip(_LETTERS, _OPTIONS, strict=True)
        }
        letter = _letter(fields.record.get("cop"), first)
        meta = split_meta(
            source,
            choices=options,
            explanation=optional(fields, "exp"),
            subject=optional(fields, "subject_name"),
            topic=optional(fields, "topic_name"),
            kind=optional(fields, "choice_type"),
        )
        number = optional(fields, "id") or digest(question, *options.values())
        yield _choice(MEDMCQA, number, question, letter, meta)

    return read_each(read_rows(source.path, reading), convert)


def _choice(
    data_set: DataSet, number: str, question: str, letter: str, meta: dict[str, Any]
) -> SftRecord:
    options: dict[str, str] = meta["choices"]
    listed = "\n".join(f"{key}. {text}" for key, text in options.items())
    return SftRecord(
        id=number,
        source=data_set.name,
        group=group_of(question),
        task="choice",
        messages=ask(f"{question}\n\n{listed}\n\n{_ASK}", f"{letter}. {options[letter]}"),
        licence=data_set.licence,
        label=letter,
        meta=meta,
    )


def _options_of(value: Any) -> dict[str, str]:
    """Give the options by letter, from {"A": ...} or [{"key": "A", "value": ...}]."""
    if isinstance(value, list) and all(isinstance(item, dict) for item in value):
        value = {item.get("key"): item.get("value") for item in value}
    if not isinstance(value, dict):
        raise BadInputError("field options is not an object")
    # A table of four and five options has an empty E for the former.
    options = {key: text for key, text in value.items() if text is not None}
    if len(options) < 2 or not all(
        isinstance(key, str) and _KEY.fullmatch(key) and isinstance(text, str) and text.strip()
        for key, text in options.items()
    ):
        raise BadInputError("field options is not two or more letters with their texts")
    return {key.upper(): clean(text).strip() for key, text in sorted(options.items())}


def _first_answer(source: Source) -> int:
    """Give 0 or 1: how the answers of this file count their first option."""
    seen = {_number(fields.record.get("cop")) for fields in read_rows(source.path, Reading())}
    if {0, 4} <= seen:
        raise BadInputError("field cop holds both 0 and 4, so its count is not one of the two")
    if 4 in seen:
        return 1
    if 0 in seen or not seen & {1, 2, 3}:
        return 0
    raise BadInputError(
        "field cop holds only 1 to 3, which does not tell whether it counts from 0 or from 1: "
        "write the letters A to D instead, or read it with more of its set"
    )


def _number(value: Any) -> int | None:
    if isinstance(value, str) and value.strip().lstrip("-").isdecimal():
        return int(value)
    is_whole = isinstance(value, int | float) and not isinstance(value, bool) and value % 1 == 0
    return int(value) if is_whole else None


def _letter(value: Any, first: int) -> str:
    if isinstance(value, str) and value.strip().upper() in tuple(_LETTERS):
        return value.strip().upper()
    number = _number(value)
    if number is None or number == -1:
        raise EmptyRecordError("has no answer: field cop is empty, as in the test split")
    if not 0 <= number - first < len(_LETTERS):
        raise BadInputError("field cop names none of the four options")
    return _LETTERS[number - first]


def one_variant(files: list[Path]) -> list[Path]:
    """Give MedQA's files of a folder without the question banks, which repeat them.

    Raises `BadInputError` where they are of several variants: the four-option questions are the
    same as the five-option ones, and the other languages are other examinations.
    """
    chosen = [file for file in files if not file.stem.endswith("qbank")]
    folders = sorted({file.parent for file in chosen})
    if len(folders) > 1:
        names = ", ".join(folder.name for folder in folders)
        raise BadInputError(f"it holds several variants, name one of the folders: {names}")
    return chosen

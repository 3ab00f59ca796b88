"""In-house data: messages, ShareGPT, Alpaca, question and answer; and ClinMED, which is Alpaca.

Each in any container that `rows` reads. Beside the conversation a record may say its `id`, `group`
(or `patient_id`, `subject_id`), `task`, `source`, `licence`, `label`, `reasoning` and `meta`, as in
`records.SftRecord`: what medllm writes, it reads again.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, cast, get_args

from medllm.data.fields import Fields
from medllm.data.reading import BadInputError, Reading
from medllm.data.sets.conversation import turns_of
from medllm.data.sets.description import DataSet
from medllm.data.sets.making import (
    LocatedRecord,
    Source,
    clean_value,
    digest,
    group_of,
    optional,
    read_each,
    split_meta,
)
from medllm.data.sets.rows import read_rows
from medllm.records import SftRecord, Task

_OWN = "your own"


def _own(name: str, title: str, tasks: tuple[Task, ...]) -> DataSet:
    return DataSet(
        name=name,
        title=title,
        tasks=tasks,
        size=_OWN,
        licence=_OWN,
        access="open",
        where="your own files: JSON, JSON Lines, CSV, TSV or Parquet",
        may_hold_patients=True,
        suffixes=(".json", ".jsonl", ".ndjson", ".csv", ".tsv", ".parquet"),
    )


MESSAGES = _own("messages", 'Conversations: {"messages": [{"role", "content"}]}', ("dialogue",))
SHAREGPT = _own("sharegpt", 'Conversations: {"conversations": [{"from", "value"}]}', ("dialogue",))
ALPACA = _own("alpaca", "Instructions: {instruction, input, output}", ("question",))
QUESTION_ANSWER = _own("question-answer", "A column question, a column answer", ("question",))
CLINMED = DataSet(
    name="clinmed",
    title="ClinMED-style: clinical questions with verified answers {instruction, input, output}",
    tasks=("question",),
    size="about 50,000 as published; built anew from your own questions",
    licence="not published; your own terms for your own copy",
    access="request",
    where="not distributed: build one from your own questions with `medllm data review`",
    may_hold_patients=True,
    suffixes=QUESTION_ANSWER.suffixes,
)

_GROUPS = ("group", "patient_id", "subject_id", "article_id")


def read_own(source: Source, reading: Reading) -> Iterator[LocatedRecord]:
    """Give the conversations of a file in any of the in-house forms, row by row."""
    name = source.path.name.removesuffix(".gz").rpartition(".")[0] or source.path.name
    return read_each(read_rows(source.path, reading), lambda row: [_record(row, source, name, "")])


def read_clinmed(source: Source, reading: Reading) -> Iterator[LocatedRecord]:
    """Give the records of a ClinMED-style file."""
    rows = read_rows(source.path, reading)
    return read_each(rows, lambda row: [_record(row, source, CLINMED.name, CLINMED.licence)])


def _record(fields: Fields, source: Source, name: str, licence: str) -> SftRecord:
    turns, reasoning = turns_of(fields)
    asked = next(turn.content for turn in turns if turn.role == "user")
    group = next((text for key in _GROUPS if (text := optional(fields, key))), "")
    own_meta = fields.record.get("meta")
    meta = own_meta if isinstance(own_meta, dict) else {}
    return SftRecord(
        id=optional(fields, "id") or digest(*(turn.content for turn in turns)),
        source=optional(fields, "source") or name,
        group=group or group_of(asked),
        task=_task(fields, is_dialogue="messages" in fields.record or len(turns) > 3),
        messages=turns,
        licence=optional(fields, "licence") or optional(fields, "license") or licence,
        reasoning=optional(fields, "reasoning") or reasoning,
        label=optional(fields, "label"),
        meta={**split_meta(source), **clean_value(meta)},
    )


def _task(fields: Fields, *, is_dialogue: bool) -> Task:
    """Give the record's own task, which must be a known one, else what its form suggests."""
    value: Any = fields.record.get("task")
    if value in (None, ""):
        many = is_dialogue or "conversations" in fields.record
        return "dialogue" if many else "question"
    if value not in get_args(Task):
        raise BadInputError(f"field task is none of {', '.join(get_args(Task))}")
    return cast(Task, value)

"""CliCR: queries with a gap on BMJ case reports.

Source: github.com/clips/clicr (README, dataset-code/build_json_dataset.py). The queries stand
inside `document`, not beside it. Exactly one answer has the origin "dataset"; those of UMLS are
synonyms, and all count as correct. A release marks concepts as `BEG__heart attack__END`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from medllm.data.fields import Fields
from medllm.data.reading import BadInputError, Reading
from medllm.data.sets.description import DataSet
from medllm.data.sets.json_parts import read_items
from medllm.data.sets.making import (
    LocatedRecord,
    Source,
    ask,
    list_of,
    optional,
    part_of,
    read_each,
    split_meta,
    text_of,
)
from medllm.records import SftRecord

CLICR = DataSet(
    name="clicr",
    title="CliCR: queries with a gap on case reports of the BMJ",
    tasks=("cloze",),
    size="about 105,000 queries on 11,846 cases",
    licence="research use only",
    access="request",
    where="write to the authors named in github.com/clips/clicr",
    may_hold_patients=True,
    suffixes=(".json",),
)

PLACEHOLDER = "@placeholder"
_MARKS = re.compile("BEG__|__END")


def read_clicr(source: Source, reading: Reading) -> Iterator[LocatedRecord]:
    """Give each query with its case; all queries on one case are one group."""

    def convert(fields: Fields) -> Iterator[SftRecord]:
        document = part_of(fields, fields.record.get("document"), "field document")
        case = fields.id("source")
        passage = "\n\n".join(
            part
            for part in (_plain(optional(document, "title")), _plain(_context(document)))
            if part
        )
        for number, query in enumerate(list_of(document, "qas"), start=1):
            try:
                yield _record(part_of(fields, query, "is no object, it"), case, passage, source)
            except BadInputError as exc:
                reading.leave_out(fields.place, type(exc)(f"query {number}: {exc}"))

    return read_each(read_items(source.path, reading, "data.item"), convert)


def _record(query: Fields, case: str, passage: str, source: Source) -> SftRecord:
    text = _plain(text_of(query, "query"))
    if PLACEHOLDER not in text:
        raise BadInputError(f"has no {PLACEHOLDER}")
    answers = [part_of(query, answer, "an answer") for answer in list_of(query, "answers")]
    gold = [answer for answer in answers if answer.record.get("origin") == "dataset"]
    if len(gold) != 1:
        raise BadInputError(f"has {len(gold)} answers of the origin dataset, not one")
    answer = _plain(text_of(gold[0], "text"))
    accepted = dict.fromkeys([answer, *(_plain(optional(other, "text")) for other in answers)])
    asked = f"{passage}\n\nWhat belongs in place of {PLACEHOLDER}?\n{text}"
    return SftRecord(
        id=query.id("id"),
        source=CLICR.name,
        group=case,
        task="cloze",
        messages=ask(asked, answer),
        licence=CLICR.licence,
        label=answer,
        meta=split_meta(source, accepted=[name for name in accepted if name], **_concept(gold[0])),
    )


def _concept(answer: Fields) -> dict[str, Any]:
    return {"cui": optional(answer, "cui"), "semantic_type": optional(answer, "sem_type")}


def _context(document: Fields) -> str:
    return text_of(document, "context")


def _plain(text: str) -> str:
    """Give the text without the marks of concepts."""
    return _MARKS.sub("", text)

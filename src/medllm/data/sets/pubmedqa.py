"""PubMedQA: a question, the abstract without its conclusion, yes/no/maybe, and the conclusion.

Source: github.com/pubmedqa/pubmedqa: `ori_pqal.json` (expert labels), `ori_pqaa.json` (artificial),
`ori_pqau.json` (no labels), each one object PMID -> record; the test split of the first is the 500
PMIDs of `test_ground_truth.json`. The hub copy has the same as rows.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import zip_longest
from typing import Any

from medllm.data.fields import Fields
from medllm.data.reading import BadInputError, EmptyRecordError, Reading, clean
from medllm.data.sets.description import DataSet
from medllm.data.sets.json_parts import read_pairs
from medllm.data.sets.making import (
    LocatedRecord,
    Source,
    ask,
    group_of,
    list_of,
    optional,
    part_of,
    read_each,
    split_meta,
    text_of,
)
from medllm.data.sets.rows import read_rows
from medllm.data.streams import read_head
from medllm.errors import DataError
from medllm.files import read_json
from medllm.records import SftRecord

PUBMEDQA = DataSet(
    name="pubmedqa",
    title="PubMedQA: research questions answered from an abstract with yes, no or maybe",
    tasks=("yes-no-maybe", "question"),
    size="1,000 with expert labels (500 of them the test), 211,300 artificial, 61,200 unlabelled",
    licence="MIT",
    access="open",
    where="github.com/pubmedqa/pubmedqa (data/ori_pqal.json, test_ground_truth.json); or the hub",
    hub_id="qiaojin/PubMedQA",
    hub_files=("pqa_labeled/*.parquet",),
)

GROUND_TRUTH = "test_ground_truth.json"
_KEYED_BY_PMID = re.compile(rb'\s*\{\s*"[0-9]+"\s*:\s*\{')
_ASK = "Answer yes, no or maybe, and say what the abstract shows."
_ASK_FREELY = "Answer from the abstract."
_DECISIONS = ("yes", "no", "maybe")


def read_pubmedqa(source: Source, reading: Reading) -> Iterator[LocatedRecord]:
    """Give the questions; the label is the decision, lower case.

    Where `test_ground_truth.json` stands beside the file, each record knows whether it is in the
    test split. Records without a decision (PQA-U) are free questions.
    """
    test = _test_pmids(source)
    split = source.split

    def convert(fields: Fields) -> Iterator[SftRecord]:
        pmid = optional(fields, "pubid")
        of_record = split if test is None else ("test" if pmid in test else "train")
        yield _record(fields, pmid, source._replace(split=of_record))

    if is_keyed_by_pmid(read_head(source.path, 4096)):
        return read_each(_keyed(source, reading), convert)
    return read_each(read_rows(source.path, reading), convert)


def is_keyed_by_pmid(head: bytes) -> bool:
    """Whether a file begins as one object PMID -> record."""
    return bool(_KEYED_BY_PMID.match(head))


def _keyed(source: Source, reading: Reading) -> Iterator[Fields]:
    for key, fields in read_pairs(source.path, reading):
        yield Fields({"pubid": key, **fields.record}, fields.place, reading)


def _test_pmids(source: Source) -> set[str] | None:
    path = source.path.parent / GROUND_TRUTH
    if not path.is_file():
        return None
    truth = read_json(path)
    if not isinstance(truth, dict):
        raise DataError(f"{path} is not an object PMID -> yes, no or maybe")
    return set(truth)


def _record(fields: Fields, pmid: str, source: Source) -> SftRecord:
    question, answer = (
        text_of(fields, "QUESTION", "question"),
        text_of(fields, "LONG_ANSWER", "long_answer"),
    )
    decision = optional(fields, "final_decision").lower()
    if decision and decision not in _DECISIONS:
        raise BadInputError("field final_decision is not yes, no or maybe")
    asked = f"{_abstract(fields)}\n\nQuestion: {question}\n{_ASK if decision else _ASK_FREELY}"
    return SftRecord(
        id=pmid or group_of(question),
        source=PUBMEDQA.name,
        group=pmid or group_of(question),
        task="yes-no-maybe" if decision else "question",
        messages=ask(asked, f"{decision.capitalize()}. {answer}" if decision else answer),
        licence=PUBMEDQA.licence,
        label=decision,
        meta=split_meta(source, year=optional(fields, "YEAR")),
    )


def _abstract(fields: Fields) -> str:
    """Give the abstract with the names of its sections."""
    inner = fields
    names = ("CONTEXTS", "LABELS")
    if "CONTEXTS" not in fields.record:
        inner = part_of(fields, fields.record.get("context"), "field context")
        names = ("contexts", "labels")
    labels = inner.record.get(names[1])
    pairs = zip_longest(list_of(inner, names[0]), labels if isinstance(labels, list) else [])
    sections = [_section(body, label) for body, label in pairs if body is not None]
    if not any(sections):
        raise EmptyRecordError("has no abstract")
    return "\n".join(section for section in sections if section)


def _section(body: Any, label: Any) -> str:
    if not isinstance(body, str):
        raise BadInputError("a part of the abstract is not a string")
    body = clean(body).strip()
    has_label = body and isinstance(label, str) and label.strip()
    return f"{clean(label).strip()}: {body}" if has_label else body

"""EHR-DS-QA: questions and answers on discharge summaries of MIMIC-IV.

Sources: physionet.org/content/ehr-ds-qa (credentialed access), and its authors' code
github.com/kkotsche1/EHR-DS-QA-Code-for-QA-Generation-over-EHR-Discharge-Summaries. The pairs were
written by a model; a part was judged by a physician, pair by pair. Stored as a JSON list of notes,
or as a CSV in which `qa_pairs` is the Python literal of the list; a pair is an object or a list of
two (what their `reparse_qa_pairs` wrote); some answers end in the model's `</s>`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from medllm.data.fields import Fields
from medllm.data.reading import BadInputError, EmptyRecordError, Reading, clean
from medllm.data.sets.description import DataSet
from medllm.data.sets.literals import parse_literal
from medllm.data.sets.making import (
    LocatedRecord,
    Source,
    ask,
    optional,
    read_each,
    split_meta,
    text_of,
)
from medllm.data.sets.rows import read_rows
from medllm.records import SftRecord

EHR_DS_QA = DataSet(
    name="ehr-ds-qa",
    title="EHR-DS-QA: questions on discharge summaries of MIMIC-IV, with answers",
    tasks=("question",),
    size="156,599 pairs on 21,466 discharge summaries",
    licence="PhysioNet Credentialed Health Data License 1.5.0: not to be shared, nor sent to a "
    "model that somebody else runs",
    access="gated",
    where="physionet.org/content/ehr-ds-qa: become a credentialed user, complete the training "
    "'Data or Specimens Only Research', and sign the data use agreement",
    may_hold_patients=True,
    suffixes=(".json", ".jsonl", ".csv"),
)

_END_OF_TEXT = "</s>"


def read_ehr_ds_qa(source: Source, reading: Reading) -> Iterator[LocatedRecord]:
    """Give each pair with its note; a pair that the physician judged wrong is left out.

    All notes of one patient are one group.
    """

    def convert(fields: Fields) -> Iterator[SftRecord]:
        note = text_of(fields, "note")
        for number, pair in enumerate(_pairs_of(fields), start=1):
            try:
                question, answer, correct = _parts_of(pair)
            except BadInputError as exc:
                reading.leave_out(fields.place, type(exc)(f"pair {number}: {exc}"))
            else:
                yield _record(fields, source, note, number, question, answer, correct)

    rows = read_rows(source.path, reading, is_row=_is_note)
    return read_each(rows, convert)


def _record(
    fields: Fields,
    source: Source,
    note: str,
    number: int,
    question: str,
    answer: str,
    correct: bool | None,
) -> SftRecord:
    note_id = optional(fields, "note_id") or fields.id("original_id")
    patient = optional(fields, "subject_id") or optional(fields, "hadm_id") or note_id
    asked = f"Answer the question from this discharge summary.\n\n{note}\n\nQuestion: {question}"
    return SftRecord(
        id=f"{note_id}/{number}",
        source=EHR_DS_QA.name,
        group=patient,
        task="question",
        messages=ask(asked, answer),
        licence=EHR_DS_QA.licence,
        meta=split_meta(
            source,
            note_id=note_id,
            extended_context=_is_true(fields.record.get("extended_context")) or None,
            verified_by="physician" if correct else "",
        ),
    )


def _pairs_of(fields: Fields) -> list[Any]:
    pairs = fields.record.get("qa_pairs")
    if isinstance(pairs, str):
        pairs = parse_literal(pairs, "qa_pairs")
    if not isinstance(pairs, list | tuple):
        raise BadInputError("field qa_pairs is not a list")
    if not pairs:
        raise EmptyRecordError("has no pairs")
    return list(pairs)


def _parts_of(pair: Any) -> tuple[str, str, bool | None]:
    """Give question, answer, and whether a physician found the pair correct."""
    correct: bool | None = None
    if isinstance(pair, dict):
        question, answer = pair.get("question"), pair.get("answer")
        if "correct" in pair:
            correct = _is_true(pair["correct"])
    elif isinstance(pair, list | tuple) and len(pair) == 2:
        question, answer = pair
    else:
        raise BadInputError("is neither an object nor a list of two")
    if not isinstance(question, str) or not isinstance(answer, str):
        raise BadInputError("its question or answer is not a string")
    question, answer = (
        clean(text).replace(_END_OF_TEXT, "").strip() for text in (question, answer)
    )
    if not question or not answer:
        raise EmptyRecordError("its question or answer is empty")
    if correct is False:
        raise EmptyRecordError("was judged wrong by the physician")
    return question, answer, correct


def _is_true(value: Any) -> bool:
    return value is True or (isinstance(value, str) and value.strip().lower() == "true")


def _is_note(cells: dict[str, str]) -> bool:
    return cells.get("original_id", "").isdigit() and cells.get("qa_pairs", "").startswith("[")

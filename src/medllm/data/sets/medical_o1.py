"""medical-o1: questions with a long thought and a final response; and the verifiable problems.

Source: huggingface.co/datasets/FreedomIntelligence/medical-o1-reasoning-SFT, and
github.com/FreedomIntelligence/HuatuoGPT-o1. The thought is kept in `reasoning`, out of the answer:
how the two are joined is for whoever trains ("## Thinking", "## Final Response" in SFT_stage1.py).
"""

from __future__ import annotations

from collections.abc import Iterator

from medllm.data.fields import Fields
from medllm.data.reading import Reading
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

MEDICAL_O1 = DataSet(
    name="medical-o1-reasoning-sft",
    title="medical-o1-reasoning-SFT: questions with reasoning and a final response",
    tasks=("reasoning",),
    size="about 20,000 English (25,000 in the first release), 20,000 Chinese",
    licence="Apache-2.0",
    access="open",
    where="huggingface.co/datasets/FreedomIntelligence/medical-o1-reasoning-SFT",
    hub_id="FreedomIntelligence/medical-o1-reasoning-SFT",
    hub_files=("medical_o1_sft.json",),
)
VERIFIABLE = DataSet(
    name="medical-o1-verifiable-problem",
    title="medical-o1-verifiable-problem: open questions with a short true answer",
    tasks=("question",),
    size="about 40,000",
    licence="Apache-2.0",
    access="open",
    where="huggingface.co/datasets/FreedomIntelligence/medical-o1-verifiable-problem",
    hub_id="FreedomIntelligence/medical-o1-verifiable-problem",
    hub_files=("*.json",),
)

_PROBLEM, _TRUTH = "Open-ended Verifiable Question", "Ground-True Answer"


def read_medical_o1(source: Source, reading: Reading) -> Iterator[LocatedRecord]:
    """Give question, reasoning and response; the true answer is the label where it is there."""

    def convert(fields: Fields) -> Iterator[SftRecord]:
        question, answer = text_of(fields, "Question"), text_of(fields, "Response")
        yield SftRecord(
            id=digest(question, answer),
            source=MEDICAL_O1.name,
            group=group_of(question),
            task="reasoning",
            messages=ask(question, answer),
            licence=MEDICAL_O1.licence,
            reasoning=text_of(fields, "Complex_CoT"),
            label=optional(fields, _TRUTH),
            meta=split_meta(source),
        )

    return read_each(read_rows(source.path, reading), convert)


def read_verifiable(source: Source, reading: Reading) -> Iterator[LocatedRecord]:
    """Give the verifiable problems with their short answers."""

    def convert(fields: Fields) -> Iterator[SftRecord]:
        question, answer = text_of(fields, _PROBLEM), text_of(fields, _TRUTH)
        yield SftRecord(
            id=digest(question, answer),
            source=VERIFIABLE.name,
            group=group_of(question),
            task="question",
            messages=ask(question, answer),
            licence=VERIFIABLE.licence,
            label=answer,
            meta=split_meta(source),
        )

    return read_each(read_rows(source.path, reading), convert)

"""The dialogue sets of ChatDoctor: GenMedGPT-5k, HealthCareMagic-100k and iCliniq.

Sources: github.com/Kent0n-Li/ChatDoctor (arXiv 2303.14070); the hub copies of lavita and LinhDuong.
GenMedGPT-5k was written by ChatGPT from a table of diseases; the other two are forum questions with
a doctor's answer, scraped, and may hold names and contact details.
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

_RESEARCH_ONLY = "academic research only (ChatDoctor); no clinical or commercial use"

GENMEDGPT = DataSet(
    name="genmedgpt-5k",
    title="GenMedGPT-5k: patients' questions with a doctor's answer, written by ChatGPT",
    tasks=("dialogue",),
    size="5,452",
    licence=f"Apache-2.0 (repository); {_RESEARCH_ONLY}",
    access="open",
    where="github.com/Kent0n-Li/ChatDoctor, chatdoctor5k.json",
    hub_id="LinhDuong/chatdoctor-5k",
    hub_files=("chatdoctor5k.json",),
)
HEALTHCAREMAGIC = DataSet(
    name="healthcaremagic-100k",
    title="HealthCareMagic-100k: forum questions answered by doctors",
    tasks=("dialogue",),
    size="about 112,000",
    licence=_RESEARCH_ONLY,
    access="open",
    where="Google Drive, linked from github.com/Kent0n-Li/ChatDoctor; or the hub",
    hub_id="lavita/ChatDoctor-HealthCareMagic-100k",
    hub_files=("data/*.parquet",),
    may_hold_patients=True,
)
ICLINIQ = DataSet(
    name="icliniq",
    title="iCliniq: forum questions with the answers of a doctor and of two models",
    tasks=("dialogue",),
    size="about 7,300 (the name says 10k)",
    licence=_RESEARCH_ONLY,
    access="open",
    where="Google Drive, linked from github.com/Kent0n-Li/ChatDoctor; or the hub",
    hub_id="lavita/ChatDoctor-iCliniq",
    hub_files=("data/*.parquet",),
    may_hold_patients=True,
)

_ICLINIQ_SYSTEM = "You are a doctor. Answer the patient's question from what the patient describes."


def read_genmedgpt(source: Source, reading: Reading) -> Iterator[LocatedRecord]:
    """Give the dialogues of GenMedGPT-5k."""
    return _read_dialogues(GENMEDGPT, source, reading)


def read_healthcaremagic(source: Source, reading: Reading) -> Iterator[LocatedRecord]:
    """Give the dialogues of HealthCareMagic-100k."""
    return _read_dialogues(HEALTHCAREMAGIC, source, reading)


def read_icliniq(source: Source, reading: Reading) -> Iterator[LocatedRecord]:
    """Give the doctor's answers of iCliniq; those of the two models are kept in `meta`."""

    def convert(fields: Fields) -> Iterator[SftRecord]:
        question, answer = text_of(fields, "input"), text_of(fields, "answer_icliniq")
        others = {
            name: optional(fields, f"answer_{name}")
            for name in ("chatgpt", "chatdoctor")
            if optional(fields, f"answer_{name}")
        }
        yield SftRecord(
            id=digest(question, answer),
            source=ICLINIQ.name,
            group=group_of(question),
            task="dialogue",
            messages=ask(question, answer, system=_ICLINIQ_SYSTEM),
            licence=ICLINIQ.licence,
            meta=split_meta(source, other_answers=others),
        )

    return read_each(read_rows(source.path, reading), convert)


def _read_dialogues(data_set: DataSet, source: Source, reading: Reading) -> Iterator[LocatedRecord]:
    """Give dialogues with the instruction as the system turn: it is the same in every record."""
    meta = split_meta(source)

    def convert(fields: Fields) -> Iterator[SftRecord]:
        question, answer = text_of(fields, "input"), text_of(fields, "output")
        yield SftRecord(
            id=digest(question, answer),
            source=data_set.name,
            group=group_of(question),
            task="dialogue",
            messages=ask(question, answer, system=optional(fields, "instruction")),
            licence=data_set.licence,
            meta=dict(meta),
        )

    return read_each(read_rows(source.path, reading), convert)

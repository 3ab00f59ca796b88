"""Conversations between doctor and patient, with the note written of them: MTS-Dialog, ACI-BENCH.

Sources: github.com/abachaa/MTS-Dialog (one section of a note each; the ids start at 0 again in
every file) and github.com/wyim/aci-bench (whole visits; in some subsets that came from speech
recognition the marks of who speaks are swapped, as its README says).
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from medllm.data.fields import Fields
from medllm.data.reading import Reading
from medllm.data.sets.description import DataSet
from medllm.data.sets.making import (
    LocatedRecord,
    Source,
    ask,
    group_of,
    optional,
    read_each,
    split_meta,
    text_of,
)
from medllm.data.sets.rows import read_rows
from medllm.records import SftRecord

MTS_DIALOG = DataSet(
    name="mts-dialog",
    title="MTS-Dialog: short conversations with the section of the note that they become",
    tasks=("summary",),
    size="train 1,201, validation 100, test 200 and 200",
    licence="CC BY 4.0",
    access="open",
    where="github.com/abachaa/MTS-Dialog, Main-Dataset",
    suffixes=(".csv",),
)
ACI_BENCH = DataSet(
    name="aci-bench",
    title="ACI-BENCH: conversations of whole visits (role-played) with their notes",
    tasks=("summary",),
    size="train 67, validation 20, test 40, 40 and 40",
    licence="CC BY 4.0",
    access="open",
    where="github.com/wyim/aci-bench, data/challenge_data",
    suffixes=(".csv",),
)

SECTIONS = {
    "GENHX": "history of present illness",
    "FAM/SOCHX": "family and social history",
    "PASTMEDICALHX": "past medical history",
    "CC": "chief complaint",
    "PASTSURGICAL": "past surgical history",
    "ALLERGY": "allergies",
    "ROS": "review of systems",
    "MEDICATIONS": "medications",
    "ASSESSMENT": "assessment",
    "EXAM": "examination",
    "DIAGNOSIS": "diagnosis",
    "DISPOSITION": "disposition",
    "PLAN": "plan",
    "EDCOURSE": "emergency department course",
    "IMMUNIZATIONS": "immunisations",
    "IMAGING": "imaging",
    "GYNHX": "gynaecological history",
    "PROCEDURES": "procedures",
    "OTHER_HISTORY": "other history",
    "LABS": "laboratory results",
}
"""The section headers of MTS-Dialog in words."""

_NAME = re.compile(r"[\w.-]{1,40}")


def read_mts_dialog(source: Source, reading: Reading) -> Iterator[LocatedRecord]:
    """Give conversations with their section; the same conversation is one group in any section."""

    def convert(fields: Fields) -> Iterator[SftRecord]:
        header = text_of(fields, "section_header")
        dialogue = text_of(fields, "dialogue")
        section = SECTIONS.get(header.upper(), header.lower())
        asked = f"Write the section '{section}' of the clinical note from this conversation."
        yield SftRecord(
            id=f"{source.path.name.removesuffix('.gz').removesuffix('.csv')}/{fields.id('ID')}",
            source=MTS_DIALOG.name,
            group=group_of(dialogue),
            task="summary",
            messages=ask(f"{asked}\n\n{dialogue}", text_of(fields, "section_text")),
            licence=MTS_DIALOG.licence,
            meta=split_meta(source, section=section),
        )

    rows = read_rows(source.path, reading, is_row=lambda cells: cells.get("ID", "").isdigit())
    return read_each(rows, convert)


def read_aci_bench(source: Source, reading: Reading) -> Iterator[LocatedRecord]:
    """Give visits with their whole note."""

    def convert(fields: Fields) -> Iterator[SftRecord]:
        encounter, subset = fields.id("encounter_id"), optional(fields, "dataset")
        asked = "Write the clinical note of this visit from the conversation."
        yield SftRecord(
            id=f"{subset}/{encounter}" if subset else encounter,
            source=ACI_BENCH.name,
            group=encounter,
            task="summary",
            messages=ask(f"{asked}\n\n{text_of(fields, 'dialogue')}", text_of(fields, "note")),
            licence=ACI_BENCH.licence,
            meta=split_meta(source, subset=subset),
        )

    return read_each(read_rows(source.path, reading, is_row=_is_visit), convert)


def _is_visit(cells: dict[str, str]) -> bool:
    names = (cells.get("dataset", ""), cells.get("encounter_id", ""))
    return all(_NAME.fullmatch(name) for name in names)

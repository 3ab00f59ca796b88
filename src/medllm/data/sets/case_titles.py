"""PMC-Patients as a task: a patient's summary in, the title of the case report out.

The title of a case report is its author's own one-line summary, most often with the diagnosis: the
only text that every release of the set holds beside the patient. The reader of the files is the
one that also fills the index (`data.pmc_patients`).
"""

from __future__ import annotations

from collections.abc import Iterator

from medllm.data.pmc_patients import read_pmc_patients
from medllm.data.reading import BadInputError, EmptyRecordError, Reading
from medllm.data.sets.description import DataSet
from medllm.data.sets.making import LocatedRecord, Source, ask, split_meta
from medllm.records import Document, SftRecord

PMC_PATIENTS = DataSet(
    name="pmc-patients",
    title="PMC-Patients: patients of published case reports, to the title of their report",
    tasks=("summary",),
    size="V1 167,034 (CSV), V2 250,294 (JSON)",
    licence="CC BY-NC-SA 4.0",
    access="open",
    where="huggingface.co/datasets/zhengyun21/PMC-Patients; Figshare collection 6723465",
    hub_id="zhengyun21/PMC-Patients",
    hub_files=("PMC-Patients-V2.json",),
    suffixes=(".csv", ".json", ".jsonl"),
)

_ASK = "Give this case the title that its case report would have."


def read_case_titles(source: Source, reading: Reading) -> Iterator[LocatedRecord]:
    """Give each patient with a title; patients of one article are one group."""
    try:
        for located in read_pmc_patients(source.path, "patients", reading):
            if not located.document.title.strip():
                reading.leave_out(located.place, EmptyRecordError("has no title"))
            else:
                yield LocatedRecord(located.place, _record(located.document, source))
    except UnicodeDecodeError:  # from the JSON parser: half of a pair of escaped surrogates
        reason = "holds half a character; nothing after it was read"
        raise BadInputError(reason) from None


def _record(document: Document, source: Source) -> SftRecord:
    return SftRecord(
        id=document.id,
        source=PMC_PATIENTS.name,
        group=document.id.rpartition("-")[0] or document.id,
        task="summary",
        messages=ask(f"{_ASK}\n\n{document.text.strip()}", document.title.strip()),
        licence=document.licence,
        meta=split_meta(
            source, url=document.url, sex=document.sex or "", age_years=document.age_years
        ),
    )

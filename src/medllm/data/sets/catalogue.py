"""Every data set, and the one door to their readers: a name and a path in, records out."""

from __future__ import annotations

import dataclasses
import difflib
from collections.abc import Iterator
from pathlib import Path

from medllm.data.reading import BadInputError, Place, Reading
from medllm.data.sets import (
    biomrc,
    bioread,
    case_titles,
    chatdoctor,
    chexpert,
    choices,
    clicr,
    ehr_ds_qa,
    healthqa,
    medical_o1,
    medquad,
    notes,
    own,
    pubmedqa,
    recds,
)
from medllm.data.sets.description import Access, DataSet
from medllm.data.sets.making import LocatedRecord, Read, Source
from medllm.data.sets.shapes import accepts, detect_set, other_of, shape_of
from medllm.data.sets.splits import SPLITS, split_named, split_of
from medllm.data.streams import files_in, is_folder
from medllm.errors import ConfigError, DataError
from medllm.records import SftRecord

__all__ = ["CATALOGUE", "Access", "DataSet", "catalogue_rows", "detect_set", "find_set", "read_set"]

_SETS: tuple[tuple[DataSet, Read | None], ...] = (
    (case_titles.PMC_PATIENTS, case_titles.read_case_titles),
    (recds.RECDS, None),
    (ehr_ds_qa.EHR_DS_QA, ehr_ds_qa.read_ehr_ds_qa),
    (bioread.BIOREAD, bioread.read_bioread),
    (biomrc.BIOMRC, biomrc.read_biomrc),
    (clicr.CLICR, clicr.read_clicr),
    (healthqa.HEALTHQA, healthqa.read_healthqa),
    (chexpert.CHEXPERT, chexpert.read_chexpert),
    (chatdoctor.GENMEDGPT, chatdoctor.read_genmedgpt),
    (chatdoctor.HEALTHCAREMAGIC, chatdoctor.read_healthcaremagic),
    (chatdoctor.ICLINIQ, chatdoctor.read_icliniq),
    (medical_o1.MEDICAL_O1, medical_o1.read_medical_o1),
    (medical_o1.VERIFIABLE, medical_o1.read_verifiable),
    (choices.MEDQA, choices.read_medqa),
    (choices.MEDMCQA, choices.read_medmcqa),
    (pubmedqa.PUBMEDQA, pubmedqa.read_pubmedqa),
    (medquad.MEDQUAD, medquad.read_medquad),
    (notes.MTS_DIALOG, notes.read_mts_dialog),
    (notes.ACI_BENCH, notes.read_aci_bench),
    (own.CLINMED, own.read_clinmed),
    (own.MESSAGES, own.read_own),
    (own.SHAREGPT, own.read_own),
    (own.ALPACA, own.read_own),
    (own.QUESTION_ANSWER, own.read_own),
)
CATALOGUE: dict[str, DataSet] = {data_set.name: data_set for data_set, _ in _SETS}
"""Every data set by its name."""
_READERS = {data_set.name: read for data_set, read in _SETS}

_IDS_ARE_PATHS = ("bioread",)  # unique without being remembered, and there are 16.4 million


def catalogue_rows() -> list[dict[str, str]]:
    """Give the catalogue for `medllm data list`: one row a set, in words."""
    return [
        {
            "name": data_set.name,
            "title": data_set.title,
            "tasks": ", ".join(data_set.tasks) or "retrieval",
            "size": data_set.size,
            "licence": data_set.licence,
            "access": {"request": "on request"}.get(data_set.access, data_set.access),
            "where": data_set.where,
            "download": data_set.hub_id,
            "patients": "may hold real patients" if data_set.may_hold_patients else "",
        }
        for data_set in CATALOGUE.values()
    ]


def find_set(name: str) -> DataSet:
    """Give the data set of this name; raise `ConfigError` with the nearest name where none has."""
    if name not in CATALOGUE:
        near = difflib.get_close_matches(name.lower(), CATALOGUE, n=1, cutoff=0.5)
        hint = f"did you mean {near[0]}?" if near else "medllm data list shows them"
        raise ConfigError(f"unknown data set {name}", hint=hint)
    return CATALOGUE[name]


def read_set(
    name: str, path: Path, *, reading: Reading, split: str | None = None
) -> Iterator[SftRecord]:
    """Give the records of a data set's file or folder, one by one, and count in `reading`.

    With `split` ("train", "validation", "test"; "dev" and "val" too) only those that are known to
    be of that split. A bad record is left out and named in `reading.problems`. An id that came
    before gets "-2", "-3": ids are unique within one call.

    Raises:
        ConfigError: unknown data set or split.
        DataError: at once, where the path cannot be read, is another data set's, or has no file of
            the split; at the end, where it gave no record at all.
        MissingExtraError: for Parquet without pyarrow.
    """
    data_set = find_set(name)
    read = _READERS[name]
    if read is None:
        raise DataError(
            f"{name} judges retrieval and gives no training records",
            hint="medllm evaluate retrieval reads its queries and qrels",
        )
    wanted = _wanted(split)
    try:
        sources = _sources(data_set, path, wanted, reading)
    except BadInputError as exc:
        raise DataError(f"cannot read {path}: {exc}", hint=_hint(data_set)) from exc
    return _read_sources(data_set, read, path, sources, wanted, reading)


def _wanted(split: str | None) -> str:
    if not split:
        return ""
    if not split_named(split):
        raise ConfigError(f"unknown split {split}", hint=f"one of {', '.join(SPLITS)}")
    return split_named(split)


def _sources(data_set: DataSet, path: Path, wanted: str, reading: Reading) -> list[Source]:
    """Give the files to read; name those of a folder that hold something else."""
    if not is_folder(path):
        if reason := _foreign(data_set, path):
            raise DataError(f"{path} is not {data_set.name}: {reason}", hint=_hint(data_set))
        sources = [Source(path, split_of(path), path.parent)]
    elif data_set is bioread.BIOREAD:
        sources = [Source(path, "", path)]
    else:
        sources = [Source(file, split_of(file), path) for file in _files(data_set, path, reading)]
    chosen = [source for source in sources if not wanted or source.split in ("", wanted)]
    if not chosen:
        there = ", ".join(sorted({source.split for source in sources}))
        raise DataError(f"{path} has no file of the split {wanted}", hint=f"it has {there}")
    return chosen


def _files(data_set: DataSet, folder: Path, reading: Reading) -> list[Path]:
    files: list[Path] = []
    for file in files_in(folder, reading):
        if not _is_named_so(file, data_set):
            continue
        try:
            reason = _foreign(data_set, file)
        except BadInputError as exc:
            reading.leave_out(Place(file), str(exc))
            continue
        if reason:
            reading.note(Place(file), f"was not read: {reason}")
        else:
            files.append(file)
    if not files:
        endings = ", ".join(data_set.suffixes)
        raise BadInputError(f"the folder holds no file of {data_set.name} that ends in {endings}")
    return choices.one_variant(files) if data_set is choices.MEDQA else files


def _is_named_so(file: Path, data_set: DataSet) -> bool:
    return file.name.lower().removesuffix(".gz").endswith(data_set.suffixes)


def _foreign(data_set: DataSet, path: Path) -> str:
    """Say what a file is where it is surely not of this set, else ""."""
    shape = shape_of(path)
    if shape and not accepts(data_set.name, shape):
        return f"it looks like {shape}"
    other = "" if shape else other_of(path)
    return f"it is {other}" if other else ""


def _read_sources(
    data_set: DataSet,
    read: Read,
    path: Path,
    sources: list[Source],
    wanted: str,
    reading: Reading,
) -> Iterator[SftRecord]:
    taken, n_problems = reading.taken, reading.n_problems
    n_of_other_splits = 0
    ids = _Ids(remembers=data_set.name not in _IDS_ARE_PATHS)
    for source in sources:
        try:
            for located in read(source, reading):
                if wanted and located.record.meta.get("split") != wanted:
                    n_of_other_splits += 1
                    continue
                reading.taken += 1
                yield ids.made_unique(located, reading)
        except BadInputError as exc:
            reading.leave_out(Place(source.path), str(exc))
    if reading.taken == taken:
        raise _nothing_read(
            data_set, path, wanted if n_of_other_splits else "", reading, n_problems
        )


def _nothing_read(
    data_set: DataSet, path: Path, missed_split: str, reading: Reading, n_problems: int
) -> DataError:
    if missed_split:
        hint = "leave the split out: the set has none"
        if data_set is pubmedqa.PUBMEDQA:
            hint = f"put {pubmedqa.GROUND_TRUTH} beside the file: it lists the test split"
        said = f"no record of {path} is known to be of the split {missed_split}"
        return DataError(said, hint=hint)
    reason = f"{path} is empty"
    if reading.n_problems > n_problems:
        first = reading.problems[n_problems:][:1]
        reason = f"{first[0] if first else path}; {reading.n_problems - n_problems} in all"
    return DataError(f"no record of {data_set.name} could be read: {reason}", hint=_hint(data_set))


def _hint(data_set: DataSet) -> str:
    return f"{data_set.name}: {data_set.where}; medllm data list shows every data set"


class _Ids:
    """Which ids came before, by 64 bits of each."""

    def __init__(self, *, remembers: bool) -> None:
        self.remembers = remembers
        self.seen: set[int] = set()
        self.repeats: dict[int, int] = {}

    def made_unique(self, located: LocatedRecord, reading: Reading) -> SftRecord:
        """Give the record, with a number behind its id where that came before."""
        record = located.record
        if not self.remembers:
            return record
        key = hash(record.id)
        if key not in self.seen:
            self.seen.add(key)
            return record
        reading.duplicates += 1
        number = self.repeats.get(key, 1) + 1
        while hash(f"{record.id}-{number}") in self.seen:
            number += 1
        self.repeats[key] = number
        self.seen.add(hash(f"{record.id}-{number}"))
        return dataclasses.replace(record, id=f"{record.id}-{number}")

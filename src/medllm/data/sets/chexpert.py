"""CheXpert: chest X-rays with fourteen labels; and the output of its labeler, with the report.

Sources: stanfordmlgroup.github.io/competitions/chexpert (train.csv, valid.csv: one row a view) and
github.com/stanfordmlgroup/chexpert-labeler (labeled_reports.csv). The two order Lung Lesion and
Lung Opacity differently: columns are read by name. 1 is present, 0 absent, -1 uncertain, and a
blank was not mentioned. Text for a text model: from the labels to the findings. The paths of the
images, and the question that a model with a vision encoder is asked instead, stand in `meta`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import groupby
from typing import Any, NamedTuple

from medllm.data.fields import Fields
from medllm.data.reading import BadInputError, EmptyRecordError, Reading
from medllm.data.sets.chexpert_text import LABELS, STATES, State, findings_text
from medllm.data.sets.description import DataSet
from medllm.data.sets.keys import keys_of
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
from medllm.data.sets.splits import split_named
from medllm.records import SftRecord

CHEXPERT = DataSet(
    name="chexpert",
    title="CheXpert: chest X-rays with fourteen labels, as findings in words",
    tasks=("report",),
    size="224,316 images of 65,240 patients; train.csv 223,414 rows, valid.csv 234",
    licence="Stanford University Dataset Research Use Agreement: research only, not to be shared",
    access="gated",
    where="stanfordmlgroup.github.io/competitions/chexpert: register, accept the agreement, and a "
    "link is sent",
    may_hold_patients=True,
    suffixes=(".csv",),
)

_PATH = re.compile(r"(?:.*/)?(\w+)/(patient\d+)/(study\d+)/(view\d+_\w+)\.\w+")
_SEXES = {"female": "woman", "male": "man"}
_ASK = "Write the findings of this chest X-ray study from its labels."
_ASK_OF_IMAGE = "Write the findings of this chest X-ray study."


class _View(NamedTuple):
    fields: Fields
    path: str
    study: tuple[str, str, str]
    view: str
    patient: str
    states: dict[str, State]


def read_chexpert(source: Source, reading: Reading) -> Iterator[LocatedRecord]:
    """Give one record a study, which holds all its views; or one a report of the labeler's."""
    columns = set(keys_of(source.path))
    if not {"Path", "Reports"} & columns or not set(LABELS) <= columns:
        raise BadInputError("has neither the columns of CheXpert nor those of its labeler")
    if "Reports" in columns:
        rows = read_rows(source.path, reading)
        return read_each(rows, lambda fields: [_labelled_report(fields, source)])
    rows = read_rows(source.path, reading, is_row=lambda cells: bool(_PATH.match(cells["Path"])))
    return _studies(_views(rows), source)


def _views(rows: Iterator[Fields]) -> Iterator[_View]:
    for fields in rows:
        try:
            yield _view(fields)
        except BadInputError as exc:
            fields.reading.leave_out(fields.place, exc)


def _view(fields: Fields) -> _View:
    path = text_of(fields, "Path")
    parts = _PATH.fullmatch(path)
    if not parts:
        raise BadInputError("field Path names no split, patient, study and view")
    kind = optional(fields, "Frontal/Lateral").lower() or parts[4].rpartition("_")[2]
    projection = optional(fields, "AP/PA")
    view = f"{kind} ({projection})" if projection else kind
    return _View(
        fields, path, (parts[1], parts[2], parts[3]), view, _patient(fields), _states(fields)
    )


def _patient(fields: Fields) -> str:
    """Give "woman, 68 years", as far as it is known; an age of 0 stands for none."""
    sex = _SEXES.get(optional(fields, "Sex").lower(), "")
    age = optional(fields, "Age").removesuffix(".0")
    years = f"{age} years" if age.isdigit() and int(age) else ""
    return ", ".join(part for part in (sex, years) if part)


def _states(fields: Fields) -> dict[str, State]:
    found: dict[str, State] = {}
    for name in LABELS:
        value = optional(fields, name)
        if not value:
            continue
        try:
            found[name] = STATES[float(value)]
        except (KeyError, ValueError):
            raise BadInputError(f"column {name} holds neither 1, 0, -1 nor nothing") from None
    return found


def _studies(views: Iterator[_View], source: Source) -> Iterator[LocatedRecord]:
    """Put the views of a study together: they stand one after the other and share their labels."""
    for _, group in groupby(views, key=lambda view: view.study):
        study = list(group)
        place, reading = study[0].fields.place, study[0].fields.reading
        if any(view.states != study[0].states for view in study):
            reading.note(
                place, "the views of this study differ in labels; the first one's are used"
            )
        text = findings_text(study[0].states)
        if text:
            yield LocatedRecord(place, _study(study, text, source))
        else:
            reading.leave_out(place, EmptyRecordError("has no label that says anything"))


def _study(study: list[_View], text: str, source: Source) -> SftRecord:
    split, patient, name = study[0].study
    views = ", ".join(dict.fromkeys(view.view for view in study))
    about = f"Views: {views}"
    if study[0].patient:
        about += f"\nPatient: {study[0].patient}"
    return SftRecord(
        id=f"{split}/{patient}/{name}",
        source=CHEXPERT.name,
        group=patient,
        task="report",
        messages=ask(f"{_ASK}\n\n{about}\n{_listed(study[0].states)}", text),
        licence=CHEXPERT.licence,
        meta=split_meta(
            source._replace(split=split_named(split)),
            images=[view.path for view in study],
            image_prompt=f"{_ASK_OF_IMAGE}\n\n{about}",
            labels=dict(study[0].states),
        ),
    )


def _labelled_report(fields: Fields, source: Source) -> SftRecord:
    report, states = text_of(fields, "Reports"), _states(fields)
    if not states:
        raise EmptyRecordError("has no label")
    labels: dict[str, Any] = dict(states)
    return SftRecord(
        id=digest(report),
        source=CHEXPERT.name,
        group=group_of(report),
        task="report",
        messages=ask(f"{_ASK}\n\n{_listed(states)}", report),
        licence=CHEXPERT.licence,
        meta=split_meta(source, labels=labels),
    )


def _listed(states: dict[str, State]) -> str:
    lines = [f"- {name}: {states[name]}" for name in LABELS if name in states]
    return "\n".join(["Labels:", *lines])

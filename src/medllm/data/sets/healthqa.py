"""HealthQA: questions on articles of Patient.info.

Source: github.com/mingzhu0527/HAR, data/pinfo/data_prepro.py. Raw: one JSON object with the
parallel lists `paras` and `ques` (the questions of each paragraph, strewn with marks) and
`article_range` ([start, length] of each article). Or the MatchZoo text made of it: a label, a
question and a document between tabs, with a comma behind each document, and nine wrong documents
(label 0) for each right one.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator

from medllm.data.fields import Fields
from medllm.data.reading import BadInputError, EmptyRecordError, Place, Reading, clean
from medllm.data.sets.description import DataSet
from medllm.data.sets.json_parts import read_parallel, read_ranges
from medllm.data.sets.making import (
    LocatedRecord,
    Source,
    ask,
    digest,
    group_of,
    read_each,
    split_meta,
    strings_of,
    text_of,
)
from medllm.data.sets.rows import refuse_foreign
from medllm.data.streams import read_head, read_lines
from medllm.records import SftRecord

HEALTHQA = DataSet(
    name="healthqa",
    title="HealthQA: questions on articles of Patient.info",
    tasks=("question",),
    size="7,517 questions on 1,235 articles",
    licence="not stated; the texts are Patient.info's",
    access="request",
    where="write to the authors named in github.com/mingzhu0527/HAR",
    suffixes=(".json", ".txt"),
)

_MARKS = re.compile(r"!!!|\$\$\$|@@@|\^\^\^|###|~~~|\*\*\*")


def read_healthqa(source: Source, reading: Reading) -> Iterator[LocatedRecord]:
    """Give each question with its paragraph; the questions on one article are one group."""
    head = read_head(source.path, 4096)
    refuse_foreign(head)
    if head.lstrip().startswith(b"{"):
        return _read_raw(source, reading)
    return _read_pairs(source, reading)


def _read_raw(source: Source, reading: Reading) -> Iterator[LocatedRecord]:
    starts = sorted(start for start, _ in read_ranges(source.path, "article_range"))

    def convert(fields: Fields) -> Iterator[SftRecord]:
        paragraph = text_of(fields, "paras")
        number = (fields.place.record or 1) - 1
        article = bisect_right(starts, number)
        group = f"{source.split or source.path.stem}/{article}" if article else group_of(paragraph)
        for question in strings_of(fields, "ques"):
            plain = " ".join(_MARKS.sub(" ", question).split())
            if plain:
                yield _record(plain, paragraph, group, source)
            else:
                reading.leave_out(fields.place, EmptyRecordError("a question is empty"))

    return read_each(read_parallel(source.path, reading, ("paras", "ques")), convert)


def _read_pairs(source: Source, reading: Reading) -> Iterator[LocatedRecord]:
    n_wrong = 0
    for line in read_lines(source.path, reading):
        place = Place(source.path, line=line.number)
        if not line.fault and not line.text.strip():
            continue
        try:
            label, question, paragraph = _columns(line.text, line.fault)
        except BadInputError as exc:
            reading.leave_out(place, exc)
            continue
        if label == "0":
            n_wrong += 1
        else:
            yield LocatedRecord(place, _record(question, paragraph, group_of(paragraph), source))
    if n_wrong:
        what = f"{n_wrong} pairs are labelled 0: wrong documents for ranking, no records"
        reading.note(Place(source.path), what)


def _columns(text: str, fault: str) -> tuple[str, str, str]:
    if fault:
        raise BadInputError(fault)
    columns = clean(text).rstrip("\n").split("\t")
    if len(columns) != 3 or columns[0].strip() not in ("0", "1"):
        raise BadInputError("is not a label 0 or 1, a question and a document, between tabs")
    label, question, paragraph = (column.strip() for column in columns)
    paragraph = paragraph.removesuffix(",").rstrip()
    if not question or not paragraph:
        raise EmptyRecordError("has an empty question or document")
    return label, question, paragraph


def _record(question: str, paragraph: str, group: str, source: Source) -> SftRecord:
    return SftRecord(
        id=digest(question, paragraph),
        source=HEALTHQA.name,
        group=group,
        task="question",
        messages=ask(question, paragraph),
        licence=HEALTHQA.licence,
        meta=split_meta(source),
    )

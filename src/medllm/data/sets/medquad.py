"""MedQuAD: consumer health questions with the answers of twelve collections of the NIH.

Source: github.com/abachaa/MedQuAD, XML. Traps: four files of 6_NINDS_QA have a lower-case schema
(`doc`, `qaPairs`), 9_CDC_QA/0000397.xml has the root `DiseaseFile`; two thirds of the pairs have an
empty answer, for copyright; ids repeat between folders and, in 1_CancerGov_QA, between files. The
set is also passed around flattened, one pair a line, and as Parquet on the hub (lavita/MedQuAD).
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from xml.etree.ElementTree import Element

from medllm.data.fields import Fields
from medllm.data.reading import BadInputError, EmptyRecordError, Place, Reading, clean
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
from medllm.data.streams import read_head
from medllm.data.xml_stream import read_elements, read_root_name
from medllm.records import SftRecord

MEDQUAD = DataSet(
    name="medquad",
    title="MedQuAD: consumer health questions with answers of the National Institutes of Health",
    tasks=("question",),
    size="47,457 pairs, 16,423 of them with an answer",
    licence="CC BY 4.0",
    access="open",
    where="github.com/abachaa/MedQuAD; or the hub",
    hub_id="lavita/MedQuAD",
    hub_files=("data/*.parquet",),
    suffixes=(".xml", ".jsonl", ".json", ".csv", ".parquet"),
)

ROOTS = ("Document", "doc", "DiseaseFile")
_FOCUS = ("Focus", "doctitle-focus")
_PAIRS = ("QAPairs", "qaPairs")
_ATTRIBUTE = re.compile(r"""([\w-]+)\s*=\s*(?:"([^"]*)"|'([^']*)')""")
_END_OF_QUESTION = re.compile(r"[\s?]*\?$")
_AROUND_NAME = re.compile(r"^[0-9]+_|_QA.*$")


def read_medquad(source: Source, reading: Reading) -> Iterator[LocatedRecord]:
    """Give each pair that has an answer; one without is left out and counted."""
    head = read_head(source.path, 4096)
    root = read_root_name(head) if head.lstrip().startswith(b"<") else ""
    if not root:
        rows = read_rows(source.path, reading)
    elif root in ROOTS:
        rows = _read_xml(source, head, root, reading)
    else:
        raise BadInputError(f"its root element is none of {', '.join(ROOTS)}")
    return read_each(rows, lambda fields: [_record(fields, source)])


def _record(fields: Fields, source: Source) -> SftRecord:
    question = _END_OF_QUESTION.sub("?", " ".join(text_of(fields, "question").split()))
    if not optional(fields, "answer"):
        raise EmptyRecordError("has no answer")
    number = optional(fields, "qid") or optional(fields, "question_id")
    collection = (
        optional(fields, "source")
        or optional(fields, "document_source")
        or _AROUND_NAME.sub("", optional(fields, "collection"))
    )
    focus = optional(fields, "focus") or optional(fields, "question_focus")
    return SftRecord(
        id=f"{collection}/{number}/{digest(question)[:6]}",
        source=MEDQUAD.name,
        group=group_of(focus or question),
        task="question",
        messages=ask(question, text_of(fields, "answer")),
        licence=MEDQUAD.licence,
        meta=split_meta(
            source,
            focus=focus,
            question_type=optional(fields, "qtype") or optional(fields, "question_type"),
            url=optional(fields, "url") or optional(fields, "document_url"),
        ),
    )


def _read_xml(source: Source, head: bytes, root: str, reading: Reading) -> Iterator[Fields]:
    """Give the pairs of a file as rows with the names of the flattened form."""
    document = {"url": "", **_root_attributes(head, root)}
    document["source"] = document.get("source") or document.get("corpus", "")
    number = 0
    for element in read_elements(source.path, root, (*_FOCUS, *_PAIRS)):
        if element.tag in _FOCUS:
            document["focus"] = _text(element)
            continue
        for pair in element:
            number += 1
            place = Place(source.path, record=number)
            yield Fields({**document, **_pair(pair, source)}, place, reading)


def _pair(pair: Element, source: Source) -> dict[str, str]:
    found = {"qid": f"{source.path.stem}-{pair.get('pid', '')}"}
    for element in pair:
        name = str(element.tag).lower()
        if name == "question":
            found |= {key: value for key, value in element.attrib.items() if value}
        found[name] = _text(element)
    return found


def _text(element: Element) -> str:
    return clean("".join(element.itertext()))


def _root_attributes(head: bytes, root: str) -> dict[str, str]:
    text = head.decode("utf-8", "replace")
    tag = re.search(rf"<{root}\s([^>]*)>", text)
    found = _ATTRIBUTE.findall(tag.group(1)) if tag else []
    return {name: html.unescape(double or single) for name, double, single in found}

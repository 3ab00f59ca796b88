"""BioMRC: cloze questions on abstracts, the blank in the title.

Source: archive.org/details/biomrc_dataset, github.com/PetrosStav/BioMRC_code: one JSON object of
four parallel lists; the hub copy (nlpaueb/biomrc) has the same as JSON Lines, one question each.
Setting A numbers entities for the whole set, B for each passage: they are the same questions, so
the group leaves the numbers out.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from medllm.data.fields import Fields
from medllm.data.reading import BadInputError, Reading, clean
from medllm.data.sets.bioread import cloze, named
from medllm.data.sets.description import DataSet
from medllm.data.sets.json_parts import read_parallel
from medllm.data.sets.keys import keys_of
from medllm.data.sets.literals import parse_literal
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
from medllm.data.sets.rows import read_rows
from medllm.records import SftRecord

BIOMRC = DataSet(
    name="biomrc",
    title="BioMRC: cloze questions on PubMed abstracts, the blank in the title",
    tasks=("cloze",),
    size="large 812,707 (train 700,000, validation 50,000, test 62,707), small 100,000, tiny 30",
    licence="unknown",
    access="open",
    where="archive.org/details/biomrc_dataset; or the hub",
    hub_id="nlpaueb/biomrc",
    hub_files=tuple(f"data/biomrc_large/dataset_{s}.jsonl.gz" for s in ("train", "val", "test")),
    suffixes=(".json", ".jsonl", ".parquet"),
)

LISTS = ("abstracts", "titles", "entities_list", "answers")
_ROW_NAMES = ("abstract", "title", "entities_list", "answer")
_BLANK = "XXXX"
_ENTITY = re.compile(r"@entity[0-9]+")


def read_biomrc(source: Source, reading: Reading) -> Iterator[LocatedRecord]:
    """Give the questions of either form."""
    # The first list may be longer than what `keys_of` looks at: one name of them is enough.
    parallel = not {"abstracts", "titles", "answers"}.isdisjoint(keys_of(source.path))
    names = LISTS if parallel else _ROW_NAMES

    def convert(fields: Fields) -> Iterator[SftRecord]:
        yield _record(fields, names, source)

    if parallel:
        return read_each(read_parallel(source.path, reading, LISTS), convert)
    return read_each(read_rows(source.path, reading), convert)


def _record(fields: Fields, names: tuple[str, ...], source: Source) -> SftRecord:
    abstract, title = text_of(fields, names[0]), text_of(fields, names[1])
    if _BLANK not in title:
        raise BadInputError(f"its title has no blank {_BLANK}")
    candidates = dict(_entity(text) for text in strings_of(fields, names[2]))
    label, name = _entity(text_of(fields, names[3]))
    if label not in candidates:
        raise BadInputError("its answer is not among its candidates")
    candidates[label] = candidates[label] or name
    return SftRecord(
        id=digest(abstract, title),
        source=BIOMRC.name,
        group=group_of(_ENTITY.sub("@entity", abstract)),
        task="cloze",
        messages=ask(cloze(abstract, title, candidates, _BLANK), named(label, candidates)),
        licence=BIOMRC.licence,
        label=label,
        meta=split_meta(source, choices=candidates),
    )


def _entity(text: str) -> tuple[str, str]:
    """Give number and first name from `@entity1 :: ('9606', 'Species') :: ['patients', ...]`."""
    key, *rest = text.split(" :: ")
    if not rest:
        return key.strip(), ""
    names = parse_literal(rest[-1], "entities_list") if rest[-1].startswith("[") else [rest[-1]]
    return key.strip(), clean(str(names[0])).strip() if names else ""

"""ReCDS of PMC-Patients: queries, corpora and judgements for retrieval, in both namings.

Sources: Figshare and github.com/pmc-patients/pmc-patients (`PPR/PPR_corpus.jsonl`,
`PPR/PPR_test_qrels.tsv`), huggingface.co/datasets/zhengyun21/PMC-Patients-ReCDS
(`PPR/corpus.jsonl`, `PPR/qrels_test.tsv`, and no PAR corpus, only its PMIDs). PPR finds similar
patients, PAR articles; they share their queries. The files are BEIR's: what
`medllm evaluate retrieval` reads.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Literal, NamedTuple

from medllm.data.reading import BadInputError, Place, Reading
from medllm.data.sets.description import DataSet
from medllm.data.sets.making import text_of
from medllm.data.sets.rows import read_object_lines
from medllm.data.sets.splits import SPLITS, split_named
from medllm.data.streams import read_lines
from medllm.errors import ConfigError, DataError

RECDS = DataSet(
    name="pmc-patients-recds",
    title="ReCDS: retrieval of similar patients (PPR) and articles (PAR) for PMC-Patients",
    tasks=(),
    size="PPR corpus 155,200 patients, PAR corpus 11.7 million abstracts",
    licence="CC BY-NC-SA 4.0",
    access="open",
    where="huggingface.co/datasets/zhengyun21/PMC-Patients-ReCDS (without the PAR corpus); "
    "Figshare collection 6723465",
    hub_id="zhengyun21/PMC-Patients-ReCDS",
    hub_files=("queries/*", "PPR/*", "PAR/*"),
)

RecdsTask = Literal["PPR", "PAR"]
_WORDS = {"train": "train", "validation": "dev", "test": "test"}


class RecdsFiles(NamedTuple):
    """Where the parts of one task and split stand."""

    queries: Path
    qrels: Path
    corpus: Path | None
    """None where there is none: the hub copy has no PAR corpus."""


class Recds(NamedTuple):
    """The queries that are judged, and their judgements."""

    queries: dict[str, str]
    """Query id -> text of the patient."""
    qrels: dict[str, dict[str, int]]
    """Query id -> document id -> 1 or 2."""


def find_recds(folder: Path, *, task: RecdsTask, split: str) -> RecdsFiles:
    """Give the files of a task and a split, in either naming, at any depth below `folder`.

    Raises `DataError` naming what is missing, `ConfigError` for an unknown task or split.
    """
    word = _WORDS.get(split_named(split), "")
    if task not in ("PPR", "PAR") or not word:
        known = f"the tasks are PPR and PAR, the splits {', '.join(SPLITS)}"
        raise ConfigError(f"unknown task or split of ReCDS: {task}, {split}", hint=known)
    return RecdsFiles(
        _one(folder, f"queries/{word}_queries.jsonl"),
        _one(folder, f"{task}/qrels_{word}.tsv", f"{task}/{task}_{word}_qrels.tsv"),
        _first(folder, f"{task}/corpus.jsonl", f"{task}/{task}_corpus.jsonl"),
    )


def read_recds(files: RecdsFiles, reading: Reading) -> Recds:
    """Give queries and judgements; queries without a judgement are dropped, as in the benchmark.

    Broken lines are counted and named in `reading`. Raises `DataError` where nothing is judged.
    """
    qrels: dict[str, dict[str, int]] = {}
    for query, document, grade in _judgements(files.qrels, reading):
        qrels.setdefault(query, {})[document] = grade
    queries = {key: text for key, text in _queries(files.queries, reading) if key in qrels}
    if not queries:
        raise DataError(
            f"no query of {files.queries} is judged in {files.qrels}",
            hint="give the queries and the qrels of one release and one split",
        )
    reading.taken += len(queries)
    return Recds(queries, qrels)


def _queries(path: Path, reading: Reading) -> Iterator[tuple[str, str]]:
    for fields in read_object_lines(path, reading):
        try:
            yield fields.id("_id"), text_of(fields, "text")
        except BadInputError as exc:
            reading.leave_out(fields.place, str(exc))


def _judgements(path: Path, reading: Reading) -> Iterator[tuple[str, str, int]]:
    for line in read_lines(path, reading):
        columns = line.text.split()
        if not columns or (line.number == 1 and columns[-1] == "score"):
            continue
        if line.fault or len(columns) != 3 or not columns[2].isdecimal():
            reason = line.fault or "is not a query id, a document id and a grade, between tabs"
            reading.leave_out(Place(path, line=line.number), reason)
        else:
            yield columns[0], columns[1], int(columns[2])


def _first(folder: Path, *names: str) -> Path | None:
    for name in names:
        for path in (folder / name, *sorted(folder.glob(f"*/{name}"))):
            for candidate in (path, path.with_name(path.name + ".gz")):
                if candidate.is_file():
                    return candidate
    return None


def _one(folder: Path, *names: str) -> Path:
    path = _first(folder, *names)
    if path is None:
        raise DataError(
            f"{folder} has no {' and no '.join(names)}",
            hint="name the folder that holds queries, PPR and PAR; "
            "get it with: medllm data download pmc-patients-recds",
        )
    return path

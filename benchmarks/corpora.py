"""The texts that are measured on: real sets where they are, else the examples, and recombinations.

A recombined document has as many sentences as a real one, drawn at random from all real sentences:
its words, lengths and repetitions are real, its sense is not. It serves for time and memory only.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from benchmarks.command import EXAMPLES, Options, say
from benchmarks.note_query import read_pairs
from medllm.clinical.sentences import split_sentences
from medllm.data.documents import Reading, read_documents
from medllm.data.streams import read_lines
from medllm.evaluate.retrieval import read_qrels, read_queries
from medllm.records import Document
from medllm.retrieve.passages import cut_passages

PATIENTS = "pmc-patients-sample/PMC-Patients-sample-1000.csv"
_SENTENCES = range(20, 1_000)  # characters
_NOTES_ABOUT = (
    "whole notes of PMC-Patients as queries, relevant are the articles that the patient's own "
    "article cites, as far as E3C holds them: few, and far from all that is relevant"
)


@dataclass(frozen=True, slots=True)
class Collection:
    """Documents with queries and judgements."""

    name: str
    documents: dict[str, Document]
    queries: dict[str, str]
    qrels: dict[str, dict[str, int]]
    is_encoded: bool = True
    """Whether it is worth the time to encode it."""
    about: str = ""


def collections(options: Options) -> list[Collection]:
    """Give the judged collections that are there."""
    if options.data is None:
        return [_collection(EXAMPLES, "examples", example_files())]
    folder = options.data / "retrieval"
    found = [_collection(folder / "med", "med", [folder / "med"])]
    if not options.quick:
        found.append(_collection(folder / "bioasq-dev", "bioasq-dev", [folder / "bioasq-dev"]))
        found.append(_patient_to_article(options.data))
    return found


def _collection(folder: Path, name: str, sources: list[Path]) -> Collection:
    documents = {document.id: document for document in read_all(sources)}
    queries = read_queries(folder / "queries.jsonl")
    return Collection(name, documents, queries, read_qrels(folder / "qrels.tsv"))


def _patient_to_article(data: Path) -> Collection:
    """Give whole notes as queries for the articles that their own article cites."""
    documents = {document.id: document for document in read_all([data / "e3c/cases.jsonl"])}
    notes, pairs = read_pairs(data)
    return Collection(
        "notes",
        documents,
        {patient: notes[patient] for patient in pairs["cited"]},
        pairs["cited"],
        is_encoded=False,
        about=_NOTES_ABOUT,
    )


def example_files() -> list[Path]:
    """Give the invented corpus."""
    return [EXAMPLES / "patients.jsonl", EXAMPLES / "articles.jsonl"]


def source_files(options: Options) -> list[Path]:
    """Give the files of every set of texts that is there, in formats that medllm reads."""
    if options.data is None:
        return example_files()
    files = [options.data / PATIENTS, options.data / "e3c/cases.jsonl"]
    if options.quick:
        return files
    files += [options.data / "retrieval" / name / "corpus.jsonl" for name in ("bioasq-dev", "med")]
    return [*files, _medquad(options.data, options.cache), _pubmedqa(options.data, options.cache)]


def read_all(sources: Iterable[Path]) -> Iterator[Document]:
    """Give the documents of all files, one by one."""
    for source in sources:
        yield from read_documents(source, reading=Reading())


def read_apart(sources: Iterable[Path]) -> Iterator[Document]:
    """Give the documents of all files, their ids kept apart by the file's place."""
    for number, source in enumerate(sources):
        for document in read_documents(source, reading=Reading()):
            yield replace(document, id=f"{number}-{document.id}")


def read_notes(options: Options) -> list[str]:
    """Give patient descriptions, whole: the 1,000 of PMC-Patients, or those of the examples."""
    source = options.data / PATIENTS if options.data else EXAMPLES / "patients.jsonl"
    notes = [document.text for document in read_all([source])]
    return notes[:100] if options.quick else notes


def describe_sources(options: Options) -> str:
    """Say in words what the texts are."""
    if options.data is None:
        return "the invented examples (the real data are absent)"
    if options.quick:
        return "PMC-Patients sample and E3C"
    return "PMC-Patients sample, E3C, BioASQ snippets, MED, MedQuAD answers and PubMedQA abstracts"


def recombined(options: Options, n_passages: int, *, seed: int = 0) -> Path:
    """Give a JSON Lines file of recombined documents with at least so many passages."""
    kind = "real" if options.is_full else "real-quick" if options.data else "examples"
    path = options.cache / f"recombined-{kind}-{n_passages}.jsonl"
    if not path.exists():
        say(f"recombining sentences into {n_passages:,} passages")
        sources = list(read_all(source_files(options)))
        part = path.with_suffix(".part")
        with part.open("w", encoding="utf-8") as handle:
            for document in _recombine(sources, n_passages, random.Random(seed)):
                handle.write(json.dumps(asdict(document), ensure_ascii=False) + "\n")
        part.rename(path)
    return path


def _recombine(
    sources: list[Document], n_passages: int, generator: random.Random
) -> Iterator[Document]:
    spans = [split_sentences(document.text) for document in sources]
    sentences = [
        document.text[start:end]
        for document, of_document in zip(sources, spans, strict=True)
        for start, end in of_document
        if end - start in _SENTENCES
    ]
    n_done = number = 0
    while n_done < n_passages:
        number += 1
        like = generator.randrange(len(sources))
        text = " ".join(generator.choices(sentences, k=max(1, len(spans[like]))))
        n_done += len(cut_passages(text))
        yield replace(sources[like], id=f"recombined-{number}", text=text)


def _medquad(data: Path, cache: Path) -> Path:
    """Give MedQuAD's questions as titles and its answers as texts."""
    source = data / "medquad/medquad_answered.jsonl.gz"
    records = (json.loads(line.text) for line in read_lines(source, Reading()))
    return _converted(
        cache / "medquad.jsonl",
        ({"id": r["qid"], "title": r["question"], "text": r["answer"]} for r in records),
    )


def _pubmedqa(data: Path, cache: Path) -> Path:
    """Give PubMedQA's abstracts without their questions and conclusions."""
    records = json.loads((data / "pubmedqa/ori_pqal-dev500.json").read_text(encoding="utf-8"))
    return _converted(
        cache / "pubmedqa.jsonl",
        ({"id": key, "text": "\n".join(r["CONTEXTS"])} for key, r in records.items()),
    )


def _converted(path: Path, records: Iterable[dict[str, Any]]) -> Path:
    if not path.exists():
        part = path.with_suffix(".part")
        with part.open("w", encoding="utf-8") as handle:
            handle.writelines(json.dumps(r) + "\n" for r in records if r["text"].strip())
        part.rename(path)
    return path

"""How long a search with a whole note takes on 50,000 passages or more, against bm25s and numpy."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from benchmarks import command
from benchmarks.baselines import search_bm25s, search_exactly
from benchmarks.command import Options, say
from benchmarks.corpora import describe_sources, read_apart, read_notes, recombined, source_files
from benchmarks.indexes import build_index
from benchmarks.report import Row, Section, Table, Times, from_times
from benchmarks.vectors import HashedEncoder, KnownVectors
from medllm.clinical.findings import find_findings
from medllm.errors import MedllmError
from medllm.records import Document
from medllm.retrieve.embedded import EmbeddedIndex
from medllm.retrieve.encoders import OFFLINE, load_encoder
from medllm.retrieve.index import Filter, Vector
from medllm.retrieve.note_search import read_query, search_note
from medllm.retrieve.passages import cut_passages
from medllm.retrieve.search import Mode, query_vector, rank

TOP = 100
N_PASSAGES = 50_000
N_ROUNDS = 2
TIMES_FASTER = 5
_QUICK_PASSAGES = 4_000
_STOP_WORDS: dict[str, Any] = {
    "bm25s": "english_plus",
    "bm25s, its default stop words": "english",
    "bm25s, no stop words": [],
}


@dataclass(frozen=True, slots=True)
class Corpus:
    """The same passages for every system."""

    documents: list[Document]
    passages: dict[str, str]
    """Id -> what is searched for it, its document's title and itself."""
    vectors: Vector
    """[n passages, dimension], float32."""


def measure(options: Options) -> Section:
    """Give the median of a search for BM25 and hybrid, top 100, beside bm25s's and numpy's."""
    section = Section(name="latency")
    encoder = HashedEncoder()
    corpus = read_corpus(options, encoder)
    notes = read_notes(options)
    known = KnownVectors(encoder, notes)
    say(f"{len(corpus.passages):,} passages; building the index")
    path = options.cache / f"latency-{len(corpus.passages)}"
    with build_index(path, corpus.documents, encoder) as index:
        n_passages = index.count_passages()
        times = _time_all(index, corpus, notes, known)
    section.rows = [_row(mode, times, n_passages, options) for mode in ("bm25", "hybrid")]
    section.tables = [_table(times)]
    section.notes = [*_notes(corpus, notes, options), _encode_time(notes)]
    section.data["times"] = {name: taken._asdict() for name, taken in times.items()}
    return section


def read_corpus(options: Options, encoder: HashedEncoder) -> Corpus:
    """Give the real texts, and recombined ones where they are too few."""
    files = source_files(options)
    documents = list({document.id: document for document in read_apart(files)}.values())
    n_passages = sum(len(cut_passages(document.text)) for document in documents)
    wanted = N_PASSAGES if options.is_full else _QUICK_PASSAGES
    if n_passages < wanted:
        documents += read_apart([recombined(options, wanted - n_passages)])
    passages = {
        f"{document.id}:{start}": f"{document.title}\n{document.text[start:end]}"
        for document in documents
        for start, end in cut_passages(document.text)
    }
    return Corpus(documents, passages, encoder.encode(list(passages.values())))


def time_searches(
    index: EmbeddedIndex,
    notes: Sequence[str],
    *,
    mode: Mode,
    encoder: Any,
    where: Filter | None = None,
    top: int = TOP,
) -> Times:
    """Give what `medllm.retrieve.search.rank` takes for each note."""
    where = where or Filter()

    def once(note: str) -> object:
        return rank(index, note, where=where, mode=mode, top=top, encoder=encoder)

    return timed(once, notes)


def timed(search: Callable[[Any], object], queries: Sequence[Any]) -> Times:
    """Give what each query takes, after a few to warm up."""
    for query in queries[:10]:
        search(query)
    times = Times([], [])
    for query in queries:
        started, used = time.perf_counter(), time.process_time()
        search(query)
        times.seconds.append(time.perf_counter() - started)
        times.cpu.append(time.process_time() - used)
    return times


def _time_all(
    index: EmbeddedIndex, corpus: Corpus, notes: list[str], known: KnownVectors
) -> dict[str, Times]:
    """Give the seconds of each query by system; systems take turns, so that all share the noise."""
    times: dict[str, Times] = {}
    vectors = np.stack([query_vector(known, note) for note in notes])  # type: ignore[arg-type]
    for number in range(N_ROUNDS):
        say(f"round {number + 1} of {N_ROUNDS}: medllm")
        found = _time_medllm(index, notes, known)
        say(f"round {number + 1} of {N_ROUNDS}: bm25s and numpy")
        found |= _time_references(corpus, notes, vectors)
        for name, taken in found.items():
            so_far = times.setdefault(name, Times([], []))
            so_far.seconds.extend(taken.seconds)
            so_far.cpu.extend(taken.cpu)
    return times


def _time_medllm(index: EmbeddedIndex, notes: list[str], known: KnownVectors) -> dict[str, Times]:
    articles = Filter(kind="articles")
    found: dict[str, Times] = {}
    modes: tuple[Mode, ...] = ("bm25", "hybrid")
    for mode in modes:
        found[mode] = time_searches(index, notes, mode=mode, encoder=known)
        found[f"{mode}, articles, top 10"] = time_searches(
            index, notes, mode=mode, encoder=known, where=articles, top=10
        )
    queries = [read_query(note, find_findings(note)) for note in notes]
    found["reading a note's findings"] = timed(find_findings, notes)
    found["search_note, BM25, articles, top 10"] = timed(
        lambda query: search_note(index, query, where=articles), queries
    )
    return found


def _time_references(corpus: Corpus, notes: list[str], vectors: Vector) -> dict[str, Times]:
    queries = {str(number): note for number, note in enumerate(notes)}
    found: dict[str, Times] = {}
    for name, stopwords in _STOP_WORDS.items():
        run = search_bm25s(corpus.passages, queries, k=TOP, stopwords=stopwords)
        found[name] = Times(run.seconds, list(run.cpu))
        if name == "bm25s":
            pairs = zip(run.seconds, run.tokenising, strict=True)
            found["bm25s, tokens given"] = Times([total - tokens for total, tokens in pairs], [])
    ids = list(corpus.passages)
    exact = search_exactly(ids, corpus.vectors, list(queries), vectors, k=TOP)
    found["numpy"] = Times(exact.seconds, list(exact.cpu))
    return found


def _row(mode: str, times: dict[str, Times], n_passages: int, options: Options) -> Row:
    own = from_times("medllm", times[mode])
    references = [from_times(name, times[name]) for name in ("bm25s", "bm25s, tokens given")]
    both = references[0].value
    note = f"{references[0].value / own.value:.1f} times faster than bm25s"
    if mode == "hybrid":
        numpy = from_times("numpy", times["numpy"])
        references.append(numpy)
        both += numpy.value
        note += f", {both / own.value:.1f} times than bm25s and numpy together"
    name = {"bm25": "BM25", "hybrid": "hybrid"}[mode]
    return Row(
        what=f"p50 of a whole note, top {TOP}, {n_passages:,} passages, {name}",
        measured=own,
        wanted=f"{TIMES_FASTER} times faster than bm25s",
        reached=references[0].value / own.value >= TIMES_FASTER if options.is_full else None,
        references=references,
        note=note,
    )


def _table(times: dict[str, Times]) -> Table:
    header = ["system", "p50 [95 %]", "p95", "p50 of CPU time"]
    table = Table(title="A whole note as the query, ms", header=header)
    for name, taken in times.items():
        found = from_times(name, taken)
        p50 = str(replace(found, unit="", p95=None, cpu=None))
        cpu = "" if found.cpu is None else f"{found.cpu:.2f}"
        table.lines.append([name, p50, f"{found.p95:.2f}", cpu])
    return table


def _notes(corpus: Corpus, notes: list[str], options: Options) -> list[str]:
    words = np.asarray([len(note.split()) for note in notes])
    real = sum("recombined" not in document.id for document in corpus.documents)
    return [
        f"{len(corpus.passages):,} passages of {len(corpus.documents):,} documents, {real:,} of "
        f"them real: {describe_sources(options)}; the rest recombined sentences",
        f"{len(notes):,} notes of {np.median(words):.0f} words (median; {words.min()} to "
        f"{words.max()}), which are in the corpus too; {N_ROUNDS} rounds, the systems in turn",
        "medllm: search.rank, that is counting and pruning the note's terms, searching, passages "
        f"to {TOP} documents; bm25s and numpy give {TOP} passages",
        'medllm "articles": the same with a filter on kind, top 10; search_note is what `ask` does '
        "once the findings are read: it looks at 50 documents and puts them in order",
        "bm25s with its longer list of stop words, the faster and the better of its two; the rows "
        "above hold against that one",
        f"vectors: {HashedEncoder.spec}, for every passage and note; exact search takes as long "
        "for any numbers. Hybrid is without the encoding of the note",
    ]


def _encode_time(notes: list[str]) -> str:
    try:
        encoder = load_encoder(OFFLINE)
    except MedllmError as exc:
        return f"encoding a note not measured: {exc}"
    say("encoding 50 notes with the offline encoder")
    spent = from_times("encoding", timed(lambda note: query_vector(encoder, note), notes[:50]))
    return f"encoding a whole note with the offline encoder, on top of hybrid: {spent}"


if __name__ == "__main__":
    raise SystemExit(command.main(measure))

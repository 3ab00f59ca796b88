"""250,000 passages: how long a search with a whole note takes, and how much memory a build."""

from __future__ import annotations

import itertools
import json
import shutil
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import qdrant_edge as qe

from benchmarks import command
from benchmarks.command import Options, say
from benchmarks.corpora import describe_sources, read_all, read_notes, recombined
from benchmarks.latency import TOP, time_searches, timed
from benchmarks.processes import peak_memory, run_module
from benchmarks.report import Measured, Row, Section, Table, Times, from_times
from benchmarks.vectors import DIMENSION, HashedEncoder, KnownVectors
from medllm.records import Document
from medllm.retrieve.build import add_documents
from medllm.retrieve.embedded import EmbeddedIndex
from medllm.retrieve.index import Filter
from medllm.retrieve.passages import cut_passages
from medllm.retrieve.search import Mode, query_vector

N_PASSAGES = 250_000
WANTED_MS = {"bm25": 5.0, "hybrid": 20.0}
WANTED_BYTES = 1.5e9
_QUICK_PASSAGES = 10_000
_AVERAGE_LENGTH = 60.0  # counted words of a passage, for the engine's own BM25
_BATCH = 500
_CHILD = "--child"

Result = dict[str, Any]


def measure(options: Options) -> Section:
    """Give medllm's times and peak memory beside those of the bare engine on the same passages."""
    n_passages = N_PASSAGES if options.is_full else _QUICK_PASSAGES
    source = recombined(options, n_passages)
    notes = options.cache / "notes.json"
    notes.write_text(json.dumps(read_notes(options)), encoding="utf-8")
    results = {name: _apart(name, source, notes) for name in ("medllm", "qdrant-edge")}
    section = Section(name="scale", data=results)
    section.rows = [*_time_rows(results, options), _memory_row(results, options)]
    section.tables = [_table(results)]
    section.notes = [
        f"recombined sentences of {describe_sources(options)}: real words, lengths and repetitions",
        f"vectors: {HashedEncoder.spec}, {DIMENSION} numbers, stored as float16 by both",
        "qdrant-edge: the bare engine with passages as points and no documents, every term of the "
        f"note without pruning, top {TOP} passages; beside hybrid stands its exact vector search",
        "peak memory: the whole process while it builds (VmHWM), mapped files and the encoder's "
        "stand-in included; hybrid is without the encoding of the note",
    ]
    return section


def _apart(name: str, source: Path, notes: Path) -> Result:
    say(f"{name}: building and searching")
    spent = run_module("benchmarks.scale", _CHILD, name, str(source), str(notes))
    if spent.code:
        raise RuntimeError(f"{name} ended with {spent.code}")
    result: Result = json.loads(spent.output)
    return result


def _child(name: str, source: Path, notes: Path) -> Result:
    folder = Path(tempfile.mkdtemp(prefix="medllm-bench-"))
    try:
        texts: list[str] = json.loads(notes.read_text(encoding="utf-8"))
        return {"medllm": _medllm, "qdrant-edge": _bare_engine}[name](folder, source, texts)
    finally:
        shutil.rmtree(folder)


def _medllm(folder: Path, source: Path, notes: list[str]) -> Result:
    encoder = HashedEncoder()
    started, cpu = time.perf_counter(), time.process_time()
    index = EmbeddedIndex.create(folder / "index", encoder=encoder.describe())
    added = add_documents(index, read_all([source]), encoder=encoder)  # type: ignore[arg-type]
    index.finish()
    index.close()
    result = _built(folder, started, cpu)
    known = KnownVectors(encoder, notes)
    opening = time.perf_counter()
    with EmbeddedIndex.open(folder / "index") as index:
        result["open_s"] = time.perf_counter() - opening
        modes: tuple[Mode, ...] = ("bm25", "hybrid")
        articles = Filter(kind="articles")
        for mode in modes:
            result[mode] = time_searches(index, notes, mode=mode, encoder=known)
            result[f"{mode}, articles, top 10"] = time_searches(
                index, notes, mode=mode, encoder=known, where=articles, top=10
            )
        return {**result, "passages": index.count_passages(), "documents": added.documents}


def _bare_engine(folder: Path, source: Path, notes: list[str]) -> Result:
    """Use the engine as its documentation shows it."""
    encoder = HashedEncoder()
    bm25 = qe.Bm25(qe.Bm25Config(avg_len=_AVERAGE_LENGTH))
    started, cpu = time.perf_counter(), time.process_time()
    shard = qe.EdgeShard.create(str(folder), _engine_config())
    n_passages = 0
    for points in _points(read_all([source]), encoder, bm25):
        shard.update(qe.UpdateOperation.upsert_points(points))
        n_passages += len(points)
    shard.flush()
    shard.close()
    result = _built(folder, started, cpu)
    known = KnownVectors(encoder, notes)
    vectors = [query_vector(known, note).tolist() for note in notes]  # type: ignore[arg-type]
    shard = qe.EdgeShard.load(str(folder))
    exact = qe.SearchParams(exact=True)

    def words(note: str) -> object:
        query = qe.Query.Nearest(bm25.embed_query(note), using="words")
        return shard.query(qe.QueryRequest(query=query, limit=TOP, with_payload=True))

    def dense(vector: list[float]) -> object:
        query = qe.Query.Nearest(vector, using="dense")
        return shard.query(qe.QueryRequest(query=query, limit=TOP, with_payload=True, params=exact))

    result["bm25"] = timed(words, notes)
    result["dense"] = timed(dense, vectors)
    shard.close()
    return {**result, "passages": n_passages}


def _engine_config() -> qe.EdgeConfig:
    dense = qe.EdgeVectorParams(
        size=DIMENSION, distance=qe.Distance.Dot, datatype=qe.VectorStorageDatatype.Float16
    )
    return qe.EdgeConfig(
        vectors={"dense": dense},
        sparse_vectors={"words": qe.EdgeSparseVectorParams(modifier=qe.Modifier.Idf)},
        optimizers=qe.EdgeOptimizersConfig(indexing_threshold=2**40),  # no graph: exact
    )


def _points(
    documents: Iterable[Document], encoder: HashedEncoder, bm25: qe.Bm25
) -> Iterator[list[qe.Point]]:
    passages = ((d, span) for d in documents for span in cut_passages(d.text))
    numbers = itertools.count()
    while batch := list(itertools.islice(passages, _BATCH)):
        texts = [f"{d.title}\n{d.text[a:b]}" if d.title else d.text[a:b] for d, (a, b) in batch]
        yield [
            qe.Point(
                next(numbers),
                {"words": bm25.embed_document(text), "dense": vector.tolist()},
                {"document": d.id, "kind": d.kind, "start": a, "end": b, "text": text},
            )
            for (d, (a, b)), text, vector in zip(batch, texts, encoder.encode(texts), strict=True)
        ]


def _built(folder: Path, started: float, cpu: float) -> Result:
    return {
        "build_s": time.perf_counter() - started,
        "build_cpu_s": time.process_time() - cpu,
        "peak_bytes": peak_memory(),
        "disk_bytes": sum(f.stat().st_blocks * 512 for f in folder.rglob("*") if f.is_file()),
    }


def _time_rows(results: dict[str, Result], options: Options) -> list[Row]:
    own, bare = results["medllm"], results["qdrant-edge"]
    rows = []
    for mode, name, reference in (("bm25", "BM25", "bm25"), ("hybrid", "hybrid", "dense")):
        measured = _measured("medllm", own[mode])
        label = "qdrant-edge" if mode == "bm25" else "qdrant-edge, exact vectors alone"
        rows.append(
            Row(
                what=f"p50 of a whole note, top {TOP}, {own['passages']:,} passages, {name}",
                measured=measured,
                wanted=f"at most {WANTED_MS[mode]:g} ms",
                reached=measured.value <= WANTED_MS[mode] if options.is_full else None,
                references=[_measured(label, bare[reference])],
            )
        )
    return rows


def _measured(system: str, times: list[list[float]]) -> Measured:
    return from_times(system, Times(*times))


def _memory_row(results: dict[str, Result], options: Options) -> Row:
    own, bare = (
        Measured(
            system=name,
            value=result["peak_bytes"] / 1e9,
            unit="GB",
            n=result["passages"],
            digits=2,
        )
        for name, result in results.items()
    )
    return Row(
        what=f"peak memory of building {own.n:,} passages with vectors",
        measured=own,
        wanted=f"at most {WANTED_BYTES / 1e9:g} GB",
        reached=own.value <= WANTED_BYTES / 1e9 if options.is_full else None,
        references=[bare],
    )


def _table(results: dict[str, Result]) -> Table:
    table = Table(title="Further times", header=["what", *results])
    own, bare = results.values()
    for what in ("build_s", "build_cpu_s", "disk_bytes", "open_s"):
        pair = [result.get(what) for result in (own, bare)]
        scale, unit = (1e9, "GB") if what.endswith("bytes") else (1, "s")
        cells = ["" if value is None else f"{value / scale:,.2f} {unit}" for value in pair]
        table.lines.append([what, *cells])
    for what, seconds in own.items():
        if isinstance(seconds, list):  # JSON's form of `Times`
            other = str(_measured("", bare[what])) if what in bare else ""
            table.lines.append([what, str(_measured("", seconds)), other])
    table.lines.append(["dense", "", str(_measured("", bare["dense"]))])
    return table


if __name__ == "__main__":
    if sys.argv[1:2] == [_CHILD]:
        name, source, notes = sys.argv[2:]
        found = _child(name, Path(source), Path(notes))
        json.dump(found, sys.stdout, default=float)
    else:
        raise SystemExit(command.main(measure))

"""How fast an index is built without an encoder, reading included, and in how much memory."""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks import command
from benchmarks.command import Options, say
from benchmarks.corpora import describe_sources, recombined, source_files
from benchmarks.processes import peak_memory, run_module
from benchmarks.report import Measured, Row, Section, Table
from medllm.data.documents import Reading, read_documents
from medllm.retrieve.build import add_documents
from medllm.retrieve.embedded import EmbeddedIndex

WANTED_PER_S = 2_000
N_RUNS = 3
_CHILD = "--child"


def measure(options: Options) -> Section:
    """Give documents per second of CPU time over all sources, and over each alone."""
    files = source_files(options)
    if options.data is None:
        files = [recombined(options, 2_000)]
    n_runs = 1 if options.quick else N_RUNS
    say("building from all sources")
    runs = [build_apart(files) for _ in range(n_runs)]
    row = _row(runs, options)
    header = ["source", "documents", "passages", "documents/s of CPU", "passages/s", "peak memory"]
    table = Table(title="Each source alone", header=header)
    for file in files:
        say(f"building from {file.name}")
        table.lines.append(_line(file.name, build_apart([file])))
    table.lines.append(_line("all", _median(runs)))
    notes = [
        f"sources: {describe_sources(options)}",
        "CPU time of all threads, from opening the source to the index written and closed; Python "
        "and its imports are not in it, reading and writing are",
        "peak memory is the whole process (VmHWM), mapped files included",
    ]
    return Section(name="build", rows=[row], tables=[table], notes=notes, data={"runs": runs})


def build_apart(files: list[Path]) -> dict[str, Any]:
    """Build an index in a process of its own; give what it took."""
    spent = run_module("benchmarks.build", _CHILD, *map(str, files))
    if spent.code:
        raise RuntimeError(f"the build ended with {spent.code}")
    result: dict[str, Any] = json.loads(spent.output)
    return result


def _build(files: list[Path]) -> dict[str, Any]:
    folder = Path(tempfile.mkdtemp(prefix="medllm-bench-"))
    try:
        started, cpu = time.perf_counter(), time.process_time()
        index = EmbeddedIndex.create(folder / "index", encoder=None)
        reading = Reading()
        n_passages = 0
        for file in files:
            added = add_documents(index, read_documents(file, reading=reading))
            n_passages += added.passages
        index.finish()
        index.close()
        return {
            "documents": reading.taken,
            "duplicates": reading.duplicates,
            "left_out": reading.left_out,
            "passages": n_passages,
            "cpu_s": time.process_time() - cpu,
            "wall_s": time.perf_counter() - started,
            "peak_bytes": peak_memory(),
            "disk_bytes": sum(f.stat().st_blocks * 512 for f in folder.rglob("*") if f.is_file()),
        }
    finally:
        shutil.rmtree(folder)


def _row(runs: list[dict[str, Any]], options: Options) -> Row:
    rates = sorted(run["documents"] / run["cpu_s"] for run in runs)
    middle = _median(runs)
    measured = Measured(
        system="medllm",
        value=middle["documents"] / middle["cpu_s"],
        unit="documents/s of CPU",
        low=rates[0],
        high=rates[-1],
        n=middle["documents"],
        digits=0,
    )
    return Row(
        what="index build without encoder",
        measured=measured,
        wanted=f"{WANTED_PER_S:,} documents/s of CPU",
        reached=measured.value >= WANTED_PER_S if options.is_full else None,
        note=f"lowest and highest of {len(runs)} runs; peak {middle['peak_bytes'] / 1e6:.0f} MB",
    )


def _median(runs: list[dict[str, Any]]) -> dict[str, Any]:
    return sorted(runs, key=lambda run: run["cpu_s"])[len(runs) // 2]


def _line(name: str, run: dict[str, Any]) -> list[str]:
    return [
        name,
        f"{run['documents']:,}",
        f"{run['passages']:,}",
        f"{run['documents'] / run['cpu_s']:,.0f}",
        f"{run['passages'] / run['cpu_s']:,.0f}",
        f"{run['peak_bytes'] / 1e6:.0f} MB",
    ]


if __name__ == "__main__":
    if sys.argv[1:2] == [_CHILD]:
        sys.stdout.write(json.dumps(_build([Path(name) for name in sys.argv[2:]])))
    else:
        raise SystemExit(command.main(measure))

"""What `medllm --help` and a search cost from a cold start, in CPU time of a fresh process."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import command
from benchmarks.command import EXAMPLES, Options, say
from benchmarks.corpora import example_files, read_all, source_files
from benchmarks.indexes import build_index
from benchmarks.processes import run_apart
from benchmarks.report import Measured, Row, Section
from medllm.errors import MedllmError
from medllm.retrieve.encoders import OFFLINE, load_encoder

N_RUNS = 11
HELP_S = 0.3
SEARCH_S = 1.0
_FEW_WORDS = "sudden breathlessness after hip replacement"


def measure(options: Options) -> Section:
    """Give the CPU time of the help, and of searches in a small and a larger index."""
    section = Section(name="cold")
    floor = _floor()
    if importlib.util.find_spec("medllm.cli.main") is None:
        row = Row(what="medllm --help", measured=None, note="there is no command line yet")
        return Section(name="cold", rows=[row])
    section.rows.append(_row("medllm --help", ["--help"], HELP_S, floor, options))
    for name, index in _indexes(options).items():
        search = ["search", "--index", str(index), "--mode", "bm25"]
        note = ["--file", str(EXAMPLES / "note.txt")]
        for what, query in (("five words", [_FEW_WORDS]), ("a whole note", note)):
            title = f"medllm search, {what}, {name}"
            section.rows.append(_row(title, [*search, *query], SEARCH_S, floor, options))
    hybrid = _hybrid_index(options)
    if hybrid is not None:
        arguments = ["search", _FEW_WORDS, "--index", str(hybrid), "--mode", "hybrid"]
        title = "medllm search, five words, 120 examples, hybrid (loads torch)"
        section.rows.append(_row(title, arguments, None, floor, options))
    section.notes = [
        "CPU time, user and system, of the process and all its threads, as the kernel counts it; "
        f"median [lowest, highest] of {N_RUNS} runs after one that is not counted",
        "the files are in the page cache and Python's byte code is compiled: the process is cold, "
        "the disk is not",
    ]
    return section


def _row(
    what: str, arguments: Sequence[str], wanted: float | None, floor: Measured, options: Options
) -> Row:
    say(what)
    own = _cpu([sys.executable, "-m", "medllm", *arguments], "medllm")
    return Row(
        what=f"{what}, CPU time",
        measured=own,
        wanted=f"at most {wanted:g} s" if wanted else "",
        reached=own.value <= wanted if wanted else None,
        references=[floor],
    )


def _floor() -> Measured:
    return _cpu([sys.executable, "-c", "import numpy"], "python -c 'import numpy'")


def _cpu(arguments: Sequence[str], system: str) -> Measured:
    times = []
    for _ in range(N_RUNS + 1):
        spent = run_apart(arguments)
        if spent.code:
            raise RuntimeError(f"{' '.join(arguments)} ended with {spent.code}")
        times.append(spent.cpu_s)
    times = sorted(times[1:])
    middle = float(np.median(times))
    return Measured(
        system=system,
        value=middle,
        unit="s",
        low=times[0],
        high=times[-1],
        n=len(times),
        digits=2,
    )


def _indexes(options: Options) -> dict[str, Path]:
    """Give a small index and one of a real size."""
    found = {"120 examples": _make(options.cache / "cold-examples", example_files())}
    if options.is_full:
        files = source_files(options)[:2]
        found["11,034 documents"] = _make(options.cache / "cold-11000", files)
    return found


def _hybrid_index(options: Options) -> Path | None:
    try:
        encoder = load_encoder(OFFLINE)
    except MedllmError:
        return None
    return _make(options.cache / "cold-hybrid", example_files(), encoder)


def _make(path: Path, files: list[Path], encoder: Any = None) -> Path:
    build_index(path, read_all(files), encoder).close()
    return path


if __name__ == "__main__":
    raise SystemExit(command.main(measure))

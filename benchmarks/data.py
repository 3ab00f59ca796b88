"""Data preparation: throughput, near duplicates, overlap, restarts, memory for a million records.

    python -m benchmarks.data [--quick] [--out FILE]

Near duplicates and leaks are planted by `benchmarks.data_planted`.
"""

from __future__ import annotations

import json
import shutil
import signal
import sys
import time
from pathlib import Path

from benchmarks.command import Options, main, say
from benchmarks.data_planted import SETS, leaks, load, near_duplicates
from benchmarks.data_records import write_dialogues
from benchmarks.processes import run_apart
from benchmarks.report import Measured, Row, Section, Table
from medllm.data.prepare.clean import CleanRules, clean_record
from medllm.data.prepare.split import split_by_group
from medllm.data.reading import Reading
from medllm.data.sets.catalogue import read_set

# Dies at the N-th write, rename or flush to the disk, as a process that the kernel kills.
_MORTAL = """
import os, signal, sys
from medllm.cli.main import main
from medllm.data.prepare import parts
from medllm.data.sft_files import LineWriter
parts.PART_RECORDS = 500
events, fatal = 0, int(sys.argv[1])
def counted(function):
    def call(*arguments, **named):
        global events
        events += 1
        if events == fatal:
            os.kill(os.getpid(), signal.SIGKILL)
        return function(*arguments, **named)
    return call
LineWriter.write = counted(LineWriter.write)
os.replace, os.fsync = counted(os.replace), counted(os.fsync)
code = main(["data", "prepare", *sys.argv[2:], "--set", "prepare.overlap.action=leave out"])
print(events)
sys.exit(code)
"""
# Runs `prepare` in a process of its own and says its peak memory and its times.
_CHILD = """
import json, sys, time
from pathlib import Path
from benchmarks.processes import peak_memory
from medllm.data.prepare.run import prepare
from medllm.data.prepare.config import PrepareConfig, SourceConfig, OverlapConfig
steps = {}
def progress(step, done, total):
    steps.setdefault(step, time.perf_counter())
began = time.perf_counter()
settings = PrepareConfig(
    sources=[SourceConfig(name="genmedgpt-5k", path=Path(sys.argv[1]))],
    overlap=OverlapConfig(action="leave out"),
)
done = prepare(settings, Path(sys.argv[2]), progress=progress)
told = {"peak": peak_memory(), "seconds": time.perf_counter() - began, "report": done.report}
told["steps"] = {name: at - began for name, at in steps.items()}
print(json.dumps(told))
"""


def measure(options: Options) -> Section:
    """Measure everything that docs/data.md has numbers for."""
    section = Section(name="data")
    section.rows.append(throughput(options))
    for name in SETS:
        say(f"near duplicates and leaks in {name}")
        records = load(options, name)
        near_duplicates(options, section, name, records)
        leaks(options, section, name, records)
    say("restarts")
    section.rows.append(restarts(options))
    say("memory")
    section.rows.append(memory(options, section))
    return section


def throughput(options: Options) -> Row:
    """Measure read + clean + split of a JSON list, one core, CPU time, best of three."""
    n = 5_000 if options.quick else 50_000
    path = options.cache / f"dialogues-{n}.json"
    if not path.exists():
        write_dialogues(path, n)
    rates = []
    for _ in range(3):
        began = time.process_time()
        for record in read_set("genmedgpt-5k", path, reading=Reading()):
            cleaned = clean_record(record, CleanRules())
            if not isinstance(cleaned, str):
                split_by_group(cleaned.group, key="medllm", validation=0.05, test=0.05)
        rates.append(n / (time.process_time() - began))
    best = max(rates)
    return Row(
        what="read + clean + split, GenMedGPT-like JSON, one core, CPU time",
        measured=Measured(system="medllm", value=best, unit="records/s", n=n, digits=0),
        wanted="20,000",
        reached=best >= 20_000 if not options.quick else None,
        note=f"the slowest of three {min(rates):,.0f}",
    )


def restarts(options: Options) -> Row:
    """Kill a run at points spread over it, run it again, and compare what it wrote, byte by byte.

    With the run that nothing disturbed, and once more with a second one of that kind.
    """
    n_records, n_points = (1_000, 4) if options.quick else (5_000, 20)
    folder = options.cache / "restarts"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    write_dialogues(folder / "dialogues.json", n_records)
    config = folder / "prepare.toml"
    config.write_text(
        '[prepare]\n[[prepare.sources]]\nname = "genmedgpt-5k"\npath = "dialogues.json"\n'
    )
    whole = run_apart(_mortal(0, config, folder / "whole"))
    n_events = int(whole.output.split()[-1])
    wanted = _contents(folder / "whole")
    points = [max(1, n_events * at // n_points) for at in range(1, n_points + 1)]
    n_same = 0
    for fatal in (0, *points):
        out = folder / "killed"
        shutil.rmtree(out, ignore_errors=True)
        code = run_apart(_mortal(fatal, config, out)).code
        if code != (-signal.SIGKILL if fatal else 0):
            raise RuntimeError(f"the run that was to die at {fatal} ended with {code}")
        if fatal:
            run_apart(_mortal(0, config, out))
        n_same += _contents(out) == wanted
    return Row(
        what="a second run, and runs killed and run again: the same to the byte",
        measured=Measured(
            system="medllm", value=n_same, unit=f"of {1 + n_points}", n=1 + n_points, digits=0
        ),
        wanted="all",
        reached=n_same == 1 + n_points,
        note=f"{n_points} points spread over {n_events:,} writes, renames and flushes",
    )


def _mortal(fatal: int, config: Path, out: Path) -> list[str]:
    return [sys.executable, "-c", _MORTAL, str(fatal), str(config), "--to", str(out)]


def _contents(folder: Path) -> dict[str, bytes]:
    """Give the content of every file, without the commit: it may change between two runs."""
    found = {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}
    lines = found["manifest.json"].splitlines()
    found["manifest.json"] = b"".join(line for line in lines if b'"commit"' not in line)
    return found


def memory(options: Options, section: Section) -> Row:
    """Prepare invented dialogues in a process of their own and give its peak memory."""
    n = 20_000 if options.quick else 1_000_000
    path = options.cache / f"dialogues-{n}.json"
    if not path.exists():
        write_dialogues(path, n)
    out = options.cache / f"prepared-{n}"
    shutil.rmtree(out, ignore_errors=True)
    done = run_apart([sys.executable, "-c", _CHILD, str(path), str(out)])
    told = json.loads(done.output)
    gib = told["peak"] / 2**30
    steps = Table(title=f"Preparing {n:,} records: when each step began", header=["step", "s"])
    steps.lines = [[step, f"{at:,.0f}"] for step, at in told["steps"].items()]
    steps.lines.append(["all", f"{told['seconds']:,.0f}"])
    section.tables.append(steps)
    section.data["prepared"] = told["report"]
    return Row(
        what=f"peak memory preparing {n:,} records, every step but de-identification",
        measured=Measured(system="medllm", value=gib, unit="GiB", n=n, digits=2),
        wanted="under 2",
        reached=gib < 2 if not options.quick else None,
    )


if __name__ == "__main__":
    sys.exit(main(measure))

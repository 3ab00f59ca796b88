"""Work in a process of its own: what it used of the processor, and how much memory at most."""

from __future__ import annotations

import os
import re
import resource
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from benchmarks.command import ROOT


class Spent(NamedTuple):
    """What a process took."""

    code: int
    cpu_s: float
    """User and system time of the process and its threads."""
    wall_s: float
    output: str


def run_apart(command: Sequence[str]) -> Spent:
    """Run a program to its end; its standard output is kept, its progress is shown."""
    started = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT)
    assert process.stdout is not None
    output = process.stdout.read()
    process.stdout.close()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    wall_s = time.perf_counter() - started
    return Spent(process.returncode, usage.ru_utime + usage.ru_stime, wall_s, output)


def run_module(*arguments: str) -> Spent:
    """Run a module of this project with the Python that runs here."""
    return run_apart([sys.executable, "-m", *arguments])


def peak_memory() -> int:
    """Give the most memory in bytes that this process had resident so far.

    Linux hands `ru_maxrss` down from the process that started this one, so that a small program
    started by a large one seems large; VmHWM counts this program alone.
    """
    try:
        status = Path("/proc/self/status").read_text(encoding="ascii", errors="replace")
    except OSError:
        status = ""
    found = re.search(r"^VmHWM:\s+(\d+) kB", status, re.MULTILINE)
    if found:
        return int(found[1]) * 1024
    used = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return used if sys.platform == "darwin" else used * 1024

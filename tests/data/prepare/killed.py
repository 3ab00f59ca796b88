"""Prepares a configuration and is killed on the way: `python -m tests.data.prepare.killed N ...`.

Each line that is written, each file put in its place and each flush to the disk is an event. At the
N-th the process is killed as the kernel or an operator would do it, with SIGKILL: nothing is tidied
up. With N = 0 it runs to its end and prints how many events there were.
"""

from __future__ import annotations

import os
import signal
import sys
from typing import Any

from medllm.cli.main import main
from medllm.data.prepare import parts
from medllm.data.sft_files import LineWriter

_events = 0


def _counted(function: Any, fatal: int) -> Any:
    def call(*arguments: Any, **named: Any) -> Any:
        global _events
        _events += 1
        if _events == fatal:
            os.kill(os.getpid(), signal.SIGKILL)
        return function(*arguments, **named)

    return call


def run(fatal: int, config: str, out: str) -> int:
    """Prepare; give the exit code, if it lives."""
    parts.PART_RECORDS = 25
    write = LineWriter.write

    def flushed(self: LineWriter, line: str) -> None:
        write(self, line)
        self._handle.flush()  # so that half a file is on the disk when it is killed

    LineWriter.write = _counted(flushed, fatal)  # type: ignore[method-assign]
    os.replace = _counted(os.replace, fatal)
    os.fsync = _counted(os.fsync, fatal)
    code = main(["data", "prepare", config, "--to", out, "--json"])
    sys.stderr.write(f"{_events} events\n")
    return code


if __name__ == "__main__":
    raise SystemExit(run(int(sys.argv[1]), *sys.argv[2:]))

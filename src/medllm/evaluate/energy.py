"""The energy meter of an evaluation: this machine's processors and all of its NVIDIA GPUs.

All, not only those that this process sees: a model server beside it may use any of them.
"""

from __future__ import annotations

import shutil
import subprocess
from functools import cache

from medllm.energy import EnergyMeter

_WAIT_S = 10.0


def machine_meter() -> EnergyMeter:
    """Give a meter of what this machine's counters count, which may be nothing."""
    return EnergyMeter(gpus=_gpus())


@cache
def _gpus() -> tuple[str, ...]:
    """Give the UUIDs of this machine's GPUs, none without the driver's program."""
    program = shutil.which("nvidia-smi")
    if program is None:
        return ()
    command = [program, "--query-gpu=uuid", "--format=csv,noheader"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_WAIT_S, check=True)
    except (OSError, subprocess.SubprocessError):
        return ()
    return tuple(line.strip() for line in done.stdout.splitlines() if line.strip())

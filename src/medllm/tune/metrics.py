"""`metrics.jsonl`: one JSON object a line, only ever added to, read while the run goes on."""

from __future__ import annotations

import contextlib
import json
import math
import os
from pathlib import Path
from typing import Any

from medllm.files import disk_errors

NAME = "metrics.jsonl"


def append_metrics(folder: Path, values: dict[str, Any]) -> None:
    """Add a line; numbers that JSON has no form for become null."""
    finite = {
        name: None if isinstance(value, float) and not math.isfinite(value) else value
        for name, value in values.items()
    }
    path = folder / NAME
    with disk_errors(str(path)), path.open("a", encoding="utf-8") as handle:
        handle.write(json.dumps(finite, allow_nan=False) + "\n")


def read_metrics(folder: Path) -> list[dict[str, Any]]:
    """Give the lines of a run; a line that a kill cut short is left out."""
    path = folder / NAME
    if not path.exists():
        return []
    found = []
    for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
        with contextlib.suppress(json.JSONDecodeError):
            found.append(json.loads(line))
    return found


def end_line(folder: Path) -> None:
    """End a line that a kill cut short, so that the next one stands by itself."""
    path = folder / NAME
    if not path.exists() or not path.stat().st_size:
        return
    with path.open("rb+") as handle:
        handle.seek(-1, os.SEEK_END)
        if handle.read(1) != b"\n":
            handle.write(b"\n")


def losses_by_step(folder: Path) -> dict[int, float]:
    """Give the training loss of each step; of a step that was done again after a kill, the last."""
    return {
        int(line["step"]): line["loss"]
        for line in read_metrics(folder)
        if line.get("event") == "step"
    }

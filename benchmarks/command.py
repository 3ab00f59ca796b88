"""What every benchmark shares: its arguments, its progress, the machine, and its two outputs."""

from __future__ import annotations

import argparse
import importlib.metadata
import json
import os
import platform
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.report import Section, markdown, to_json
from medllm.doctor import examine_machine
from medllm.files import write_json

ROOT = Path(__file__).resolve().parent.parent
EXAMPLES = ROOT / "examples"
_PACKAGES = (
    "medllm",
    "qdrant-edge-py",
    "numpy",
    "bm25s",
    "numba",
    "sentence-transformers",
    "torch",
)


@dataclass(frozen=True, slots=True)
class Options:
    """How a benchmark is run."""

    quick: bool
    """A small form, minutes in all, to see that everything runs; no target is held against it."""
    cache: Path
    """Where vectors, converted sources and indexes are put; vectors and sources are used again."""
    data: Path | None
    """The folder with the real data; None where it is absent."""
    out: Path | None

    @property
    def is_full(self) -> bool:
        """Whether targets can be held against what is measured."""
        return not self.quick and self.data is not None


def main(measure: Callable[[Options], Section]) -> int:
    """Run one benchmark from the command line."""
    options = parse_options(measure.__module__)
    if options.data is None:
        say("no ../shared/data: measuring on the invented examples, targets do not apply")
    started = machine()
    section = measure(options)
    section.notes.append(load())
    sys.stdout.write(markdown([section], started))
    if options.out:
        write_json(options.out, {"machine": started, "sections": [to_json(section)]})
    return 0


def parse_options(name: str) -> Options:
    """Read the command line; make the cache folder."""
    module = sys.modules[name]
    parser = argparse.ArgumentParser(description=module.__doc__)
    parser.add_argument("--quick", action="store_true", help="a small form, to see that it runs")
    parser.add_argument("--cache", type=Path, default=ROOT / "out/bench", metavar="DIR")
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared/data", metavar="DIR")
    parser.add_argument("--out", type=Path, metavar="FILE", help="write everything as JSON")
    given = parser.parse_args()
    given.cache.mkdir(parents=True, exist_ok=True)
    data = given.data if given.data.is_dir() else None
    return Options(given.quick, given.cache, data, given.out)


def machine() -> list[str]:
    """Name the machine, the versions and the day, as every number needs them beside it."""
    versions = [f"{name} {version}" for name in _PACKAGES if (version := _version(name))]
    checks = [f"{check.name}: {check.detail}" for check in examine_machine()]
    system = f"{platform.platform(terse=True)}, Python {platform.python_version()}"
    return [*checks, system, ", ".join(versions), time.strftime("%Y-%m-%d"), load()]


def load() -> str:
    """Say how busy the machine is: on one that is shared, times are upper bounds."""
    one, five, _ = os.getloadavg()
    return f"load average {one:.1f} (1 minute), {five:.1f} (5 minutes) on {os.cpu_count()} cores"


def say(text: str) -> None:
    """Show progress, on standard error."""
    sys.stderr.write(f"{time.strftime('%H:%M:%S')} {text}\n")
    sys.stderr.flush()


def read_report(path: Path) -> Any:
    """Give the JSON that a benchmark wrote."""
    return json.loads(path.read_text(encoding="utf-8"))


def _version(package: str) -> str:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return ""

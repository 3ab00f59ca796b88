"""Every benchmark, each in a process of its own, as one table: what `make bench` runs."""

from __future__ import annotations

import sys

from benchmarks.command import Options, machine, parse_options, read_report, say
from benchmarks.processes import run_module
from benchmarks.report import Row, Section, from_json, markdown, to_json
from medllm.files import write_json

BENCHMARKS = (
    "quality",
    "latency",
    "scale",
    "build",
    "cold",
    "serve",
    "api_fuzz",
    "summaries",
    "variants",
    "data",
    "deidentification",
    "evaluate",
    "experiment",
    "export",
)
PRINTED = ("findings", "note_query", "correlation", "training")
"""Those that print their own tables; they need the real data."""


def main() -> int:
    """Run everything; 1 where a benchmark broke, which the table then says."""
    options = parse_options(__name__)
    if options.data is None:
        say("no ../shared/data: measuring on the invented examples, targets do not apply")
    started = machine()
    sections = []
    for name in BENCHMARKS:
        say(f"== {name}")
        sections.append(run(name, options))
        if options.out:  # after each, so that a run that is broken off leaves what it measured
            report = {"machine": started, "sections": [to_json(section) for section in sections]}
            write_json(options.out, report)
    sys.stdout.write(markdown(sections, started))
    for name in PRINTED if options.is_full else ():
        say(f"== {name}")
        sys.stdout.write(
            f"\n### {name}\n{run_module(f'benchmarks.{name}', str(options.data)).output}"
        )
    return int(any(section.data.get("broken") for section in sections))


def run(name: str, options: Options) -> Section:
    """Run one benchmark in a fresh process: none sees what another loaded or left in memory."""
    out = options.cache / f"{name}.json"
    out.unlink(missing_ok=True)
    arguments = ["--cache", str(options.cache.absolute()), "--out", str(out.absolute())]
    if options.quick:
        arguments.append("--quick")
    data = options.data or options.cache / "no-data"
    spent = run_module(f"benchmarks.{name}", *arguments, "--data", str(data.absolute()))
    if spent.code or not out.exists():
        note = f"the benchmark broke with exit code {spent.code}, see standard error"
        return Section(
            name=name, rows=[Row(what=name, measured=None, note=note)], data={"broken": True}
        )
    return from_json(read_report(out)["sections"][0])


if __name__ == "__main__":
    raise SystemExit(main())

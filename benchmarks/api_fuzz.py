"""The API against its own description: schemathesis asks every operation, wrongly and rightly."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from benchmarks import command
from benchmarks.command import EXAMPLES, Options, say
from benchmarks.corpora import read_all
from benchmarks.indexes import build_index
from benchmarks.report import Measured, Row, Section
from benchmarks.serve import Server, running

N_CASES = 2_000
N_CASES_QUICK = 20
CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_schema_conformance",
)
_CONFIG = """
[checks.not_a_server_error]
expected-statuses = ["2xx", "4xx", 503]
"""
"""503 is an answer: too many jobs, or a model that does not answer; `Retry-After` goes with it."""


def measure(options: Options) -> Section:
    """Give how many cases were asked, and how many answers were not as described."""
    section = Section(name="api_fuzz")
    if importlib.util.find_spec("schemathesis") is None:
        section.rows.append(Row(what=_what(0), measured=None, note="no schemathesis here"))
        return section
    n = N_CASES_QUICK if options.quick else N_CASES
    index = options.cache / "fuzz-examples"
    sources = [EXAMPLES / "patients.jsonl", EXAMPLES / "articles.jsonl"]
    build_index(index, read_all(sources), None).close()
    with tempfile.TemporaryDirectory() as folder:
        more = ["--data", f"{folder}/data", "--set", "serve.compare=extractive"]
        with running(index, *more) as server:
            report = ask_everything(server, n, Path(folder))
    section.rows.append(row_of(report, n, options))
    section.data["failures"] = [
        {"operation": one.get("operation"), "checks": one.get("check")}
        for one in report["failures"]
    ]
    return section


def ask_everything(server: Server, n: int, folder: Path) -> dict[str, Any]:
    """Run schemathesis with up to `n` cases an operation; give its report."""
    say(f"schemathesis, up to {n:,} cases an operation")
    config, report = folder / "schemathesis.toml", folder / "report.json"
    config.write_text(_CONFIG, encoding="utf-8")
    arguments = [
        f"{server.url}api/v1/openapi.json", "--header", f"Authorization: Bearer {server.token}",
        "--max-examples", str(n), "--mode", "all", "--phases", "examples,coverage,fuzzing",
        "--checks", ",".join(CHECKS), "--continue-on-failure", "--seed", "1",
        "--suppress-health-check", "all", "--report", "json", "--report-json-path", str(report),
    ]  # fmt: skip
    script = "from schemathesis.cli import schemathesis; schemathesis()"
    subprocess.run(
        [sys.executable, "-c", script, "--config-file", str(config), "run", *arguments],
        stdout=sys.stderr,
        check=False,  # it ends with 1 where it found something: the report says what
        cwd=folder,
    )
    return dict(json.loads(report.read_text(encoding="utf-8")))


def row_of(report: dict[str, Any], n: int, options: Options) -> Row:
    """Give the row: nothing may be undeclared, misdescribed or a mistake of ours."""
    cases, operations = report["test_cases"], report["operations"]
    n_bad = cases["with_failures"] + cases["errored"]
    is_whole = operations["tested"] == operations["total"]
    return Row(
        what=_what(n),
        measured=Measured(system="medllm serve", value=n_bad, n=cases["generated"], digits=0),
        wanted="0, and every operation tested",
        reached=n_bad == 0 and is_whole if options.is_full else None,
        note=f"{cases['generated']:,} cases, {operations['tested']} operations",
    )


def _what(n: int) -> str:
    return f"answers that are not as the API describes itself, up to {n:,} cases an operation"


if __name__ == "__main__":
    raise SystemExit(command.main(measure))

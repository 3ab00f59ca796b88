"""How well findings are read: against expert annotation, against columns, and how fast.

    python -m benchmarks.findings ../shared/data

Prints the tables of docs/findings.md as Markdown; no text of the data.
"""

from __future__ import annotations

import ast
import csv
import json
import math
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from benchmarks.written_notes import FINDING_SETS, count_met
from medllm.clinical.demographics import find_demographics
from medllm.clinical.findings import find_findings
from medllm.clinical.lexicon import default_lexicon
from medllm.evaluate.findings import FindingsScore, evaluate_findings
from medllm.records import Finding

PER_YEAR = {"year": 1, "month": 12, "week": 52.1775, "day": 365.25, "hour": 8766}
TOLERANCE = 0.02
"""Of the age in the column: rounding of months and days."""

SIZES_MB = (1, 2, 5, 10)


def main() -> None:
    """Print every table for the data folder that the first argument names."""
    data = Path(sys.argv[1])
    print_agreement(data / "e3c" / "annotated-dev.jsonl")
    print_halves(data / "e3c" / "annotated-dev.jsonl")
    print_written_notes()
    print_demographics(data / "pmc-patients-sample" / "PMC-Patients-sample-1000.csv")
    print_speed(data / "e3c" / "cases.jsonl")
    print_lexicon()


def print_agreement(path: Path) -> None:
    """Print the scores on the annotated set, and of the same findings without context rules."""
    print("| measure | P | R | F1 [95 %] | annotated | found | documents |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    for score in evaluate_findings(path):
        print(_line(score.name, score))
    for score in evaluate_findings(path, reader=_without_context):
        if score.name.startswith("polarity"):
            print(_line("polarity, a finding never denied", score))
    print()


def _without_context(text: str) -> list[Finding]:
    return [replace(finding, negated=False) for finding in find_findings(text)]


def print_halves(path: Path) -> None:
    """Print the entities' F1 by halves: the odd documents were held apart for the entities."""
    lines = path.read_text(encoding="utf-8").splitlines()
    for name, half in (
        ("read while the rules were written", lines[0::2]),
        ("held apart", lines[1::2]),
    ):
        scores = {score.name: score for score in _evaluate_lines(half)}
        for measure in ("entities, overlapping", "entities, exact"):
            print(_line(f"{measure} ({name})", scores[measure]))
    print()


def _evaluate_lines(lines: list[str]) -> list[FindingsScore]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "half.jsonl"
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
        return evaluate_findings(path)


def _line(name: str, score: FindingsScore) -> str:
    numbers = (score.precision, score.recall, score.f1, score.low, score.high)
    p, r, f1, low, high = ("-" if n is None else f"{n:.3f}" for n in numbers)
    counts = f"{score.n_there} | {score.n_found} | {score.n_documents}"
    return f"| {name} | {p} | {r} | {f1} [{low}, {high}] | {counts} |"


def print_written_notes() -> None:
    """Print how much of what short notes of many hands say is read as expected."""
    print("| set | asked | met | n | % | 95 % |\n| --- | --- | --- | --- | --- | --- |")
    for number in FINDING_SETS:
        counts = count_met(number)
        met, asked = (sum(pair[at] for pair in counts.values()) for at in (0, 1))
        for what, (n_met, n) in {**counts, "**all**": (met, asked)}.items():
            low, high = _wilson(n_met, n)
            print(
                f"| {number} | {what} | {n_met} | {n} | {100 * n_met / n:.1f}"
                f" | {100 * low:.1f} - {100 * high:.1f} |"
            )
    print()


def print_demographics(path: Path) -> None:
    """Print how often age and sex agree with the columns of PMC-Patients."""
    csv.field_size_limit(10**9)
    with path.open(newline="", encoding="utf-8") as handle:
        rows = list(csv.DictReader(handle))
    ages = sexes = 0
    for row in rows:
        wanted = sum(number / PER_YEAR[unit] for number, unit in ast.literal_eval(row["age"]))
        found = find_demographics(row["patient"])
        ages += found.age_years is not None and math.isclose(
            found.age_years, wanted, rel_tol=TOLERANCE
        )
        sexes += found.sex == row["gender"]
    print("| column | agrees | 95 % | rows |\n| --- | --- | --- | --- |")
    for name, right in (("age", ages), ("sex", sexes)):
        low, high = _wilson(right, len(rows))
        print(f"| {name} | {right / len(rows):.3f} | [{low:.3f}, {high:.3f}] | {len(rows)} |")
    print()


def _wilson(right: int, n: int) -> tuple[float, float]:
    """Give Wilson's 95 % interval for a share."""
    z, share = 1.959964, right / n
    middle = (share + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    return middle - half, middle + half


def print_speed(path: Path) -> None:
    """Print CPU seconds for 1 to 10 MB of text in one piece, and for notes one by one."""
    notes = [json.loads(line)["text"] for line in path.open(encoding="utf-8")]
    everything = "\n\n".join(notes * 2)  # the cases are 8 MB
    find_findings("warm: fever")
    print("| text | CPU s | MB/s |\n| --- | --- | --- |")
    for size in SIZES_MB:
        text = everything[: size * 1_000_000]
        seconds = _cpu_seconds(lambda text=text: find_findings(text))  # type: ignore[misc]
        print(f"| {size} MB in one piece | {seconds:.2f} | {size / seconds:.2f} |")
    size_mb = sum(map(len, notes)) / 1e6
    seconds = _cpu_seconds(lambda: [find_findings(note) for note in notes])
    print(f"| {len(notes):,} notes, {size_mb:.1f} MB | {seconds:.2f} | {size_mb / seconds:.2f} |\n")


def _cpu_seconds(action: Callable[[], object]) -> float:
    start = time.process_time()
    action()
    return time.process_time() - start


def print_lexicon() -> None:
    """Print size and load time of the shipped lexicon."""
    default_lexicon.cache_clear()
    seconds = _cpu_seconds(default_lexicon)
    lexicon = default_lexicon()
    print(
        f"lexicon: {lexicon.n_concepts} concepts, {lexicon.n_names} names, {seconds:.3f} s to load"
    )


if __name__ == "__main__":
    main()

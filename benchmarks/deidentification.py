"""De-identification: recall per category on generated notes, and clinical words destroyed.

The identifiers are invented and put into templates that were held apart: `dev` was tuned on,
`heldout` was written afterwards. Notes written whole by hand stand beside: there each identifier
counts once. What is destroyed is counted outside the identifiers of the invented notes, and on
real texts, whose identifiers were mostly removed before.
"""

from __future__ import annotations

import csv
import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from benchmarks import command
from benchmarks.command import Options, say
from benchmarks.deidentification_generator import generate_notes, read_templates
from benchmarks.report import Measured, Row, Section, Table
from benchmarks.written_notes import IDENTIFIER_SETS, read_marked_notes
from medllm.clinical.deidentify.deidentifier import find_identifiers
from medllm.clinical.findings import find_findings
from medllm.evaluate.deidentification import (
    CategoryRecall,
    DeidentificationScore,
    Destroyed,
    MarkedNote,
    count_destroyed,
    evaluate_deidentification,
    wilson_interval,
)

IDENTIFIERS, OF_EACH = 6000, 200
"""How many are generated at least: in all, and of each category."""
_QUICK = 8
"""A quick run takes one in so many."""
WORST, DESTROYED = 0.98, 0.005
SEED = 20261120
_MEGABYTES = (1, 4)


def measure(options: Options) -> Section:
    """Give recall by category, the worst first, clinical words destroyed, and speed."""
    section = Section(name="deidentification")
    few = _QUICK if options.quick else 1
    for name in ("heldout", "dev"):
        say(f"{name}: {len(read_templates(name))} templates")
        notes = list(
            generate_notes(
                name, fewest=IDENTIFIERS // few, fewest_of_each=OF_EACH // few, seed=SEED
            )
        )
        score = evaluate_deidentification(notes)
        section.tables.append(_recall_table(name, score))
        if name == "heldout":
            section.rows += [_worst(score, options), _overall(score)]
            section.rows.append(
                _destroyed_row("of generated notes", count_destroyed(notes), options)
            )
    section.rows += list(_written_rows(section, options))
    if options.data is not None:
        section.rows += list(_real_rows(options))
    section.rows.append(_speed(options))
    section.notes.append(
        "The generated notes are synthetic: they say how rules fare on forms that somebody thought "
        "of, not how many identifiers of real records they would miss."
    )
    return section


def _written_rows(section: Section, options: Options) -> Iterator[Row]:
    """Give recall on the notes that were written whole, all sets together and each alone."""
    everything: list[MarkedNote] = []
    for number in IDENTIFIER_SETS:
        notes = list(read_marked_notes(number))
        everything += notes
        score = evaluate_deidentification(notes)
        yield Row(
            what=f"identifiers removed, notes written by hand, set {number}",
            measured=_measured(score.overall),
            note=f"{score.n_notes} notes; {score.n_unmarked} spans removed that are no identifiers",
        )
    section.tables.append(_recall_table("written by hand", evaluate_deidentification(everything)))
    yield _destroyed_row("of notes written by hand", count_destroyed(everything), options)


def _measured(row: CategoryRecall) -> Measured:
    return Measured(
        system="medllm",
        value=100 * row.recall,
        low=100 * row.low,
        high=100 * row.high,
        unit="%",
        n=row.n,
        digits=1,
    )


def _worst(score: DeidentificationScore, options: Options) -> Row:
    worst = score.categories[0]
    return Row(
        what=f"identifiers removed, worst category ({worst.category}), held-apart templates",
        measured=_measured(worst),
        wanted=f"{WORST:.0%}",
        reached=worst.recall >= WORST if options.is_full else None,
    )


def _overall(score: DeidentificationScore) -> Row:
    return Row(
        what="identifiers removed, all categories, held-apart templates",
        measured=_measured(score.overall),
        note=f"{score.n_notes} notes; {score.n_unmarked} spans removed that are no identifiers",
    )


def _recall_table(name: str, score: DeidentificationScore) -> Table:
    table = Table(
        title=f"Recall by category, `{name}`",
        header=["category", "removed whole", "n", "recall %", "95 % (Wilson)", "right label"],
    )
    for row in (*score.categories, score.overall):
        interval = f"{100 * row.low:.1f} - {100 * row.high:.1f}"
        cells = [row.category, row.n_removed, row.n, f"{100 * row.recall:.1f}", interval]
        table.lines.append([str(cell) for cell in (*cells, row.n_labelled_right)])
    return table


def _destroyed_row(where: str, counts: Destroyed, options: Options) -> Row:
    low, high = wilson_interval(counts.n_clinical_replaced, counts.n_clinical)
    share = counts.n_clinical_replaced / counts.n_clinical
    touched = f"{counts.n_findings_touched} of {counts.n_findings:,} findings touched"
    words = f"{100 * counts.n_replaced / counts.n_words:.2f} % of all words replaced"
    return Row(
        what=f"clinical words destroyed {where}",
        measured=Measured(
            system="medllm",
            value=100 * share,
            low=100 * low,
            high=100 * high,
            unit="%",
            n=counts.n_clinical,
            digits=2,
        ),
        wanted=f"under {DESTROYED:.1%}",
        reached=share < DESTROYED if options.is_full else None,
        note=f"{touched}; {words}",
    )


def _real_rows(options: Options) -> Iterator[Row]:
    assert options.data is not None
    for where, texts in (
        ("of PMC-Patients", _patients(options.data)),
        ("of MTS-Dialog notes", _clinic_notes(options.data)),
        ("of E3C cases", _cases(options.data)),
    ):
        kept = list(texts)[:: _QUICK if options.quick else 1]
        say(f"{len(kept):,} texts {where}")
        notes = (MarkedNote(id=str(n), text=text, marks=()) for n, text in enumerate(kept))
        yield _destroyed_row(where, count_destroyed(notes), options)


def _patients(data: Path) -> Iterator[str]:
    yield from _column(data / "pmc-patients-sample/PMC-Patients-sample-1000.csv", "patient")


def _clinic_notes(data: Path) -> Iterator[str]:
    for path in sorted((data / "mts-dialog").glob("*.csv")):
        yield from _column(path, "section_text")


def _cases(data: Path) -> Iterator[str]:
    with (data / "e3c/annotated-dev.jsonl").open(encoding="utf-8") as handle:
        yield from (json.loads(line)["text"] for line in handle)


def _column(path: Path, name: str) -> Iterator[str]:
    csv.field_size_limit(2**31 - 1)
    with path.open(encoding="utf-8", newline="") as handle:
        yield from (row[name] for row in csv.DictReader(handle) if row[name])


def _speed(options: Options) -> Row:
    """Time one core on the held-apart notes as one text; ten times the text, ten times the time."""
    notes = generate_notes("heldout", fewest=IDENTIFIERS // _QUICK, seed=SEED)
    text = "\n\n".join(note.text for note in notes)
    sizes = _MEGABYTES[:1] if options.quick else _MEGABYTES
    rates = [_rate(find_identifiers, text, size) for size in sizes]
    reference = Measured(
        system="reading findings", value=_rate(find_findings, text, 1), unit="MB/s"
    )
    return Row(
        what="speed on one core, notes full of identifiers",
        measured=Measured(system="medllm", value=rates[0], unit="MB/s", digits=2),
        references=[reference],
        note="; ".join(
            f"{size} MB: {rate:.2f} MB/s" for size, rate in zip(sizes, rates, strict=True)
        ),
    )


def _rate(function: Callable[[str], object], text: str, megabytes: int) -> float:
    long = (text * (1 + megabytes * 1_000_000 // len(text)))[: megabytes * 1_000_000]
    start = time.process_time()
    function(long)
    return len(long) / 1e6 / (time.process_time() - start)


if __name__ == "__main__":
    raise SystemExit(command.main(measure))

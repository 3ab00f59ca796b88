"""`medllm evaluate summaries`: two summarisers on the same evidence, paired by patient."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from medllm.cli.models import open_named
from medllm.cli.options import (
    ConfigOption,
    IndexOption,
    JsonOption,
    ModeOption,
    SetOption,
    choose_mode,
    opened,
    read_config,
)
from medllm.cli.terminal import bold, print_json, progress
from medllm.errors import ConfigError

if TYPE_CHECKING:
    from medllm.evaluate.tasks.cited import SummaryScores


def summaries(
    notes: Annotated[
        Path,
        typer.Argument(
            metavar="NOTES", help='JSON Lines: {"id", "text"}, and if known "has_evidence".'
        ),
    ],
    index: IndexOption,
    models: Annotated[
        list[str],
        typer.Option("--model", metavar="SPEC", help="A summariser; repeat it to compare."),
    ],
    mode: ModeOption = None,
    config: ConfigOption = None,
    overrides: SetOption = None,
    as_json: JsonOption = False,
) -> None:
    """Measure cited summaries, paired by patient.

    Support and contradiction of sentences, citation recall and precision, coverage of the patient's
    findings, and whether it was rightly silent. The first --model is what the others are compared
    with. `extractive` is one too.

    \b
    Example:
      medllm evaluate summaries notes.jsonl --index idx --model extractive --model ollama:llama3.2
    """
    from medllm.ask.road import Road
    from medllm.evaluate.tasks.cited import compare_summaries, read_cases

    if len(set(models)) < len(models):
        raise ConfigError("a model is named twice", hint="name each --model once")
    settings = read_config(config, overrides)
    cases = read_cases(notes)
    writers = {spec: open_named(spec, settings.models) for spec in models}
    n = len(cases) * len(models)
    with opened(index) as opened_index, progress("summarising", "summaries", n) as advance:
        used, encoder = choose_mode(opened_index, settings.search, mode)
        roads = {
            spec: Road(
                index=opened_index,
                settings=settings.ask,
                mode=used,
                top=settings.search.top,
                encoder=encoder,
                model=writer,
            )
            for spec, writer in writers.items()
        }
        found = compare_summaries(roads, cases, progress=advance)
    if as_json:
        _print_json(found)
    else:
        typer.echo(show_scores(found))


def _print_json(found: SummaryScores) -> None:
    from dataclasses import asdict

    from medllm.evaluate.paired.compare import as_facts

    print_json(
        {
            "n_notes": found.n_notes,
            "n_other_evidence": found.n_other_evidence,
            "n_failed": found.n_failed,
            "measures": {
                measure.name: {
                    "definition": measure.definition,
                    "systems": {s: asdict(i) for s, i in found.means[measure.name].items()},
                }
                for measure in found.measures
            },
            "comparisons": [as_facts(one) for one in found.comparisons],
        }
    )


def show_scores(found: SummaryScores) -> str:
    """Give each measure's mean of each system with its interval, then the paired differences."""
    lines = [bold(f"CITED SUMMARIES ({found.n_notes:,} notes)")]
    if found.n_other_evidence:
        lines.append(f"  {found.n_other_evidence:,} notes are left out: their evidence differed")
    for system, n in found.n_failed.items():
        if n:
            lines.append(f"  {n:,} summaries of {system} failed and have no score")
    for measure in found.measures:
        lines.append(f"  {measure.name}: {measure.definition}")
        for system, one in found.means[measure.name].items():
            lines.append(
                f"    {system:<32} {one.mean:.3f}  [{one.low:.3f}, {one.high:.3f}], n {one.n:,}"
            )
    if found.comparisons:
        lines.append("  paired differences")
    for row in found.comparisons:
        d = row.difference
        said = "too few to test" if row.p_holm is None else f"p {row.p_holm:.4f}"
        lines.append(
            f"    {row.metric}: {row.system} {d.mean:+.3f}  [{d.low:+.3f}, {d.high:+.3f}], "
            f"{said}, n {row.n:,}"
        )
    return "\n".join(lines)

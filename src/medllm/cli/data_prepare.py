"""`medllm data prepare` and `medllm data overlap`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from medllm.cli.data_progress import steps_shown
from medllm.cli.indexing import stoppable
from medllm.cli.options import JsonOption, SetOption
from medllm.cli.terminal import bold, notice, print_json, wrap

if TYPE_CHECKING:
    from medllm.data.prepare.overlap import Overlap, Quoted
    from medllm.data.prepare.run import Prepared

LEAK = 3
"""The exit code of `overlap` where evaluation text stands in the training data."""
_MOST_LISTED = 10
_MOST_QUOTED = 300
"""Characters of an example that are shown."""


def prepare(
    config: Annotated[Path, typer.Argument(metavar="CONFIG", help="A TOML file with [prepare].")],
    to: Annotated[
        Path | None,
        typer.Option(
            "--to", metavar="DIR", help="The folder to write to; without it out/NAME-OF-CONFIG."
        ),
    ] = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Write over an earlier run of other settings.")
    ] = False,
    overrides: SetOption = None,
    as_json: JsonOption = False,
) -> None:
    """Make clean, split, leak-free training records of any mix of data sets, with a report.

    Reads, cleans, de-identifies, de-duplicates and splits, and refuses to write splits that
    overlap. Each record that is left out is named with its reason. A run that was stopped or killed
    goes on when it is called again. Settings and examples: docs/data.md.

    Example: medllm data prepare examples/prepare/genmedgpt.toml --to out/genmedgpt
    """
    from medllm.data.prepare.config import load_prepare_config
    from medllm.data.prepare.run import prepare as run

    more = ["prepare.overwrite=true"] if overwrite else []
    settings = load_prepare_config(config, [*(overrides or []), *more])
    with stoppable(), steps_shown() as tell:
        done = run(settings, to or Path("out") / config.stem, progress=tell)
    if as_json:
        print_json({"folder": str(done.folder), **done.report})
    else:
        typer.echo(_show_prepared(done))
    if not done.report["records"]["train"]:
        notice("there is no training record: all of it belongs to other splits")


def _show_prepared(done: Prepared) -> str:
    report = done.report
    lines = [bold(f"PREPARED {done.folder}")]
    for source in report["sources"]:
        lines.append(f"  {source['name']}: {source['read'] + source['not_read']:,} read")
        lines += [f"    {n:>9,}  {what}" for what, n in _fates(source) if n]
    records = ", ".join(f"{name} {n:,}" for name, n in report["records"].items())
    lines.append(f"  written: {records}" + _added(report["augmented"]["copies"]))
    if report["left_out"]:
        text = f"{report['left_out']:,} left out, each with its reason in left_out.jsonl"
        lines.append(f"  {text}")
    lines.append(f"  {_show_verdict(done.overlap)}")
    return "\n".join(lines)


def _added(n: int) -> str:
    return f", {n:,} of them copies with synonyms" if n else ""


def _fates(source: dict[str, Any]) -> list[tuple[str, int]]:
    """Give what became of the records of a source, in the order of the steps."""
    sound = source["not_read"] - source["broken"]
    return [
        ("broken", source["broken"]),
        ("without question, answer or label", sound),
        *sorted(source["reasons"].items(), key=lambda item: -item[1]),
        ("exact duplicates", source["exact_duplicates"]),
        ("near duplicates", source["near_duplicates"]),
        ("with the id of another record", source["repeated_ids"]),
        ("with evaluation text in them, left out of training", source["leaked"]),
        *((f"to {name}", n) for name, n in source["splits"].items()),
    ]


def overlap(
    train: Annotated[Path, typer.Argument(metavar="TRAIN", help="The training data.")],
    evaluation: Annotated[
        list[Path], typer.Argument(metavar="EVAL", help="What a model is to be judged on.")
    ],
    examples: Annotated[
        int | None,
        typer.Option(
            "--examples",
            min=0,
            metavar="N",
            help="Show the text of so many matches; 3 without it, with --json none.",
        ),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Find evaluation text in training data: word for word, by runs of 13 words, or edited.

    Takes files of records or of any data set that is told by its form. Exit code 0: no leak; 3: a
    leak, at least half of an evaluation text stands in the training data; 2: a file cannot be read.

    Example: medllm data overlap out/run/train.jsonl out/run/test.jsonl pubmedqa/ori_pqal.json
    """
    from medllm.data.prepare.overlap_files import overlap_of_files

    n_examples = examples if examples is not None else (0 if as_json else 3)
    with steps_shown() as tell:
        done = overlap_of_files(train, evaluation, n_examples=n_examples, progress=tell)
    if as_json:
        print_json(done.to_json())
    else:
        typer.echo(_show_overlap(done.found))
        for number, quoted in enumerate(done.examples, start=1):
            typer.echo(_show_quoted(number, quoted))
    for name in done.empty:
        notice(f"{name} is empty")
    if done.n_without_answer:
        notice(f"{done.n_without_answer:,} evaluation records have no answer: not looked at")
    if done.found.n_leaked:
        raise typer.Exit(LEAK)


def _show_verdict(found: Overlap) -> str:
    if not found.n_evaluation:
        return "overlap: there is no evaluation record"
    of = f"of {found.n_evaluation:,} evaluation records"
    if found.n_leaked:
        return f"overlap: {found.n_leaked:,} {of} stand in the training data"
    if found.n_touched:
        return f"overlap: no leak; {found.n_touched:,} {of} share a phrase with the training data"
    return f"overlap: none, {of} with {found.n_training:,} training records"


def _show_overlap(found: Overlap) -> str:
    lines = [bold(f"{found.verdict.upper()}: {_show_verdict(found)}")]
    leaks = [match for match in found.matches if match.is_leak]
    for match in leaks[:_MOST_LISTED]:
        there = f"{match.training.source} {match.training.id}"
        lines.append(
            f"  {match.evaluation.source} {match.evaluation.id}: {match.part}, {match.kind}, "
            f"{match.share:.0%} of it in {there}"
        )
    if len(leaks) > _MOST_LISTED:
        lines.append(f"  and {len(leaks) - _MOST_LISTED:,} more; --json lists all")
    return "\n".join(lines)


def _show_quoted(number: int, quoted: Quoted) -> str:
    lines = [bold(f"\nEXAMPLE {number} ({quoted.match.kind}, {quoted.match.share:.0%})")]
    for what, text in (("evaluation", quoted.evaluation), ("training", quoted.training)):
        short = " ".join(text.split())
        short = short if len(short) <= _MOST_QUOTED else short[:_MOST_QUOTED].rstrip() + " ..."
        lines.append(wrap(short, indent=" " * 14, first=f"  {what:<11} "))
    return "\n".join(lines)

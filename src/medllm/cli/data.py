"""`medllm data`: the data sets that medllm reads, and what it makes of them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from medllm.cli import (
    data_augment,
    data_deidentify,
    data_prepare,
    data_review,
    data_stats,
    data_steps,
)
from medllm.cli.options import JsonOption
from medllm.cli.terminal import bold, print_json, wrap

app = typer.Typer()
app.command("prepare")(data_prepare.prepare)
app.command("overlap")(data_prepare.overlap)
app.command("read")(data_steps.read)
app.command("clean")(data_steps.clean)
app.command("dedupe")(data_steps.dedupe)
app.command("split")(data_steps.split)
app.command("mix")(data_steps.mix)
app.command("augment")(data_augment.augment)
app.command("build")(data_review.build)
app.command("review")(data_review.review)
app.command("stats")(data_stats.stats)
app.command("deidentify")(data_deidentify.deidentify)


@app.callback(invoke_without_command=True)
def group(context: typer.Context) -> None:
    """Show, fetch and prepare data sets to train on and be judged on."""
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())


@app.command("list")
def list_sets(as_json: JsonOption = False) -> None:
    """List the data sets that are read, with task, size, licence and how to get them.

    Example: medllm data list
    """
    from medllm.data.sets.catalogue import catalogue_rows

    rows = catalogue_rows()
    if as_json:
        print_json(rows)
        return
    for row in rows:
        typer.echo(bold(row["name"]) + f"  {row['title']}")
        for key in ("tasks", "size", "licence", "access", "where"):
            typer.echo(wrap(row[key], indent=" " * 13, first=f"  {key:<10} "))


@app.command()
def download(
    name: Annotated[str, typer.Argument(help="A name out of `medllm data list`.")],
    to: Annotated[Path, typer.Option("--to", metavar="DIR", help="The folder to fetch it into.")],
) -> None:
    """Fetch an open data set from the hub; for a gated one, say how to apply.

    Example: medllm data download medical-o1 --to data/medical-o1
    """
    from medllm.data.sets.download import download as fetch

    for path in fetch(name, to):
        typer.echo(str(path))

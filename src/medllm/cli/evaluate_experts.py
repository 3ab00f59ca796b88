"""`medllm evaluate experts`: blinded sheets out, ratings in."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from medllm.cli.options import check_place
from medllm.cli.terminal import notice

app = typer.Typer()

RunArgument = Annotated[
    Path, typer.Argument(metavar="RUN", help="The folder of a run of `medllm evaluate`.")
]


@app.callback(invoke_without_command=True)
def group(context: typer.Context) -> None:
    """Have answers rated by experts who do not know whose they are."""
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())


@app.command("export")
def export(
    run: RunArgument,
    to: Annotated[Path, typer.Option("--to", metavar="DIR", help="Where the sheets go.")],
    raters: Annotated[
        int, typer.Option("--raters", min=1, max=100, help="How many raters; three or more.")
    ] = 3,
    items: Annotated[
        int, typer.Option("--items", min=0, help="Rate so many items, drawn at random; 0 is all.")
    ] = 0,
    seed: Annotated[
        int | None,
        typer.Option("--seed", help="Of orders and codes; without it one that nobody knows."),
    ] = None,
    reference: Annotated[
        bool, typer.Option("--reference/--no-reference", help="Show raters the reference answer.")
    ] = True,
) -> None:
    """Write a blinded rating sheet for each rater, as a page and as CSV, and a sealed key.

    A sheet holds questions and answers, that is patient text; no names of models, paths or ids.
    The key says whose answer is whose: keep it from the raters.

    \b
    Example:
      medllm evaluate experts export out/run --to out/sheets --raters 3 --items 40
    """
    from medllm.evaluate.experts.study import export_run

    done = export_run(run, to, raters=raters, n_items=items, seed=seed, with_reference=reference)
    typer.echo(
        f"{len(done.sheets)} sheets of {done.n_entries} answers each, {done.n_repeated} of them "
        f"hidden repeats, in {done.folder}"
    )
    typer.echo(f"seal of the key: {done.seal}")
    if raters < 3:
        notice("fewer than three raters: their agreement can hardly be told from chance")


@app.command("import")
def import_(
    sheets: Annotated[Path, typer.Argument(metavar="DIR", help="The folder with the key.")],
    files: Annotated[
        list[Path], typer.Argument(metavar="FILE...", help="Files that raters sent back.")
    ],
    to: Annotated[Path, typer.Option("--to", metavar="FILE", help="Where the ratings go.")],
    seal: Annotated[
        str, typer.Option("--seal", metavar="TEXT", help="The seal that the export printed.")
    ] = "",
) -> None:
    """Check ratings against the sealed key and say whose answers they are.

    Name the result as `ratings` in [evaluate] and run the evaluation again: it then has track C.

    \b
    Example:
      medllm evaluate experts import out/sheets rater-1.json rater-2.csv --to out/ratings.json
    """
    from medllm.evaluate.experts.ratings import import_ratings, write_ratings
    from medllm.evaluate.experts.sheets import read_key

    check_place(to, "--to")
    key = read_key(sheets, seal=seal)
    done = import_ratings(key, files)
    write_ratings(to, done)
    typer.echo(f"{len(done.ratings)} ratings of {len(done.n_unrated)} raters in {to}")
    typer.echo(f"seal of the key: {key['seal']}")
    if not seal:
        notice("compare it with the one that was noted down at the export, or give it by --seal")
    for rater, n in done.n_unrated.items():
        if n:
            notice(f"{rater} left {n} answers unrated; they have no rating")
    for rater in sorted(key["raters"].keys() - done.n_unrated.keys()):
        notice(f"{rater} is missing")

"""`medllm audit`: check the log of who read what, and shorten it."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from medllm.cli.options import JsonOption
from medllm.cli.serve import AnchorOption
from medllm.cli.terminal import print_json
from medllm.errors import ConfigError, DataError

app = typer.Typer()

FolderOption = Annotated[
    Path, typer.Option("--data", metavar="DIR", help="The folder that the server stores in.")
]


@app.callback(invoke_without_command=True)
def group(context: typer.Context) -> None:
    """Check the log of who asked or read what, and shorten it."""
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())


@app.command()
def verify(data: FolderOption, anchor: AnchorOption = None, as_json: JsonOption = False) -> None:
    """Check that nothing was changed, taken out, put in or cut off.

    Exits with 2 where the log is not what it was.

    \b
    Example:
      medllm audit verify --data serve-data --anchor /mnt/other/audit.head.json
    """
    from dataclasses import asdict

    from medllm.serve.audit import read_key, verified_head
    from medllm.serve.stores import audit_places

    places = audit_places(data, anchor)
    _check_there(places.log)
    found = verified_head(places.log, key=read_key(places.key), anchor=places.anchor)
    if as_json:
        print_json(asdict(found))
    else:
        typer.echo(f"sound: {found.n_entries} entries, {found.first} to {found.last}")


@app.command()
def prune(
    data: FolderOption,
    before: Annotated[
        str, typer.Option(metavar="DATE", help="Entries older than this day go: 2026-01-31.")
    ],
    anchor: AnchorOption = None,
) -> None:
    """Take out entries older than a day; the rest can be checked as before. Stop the server first.

    \b
    Example:
      medllm audit prune --data serve-data --before 2026-01-31
    """
    from medllm.serve.audit import prune as prune_log
    from medllm.serve.audit import read_key
    from medllm.serve.stores import audit_places

    try:
        day = datetime.strptime(before, "%Y-%m-%d").strftime("%Y-%m-%d")
    except ValueError as exc:
        raise ConfigError(f"--before {before} is not a day", hint="for example 2026-01-31") from exc
    places = audit_places(data, anchor)
    _check_there(places.log)
    key = read_key(places.key)
    n = prune_log(places.log, key=key, anchor=places.anchor, before=day)
    typer.echo(f"took out {n} entries")


def _check_there(path: Path) -> None:
    if not path.exists():
        raise DataError(f"{path} does not exist", hint="name the folder that the server stores in")

"""`medllm accounts`: who may use a server."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from medllm.cli.audit import FolderOption
from medllm.cli.options import JsonOption
from medllm.cli.terminal import print_json
from medllm.errors import ConfigError

app = typer.Typer()

NameArgument = Annotated[str, typer.Argument(metavar="NAME", help="The account's name.")]


@app.callback(invoke_without_command=True)
def group(context: typer.Context) -> None:
    """Say who may use a server: names, roles, passwords, API keys."""
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())


@app.command()
def add(
    name: NameArgument,
    data: FolderOption,
    role: Annotated[
        str, typer.Option(metavar="ROLE", help="clinician, reviewer, engineer or admin.")
    ] = "clinician",
    password_file: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="A file with the password; without it it is asked for."),
    ] = None,
) -> None:
    """Add an account.

    \b
    Example:
      medllm accounts add ada --role admin --data serve-data
    """
    from medllm.serve.accounts import Accounts
    from medllm.serve.stores import make_folder

    password = _password(password_file)
    make_folder(data)
    Accounts(data / "accounts.json").add(name, role, password)  # type: ignore[arg-type]
    typer.echo(f"added {name}, {role}")


@app.command()
def remove(name: NameArgument, data: FolderOption) -> None:
    """Take an account away, with its keys; a server that runs shuts it out at once.

    \b
    Example:
      medllm accounts remove ada --data serve-data
    """
    from medllm.serve.accounts import Accounts

    Accounts(data / "accounts.json").remove(name)
    typer.echo(f"removed {name}")


@app.command()
def key(name: NameArgument, data: FolderOption) -> None:
    """Print a new API key of an account: it is shown this once, and stored as a hash.

    \b
    Example:
      medllm accounts key ada --data serve-data > ada.key
    """
    from medllm.serve.accounts import Accounts

    typer.echo(Accounts(data / "accounts.json").make_key(name))


@app.command("list")
def list_accounts(data: FolderOption, as_json: JsonOption = False) -> None:
    """List the accounts with their roles.

    \b
    Example:
      medllm accounts list --data serve-data
    """
    from medllm.serve.accounts import Accounts

    accounts = Accounts(data / "accounts.json").list()
    if as_json:
        rows = [{"name": a.name, "role": a.role, "keys": len(a.keys)} for a in accounts]
        print_json(rows)
        return
    for account in accounts:
        n = len(account.keys)
        typer.echo(f"{account.name}  {account.role}  {n} API key{'' if n == 1 else 's'}")


def _password(path: Path | None) -> str:
    if path is None:
        return str(typer.prompt("Password", hide_input=True, confirmation_prompt=True, err=True))
    try:
        return path.read_text(encoding="utf-8").rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as exc:
        raise ConfigError(f"{path} cannot be read", hint="name a file with the password") from exc

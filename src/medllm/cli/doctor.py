"""`medllm doctor`: what is here, what is missing, and how to add it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from medllm.cli.options import ConfigOption, JsonOption, SetOption, read_config
from medllm.cli.terminal import print_json, warning, wrap

_MARKS = {"ok": "ok", "missing": "absent", "warning": "WARNING", "problem": "PROBLEM"}
_INDENT = " " * 11


def doctor(
    index: Annotated[
        Path | None, typer.Option("--index", metavar="DIR", help="Also look at this index.")
    ] = None,
    config: ConfigOption = None,
    overrides: SetOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show what is installed, what is missing and how to add it.

    Also the machine, whether an Ollama answers and which models it has, and an index's health.

    Exits with 2 where something keeps medllm from working.

    \b
    Example:
      medllm doctor --index idx
    """
    from dataclasses import asdict

    from medllm.doctor import examine

    settings = read_config(config, overrides)
    checks = examine(index, ollama_url=settings.models.ollama_url, index_status=_index_status)
    if as_json:
        print_json([asdict(check) for check in checks])
    else:
        for check in checks:
            told = f"{check.name}: {check.detail}"
            line = wrap(told, indent=_INDENT, first=f"{_MARKS[check.status]:<9}")
            typer.echo(line if check.status in ("ok", "missing") else warning(line))
            if check.hint:
                typer.echo(wrap(check.hint, indent=_INDENT + "   ", first=f"{_INDENT}-> "))
    if any(check.status == "problem" for check in checks):
        raise typer.Exit(2)


def _index_status(path: Path) -> Mapping[str, Any]:
    from medllm.retrieve.embedded import EmbeddedIndex

    with EmbeddedIndex.open(path) as index:
        return index.status()

"""`medllm evaluate CONFIG.toml`: answers, scores, tests and a report."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperGroup

from medllm.cli.options import JsonOption, SetOption
from medllm.cli.terminal import bold, notice, print_json, progress, wrap

if TYPE_CHECKING:
    from collections.abc import Mapping

    from medllm.evaluate.settings import Settings


class ConfigFirst(TyperGroup):
    """A group whose first argument may be a TOML file: then it is the command `run`."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Put `run` before a TOML file."""
        if args and args[0].endswith(".toml") and args[0] not in self.commands:
            args = ["run", *args]
        return super().resolve_command(ctx, args)


def run(
    config: Annotated[Path, typer.Argument(metavar="CONFIG", help="A TOML file with [evaluate].")],
    to: Annotated[
        Path | None,
        typer.Option(
            "--to", metavar="DIR", help="The run's folder; without it out/NAME-OF-CONFIG."
        ),
    ] = None,
    overrides: SetOption = None,
    as_json: JsonOption = False,
) -> None:
    """Run models over held-out records and report on them.

    Leaves report.html, report.md, report.json and a model card in the folder. A run that was
    stopped or killed goes on when it is called again: answers and verdicts are asked for once.
    Settings and what the numbers mean: docs/evaluation.md.

    \b
    Example:
      medllm evaluate base-and-tuned.toml --to out/base-and-tuned
    """
    from medllm.evaluate.settings import load_settings

    settings = load_settings(config, overrides or [])
    run_and_show(settings, to or Path("out") / config.stem, as_json=as_json)


def run_and_show(settings: Settings, folder: Path, *, as_json: bool) -> None:
    """Run an evaluation and print what it found."""
    from medllm.evaluate.run import REPORT, evaluate
    from medllm.models.spec import parse_spec

    told = settings.evaluate
    specs = [*(s.model for s in told.systems), told.judge.model, *told.summaries.models]
    for spec in specs:
        if spec and not parse_spec(spec, ollama_url=settings.models.ollama_url).is_local:
            notice("a model is on another machine: the records go there, without identifiers")
            break
    done = evaluate(settings, folder, shown=progress)
    if as_json:
        print_json({"folder": str(done.folder), "report": str(done.folder / REPORT), **done.facts})
    else:
        typer.echo(show_summary(done.facts, done.folder))


def show_summary(facts: Mapping[str, Any], folder: Path) -> str:
    """Give the report in short: its words, its differences, and where it lies."""
    from medllm.evaluate.report.tables import named

    n = facts["items"]["n"]
    lines = [bold(f"EVALUATION {facts['title']}{f' ({n:,} items)' if n else ''}")]
    lines += [wrap(sentence, indent="    ", first="  - ") for sentence in facts["summary"]]
    for one in facts["comparisons"]:
        d, p = one["difference"], one["p_holm"]
        shown = "shown" if one["is_shown"] else "not shown"
        said = "too few to test" if p is None else f"p {p:.4f}, {shown}"
        lines.append(
            f"  {named(one):<22} {one['system']} {d['mean']:+.4f}  "
            f"[{d['low']:+.4f}, {d['high']:+.4f}]  {said}, n {one['n']:,}"
        )
    return "\n".join([*lines, f"  the whole report: {folder / 'report.html'}"])

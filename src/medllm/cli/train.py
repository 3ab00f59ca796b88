"""`medllm train`: the arguments, the estimate, the bar, the outcome."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from medllm.cli.options import JsonOption, SetOption
from medllm.cli.terminal import bold, is_watched, n_bytes, notice, print_json, time_in_words
from medllm.cli.train_dry_run import note_untrained, show_dry_run
from medllm.cli.train_search import search_and_print, tell_trial
from medllm.errors import ConfigError

if TYPE_CHECKING:
    pass


def train(
    config: Annotated[
        Path,
        typer.Argument(metavar="CONFIG", help="A TOML file, or the name of a shipped config."),
    ],
    to: Annotated[
        Path | None,
        typer.Option("--to", metavar="DIR", help="The run folder; without it out/NAME-OF-CONFIG."),
    ] = None,
    overrides: SetOption = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with a run that was stopped or killed.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only say what the run would take, and show a record.")
    ] = False,
    search: Annotated[
        bool,
        typer.Option("--search", help="Try learning rates, ranks and epochs, as [search] says."),
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Fine-tune a model on prepared records, into a run folder.

    With an adapter (LoRA and its kin), or in full. Ctrl-C saves and stops after the step; --resume
    goes on to the same weights. Shipped configs, settings, the run folder: docs/training.md.

    Example: medllm train tiny-cpu.toml --set model.base=tiny --to out/first
    """
    from medllm.tune.config import load_train_config

    settings = load_train_config(config, overrides or [])
    folder = to or Path("out") / config.stem
    if dry_run and search:
        raise ConfigError("--dry-run is of one run", hint="leave --search or --dry-run away")
    if dry_run:
        show_dry_run(settings, as_json=as_json)
        return
    if search:
        with steps_shown() as tell:
            search_and_print(settings, folder, resume=resume, as_json=as_json, tell=tell)
        return
    from medllm.tune.processes import process_number
    from medllm.tune.train import train as run

    with steps_shown() as tell:
        done = run(settings, folder, resume=resume, tell=tell)
    if process_number() > 0:  # where several train together the first one speaks
        return
    if as_json:
        print_json({"folder": str(done.folder), **done.report})
    else:
        typer.echo(_show_outcome(done.folder, done.report))


def _show_outcome(folder: Path, report: dict[str, Any]) -> str:
    if report["state"] == "stopped":
        return f"{folder}: stopped after step {report['steps']:,}; --resume goes on"
    lines = [bold(f"TRAINED {folder}")]
    lines.append(
        f"  {report['steps']:,} steps, {report['trained_tokens']:,} trained of "
        f"{report['tokens']:,} tokens, {report['trained_parameters']:,} parameters"
    )
    if "validation" in report:
        found = report["validation"]
        lines.append(
            f"  validation: loss {found['loss']:.4f}, perplexity {found['perplexity']:.2f}, "
            f"{found['token_accuracy']:.1%} of {found['tokens']:,} tokens, at step "
            f"{report['best_step']:,}"
        )
    lines.append(f"  energy: {_energy(report)}")
    lines.append(f"  {folder / report['result']}")
    return "\n".join(lines)


def _energy(report: dict[str, Any]) -> str:
    if report["energy_wh"] is None:
        return f"not measured ({'; '.join(report['energy_not_counted'])})"
    said = f"{report['energy_wh']:.3g} Wh, of {', '.join(report['energy_of'])}"
    if report["co2_g"] is not None:
        said += f", {report['co2_g']:.3g} g of CO2"
    left_out = "; ".join(report["energy_not_counted"])
    return f"{said} (not counted: {left_out})" if left_out else said


@contextmanager
def steps_shown() -> Iterator[Callable[[dict[str, Any]], None]]:
    """Give what shows each step in a bar, and each evaluation and resumption as a note."""
    if not is_watched():
        yield _tell_events
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn

    columns = [TextColumn("training"), BarColumn(bar_width=20), TextColumn("{task.fields[line]}")]
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("training", total=None, line="loading")

        def tell(values: dict[str, Any]) -> None:
            _tell_events(values)
            if values["event"] == "step":
                line = _step_line(values)
                bar.update(task, total=values["steps"], completed=values["step"], line=line)

        yield tell


def _step_line(values: dict[str, Any]) -> str:
    left = "" if values["left_s"] is None else f", {time_in_words(values['left_s'])} to go"
    return (
        f"{values['step']:,}/{values['steps']:,}, loss {values['loss']:.4f}, "
        f"{values['tokens_per_s']:,.0f} tokens/s{left}, {n_bytes(values['memory_bytes'])}"
    )


def _tell_events(values: dict[str, Any]) -> None:
    if values["event"] == "evaluation":
        notice(
            f"step {values['step']:,}: validation loss {values['loss']:.4f}, perplexity "
            f"{values['perplexity']:.2f}, {values['token_accuracy']:.1%} of tokens"
        )
    elif values["event"] == "resumed":
        for name in values["broken_checkpoints"]:
            notice(f"{name} is broken and was not used")
        notice(f"going on after step {values['step']:,}")
    elif values["event"] == "untrained_tokens":
        notice(note_untrained(values["tokens"]))
    elif "trial" in values:
        tell_trial(values)

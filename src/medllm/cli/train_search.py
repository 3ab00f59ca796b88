"""`medllm train --search`: the trials as they go, and the table at the end."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from medllm.cli.terminal import bold, faint, notice, print_json

if TYPE_CHECKING:
    from medllm.tune.config import TrainConfig


def search_and_print(
    settings: TrainConfig,
    folder: Path,
    *,
    resume: bool,
    as_json: bool,
    tell: Callable[[dict[str, Any]], None],
) -> None:
    """Search, then print the trials, the best of them named with its config."""
    from medllm.tune.search import search

    found = search(settings, folder, resume=resume, tell=tell)
    if as_json:
        print_json({"folder": str(folder), **found.to_json()})
    else:
        typer.echo(show_trials(folder, found.to_json()))


def tell_trial(values: dict[str, Any]) -> None:
    """Say on standard error that a trial begins, or how it ended."""
    name = f"trial {values['trial']:,} of {values['trials']:,}"
    if values["event"] == "trial":
        drawn = f"lr {values['lr']:.3g}, rank {values['rank']}, epochs {values['epochs']:g}"
        notice(f"{name}: {drawn}")
    elif values["state"] == "done":
        notice(f"{name}: validation loss {values['loss']:.4f}")
    else:
        notice(f"{name}: {values['state']} {values.get('reason', '')}".rstrip())


def show_trials(folder: Path, found: dict[str, Any]) -> str:
    """Give a row for each trial, the lowest loss first, and where the best one lies."""
    ended = sum(one["state"] != "stopped" for one in found["trials"])
    lines = [bold(f"SEARCHED {folder}: {ended:,} of {found['n_trials']:,} trials")]
    lines.append(faint(f"  {'trial':<11}{'lr':>9}{'rank':>6}{'epochs':>8}  validation loss"))
    for one in sorted(found["trials"], key=lambda one: (one["loss"] is None, one["loss"] or 0.0)):
        loss = f"{one['loss']:.4f}" if one["loss"] is not None else one["state"]
        said = f"{loss} ({one['reason']})" if one["reason"] else loss
        row = f"  {one['name']:<11}{one['lr']:>9.3g}{one['rank']:>6}{one['epochs']:>8g}  {said}"
        lines.append(row)
    best = found["best"]
    if best is not None:
        lines.append(f"  best: {best['folder']}")
        lines.append(f"        the same run again: medllm train {best['config']}")
        lines.append("  the lowest of several losses flatters: judge it on records kept apart")
    if found["state"] == "stopped":
        lines.append("  stopped; --resume goes on")
    return "\n".join(lines)

"""`medllm train --dry-run`: what a run would take, and the first record with marks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import typer

from medllm.cli.terminal import bold, n_bytes, notice, print_json, time_in_words
from medllm.errors import ModelError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from medllm.tune.config import TrainConfig
    from medllm.tune.estimate import Estimate
    from medllm.tune.train import Prepared


def show_dry_run(settings: TrainConfig, *, as_json: bool) -> None:
    """Print the estimate; raise `ModelError` after that where the run does not fit here.

    The first steps are really taken where the weights are there and fit: time and memory of the
    machine are theirs.
    """
    from medllm.models.hf_folder import has_weights
    from medllm.tune.estimate import estimate
    from medllm.tune.preview import first_record
    from medllm.tune.probe import measure
    from medllm.tune.processes import n_processes, process_number
    from medllm.tune.train import prepare

    if process_number() > 0:  # where several train together the first one speaks
        return
    prepared = prepare(settings)
    estimated = estimate(prepared)
    too_large = _too_large(prepared, estimated)
    can_run = too_large is None and has_weights(prepared.base) and n_processes() == 1
    measured = measure(prepared, estimated) if can_run else None
    values = {
        **estimated.to_json(),
        "fits": too_large is None,
        "seconds": round(measured.seconds, 1) if measured else None,
        "peak_bytes": measured.peak_bytes if measured else None,
    }
    if prepared.untrained:
        notice(note_untrained(prepared.untrained))
    if as_json:
        print_json({**values, "records": prepared.counts()})
    else:
        typer.echo(_show_estimate(values, prepared.counts()["train"]))
        typer.echo("\n" + bold("FIRST RECORD") + " (what is trained stands between marks)")
        typer.echo("".join(_mark(text, is_trained) for text, is_trained in first_record(prepared)))
    if too_large is not None:
        raise too_large


def note_untrained(tokens: Sequence[str]) -> str:
    """Say which control tokens stay noise."""
    return (
        f"this base has no chat template, so {', '.join(tokens)} were never trained; "
        "name them in lora.learn_tokens"
    )


def _too_large(prepared: Prepared, estimated: Estimate) -> ModelError | None:
    from medllm.tune.fitting import check_fit

    try:
        check_fit(prepared, estimated)
    except ModelError as exc:
        return exc
    return None


def _mark(text: str, is_trained: bool) -> str:
    return typer.style(f"⟦{text}⟧", fg="green", bold=True) if is_trained else text


def _show_estimate(values: dict[str, Any], records: dict[str, Any]) -> str:
    memory = values["memory"]
    share = values["trained_parameters"] / values["parameters"]
    parts = ", ".join(f"{name} {n_bytes(n)}" for name, n in memory.items() if name != "total" and n)
    left_out = sum(records["left_out"].values())
    return "\n".join(
        [
            bold("DRY RUN: nothing was trained"),
            f"  trained      {values['trained_parameters']:,} of {values['parameters']:,} "
            f"parameters ({share:.2%})",
            f"  memory       {n_bytes(memory['total'])}: {parts}",
            f"  records      {records['records']:,}, {left_out:,} left out, "
            f"{records['cut_records']:,} with context cut",
            f"  tokens       {records['tokens']:,}, {records['trained_tokens']:,} of them trained, "
            f"{records['padded_tokens']:,} padded in {records['rows']:,} rows",
            f"  the run      {values['steps']:,} steps, {values['tokens']:,} tokens, "
            f"{values['flops']:.2e} FLOPs",
            f"  time here    {_here(values)}",
        ]
    )


def _here(values: dict[str, Any]) -> str:
    if values["seconds"] is not None:
        said = f"about {time_in_words(values['seconds'])}, by its first steps"
        return f"{said}; they held {n_bytes(values['peak_bytes'])}, all libraries with them"
    if not values["fits"]:
        return "not known: the run does not fit into its memory"
    return "not known: it is measured in one process, with the weights of the base at hand"

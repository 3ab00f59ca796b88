"""From a run of `medllm evaluate` to rating sheets."""

from __future__ import annotations

import secrets
from pathlib import Path

from medllm.errors import DataError
from medllm.evaluate.experts.sheets import Exported, export_sheets
from medllm.evaluate.given import read_given
from medllm.evaluate.held_out import read_held_out
from medllm.evaluate.judge.plan import draw
from medllm.evaluate.settings import load_settings


def export_run(
    run: Path, to: Path, *, raters: int, n_items: int, seed: int | None, with_reference: bool
) -> Exported:
    """Write the sheets for the answers of a run; without a seed nobody can guess orders and codes.

    `DataError` where the folder holds no run.
    """
    if not (run / "config.toml").is_file():
        hint = f"make one: medllm evaluate CONFIG.toml --to {run}"
        raise DataError(f"{run} holds no evaluation", hint=hint)
    told = load_settings(run / "config.toml").evaluate
    items = read_held_out(
        told.records, limit=told.items, seed=told.seed, system_prompt=told.system_prompt
    ).items
    answers = {}
    for system in told.systems:
        path = system.predictions or run / "predictions" / f"{system.name}.jsonl"
        given = read_given(path, items).predictions
        answers[system.name] = {k: p.said for k, p in given.items() if p.fate != "failed"}
    used = secrets.randbits(63) if seed is None else seed
    shared = [item for item in items if all(item.key in given for given in answers.values())]
    return export_sheets(
        draw(shared, n_items, used),
        answers,
        to,
        raters=raters,
        seed=used,
        specs=[system.model for system in told.systems],
        with_reference=with_reference,
    )

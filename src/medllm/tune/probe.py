"""How fast a run will be: its first steps, really taken, in a folder that is thrown away."""

from __future__ import annotations

import tempfile
from pathlib import Path

from medllm.tune.estimate import Estimate
from medllm.tune.train import Prepared, train

STEPS = 5
"""The first is left out of the rate: it warms caches up."""
_FORWARD_SHARE = 1 / 3
"""Of the work of training a token is the forward, which evaluation is alone."""


def measure_seconds(prepared: Prepared, estimated: Estimate) -> float:
    """Give the seconds that the whole run will take on this machine, evaluations included."""
    settings = prepared.settings
    short = settings.model_copy(
        update={
            "data": settings.data.model_copy(update={"validation": []}),
            "train": settings.train.model_copy(
                update={"max_steps": STEPS, "save_every": STEPS + 1, "report_to": []}
            ),
        }
    )
    steps: list[tuple[float, float]] = []

    def note(values: dict[str, object]) -> None:
        if values.get("event") == "step":
            steps.append((float(str(values["tokens"])), float(str(values["tokens_per_s"]))))

    with tempfile.TemporaryDirectory() as folder:
        train(short, Path(folder) / "probe", tell=note)
    counts = [after[0] - before[0] for before, after in zip(steps, steps[1:], strict=False)]
    seconds = [n / rate for n, (_, rate) in zip(counts, steps[1:], strict=True)]
    rate = sum(counts) / sum(seconds)
    return (estimated.tokens + _FORWARD_SHARE * _evaluated_tokens(prepared, estimated)) / rate


def _evaluated_tokens(prepared: Prepared, estimated: Estimate) -> float:
    if prepared.validation is None:
        return 0.0
    every = prepared.settings.train.evaluate_every
    n_times = estimated.steps / every if every else prepared.settings.train.epochs
    return (n_times + 1) * float(prepared.validation.bounds[-1])

"""Whether a run fits into memory, and the mildest change of settings under which it would."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from medllm.errors import ConfigError, ModelError
from medllm.tune.config import TrainConfig, check_config
from medllm.tune.estimate import Estimate, estimate, free_bytes
from medllm.tune.train import Prepared


def check_fit(prepared: Prepared, estimated: Estimate, *, limit_bytes: int | None = None) -> None:
    """Raise `ModelError` where the run will not fit, with the settings under which it would."""
    limit = free_bytes(prepared.settings) if limit_bytes is None else limit_bytes
    needed = estimated.memory.total
    if needed <= limit:
        return
    found = what_would_fit(prepared, limit)
    advice = f"it would fit with {found}" if found else "take a smaller base or a shorter window"
    raise ModelError(
        f"the run needs about {needed / 1e9:.1f} GB of memory, and {limit / 1e9:.1f} GB are free",
        hint=advice,
    )


def what_would_fit(prepared: Prepared, limit_bytes: int) -> str:
    """Give the mildest change of settings under which the run fits; empty where none does."""
    for changes in _smaller(prepared.settings):
        try:
            settings = _changed(prepared.settings, changes)
        except ConfigError:
            continue
        if estimate(replace(prepared, settings=settings)).memory.total < limit_bytes:
            return ", ".join(f"{name} = {value}" for name, value in changes.items())
    return ""


def _smaller(settings: TrainConfig) -> Iterator[dict[str, Any]]:
    """Give changes that save memory, alone and then together, the mildest first."""
    single: list[dict[str, Any]] = [{"train.checkpointing": True}]
    if settings.train.batch > 1:
        single.append({"train.batch": 1, "train.accumulate": _same_step(settings)})
    if settings.model.dtype == "float32" and settings.train.device != "cpu":
        single.append({"model.dtype": "bfloat16"})
    if settings.train.method == "full":
        single.append({"train.method": "lora"})
    if settings.train.method not in ("full", "pissa") and settings.model.quantise != "4bit":
        single.append({"model.quantise": "4bit"})
    for n in range(1, len(single) + 1):
        for some in itertools.combinations(single, n):
            yield {name: value for one in some for name, value in one.items()}


def _same_step(settings: TrainConfig) -> int:
    return settings.train.batch * settings.train.accumulate


def _changed(settings: TrainConfig, changes: dict[str, Any]) -> TrainConfig:
    table = settings.model_dump(mode="json")
    for name, value in changes.items():
        section, _, key = name.partition(".")
        table[section][key] = value
    return check_config(table)

"""What a run used: watt-hours where the machine counts them, CO2 where its grid is known."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from medllm.energy import EnergyMeter
from medllm.errors import extra
from medllm.tune.config import TrainConfig
from medllm.tune.metrics import read_metrics


def meter(settings: TrainConfig) -> EnergyMeter:
    """Give a meter of this machine's processors and of the GPUs that the run sees."""
    with extra("train"):
        import torch
    gpus = []
    if settings.train.device == "auto" and torch.cuda.is_available():
        devices = range(torch.cuda.device_count())
        gpus = [f"GPU-{torch.cuda.get_device_properties(number).uuid}" for number in devices]
    return EnergyMeter(gpus=gpus)


def is_first_here() -> bool:
    """Whether this is the first of the run's processes on this machine."""
    return int(os.environ.get("LOCAL_RANK", "0")) <= 0


def before(folder: Path) -> float:
    """Give the watt-hours that the run had used when it was stopped or killed."""
    used = [line["energy_wh"] for line in read_metrics(folder) if "energy_wh" in line]
    return float(used[-1]) if used else 0.0


def describe(meter: EnergyMeter, counters: dict[str, Any], settings: TrainConfig) -> dict[str, Any]:
    """Give what the report says; None, never a number, for what was not measured."""
    wh, grid = counters.get("energy_wh"), settings.train.grid_g_per_kwh
    return {
        "energy_wh": wh,
        "energy_of": list(meter.sources),
        "energy_not_counted": list(meter.missing),
        "co2_g": wh / 1000 * grid if grid and wh is not None else None,
    }

"""TensorBoard, MLflow and Weights & Biases: kept in the run folder, and nothing sent.

transformers has the callbacks; here they are told where to write and what not to do. They get the
numbers of metrics.jsonl and the settings: no record, no text.
"""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Sequence
from pathlib import Path

from medllm.errors import MissingExtraError
from medllm.files import disk_errors

TRACKERS = "trackers"
_PACKAGES = {
    "tensorboard": ("tensorboard", "tensorboardX"),
    "mlflow": ("mlflow",),
    "wandb": ("wandb",),
}


def check_trackers(names: Sequence[str]) -> None:
    """Raise `MissingExtraError` for a program that is not installed."""
    for name in names:
        if not any(importlib.util.find_spec(package) for package in _PACKAGES[name]):
            raise MissingExtraError(
                f"train.report_to names {name}, which is not installed",
                hint=f"pip install {name}, or leave it away: metrics.jsonl has the same numbers",
            )


def keep_trackers_here(folder: Path) -> None:
    """Let each of them write below the run folder, and reach for nothing beyond this machine.

    To be called before transformers' callbacks are made: they read the environment.
    """
    place = (folder / TRACKERS).resolve()
    with disk_errors(str(place)):
        place.mkdir(parents=True, exist_ok=True)
    os.environ.update(
        {
            "TENSORBOARD_LOGGING_DIR": str(place / "tensorboard"),
            "MLFLOW_TRACKING_URI": f"sqlite:///{place / 'mlflow.db'}",
            "MLFLOW_EXPERIMENT_NAME": "medllm",
            "MLFLOW_DISABLE_TELEMETRY": "true",
            "HF_MLFLOW_LOG_ARTIFACTS": "FALSE",
            "WANDB_MODE": "offline",
            "WANDB_DIR": str(place),
            "WANDB_PROJECT": "medllm",
            "WANDB_LOG_MODEL": "false",
            "WANDB_WATCH": "false",
            # It would keep what is printed, the name of the machine and of who uses it, the code.
            "WANDB_CONSOLE": "off",
            "WANDB_DISABLE_CODE": "true",
            "WANDB_DISABLE_GIT": "true",
            "WANDB_ERROR_REPORTING": "false",
            "WANDB_SILENT": "true",
            "WANDB_X_DISABLE_META": "true",
            "WANDB_X_DISABLE_STATS": "true",
            "WANDB_X_DISABLE_MACHINE_INFO": "true",
            **{f"WANDB_{kind}_DIR": str(place) for kind in ("CONFIG", "CACHE", "DATA")},
        }
    )

"""What a trial of a search draws, and the settings that come of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from medllm.tune.config import SearchSection, TrainConfig


@dataclass(frozen=True, slots=True, kw_only=True)
class Draw:
    """The values of one trial."""

    lr: float
    rank: int
    epochs: float

    @staticmethod
    def of(values: Mapping[str, Any], settings: TrainConfig) -> Draw:
        """Give what was drawn; what was not is as the settings have it."""
        return Draw(
            lr=values.get("lr", settings.train.lr),
            rank=values.get("rank", settings.lora.rank),
            epochs=float(values.get("epochs", settings.train.epochs)),
        )


def draw(trial: Any, settings: TrainConfig) -> Draw:
    """Draw from the ranges; a trial that drew before, and was killed, gives the same again."""
    section, values = settings.search, {}
    if section.lr:
        values["lr"] = trial.suggest_float("lr", *section.lr, log=True)
    if section.rank and settings.train.method != "full":
        values["rank"] = trial.suggest_categorical("rank", ranks(section))
    if section.epochs:
        values["epochs"] = trial.suggest_int("epochs", *section.epochs)
    return Draw.of(values, settings)


def ranks(section: SearchSection) -> list[int]:
    """Give the lowest rank, twice that, and so on, up to the highest."""
    lowest, highest = section.rank
    return [lowest << n for n in range(highest.bit_length()) if lowest << n <= highest]


def changed(settings: TrainConfig, drawn: Draw) -> TrainConfig:
    """Give the settings of a trial: alpha goes with the rank, so that its scale stays.

    rslora divides by the root of the rank, so that one alpha serves all ranks (Kalajdzievski 2023).
    """
    grows = 1.0 if settings.train.method == "rslora" else drawn.rank / settings.lora.rank
    lora = {"rank": drawn.rank, "alpha": settings.lora.alpha * grows}
    # A run that is pruned does not end in MLflow or W&B, and the next would go on in it.
    train = {"lr": drawn.lr, "epochs": drawn.epochs, "report_to": []}
    return settings.model_copy(
        update={
            "lora": settings.lora.model_copy(update=lora),
            "train": settings.train.model_copy(update=train),
            "search": SearchSection(),
        }
    )

"""The settings of `medllm train`: the sections of a TOML file, checked on the way in."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Sequence
from importlib import resources
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from medllm import config
from medllm.data.prepare.config import config_error
from medllm.errors import ConfigError

File = Annotated[Path, Field(strict=False)]
"""TOML has no paths, only strings."""
Method = Literal["lora", "rslora", "dora", "lora+", "pissa", "full"]


class _Section(BaseModel):
    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        strict=True,
        allow_inf_nan=False,
        use_attribute_docstrings=True,
    )


class ModelSection(_Section):
    """What is trained on top of."""

    base: str = Field(min_length=1)
    """The folder of a model, or the hub id of one that was downloaded before."""
    template: str = "auto"
    """How turns are written: `auto` takes the one that stands for the base's own; else llama2,
    llama3, llama3.2, llama3.3, deepseek-r1, or the path of a .jinja file."""
    dtype: Literal["bfloat16", "float32"] = "bfloat16"
    """In which the base is held; adapters are held in float32."""
    quantise: Literal["none", "8bit", "4bit"] = "none"
    """Hold the base in 8 bits, or in 4 (NF4); needs bitsandbytes."""
    attention: Literal["sdpa", "eager", "flash_attention_2", "flex_attention"] = "sdpa"
    """The kernel of attention."""


class DataSection(_Section):
    """What is trained on; relative paths start at the folder that the command runs in."""

    train: list[File] = []
    """Files of records, as `medllm data prepare` writes them."""
    weights: list[float] = []
    """How often the records of each file come in an epoch: 0.5 takes every other one, 2 all
    twice. Empty takes each once."""
    text: list[File] = []
    """Plain text to go on pre-training with: text files, one document each, or JSON Lines."""
    validation: list[File] = []
    """Files of records that are never trained on; the loss on them chooses the best checkpoint."""
    window: int = Field(default=2048, ge=32)
    """The longest record, in tokens, and the length of a packed row."""
    pack: bool = True
    """Put several records into a row, so that hardly a token is padding; they do not see each
    other."""
    too_long: Literal["cut", "leave out"] = "cut"
    """Cut the context of longer records, never an answer; or leave such records out."""
    reasoning: Literal["template", "headings", "leave out"] = "template"
    """How a record's reasoning is written: as the template has it, under headings, not at all."""

    @model_validator(mode="after")
    def _agree(self) -> DataSection:
        if not self.train and not self.text:
            raise ValueError("name files of records in train, or of plain text in text")
        if self.weights and len(self.weights) != len(self.train):
            raise ValueError("weights needs one number for each file in train")
        if any(weight < 0 for weight in self.weights):
            raise ValueError("a weight is at least 0")
        return self


class LoraSection(_Section):
    """The shape of the adapter; not used by full fine-tuning."""

    rank: int = Field(default=16, ge=1, le=1024)
    """The width of the added matrices."""
    alpha: float = Field(default=32.0, gt=0)
    """What they are scaled by: alpha / rank, for rslora alpha / sqrt(rank)."""
    dropout: float = Field(default=0.0, ge=0, lt=1)
    """The share of their inputs that is dropped in training."""
    targets: list[str] = ["all-linear"]
    """Which layers get one, for example ["q_proj", "v_proj"]; all-linear is all but the head."""
    lr_ratio: float = Field(default=16.0, gt=0)
    """For lora+: how much faster B learns than A (Hayou et al. 2024)."""
    learn_tokens: list[str] = []
    """Control tokens whose embeddings are trained too: those of a base without a chat template
    never were."""


class TrainSection(_Section):
    """How it is trained."""

    method: Method = "lora"
    """lora, rslora, dora, lora+, pissa, or full for all weights."""
    epochs: float = Field(default=3.0, gt=0)
    """How often all records are seen."""
    max_steps: int = Field(default=0, ge=0)
    """Stop after so many steps; 0 goes by epochs."""
    lr: float = Field(default=2e-4, gt=0, lt=1)
    """The highest learning rate."""
    schedule: Literal["cosine", "linear", "constant"] = "cosine"
    """How the learning rate falls."""
    warmup: float = Field(default=0.03, ge=0, lt=1)
    """The share of steps in which it rises first."""
    weight_decay: float = Field(default=0.0, ge=0, lt=1)
    """How much weights shrink with each step (AdamW)."""
    clip: float = Field(default=1.0, gt=0)
    """The longest gradient."""
    batch: int = Field(default=1, ge=1)
    """Rows that a device holds at once."""
    accumulate: int = Field(default=8, ge=1)
    """Batches whose gradients make one step; 8 x 1, 4 x 2 and 1 x 8 give the same losses."""
    checkpointing: bool = False
    """Compute activations twice instead of keeping them: less memory, a third more work."""
    evaluate_every: int = Field(default=0, ge=0)
    """Steps between two evaluations; 0 evaluates at the end of each epoch."""
    save_every: int = Field(default=100, ge=1)
    """Steps between two checkpoints; the best one is kept besides."""
    keep: int = Field(default=2, ge=2)
    """How many checkpoints are kept: two, so that one is whole when a write fails."""
    patience: int = Field(default=0, ge=0)
    """Stop after so many evaluations without a better loss; 0 never does."""
    device: Literal["auto", "cpu"] = "auto"
    """auto takes a GPU where there is one."""
    seed: int = Field(default=0, ge=0)
    """Of the adapter's first weights, the order of the data, and dropout."""
    report_to: list[Literal["tensorboard", "mlflow", "wandb"]] = []
    """Programs that get the metrics besides metrics.jsonl, if installed. What they write stays in
    the run folder, in trackers/; none of them sends anything."""
    grid_g_per_kwh: float = Field(default=0.0, ge=0)
    """Grams of CO2 for a kilowatt hour where the machine stands, as its grid operator gives them.
    0 reports energy alone."""


class SearchSection(_Section):
    """What `medllm train --search` tries. Each range is [lowest, highest]; an empty list takes the
    value of the other sections."""

    lr: list[float] = [1e-5, 1e-3]
    """Of learning rates, on a logarithmic scale."""
    rank: list[int] = [8, 64]
    """Of ranks: the lowest, twice that, and so on. alpha grows with it (for rslora it stays), so
    that the scale is as in [lora]. Not used where all weights are trained."""
    epochs: list[int] = [1, 3]
    """Of whole epochs."""
    n_trials: int = Field(default=20, ge=1)
    """How many runs; may be raised when a search is resumed."""
    seed: int = Field(default=0, ge=0)
    """Of the draws."""
    prune: bool = True
    """Stop a run whose validation loss is worse than the median of the others at the same share of
    the run."""
    prune_after: int = Field(default=4, ge=1)
    """How many runs come to their end before any is stopped."""

    @model_validator(mode="after")
    def _agree(self) -> SearchSection:
        for name in ("lr", "rank", "epochs"):
            values = getattr(self, name)
            if len(values) not in (0, 2):
                raise ValueError(f"{name} needs two values, the lowest and the highest")
            if values and values[0] > values[1]:
                raise ValueError(f"{name} is an empty range: {values[0]} is above {values[1]}")
        if self.lr and not (self.lr[0] > 0 and self.lr[1] < 1):
            raise ValueError("lr must lie between 0 and 1")
        if self.rank and not (self.rank[0] >= 1 and self.rank[1] <= 1024):
            raise ValueError("rank must lie between 1 and 1024")
        if self.epochs and self.epochs[0] < 1:
            raise ValueError("epochs is at least 1")
        return self


class TrainConfig(_Section):
    """Everything that `medllm train` can be told."""

    model: ModelSection
    """What is trained on top of."""
    data: DataSection
    """What is trained on."""
    lora: LoraSection = LoraSection()
    """The shape of the adapter."""
    train: TrainSection = TrainSection()
    """How it is trained."""
    search: SearchSection = SearchSection()
    """What `--search` tries."""

    @model_validator(mode="after")
    def _agree(self) -> TrainConfig:
        if self.train.method == "full" and self.model.quantise != "none":
            raise ValueError("full fine-tuning needs model.quantise = none")
        if self.train.method == "pissa" and self.model.quantise != "none":
            raise ValueError("pissa changes the base's weights, so model.quantise must be none")
        return self


def load_train_config(path: Path, overrides: Sequence[str] = ()) -> TrainConfig:
    """Read a TOML file with `section.key=value` overrides; raise `ConfigError` where it is wrong.

    A name without a folder that is no file names a config that comes with medllm.
    """
    table = tomllib.loads(read_shipped(path.name)) if is_shipped(path) else config.read_toml(path)
    for override in overrides:
        config.override_key(table, override)
    return check_config(table)


def check_config(table: dict[str, Any]) -> TrainConfig:
    """Give the settings that a table holds; raise `ConfigError` at the first wrong one."""
    try:
        return TrainConfig.model_validate(table)
    except ValidationError as exc:
        said = config_error(exc, TrainConfig)
        hint = said.hint.replace("docs/data.md", "docs/training.md").replace("mean .", "mean ")
        raise ConfigError(str(said).removeprefix(": "), hint=hint) from exc  # of all sections


def shipped_names() -> list[str]:
    """Give the names of the configs that come with medllm."""
    folder = resources.files("medllm.tune") / "configs"
    return sorted(file.name for file in folder.iterdir() if file.name.endswith(".toml"))


def is_shipped(path: Path) -> bool:
    """Tell whether a path names a shipped config rather than a file."""
    return path.parent == Path() and not path.exists() and path.name in shipped_names()


def read_shipped(name: str) -> str:
    """Give the text of a shipped config."""
    file = resources.files("medllm.tune") / "configs" / name
    return file.read_text(encoding="utf-8")


def to_toml(settings: TrainConfig) -> str:
    """Give the settings, all of them, as a TOML file that reads back equal."""
    lines = []
    for section, values in settings.model_dump(mode="json").items():
        lines.append(f"[{section}]")
        lines += [f"{key} = {_toml_value(value)}" for key, value in values.items()]
        lines.append("")
    return "\n".join(lines)


def _toml_value(value: Any) -> str:
    """JSON's strings, numbers, booleans and lists are TOML's."""
    return json.dumps(value, ensure_ascii=False)

"""The settings of `medllm evaluate CONFIG.toml`: the section [evaluate] of a TOML file, checked."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from medllm import config
from medllm.config import AskConfig, ModelsConfig, SearchConfig
from medllm.data.prepare.config import config_error
from medllm.errors import ConfigError
from medllm.evaluate.settings_sections import (
    Checked,
    FindingsConfig,
    RetrievalConfig,
    RobustnessConfig,
    SummariesConfig,
)

_Place = Annotated[Path, Field(strict=False)]


class SystemConfig(Checked):
    """A model that is evaluated, or answers that it gave before."""

    name: str = Field(min_length=1, max_length=60, pattern=r"^[\w][\w .+-]*$")
    """What the report calls it."""
    model: str = ""
    """Its spec: `ollama:NAME`, `openai:URL#NAME`, `hf:PATH`, `gguf:PATH`."""
    predictions: Path | None = Field(default=None, strict=False)
    """A file of answers instead: JSON Lines with `id` and `text`."""
    likelihood: bool = False
    """Also score choices by the probabilities of their options; only for `hf:` models."""
    family: str = ""
    """The family it comes from, such as `llama`; without it the name of the model is read."""

    @model_validator(mode="after")
    def _one(self) -> SystemConfig:
        if bool(self.model) == (self.predictions is not None):
            raise ValueError("a system needs either model or predictions")
        if self.likelihood and not self.model.startswith("hf:"):
            raise ValueError("likelihood works with hf:PATH[+ADAPTER] only")
        return self


class LexicalConfig(Checked):
    """Track A."""

    on: bool = True
    """Compare answers with references word by word."""
    beta: float = Field(default=1.0, gt=0)
    """Of ROUGE: how many times recall weighs as much as precision."""
    stemmer: bool = False
    """Whether ROUGE compares stems."""
    gamma: float = Field(default=0.5, ge=0, le=1)
    """Of METEOR: how much disorder costs."""
    wordnet: Path | None = Field(default=None, strict=False)
    """The folder of an English WordNet for METEOR's synonyms."""
    encoder: str = ""
    """For BERTScore: `offline`, or the folder of any BERT or RoBERTa; empty leaves it out."""
    paper_compat: bool = False
    """Take the published study's definitions instead, and show its columns."""


class JudgeConfig(Checked):
    """Track B."""

    model: str = ""
    """The judge's spec; empty for no judge."""
    family: str = ""
    """The family it comes from; without it the name of the model is read."""
    items: int = Field(default=0, ge=0)
    """Judge so many items, drawn by the seed; 0 is all."""
    repeats: int = Field(default=3, ge=1, le=20)
    """How often each answer is judged; the mean counts as one."""
    single: bool = True
    """Rate each answer from 1 to 5 by criteria."""
    pairwise: bool = True
    """Also ask which of two answers is better, in both orders."""
    reference: Literal["with", "without", "both"] = "both"
    """Whether the judge sees the reference."""
    probes: int = Field(default=20, ge=0)
    """Try the judge itself on so many items; 0 is not at all."""
    max_tokens: int = Field(default=512, ge=64)
    """The longest verdict."""


class EvaluateConfig(Checked):
    """Everything that `medllm evaluate CONFIG.toml` can be told."""

    records: list[_Place] = []
    """Files of held-out records, as `medllm data prepare` writes them."""
    systems: list[SystemConfig] = []
    """What is evaluated on the records."""
    baseline: str = ""
    """The system that the others are compared with; without it the first."""
    items: int = Field(default=0, ge=0)
    """Evaluate so many records, drawn by the seed; 0 is all."""
    seed: int = 0
    """Of every random draw."""
    system_prompt: str = ""
    """Put before conversations that have none of their own."""
    max_tokens: int = Field(default=1024, ge=1)
    """The longest answer."""
    concurrent: int = Field(default=1, ge=1, le=256)
    """How many answers are asked for at once, of an `hf:` model in one batch; with other
    models energy is measured for one at a time only."""
    subgroups: list[str] = ["source"]
    """Also show the differences within: source, task, specialty, sex, age, or a key of `meta`."""
    subgroup_n: int = Field(default=20, ge=2)
    """Parts with fewer items are named and not measured."""
    training: Path | None = Field(default=None, strict=False)
    """A training run's metrics.jsonl, for its curve in the report."""
    lexical: LexicalConfig = LexicalConfig()
    """Track A."""
    judge: JudgeConfig = JudgeConfig()
    """Track B."""
    ratings: list[_Place] = []
    """Ratings that `medllm evaluate experts import` unblinded: track C."""
    retrieval: list[RetrievalConfig] = []
    """Searches that are measured against judgements."""
    findings: FindingsConfig = FindingsConfig()
    """How findings are read."""
    summaries: SummariesConfig = SummariesConfig()
    """Cited summaries."""
    robustness: RobustnessConfig = RobustnessConfig()
    """How the systems bear other words."""

    @model_validator(mode="after")
    def _agree(self) -> EvaluateConfig:
        if bool(self.records) != bool(self.systems):
            raise ValueError("records and systems go together: one of them is missing")
        if not (self.records or self.retrieval or self.findings.annotated or self.summaries.notes):
            raise ValueError("nothing is evaluated: give records and systems, or another section")
        called = [one.name for one in self.retrieval]
        if len(set(called)) < len(called):
            raise ValueError("two searches have the same name")
        names = [system.name for system in self.systems]
        if len(set(names)) < len(names):
            raise ValueError("two systems have the same name")
        if self.baseline and self.baseline not in names:
            raise ValueError(f"baseline must be one of {', '.join(names)}")
        return self

    @property
    def compared_with(self) -> str:
        """The name of the baseline; empty without systems."""
        return self.baseline or next((system.name for system in self.systems), "")

    def without_sections(self) -> EvaluateConfig:
        """Give the same for the records alone, which are not asked again in other words."""
        left_out: dict[str, Any] = {
            "retrieval": [],
            "findings": FindingsConfig(),
            "summaries": SummariesConfig(),
            "robustness": RobustnessConfig(),
        }
        return self.model_copy(update=left_out)

    def inputs(self) -> list[Path]:
        """Give every file that is read, for its digest."""
        found: list[Path | None] = [*self.records, *(s.predictions for s in self.systems)]
        found += [*self.ratings, self.training]
        for one in self.retrieval:
            found += [one.queries, one.qrels, one.index / "index.json"]
        index = self.summaries.index
        found += [self.findings.annotated, self.summaries.notes, index and index / "index.json"]
        return list(dict.fromkeys(path for path in found if path))


class _File(BaseModel):
    """A TOML file; other commands have their own sections in it."""

    model_config = ConfigDict(extra="ignore", frozen=True, strict=True)

    evaluate: EvaluateConfig
    models: ModelsConfig = ModelsConfig()
    ask: AskConfig = AskConfig()
    search: SearchConfig = SearchConfig()


class Settings(BaseModel):
    """What a run is told, and how it reaches models."""

    model_config = ConfigDict(frozen=True)

    evaluate: EvaluateConfig
    models: ModelsConfig = ModelsConfig()
    ask: AskConfig = AskConfig()
    search: SearchConfig = SearchConfig()


def load_settings(path: Path, overrides: Sequence[str] = ()) -> Settings:
    """Read [evaluate], [models], [ask] and [search] of a file, with `section.key=value` overrides.

    Paths in it are relative to the folder of the file. `ConfigError` where anything is wrong.
    """
    table = config.read_toml(path)
    for override in overrides:
        config.override_key(table, override)
    _nest(table.get("evaluate"))
    if "evaluate" not in table:
        raise ConfigError(f"{path} has no section [evaluate]", hint="see docs/evaluation.md")
    try:
        found = _File.model_validate(table)
    except ValidationError as exc:
        wrong = config_error(exc, _File)
        hint = wrong.hint.replace("docs/data.md", "docs/evaluation.md")
        raise ConfigError(str(wrong), hint=hint) from exc
    evaluate = _beside(found.evaluate, path.parent)
    return Settings(evaluate=evaluate, models=found.models, ask=found.ask, search=found.search)


def _beside(settings: EvaluateConfig, folder: Path) -> EvaluateConfig:
    """Give the settings with their paths, which are relative to the file that holds them."""

    def moved(part: BaseModel, *names: str) -> BaseModel:
        return part.model_copy(update={name: beside(getattr(part, name)) for name in names})

    def beside(path: Path | None) -> Path | None:
        return path and (folder / path.expanduser()).absolute()

    return settings.model_copy(
        update={
            "records": [beside(path) for path in settings.records],
            "ratings": [beside(path) for path in settings.ratings],
            "training": beside(settings.training),
            "systems": [moved(system, "predictions") for system in settings.systems],
            "lexical": moved(settings.lexical, "wordnet"),
            "retrieval": [moved(one, "index", "queries", "qrels") for one in settings.retrieval],
            "findings": moved(settings.findings, "annotated"),
            "summaries": moved(settings.summaries, "notes", "index"),
        }
    )


def _nest(section: Any) -> None:
    """Turn a key "judge.repeats", as an override makes it, into the key of the inner section."""
    for key in [key for key in section if "." in key] if isinstance(section, dict) else []:
        inner, _, name = key.partition(".")
        section.setdefault(inner, {})[name] = section.pop(key)


def to_toml(settings: Settings) -> str:
    """Give the settings, all but the place of a key, as a TOML file that reads back equal."""
    kept = settings.model_dump(mode="json", exclude={"models": {"api_key_file"}}, exclude_none=True)
    return "\n".join(line for name, table in kept.items() for line in _toml_lines(name, table))


def _toml_lines(name: str, table: dict[str, Any]) -> list[str]:
    """Give a table: its own keys first, then the tables inside it. JSON's values are TOML's."""
    lines = [f"[{name}]"]
    inner: list[str] = []
    for key, value in table.items():
        if isinstance(value, dict):
            inner += _toml_lines(f"{name}.{key}", value)
        elif isinstance(value, list) and value and isinstance(value[0], dict):
            for entry in value:
                inner += [f"[[{name}.{key}]]", *_toml_lines("", entry)[1:]]
        else:
            lines.append(f"{key} = {json.dumps(value, ensure_ascii=False)}")
    return [*lines, "", *inner]

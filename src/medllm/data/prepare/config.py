"""The settings of `medllm data prepare`: the section [prepare] of a TOML file, checked."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from pathlib import Path
from types import GenericAlias
from typing import Any, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from medllm import config
from medllm.data.prepare.clean import CleanRules
from medllm.data.prepare.split import Split
from medllm.errors import ConfigError


class _Section(BaseModel):
    model_config = ConfigDict(
        extra="forbid", frozen=True, strict=True, use_attribute_docstrings=True
    )


class SourceConfig(_Section):
    """One data set, or a part of one."""

    name: str
    """What `medllm data list` calls it, or `records` for files that medllm wrote."""
    path: Path = Field(strict=False)
    """The file or folder."""
    split: str = ""
    """Read only this split of the set's own: train, validation or test."""
    into: Split | Literal[""] = ""
    """Put all of it into this split; empty lets the set's own splits and the hash decide."""
    held_out: int = Field(default=0, ge=0)
    """Hold out exactly so many groups as the test split, those with the lowest hashes."""
    keep_held_out: Path | None = Field(default=None, strict=False)
    """An earlier test split: its groups stay held out, whatever was added since."""
    limit: int = Field(default=0, ge=0)
    """Read at most so many records, from the beginning; 0 is all."""
    weight: float = Field(default=1.0, ge=0)
    """The share of this source in a mix by weights, relative to the others."""

    @model_validator(mode="after")
    def _agree(self) -> SourceConfig:
        if self.into and self.held_out:
            raise ValueError("into and held_out exclude each other")
        return self


class CleanConfig(_Section):
    """What is cleaned and what is left out; lengths are in characters."""

    strip_html: bool = True
    """Take tags and entities of HTML away."""
    strip_boilerplate: bool = True
    """Take greetings and sign-offs off the answers of dialogues, and from all texts what scraping
    left: empty brackets, marks of references."""
    languages: list[str] = []
    """Keep only these languages, for example ["en"]; empty keeps all."""
    min_question: int = Field(default=1, ge=1)
    """The shortest question that is kept."""
    min_answer: int = Field(default=1, ge=1)
    """The shortest answer that is kept."""
    max_question: int = Field(default=200_000, ge=1)
    """The longest question that is kept, passage included."""
    max_answer: int = Field(default=100_000, ge=1)
    """The longest answer that is kept."""

    def rules(self) -> CleanRules:
        """Give them as cleaning takes them."""
        return CleanRules(**{**self.model_dump(), "languages": tuple(self.languages)})


class DuplicatesConfig(_Section):
    """Which duplicates are left out, within and across sources."""

    exact: bool = True
    """Records whose words are all the same."""
    near: bool = True
    """Records that are edited or cut copies of another."""
    agreement: float = Field(default=0.68, ge=0.5, le=1)
    """The least share of their words, by weight, that answers of near duplicates have in common."""


class DeidentifyConfig(_Section):
    """Whether names, dates, numbers and addresses are replaced."""

    on: bool = False
    """Replace them; it takes about a millisecond a record."""
    secret_file: Path | None = Field(default=None, strict=False)
    """A file with the secret that replacements are derived from; needed where it is on."""
    style: Literal["surrogates", "placeholders"] = "surrogates"
    """Put invented names and shifted dates in their place, or words in brackets."""


class SplitConfig(_Section):
    """How records are split where neither the source nor the set itself says it."""

    validation: float = Field(default=0.05, ge=0, lt=1)
    """The share of groups for validation."""
    test: float = Field(default=0.05, ge=0, lt=1)
    """The share of groups for the test; not of sources that hold out a fixed number."""
    own: bool = True
    """Keep the splits that a data set comes with."""
    key: str = "medllm"
    """Another key gives another split, and another order of a mix: nothing else is drawn."""

    @model_validator(mode="after")
    def _leave_something(self) -> SplitConfig:
        if self.validation + self.test >= 1:
            raise ValueError("validation and test leave nothing to learn from")
        return self


class OverlapConfig(_Section):
    """What is done where evaluation text stands in the training split."""

    action: Literal["refuse", "leave out", "allow"] = "refuse"
    """Stop, leave the training records out that hold it, or only report it."""


class MixConfig(_Section):
    """How much of the training split comes from where."""

    by: Literal["as they are", "weights", "temperature"] = "as they are"
    """Every record once; shares by the sources' weights; or by size to the power 1/temperature."""
    over: Literal["source", "task"] = "source"
    """What the temperature balances."""
    temperature: float = Field(default=2.0, ge=1)
    """1 leaves the shares as they are, more makes them more even."""
    total: int = Field(default=0, ge=0)
    """How many records the mix has; 0 is as many as there are."""


class AugmentConfig(_Section):
    """Copies of training records with synonyms."""

    wordnet: Path | None = Field(default=None, strict=False)
    """The folder of an English WordNet; without it nothing is added."""
    share: float = Field(default=0.1, gt=0, le=1)
    """For which share of the training records a copy is made."""


class PrepareConfig(_Section):
    """Everything that `medllm data prepare` can be told."""

    sources: list[SourceConfig] = Field(min_length=1)
    """The data sets, the most trusted first: of duplicates the earlier is kept."""
    broken: Literal["refuse", "leave out"] = "refuse"
    """Stop where a file breaks off or a record is damaged, or go on without and name each. A record
    that is sound but has no answer is always left out and named."""
    left_out_text: bool = True
    """Write the text of what is left out beside the reason, into left_out.jsonl."""
    overwrite: bool = False
    """Write over an earlier run of other settings or of other input."""
    clean: CleanConfig = CleanConfig()
    """Cleaning."""
    duplicates: DuplicatesConfig = DuplicatesConfig()
    """De-duplication."""
    deidentify: DeidentifyConfig = DeidentifyConfig()
    """De-identification."""
    split: SplitConfig = SplitConfig()
    """Splitting."""
    overlap: OverlapConfig = OverlapConfig()
    """The check for evaluation text in the training split."""
    mix: MixConfig = MixConfig()
    """Mixing."""
    augment: AugmentConfig = AugmentConfig()
    """Augmentation."""


class _File(BaseModel):
    """A TOML file; other commands have their own sections in it."""

    model_config = ConfigDict(extra="ignore", frozen=True, strict=True)

    prepare: PrepareConfig


def load_prepare_config(path: Path, overrides: Sequence[str] = ()) -> PrepareConfig:
    """Read [prepare] of a TOML file, with `prepare.key=value` overrides; `ConfigError` if wrong.

    Paths in it are relative to the folder of the file.
    """
    table = config.read_toml(path)
    for override in overrides:
        config.override_key(table, override)
    _nest(table.get("prepare"))
    if "prepare" not in table:
        raise ConfigError(f"{path} has no section [prepare]", hint="see docs/data.md")
    try:
        settings = _File.model_validate(table).prepare
    except ValidationError as exc:
        raise config_error(exc, _File) from exc
    return _beside(settings, path.parent)


def _beside(settings: PrepareConfig, folder: Path) -> PrepareConfig:
    """Give the settings with their paths, which are relative to the file that holds them."""

    def beside(path: Path | None) -> Path | None:
        return path and folder / path.expanduser()

    sources = [
        source.model_copy(
            update={
                "path": beside(source.path),
                "keep_held_out": beside(source.keep_held_out),
            }
        )
        for source in settings.sources
    ]
    secret = beside(settings.deidentify.secret_file)
    wordnet = beside(settings.augment.wordnet)
    return settings.model_copy(
        update={
            "sources": sources,
            "deidentify": settings.deidentify.model_copy(update={"secret_file": secret}),
            "augment": settings.augment.model_copy(update={"wordnet": wordnet}),
        }
    )


def _nest(section: Any) -> None:
    """Turn a key "split.test", as an override makes it, into the key test of the section split."""
    for key in [key for key in section if "." in key] if isinstance(section, dict) else []:
        inner, _, name = key.partition(".")
        section.setdefault(inner, {})[name] = section.pop(key)


def config_error(exc: ValidationError, model: type[BaseModel]) -> ConfigError:
    """Say what is wrong with the first wrong setting, and which name was probably meant."""
    first = exc.errors(include_url=False)[0]
    name = _dotted(first["loc"])
    if first["type"] == "missing":
        return ConfigError(f"{name} is missing", hint="see docs/data.md")
    if first["type"] != "extra_forbidden":
        said = first["msg"].lower().removeprefix("value error, ")
        got = first["input"]
        shown = f", got {got!r}" if isinstance(got, str | int | float | bool) else ""
        return ConfigError(f"{name}: {said}{shown}", hint="see docs/data.md")
    known = _known_keys(model, first["loc"][:-1])
    near = difflib.get_close_matches(str(first["loc"][-1]), known, n=1)
    inside = _dotted(first["loc"][:-1])
    hint = f"did you mean {inside}.{near[0]}?" if near else f"known: {', '.join(known)}"
    return ConfigError(f"unknown key {name}", hint=hint)


def _dotted(location: Sequence[int | str]) -> str:
    """Give "prepare.sources[2].path", counted from 1."""
    name = ""
    for part in location:
        name += f"[{part + 1}]" if isinstance(part, int) else f".{part}"
    return name.removeprefix(".")


def _known_keys(model: type[BaseModel], location: Sequence[int | str]) -> list[str]:
    """Give the keys of the section at a place."""
    section: Any = model
    for part in location:
        if isinstance(part, str):
            section = section.model_fields[part].annotation
        elif isinstance(section, GenericAlias):
            section = get_args(section)[0]
    return list(section.model_fields)

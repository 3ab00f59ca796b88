"""Settings: one TOML file, checked on the way in. An unknown key is an error that says which.

Sections carry the names of the commands. Every setting has a default that works, so no file is
needed. A file is named with `--config`; without it `config.toml` in the folder that `MEDLLM_HOME`
names is read, if it is there. `--set section.key=value` changes one setting for a single call.
"""

from __future__ import annotations

import difflib
import os
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from medllm.errors import ConfigError


class _Section(BaseModel):
    # Strict: TOML has types, and what is written "5" or true is no number.
    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        strict=True,
        allow_inf_nan=False,
        use_attribute_docstrings=True,
    )


class SearchConfig(_Section):
    """How documents are found."""

    mode: Literal["auto", "bm25", "dense", "hybrid"] = "auto"
    """By words, by vector or by both; `auto` takes both where the index has vectors."""
    encoder: str = ""
    """Where the index's encoder lies now, if not where it lay when the index was built."""
    top: int = Field(default=10, ge=1, le=1000)
    """How many documents are shown."""


class AskConfig(_Section):
    """How a note is answered."""

    model: str = "auto"
    """Who writes the summary: `extractive`, `ollama:NAME`, `openai:URL#NAME`, `hf:PATH`,
    `gguf:PATH`; `auto` takes an Ollama on this machine if one answers, else `extractive`."""
    patients: int = Field(default=3, ge=0, le=20)
    """How many similar patients the summary may rest on."""
    articles: int = Field(default=5, ge=0, le=20)
    """How many articles the summary may rest on."""
    passage_words: int = Field(default=350, ge=50, le=5000)
    """How much of each of them, in words around its best passage."""
    threshold: float = Field(default=0.2, ge=0, le=1)
    """The least share of the patient's findings that a document must name to count as evidence;
    of the words searched for, where fewer than three findings were read."""
    sentences: int = Field(default=12, ge=1, le=50)
    """The most sentences a summary has."""
    max_note_characters: int = Field(default=200_000, ge=100)
    """Longer notes are refused, never cut in silence: about 70 pages."""
    max_answer_tokens: int = Field(default=1024, ge=64)
    """The longest answer a model may write."""


class ModelsConfig(_Section):
    """How models are reached. A model's address comes from here only."""

    ollama_url: str = "http://127.0.0.1:11434"
    """Where Ollama listens."""
    connect_timeout_s: float = Field(default=3.0, gt=0)
    """How long to wait for a connection."""
    first_byte_timeout_s: float = Field(default=120.0, gt=0)
    """How long to wait for the first text: loading a model and reading a prompt takes a while."""
    stall_timeout_s: float = Field(default=30.0, gt=0)
    """How long to wait between two pieces of text."""
    max_retry_wait_s: float = Field(default=10.0, gt=0)
    """The longest wait before a server that is busy, or dropped the connection, is asked again."""
    context_tokens: int = Field(default=8192, ge=512)
    """How much of prompt and answer an Ollama or a GGUF model shall hold; a GGUF model never more
    than it was trained for."""
    temperature: float = Field(default=0.0, ge=0, le=2)
    """0 gives the same answer each time."""
    seed: int = 0
    """Of the model's random draws."""
    sampling: Literal["plain", "clinmed"] = "plain"
    """How `hf:` and `gguf:` models choose words: by the temperature alone, or as ClinMED does
    (temperature 0.6, top-p 0.9, top-k 50, repetition penalty 1.2)."""
    api_key_file: Path | None = Field(default=None, strict=False)
    """A file that holds the key of an OpenAI-compatible server, and nothing else."""


class ServeConfig(_Section):
    """How the server is reached and how much it takes on."""

    host: str = "127.0.0.1"
    """The address to listen at. Any but this machine's own needs accounts and TLS or a proxy."""
    port: int = Field(default=8337, ge=0, le=65535)
    """The port to listen at; 0 takes a free one."""
    names: str = ""
    """Host names by which browsers may call the server besides its address, separated by spaces."""
    concurrent: int = Field(default=0, ge=0, le=64)
    """How many questions are worked on at once; 0 takes 4 where a language model writes, else 1:
    without one all the work is done by one processor anyway, and side by side all wait longer."""
    compare: str = ""
    """A second model, written as ask.model is: the page then compares the two, blind."""
    evaluation: Path | None = Field(default=None, strict=False)
    """The report.json of a run of `medllm evaluate`: its numbers stand in the basis of answers."""
    cds_issuer: str = ""
    """Who signs the calls of CDS Hooks: the `iss` of its tokens. Empty: none are taken."""
    cds_keys: str = ""
    """The issuer's public keys, a JWKS: a file, or an address that begins with https://."""
    waiting: int = Field(default=32, ge=0, le=10_000)
    """How many more may wait; what comes then is asked to come again later."""
    waiting_each: int = Field(default=8, ge=1, le=10_000)
    """How many of those one user may have waiting."""
    deadline_s: float = Field(default=300.0, gt=0)
    """The longest that one question is worked on; what is there by then is kept."""
    body_timeout_s: float = Field(default=30.0, gt=0)
    """How long a request may take to arrive, at less than 1 kB/s."""
    max_upload_bytes: int = Field(default=1_000_000_000, ge=1_000)
    """The largest file of documents that may be sent to be indexed."""
    stale_after_days: int = Field(default=365, ge=1)
    """The page says so when nothing was added to the index for as long as this."""
    tls_certificate: Path | None = Field(default=None, strict=False)
    """A PEM file with the server's certificate and those that it rests on."""
    tls_key: Path | None = Field(default=None, strict=False)
    """A PEM file with its key."""
    behind_proxy: bool = False
    """Whether a proxy in front of the server ends TLS."""
    idle_lock_s: float = Field(default=900.0, gt=0)
    """How long a session may rest before it asks for the password again."""


class Config(_Section):
    """Everything that can be set."""

    search: SearchConfig = SearchConfig()
    """How documents are found."""
    ask: AskConfig = AskConfig()
    """How a note is answered."""
    models: ModelsConfig = ModelsConfig()
    """How models are reached."""
    serve: ServeConfig = ServeConfig()
    """How the server is reached and how much it takes on."""


def home_config() -> Path | None:
    """Give `config.toml` in the folder that MEDLLM_HOME names, None where there is none."""
    home = os.environ.get("MEDLLM_HOME", "")
    path = Path(home).expanduser() / "config.toml"
    return path if home and path.is_file() else None


def load_config(path: Path | None, overrides: Sequence[str] = ()) -> Config:
    """Read a TOML file (or none) and apply `section.key=value` overrides, checked as a whole."""
    table = read_toml(path) if path else {}
    for override in overrides:
        override_key(table, override)
    try:
        return Config.model_validate(table)
    except ValidationError as exc:
        raise _config_error(exc) from exc


def read_toml(path: Path) -> dict[str, Any]:
    """Give a TOML file as a table; raise `ConfigError` where it cannot be read or is none."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as exc:
        reason = (exc.strerror or "it cannot be read").lower()
        raise ConfigError(f"{path}: {reason}", hint="give the path of a TOML file") from exc
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as exc:
        raise ConfigError(f"{path} is not TOML: {exc}", hint="see docs/config.md") from exc


def override_key(table: dict[str, Any], override: str) -> None:
    """Put `section.key=value` into the table; a value that is not TOML is taken as a string."""
    name, equals, value = override.partition("=")
    section, dot, key = name.strip().partition(".")
    if not (equals and dot and section and key):
        raise ConfigError(
            f"--set {override} is not of the form section.key=value",
            hint="for example: --set ask.sentences=8",
        )
    try:
        parsed = tomllib.loads(f"value = {value}")["value"]
    except tomllib.TOMLDecodeError:
        parsed = value
    inner = table.setdefault(section, {})
    if not isinstance(inner, dict):
        raise ConfigError(f"{section} is a value, not a section", hint="see docs/config.md")
    inner[key] = parsed


def _config_error(exc: ValidationError) -> ConfigError:
    """Say what is wrong with the first wrong setting, and which name was probably meant."""
    first = exc.errors(include_url=False)[0]
    name = ".".join(map(str, first["loc"]))
    if first["type"] != "extra_forbidden":
        got = first["input"]
        return ConfigError(
            f"{name}: {first['msg'].lower()}, got {got!r}", hint="see docs/config.md"
        )
    section = str(first["loc"][0])
    known = list(Config.model_fields)
    if len(first["loc"]) > 1:
        fields: dict[str, Any] = getattr(Config(), section).__class__.model_fields
        known = [f"{section}.{key}" for key in fields]
    near = difflib.get_close_matches(name, known, n=1)
    hint = f"did you mean {near[0]}?" if near else f"known: {', '.join(known)}"
    return ConfigError(f"unknown key {name}", hint=hint)

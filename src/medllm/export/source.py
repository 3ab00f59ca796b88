"""What is exported and where it came from: the run, its base, its records."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from medllm.data.sets.catalogue import CATALOGUE
from medllm.data.sft_files import load_records
from medllm.errors import ConfigError, DataError, ModelError
from medllm.export.facts import TrainingSource
from medllm.files import read_json, sha256_file
from medllm.manifest import read_entries
from medllm.models.hf_folder import FACTS, digest_base, find_model
from medllm.models.hf_parts import Parts
from medllm.records import SftRecord
from medllm.tune.config import TrainConfig, load_train_config

PLAIN_TEXT = "plain text"
"""What stands among the sets for files that say nothing of where they came from."""
_HEAD = 20_000
"""Characters of a model card that its metadata stand in."""
_SNAPSHOT = re.compile(r"models--(.+?)--([^/]+)/snapshots/[^/]+/?$")
_LICENCE_LINE = re.compile(r"^license:[ \t]*['\"]?([A-Za-z0-9._-]+)", re.MULTILINE)
_LLAMA_LICENCE = re.compile(r"LLAMA (\d(?:\.\d)?) COMMUNITY LICENSE", re.IGNORECASE)
_META = re.compile(r"meta-llama/(?:Meta-)?Llama-(\d(?:\.\d)?)-")
_NOT_IN_NAMES = re.compile(r"[^A-Za-z0-9._-]+")


@dataclass(frozen=True, slots=True)
class Source:
    """A model that is to be exported."""

    parts: Parts
    run: Path | None
    """The run folder, where what was named belongs to one."""

    @property
    def name(self) -> str:
        """A name for files, out of that of the run or the model."""
        folder = self.run or self.parts.adapter or self.parts.base
        return check_name(folder.resolve().name)

    @property
    def base_name(self) -> str:
        """The base's hub id where its folder tells it, else the name of its folder."""
        path = self.parts.base.resolve()
        found = _SNAPSHOT.search(path.as_posix())
        return f"{found[1]}/{found[2]}" if found else path.name

    @property
    def digest(self) -> str:
        """What tells this model from any other."""
        digest = hashlib.sha256(digest_base(self.parts.base).encode())
        if self.parts.adapter:
            for name in ("adapter_model.safetensors", "adapter_config.json"):
                digest.update(sha256_file(self.parts.adapter / name).encode())
        return digest.hexdigest()


def find_source(name: str, parts: Parts) -> Source:
    """Give what `name` stands for with the run that it belongs to."""
    places = [Path(name).expanduser()]
    if parts.adapter is not None:
        places.append(parts.adapter.parent)
    elif parts.base.name == "model":
        places.append(parts.base.parent)
    runs = [place for place in places if (place / "config.toml").is_file()]
    return Source(parts, runs[0] if runs else None)


def check_name(name: str) -> str:
    """Give a name that files, hubs and shells can bear; raise `ConfigError` for none."""
    made = _NOT_IN_NAMES.sub("-", name).strip("-.")
    if not made:
        raise ConfigError("the model has no name", hint="give one with --name")
    return made


def trained_on(source: Source) -> TrainingSource:
    """Tell where a model's training records came from, those of a base trained here included.

    Files that are gone or were changed since leave it unknown: then nothing can be ruled out.
    """
    runs = list(_runs(source))
    sets: dict[str, str] = {}
    is_known = bool(runs) and all(run is not None for run in runs)
    for run in runs:
        if run is None:
            continue
        settings = load_train_config(run / "config.toml")
        if settings.data.text:
            sets[PLAIN_TEXT] = ""
        for path in settings.data.train:
            if not is_as_trained(run, path):
                is_known = False
                continue
            for record in load_records(path):
                known = CATALOGUE.get(record.source)
                sets[record.source] = record.licence or (known.licence if known else "")
    return _judge(sets, is_known=is_known)


def _judge(sets: dict[str, str], *, is_known: bool) -> TrainingSource:
    found = [CATALOGUE.get(name) for name in sets]
    return TrainingSource(
        is_known=is_known,
        sets=tuple(sorted(sets)),
        licences=tuple(sorted({licence for licence in sets.values() if licence})),
        is_gated=any(one.access != "open" for one in found if one),
        may_hold_patient_text=not is_known
        or any(one is None or one.may_hold_patients for one in found),
    )


def _runs(source: Source) -> Iterator[Path | None]:
    """Give the run that made the model and those that made its base; None for one that is gone.

    A base that bears no mark of medllm was not trained here.
    """
    if source.run is None and source.parts.adapter is not None:
        yield None
    run = source.run
    if run is not None:
        yield run
    base, seen = source.parts.base, set()
    if run is not None and source.parts.adapter is None:  # a run that trained every weight
        try:
            base = find_model(load_train_config(run / "config.toml").model.base)
        except ModelError:
            yield None
            return
    while (base / FACTS).is_file() and base not in seen:
        seen.add(base)
        above = base.parent
        if not (above / "config.toml").is_file():
            yield None
            return
        yield above
        base = Path(str(read_json(base / FACTS).get("base", ""))).expanduser()


def is_as_trained(run: Path, path: Path) -> bool:
    """Tell whether a file of records is there and is the one that the run read."""
    if not path.is_file():
        return False
    listed = {
        one.get("sha256")
        for entry in read_entries(run)
        if entry.get("command") == "train"
        for one in entry.get("inputs", [])
    }
    return sha256_file(path) in listed


def validation_records(source: Source) -> list[Path]:
    """Give the run's validation files, those that are there and as they were."""
    settings = _settings(source)
    if settings is None or source.run is None:
        return []
    return [path for path in settings.data.validation if is_as_trained(source.run, path)]


def _settings(source: Source) -> TrainConfig | None:
    return load_train_config(source.run / "config.toml") if source.run else None


def read_validation(paths: list[Path]) -> Iterator[SftRecord]:
    """Give the records of validation files; what cannot be read ends them."""
    for path in paths:
        try:
            yield from load_records(path)
        except DataError:
            return


def licence_of(source: Source) -> str:
    """Give the base's licence as hubs name it; empty where nothing tells it.

    From the metadata of its model card, else its LICENSE, else the hub id of one of Meta's own.
    """
    card = _head(source.parts.base / "README.md")
    if card.startswith("---") and (found := _LICENCE_LINE.search(card.split("\n---", 1)[0])):
        return found[1].lower()
    for name in ("LICENSE", "LICENSE.txt"):
        if found := _LLAMA_LICENCE.search(_head(source.parts.base / name)):
            return f"llama{found[1]}"
    found = _META.match(source.base_name)
    return f"llama{found[1]}" if found else ""


def _head(path: Path) -> str:
    """Give the beginning of a text file; nothing where there is none."""
    if not path.is_file():
        return ""
    with path.open(encoding="utf-8", errors="replace") as handle:
        return handle.read(_HEAD)

"""The folder of a run: what may go into it, and what is written before the first step."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from medllm.errors import ConfigError, DataError
from medllm.files import disk_errors, read_json, write_atomically, write_json
from medllm.tune.config import TrainConfig, load_train_config, to_toml
from medllm.tune.processes import process_number

if TYPE_CHECKING:
    from medllm.tune.train import Prepared


def check_folder(folder: Path, settings: TrainConfig, *, resume: bool) -> None:
    """Raise `DataError` where this run would mix with another one."""
    path = folder / "config.toml"
    if not path.exists():
        # A run that was killed while it began leaves a part of its config, and nothing else.
        others = folder.iterdir() if folder.exists() else iter(())
        if any(not other.name.startswith(".config.toml.") for other in others):
            raise DataError(f"{folder} is not a run folder", hint="name another folder with --to")
        return
    if not resume:
        raise DataError(
            f"{folder} holds a run already", hint="go on with --resume, or name another with --to"
        )
    before = load_train_config(path)
    if before != settings:
        names = _difference(before, settings)
        raise ConfigError(
            f"the settings differ from those of the run in {folder}: {names}",
            hint="resume with the settings it was begun with, or begin another run with --to",
        )


def _difference(before: TrainConfig, after: TrainConfig) -> str:
    """Name the settings that differ."""
    old, new = before.model_dump(), after.model_dump()
    return ", ".join(
        f"{section}.{key}"
        for section in old
        for key in old[section]
        if old[section][key] != new[section][key]
    )


def open_folder(folder: Path, prepared: Prepared, *, resume: bool) -> None:
    """Write what is known before the first step; raise `DataError` where the records changed."""
    encoding = folder / "records" / "encoding.json"
    if resume and encoding.exists():
        before = read_json(encoding)
        if before.get("digest") != prepared.digest:
            raise DataError(
                "the records are not those that this run was begun with",
                hint="restore them, or begin another run with --to",
            )
        return
    if process_number() != 0:
        return
    with disk_errors(str(folder)):
        folder.mkdir(parents=True, exist_ok=True)
    write_atomically(folder / "config.toml", to_toml(prepared.settings))  # makes it a run folder
    with disk_errors(str(folder)):
        encoding.parent.mkdir(exist_ok=True)
    corpora = filter(None, (prepared.train, prepared.validation))
    lines = [
        json.dumps({"record": one.name, "reason": one.reason}, ensure_ascii=False) + "\n"
        for corpus in corpora
        for one in corpus.left_out
    ]
    write_atomically(encoding.parent / "left_out.jsonl", "".join(lines))
    write_json(encoding, {"digest": prepared.digest, **prepared.counts()})

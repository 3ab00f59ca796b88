"""A folder as Hugging Face takes it: weights, tokenizer, template, model card and licence."""

from __future__ import annotations

import os
import shutil
from collections.abc import Collection
from pathlib import Path

from medllm.errors import DataError
from medllm.export.card import CARD
from medllm.export.facts import HF, read_facts, read_proof
from medllm.export.modelfile import LICENCE
from medllm.files import disk_errors, sync_dir
from medllm.publish.refusals import check_file, check_words, refusals
from medllm.publish.run import refuse


def write_hub_folder(folder: Path, to: Path, *, even_though: Collection[str] = ()) -> list[str]:
    """Copy what belongs on the hub into a new folder, whole or not at all; give its files.

    Weights are linked where the disk allows it. Nothing is uploaded. Raises `DataError` and
    `PrivacyError` as publishing does, and where the export holds no such model.
    """
    check_words(even_though)
    facts, proof = read_facts(folder), read_proof(folder)
    source = folder / HF
    weights = [one for one in facts.files if one.kind == "safetensors"]
    if not source.is_dir() or not weights:
        raise DataError(
            f"{folder} holds no model for transformers", hint=f"medllm export RUN --to {folder}"
        )
    found = refusals(folder, facts, proof, weights, name=None, leaves=True)
    refuse([one for one in found if one.words not in even_though or not one.words])
    for file in weights:
        check_file(folder, file)
    for name in (CARD, LICENCE):
        if not (source / name).is_file():
            raise DataError(f"{source / name} is missing", hint="export the model again")
    if to.exists():
        raise DataError(f"{to} is there already", hint="name a folder that does not exist yet")
    part = to.with_name(f".{to.name}.part")
    with disk_errors(str(to)):
        shutil.rmtree(part, ignore_errors=True)
        try:
            shutil.copytree(source, part, copy_function=_link_or_copy)
            part.rename(to)
        except BaseException:
            shutil.rmtree(part, ignore_errors=True)
            raise
        sync_dir(to.parent)
    return sorted(path.relative_to(to).as_posix() for path in to.rglob("*") if path.is_file())


def _link_or_copy(source: str, target: str) -> str:
    """Link weights; what a person may edit is copied, so that the export stays as it was."""
    try:
        if not source.endswith(".safetensors"):
            return shutil.copy2(source, target)
        os.link(source, target)
    except OSError:  # another disk, or a file system without links
        shutil.copy2(source, target)
    return target

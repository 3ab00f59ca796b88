"""The folder of an export: whose it is, whether it has room, what a stopped export left in it."""

from __future__ import annotations

import shutil
from pathlib import Path

from medllm.errors import DataError
from medllm.export.convert import NATIVE
from medllm.export.facts import FACTS, PROOF
from medllm.files import disk_errors, read_json, write_json

BEGUN = ".begun.json"
"""Which export an unfinished folder holds."""
FAILED = "proof-failed.json"
_BITS = {"F32": 32.0, "F16": 16.0, "BF16": 16.0, "Q8_0": 8.5, "Q6_K": 6.6, "Q2_K": 3.4}
_BITS_OF_OTHERS = 6.0
"""At most, of those with 3 to 5: embeddings and some layers keep more."""
_SPARE = 1.05


def open_folder(folder: Path, digest: str, name: str) -> None:
    """Make the folder ready for an export; one of the same model under the same name goes on.

    It is unfinished from here on. Raises `DataError` where it holds anything else.
    """
    own = {"digest": digest, "name": name}
    begun = folder / BEGUN
    if folder.exists() and any(folder.iterdir()):
        if not begun.is_file():
            raise DataError(f"{folder} is not empty", hint="name a folder that does not exist yet")
        if read_json(begun) != own:
            raise DataError(
                f"{folder} holds the export of another model, or under another name",
                hint="name another folder with --to, or remove this one",
            )
    with disk_errors(str(folder)):
        folder.mkdir(parents=True, exist_ok=True)
        remove_parts(folder)
        for name in (FACTS, PROOF, FAILED):
            (folder / name).unlink(missing_ok=True)
        write_json(begun, own)


def remove_parts(folder: Path) -> None:
    """Remove what was only needed on the way, or was begun and never finished."""
    for left in folder.glob(".*.part"):
        if left.is_dir():
            shutil.rmtree(left)
        else:
            left.unlink()


def check_room(folder: Path, n_parameters: int, n_merged_bytes: int, wanted: list[str]) -> None:
    """Raise `DataError` where the files that are still to be written cannot fit on the disk."""
    bits = sum(_BITS.get(one, _BITS_OF_OTHERS) for one in wanted)
    if any(one not in NATIVE for one in wanted):
        bits += 8 * n_merged_bytes / n_parameters  # what llama.cpp makes them of
    needed = int((n_merged_bytes + n_parameters * bits / 8) * _SPARE)
    free = shutil.disk_usage(folder).free
    if needed > free:
        raise DataError(
            f"the export needs {needed / 1e9:.1f} GB, and {free / 1e9:.1f} GB are free in {folder}",
            hint="free some space, name another disk, or fewer quantisations",
        )

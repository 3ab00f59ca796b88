"""Which split a file belongs to, as its name or its folder tells."""

from __future__ import annotations

import re
from pathlib import Path

_SPLITS = {
    "train": "train",
    "training": "train",
    "trainset": "train",
    "trainingset": "train",
    "dev": "validation",
    "devset": "validation",
    "val": "validation",
    "valid": "validation",
    "validation": "validation",
    "validationset": "validation",
    "test": "test",
    "testing": "test",
    "testset": "test",
}
SPLITS = ("train", "validation", "test")
"""The names that splits have here; dev, val and valid are validation."""

_SHARD = re.compile(r"[a-z]+-[0-9]{5}-of-[0-9]{5}")
_WORD = re.compile("[a-z]+")


def split_of(path: Path) -> str:
    """Give the split among the words of the file's name, else its folder's whole name, else "".

    "MTS-Dialog-TestSet-1.csv" is test, "bioread_lite/test/xx0001" is test, "train_dev.json" none,
    "test results/data.json" none. The hub calls the files of a set without splits "train" too: such
    a file tells a split only where files of another stand beside it.
    """
    if _SHARD.match(path.name) and not _has_other_shards(path):
        return ""
    found = {_SPLITS[word] for word in _WORD.findall(path.name.lower()) if word in _SPLITS}
    if found:
        return found.pop() if len(found) == 1 else ""
    return split_named(path.parent.name)


def _has_other_shards(path: Path) -> bool:
    word = path.name.partition("-")[0]
    beside = (other.name for other in path.parent.glob("*-of-*"))
    return any(_SHARD.match(name) and name.partition("-")[0] != word for name in beside)


def split_named(name: str) -> str:
    """Give the split that a user means by "dev", "Validation" or "test", or "" for another word."""
    return _SPLITS.get(name.strip().lower(), "")

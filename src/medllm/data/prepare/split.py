"""Which split a record belongs to: by a keyed hash of its group, the same for good.

A group (a patient, an article, a question) is never split, and what is added later never moves what
was there before: the hash of its name alone decides. A fixed number of held-out groups takes those
with the lowest hashes; new groups may have lower ones, so an earlier list of them can be given.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable
from typing import Literal, get_args

from medllm.errors import ConfigError

Split = Literal["train", "validation", "test"]
SPLITS: tuple[Split, ...] = get_args(Split)


def place_of(group: str, key: str) -> float:
    """Give the place of a group between 0 and 1, spread evenly; `key` gives another spread."""
    return hash_of(group, key) / 2**64


def hash_of(name: str, key: str = "") -> int:
    """Give 64 bits that tell a name from others, the same in every run; `key` gives others."""
    raw = name.encode("utf-8", "surrogatepass")
    digest = hashlib.blake2b(raw, digest_size=8, key=key.encode("utf-8")[:64])
    return int.from_bytes(digest.digest(), "big")


def split_by_group(group: str, *, key: str, validation: float, test: float) -> Split:
    """Give the split of a group: the lowest places are the test's, the next the validation's."""
    place = place_of(group, key)
    if place < test:
        return "test"
    return "validation" if place < test + validation else "train"


def lowest_groups(
    groups: Iterable[str], n: int, *, key: str, keep: Collection[str] = ()
) -> frozenset[str]:
    """Give the `n` groups that are held out: those of `keep` that are there, then the lowest.

    Raises `ConfigError` where there are not more than `n` groups: none would be left to learn from.
    """
    distinct = set(groups)
    if n >= len(distinct):
        raise ConfigError(
            f"{n} groups are to be held out, but there are only {len(distinct)}",
            hint="lower held_out, or raise limit",
        )
    kept = sorted(distinct & set(keep), key=lambda group: place_of(group, key))[:n]
    others = sorted(distinct.difference(kept), key=lambda group: (place_of(group, key), group))
    return frozenset(kept + others[: n - len(kept)])

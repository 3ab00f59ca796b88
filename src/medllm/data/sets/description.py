"""What is known of a data set before a byte of it is read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from medllm.records import Task

Access = Literal["open", "gated", "request"]
"""open: anyone may fetch it; gated: after registration and an agreement; request: by e-mail."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DataSet:
    """A data set: what it is for, how large, on what terms, and where to get it."""

    name: str
    """The name that the commands and the configuration take."""
    title: str
    tasks: tuple[Task, ...]
    """Empty for a set that judges retrieval and gives no training records."""
    size: str
    """How many records, in words."""
    licence: str
    access: Access
    where: str
    """The place to get it, or how to apply for it."""
    hub_id: str = ""
    """The data set's id on the Hugging Face hub, empty where it is not fetched from there."""
    hub_files: tuple[str, ...] = ()
    """The files to fetch from the hub, with `*` for any characters."""
    may_hold_patients: bool = False
    """Whether its texts are, or may be, about real people and not published by them."""
    suffixes: tuple[str, ...] = (".json", ".jsonl", ".csv", ".parquet")
    """What its files are called in a folder, gzipped or not."""

"""The records that models are judged on: what they are asked, what they should have said."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from medllm.data.sft_files import load_records
from medllm.errors import DataError
from medllm.files import sha256_text
from medllm.models.chat import Message
from medllm.records import SftRecord, Task


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One question with its reference."""

    key: str
    """Source and id: unique among the items."""
    source: str
    group: str
    """Items of one group are not independent: a dialogue, a patient."""
    task: Task
    messages: tuple[Message, ...] = field(repr=False)
    """The conversation up to the answer."""
    reference: str = field(repr=False)
    """The answer of the record; empty where it has none."""
    label: str = field(default="", repr=False)
    meta: Mapping[str, Any] = field(default_factory=dict, repr=False)

    @property
    def question(self) -> str:
        """The last thing that was said to the model."""
        return next((m.content for m in reversed(self.messages) if m.role == "user"), "")

    @property
    def prompt_digest(self) -> str:
        """The SHA-256 of what the model is sent."""
        return sha256_text("\0".join(f"{m.role}\1{m.content}" for m in self.messages))


class HeldOut(NamedTuple):
    """The items, with what was left out of the files and why."""

    items: list[Item]
    n_read: int
    n_repeated: int
    """Records whose source and id came before."""
    n_without_question: int


def read_held_out(
    paths: Sequence[Path], *, limit: int = 0, seed: int = 0, system_prompt: str = ""
) -> HeldOut:
    """Give the items of files of records; at most `limit` of them, drawn by the seed.

    `system_prompt` is put before conversations that have none. Raises `DataError` where a file
    cannot be read or nothing is left.
    """
    items: dict[str, Item] = {}
    n_read = n_repeated = n_without = 0
    for path in paths:
        for record in load_records(path):
            n_read += 1
            item = as_item(record, system_prompt)
            if item is None:
                n_without += 1
            elif item.key in items:
                n_repeated += 1
            else:
                items[item.key] = item
    if not items:
        names = ", ".join(str(path) for path in paths)
        raise DataError(
            f"no record to evaluate in {names}", hint="`medllm data prepare` makes such files"
        )
    return HeldOut(_draw(list(items.values()), limit, seed), n_read, n_repeated, n_without)


def as_item(record: SftRecord, system_prompt: str = "") -> Item | None:
    """Give the item that a record is; None where nobody asks anything in it."""
    turns = list(record.messages)
    reference = ""
    if turns[-1].role == "assistant":
        reference = turns.pop().content.strip()
    if not any(turn.role == "user" and turn.content.strip() for turn in turns):
        return None
    messages = [Message(turn.role, turn.content) for turn in turns]
    if system_prompt and messages[0].role != "system":
        messages.insert(0, Message("system", system_prompt))
    return Item(
        key=f"{record.source}/{record.id}",
        source=record.source,
        group=record.group,
        task=record.task,
        messages=tuple(messages),
        reference=reference,
        label=record.label,
        meta=record.meta,
    )


def _draw(items: list[Item], limit: int, seed: int) -> list[Item]:
    """Draw so many items, in their order; a larger draw holds the smaller ones."""
    if not limit or limit >= len(items):
        return items
    order = list(range(len(items)))
    random.Random(seed).shuffle(order)
    return [items[at] for at in sorted(order[:limit])]


def digest_items(items: Sequence[Item]) -> str:
    """Give what names a set of items for good, whatever their order."""
    digest = hashlib.sha256()
    for item in sorted(items, key=lambda item: item.key):
        digest.update(f"{item.key} {item.prompt_digest} {sha256_text(item.reference)}\n".encode())
    return digest.hexdigest()

"""Questions as they are typed in a hurry: letters exchanged, doubled and left out, by a seed."""

from __future__ import annotations

import random
import re
from dataclasses import replace

from medllm.evaluate.held_out import Item
from medllm.models.chat import Message

SHARE = 0.15
"""Of the words that are long enough; numbers and units stay, for they would change the question."""
_WORD = re.compile(r"(?<![\w.])[A-Za-z]{4,}(?!\w)")


def with_typos(item: Item, seed: int) -> Item:
    """Give the item with typing errors in what its user says; the same ones for the same seed."""
    messages = tuple(
        Message(m.role, mistype(m.content, f"{seed} {item.key}")) if m.role == "user" else m
        for m in item.messages
    )
    return replace(item, messages=messages)


def mistype(text: str, seed: str) -> str:
    """Give a text with typing errors, the same ones for the same seed."""
    generator = random.Random(seed)
    return _WORD.sub(lambda found: _mistype(found[0], generator), text)


def _mistype(word: str, generator: random.Random) -> str:
    if generator.random() >= SHARE:
        return word
    at = generator.randrange(1, len(word) - 2)
    kind = generator.randrange(3)
    if kind == 0:
        return f"{word[:at]}{word[at + 1]}{word[at]}{word[at + 2 :]}"
    return word[:at] + word[at + 1 :] if kind == 1 else word[:at] + word[at] + word[at:]

"""The phrases that say something about the findings around them: "no evidence of"."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

from medllm.clinical.tokens import Tokens, tokenize

_PATH = Path(__file__).parent / "context.tsv"


class Trigger(NamedTuple):
    """Tokens `first` to `last` (not included) are a phrase of these categories."""

    first: int
    last: int
    categories: frozenset[str]


@lru_cache(maxsize=1)
def _trie() -> dict[str, Any]:
    trie: dict[str, Any] = {}
    for line in _PATH.read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            phrase, category = line.split("\t")
            node = trie
            for word in tokenize(phrase).words:
                node = node.setdefault(word, {})
            node[""] = node.get("", frozenset()) | {category}
    return trie


def find_triggers(tokens: Tokens, first: int, last: int) -> list[Trigger]:
    """Give the context phrases among the tokens from `first` to `last`; the longest wins."""
    root = _trie()
    words = tokens.words
    triggers: list[Trigger] = []
    reached = first
    for at in [i for i in range(first, last) if words[i] in root]:
        if at < reached:
            continue
        node = root[words[at]]
        ahead = at + 1
        while node is not None:
            if "" in node:
                if reached <= at:
                    triggers.append(Trigger(at, ahead, node[""]))
                else:
                    triggers[-1] = Trigger(at, ahead, node[""])
                reached = ahead
            node = node.get(words[ahead]) if ahead < last else None
            ahead += 1
    return triggers

"""Names of the lexicon in a text: the longest match wins, one pass, linear in the text."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from medllm.clinical.lexicon import Concept, Lexicon
from medllm.clinical.tokens import Tokens

_CUE_REACH = 25
"""Tokens to either side in which a word may decide what an abbreviation means."""


class Match(NamedTuple):
    """Tokens `first` to `last` (not included) name this concept, or deny it."""

    first: int
    last: int
    concept: Concept
    negated: bool = False


def match_terms(
    tokens: Tokens, lexicon: Lexicon, first: int, last: int, local: Mapping[str, Concept]
) -> list[Match]:
    """Give the names among the tokens from `first` to `last`, without overlaps.

    `local` holds abbreviations that the text itself has explained: "multiple sclerosis (MS)".
    """
    root = lexicon.trie
    words, surface = tokens.words, tokens.surface
    matches: list[Match] = []
    reached = first
    for at in range(first, last):
        node = root.get(words[at])
        if at < reached:
            continue
        found: Match | None = None
        ahead = at + 1
        while node is not None:
            entry = node.get("")
            if entry is not None and (
                not entry.surface or _is_written(entry.surface, surface, at, ahead)
            ):
                found = Match(at, ahead, entry.concept, entry.negated)
            node = node.get(words[ahead]) if ahead < last else None
            ahead += 1
        if found is None or found.last == at + 1:
            short = surface[at]
            if short in local:
                found = Match(at, at + 1, local[short])
            elif found is None and short in lexicon.senses:
                found = _by_cues(tokens, lexicon, at, first, last)
        if found is not None:
            matches.append(found)
            reached = found.last
    return matches


def _is_written(form: str, surface: list[str], first: int, last: int) -> bool:
    """Whether an abbreviation is spelt here as in the lexicon, an "s" at its end apart."""
    if last - first == 1:
        return surface[first] in (form, form + "s")
    letters = "".join(letter for letter in form if letter.isalnum())
    return "".join(surface[first:last]).replace("/", "").replace("&", "") in (
        letters,
        letters + "s",
    )


def _by_cues(tokens: Tokens, lexicon: Lexicon, at: int, first: int, last: int) -> Match | None:
    """Give the meaning that most words nearby speak for, `None` where none does."""
    near = set(tokens.words[max(first, at - _CUE_REACH) : at])
    near.update(tokens.words[at + 1 : min(last, at + _CUE_REACH)])
    senses = lexicon.senses[tokens.surface[at]]
    best = max(senses, key=lambda sense: len(sense.cues & near))
    return Match(at, at + 1, best.concept) if best.cues & near else None

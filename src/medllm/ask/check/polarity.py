"""Whether two texts that share their words say the opposite, or one says it with less reserve.

Words are compared by key (see `wording`); a word that a text both affirms and negates settles
nothing.
"""

from __future__ import annotations

from difflib import Match, SequenceMatcher
from functools import lru_cache
from typing import NamedTuple

from medllm.ask.check.negation import HEDGES, Reading, find_negatable, read_polarity

_NOT = "not"
_COORDINATORS = frozenset(["or", "and", "nor", ",", "with"])
_Place = tuple[int, bool]
"""A word's place in a text, and whether it is a negator."""


def negation_differs(claim: str, source: str) -> bool:
    """Whether the claim affirms what the source negates, or the other way round."""
    mine, theirs = read_polarity(claim), read_polarity(source)
    return (
        _turns(theirs, mine)
        or _turns(mine, theirs)
        or _findings_differ(claim, source)
        or _negator_differs(mine, theirs)
    )


def loses_reserve(claim: str, source: str) -> bool:
    """Whether the claim states what the source says with "may", "possible" or "whether"."""
    mine, theirs = read_polarity(claim), read_polarity(source)
    if any(word.written.lower() in HEDGES for word in mine.words):
        return False
    places = {at for _, at in theirs.hedged}
    hedged = {theirs.words[at].key for at in places}
    plain = {word.key for at, word in enumerate(theirs.words) if at not in places}
    return any(word.key in hedged - plain for word in mine.words if word.is_content)


def reaches_into(whole: str, start: int, end: int) -> str:
    """Say what a quotation cut out of `whole` leaves behind: "negation", "reserve" or ""."""
    reading = read_polarity(whole)

    def is_cut(pair: tuple[int, int]) -> bool:
        operator, target = (reading.words[at] for at in pair)
        is_inside = start <= target.start < end
        return is_inside and not start <= operator.start < end

    is_phrase_cut = any(
        word.start < border < word.end for word in reading.words for border in (start, end)
    )
    if is_phrase_cut or any(map(is_cut, reading.targets)):
        return "negation"
    return "reserve" if any(map(is_cut, reading.hedged)) else ""


def _turns(one: Reading, other: Reading) -> bool:
    """Whether something that `one` negates is affirmed by `other`."""
    turned = {one.words[at].key for _, at in one.targets} - _keys(one, negated=False)
    return bool(turned & _keys(other, negated=False) - _keys(other, negated=True))


def _keys(reading: Reading, *, negated: bool) -> set[str]:
    """Give the keys of the words that a text negates, or of those that it does not."""
    pairs = zip(reading.words, reading.negated, strict=True)
    return {word.key for word, is_negated in pairs if is_negated == negated}


def _negator_differs(mine: Reading, theirs: Reading) -> bool:
    """Whether the texts are the same around a negator that only one of them has.

    "Received no X" for "did not receive X" has as many of them, only elsewhere; "no X or Y" has
    fewer than "no X and no Y".
    """
    first, second = _telling(mine), _telling(theirs)
    blocks = _matching_blocks(mine, first, theirs, second)
    around = second[blocks[0].b : blocks[-1].b + blocks[-1].size]
    if _n_negators(first) in (_n_negators(around), _n_negators(second)):
        return False
    for before, after in zip(blocks, blocks[1:], strict=False):
        ours = _Gap(mine, first, before.a + before.size, after.a)
        others = _Gap(theirs, second, before.b + before.size, after.b)
        if ours.n_negators == others.n_negators:
            continue
        is_at_start = before is blocks[0] and before.size == 1
        is_at_end = after is blocks[-1] and after.size == 1
        # What is left out at an end with its negation is no other claim.
        longest = 1 if is_at_start or is_at_end else 2
        if max(len(ours.inside), len(others.inside)) > longest:
            continue
        less, more = sorted((ours, others), key=lambda gap: gap.n_negators)
        if not _is_said_twice(more, less):
            return True
    return False


def _n_negators(places: list[_Place]) -> int:
    return sum(is_negator for _, is_negator in places)


class _Gap(NamedTuple):
    """What a text has between two places where it is the same as another text."""

    reading: Reading
    places: list[_Place]
    start: int
    end: int

    @property
    def inside(self) -> list[_Place]:
        """The words of the gap."""
        return self.places[self.start : self.end]

    @property
    def n_negators(self) -> int:
        """How many of them are negators."""
        return _n_negators(self.inside)

    @property
    def is_negated(self) -> bool:
        """Whether a negation reaches the word after the gap."""
        at = self.places[self.end][0]
        return self.reading.negated[at : at + 1] == (True,)


def _is_said_twice(more: _Gap, less: _Gap) -> bool:
    """Whether a negator only says again what another one has said: "no X and no Y", "no X or Y"."""
    negator = next(at for at, negates in more.inside if negates)
    words = more.reading.words
    repeats = negator > 0 and words[negator - 1].written.lower() in _COORDINATORS
    start, end = less.places[less.start - 1][0] + 1, less.places[less.end][0]
    between = {word.written.lower() for word in less.reading.words[start:end]}
    goes_on = bool(between) and between <= _COORDINATORS
    return more.is_negated and less.is_negated and (repeats or goes_on)


def _matching_blocks(
    mine: Reading, first: list[_Place], theirs: Reading, second: list[_Place]
) -> list[Match]:
    """Align two texts; their beginnings and their ends always match."""
    keys = [
        ["^", *(_NOT if negates else reading.words[at].key for at, negates in places[1:-1]), "$"]
        for reading, places in ((mine, first), (theirs, second))
    ]
    matcher = SequenceMatcher(None, keys[0], keys[1], autojunk=False)
    return [block for block in matcher.get_matching_blocks() if block.size]


def _telling(reading: Reading) -> list[_Place]:
    """Give the negators and all words but "the" and its like, between the text's two ends."""
    places = [
        (at, at in reading.negators)
        for at, word in enumerate(reading.words)
        if at in reading.negators or word.key.startswith("#") or word.is_number
    ]
    return [(-1, False), *places, (len(reading.words), False)]


def _findings_differ(claim: str, source: str) -> bool:
    mine, theirs = _polarities(claim), _polarities(source)
    return any(
        not polarities & theirs[name] for name, polarities in mine.items() if theirs.get(name)
    )


@lru_cache(maxsize=4096)
def _polarities(text: str) -> dict[str, set[bool]]:
    """Give for each finding whether it is negated; both where the words say otherwise."""
    reading = read_polarity(text)
    found: dict[str, set[bool]] = {}
    for finding in find_negatable(text):
        if finding.kind in ("symptom", "disorder", "medication"):
            last = max(
                (at for at, word in enumerate(reading.words) if word.start < finding.end), default=0
            )
            polarities = found.setdefault(finding.normalised, set())
            polarities |= {finding.negated, reading.negated[last]}
    return found

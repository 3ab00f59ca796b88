"""More training records out of those there are: copies with synonyms, originals kept beside them.

A copy has the id of its original with a suffix, its group, and in `meta.augmented` the method. Only
its question changes, its answer stays as it is. What does not survive the check of `survives` is
dropped and counted.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from functools import partial

from medllm.clinical.findings import find_findings
from medllm.data.prepare.config import AugmentConfig
from medllm.data.prepare.split import place_of
from medllm.data.augment.survives import what_is_lost
from medllm.data.augment.wordnet import Synonyms, load_synonyms
from medllm.records import SftRecord, Turn

TASKS = ("dialogue", "question", "yes-no-maybe", "reasoning")
"""Of the others the question holds a passage, choices or a form that must stay as they are."""
MAX_REPLACED_SHARE = 0.2

_WORD = re.compile(r"[A-Za-z]+(?:['’][A-Za-z]+)?")


@dataclass
class Augmented:
    """What became of an augmentation; filled while its records are consumed."""

    originals: int = 0
    copies: int = 0
    nothing_to_replace: int = 0
    """Records in which no word has a synonym, and those of other tasks."""
    failed: int = 0
    """Rewritings that a model did not give."""
    lost: Counter[str] = field(default_factory=Counter)
    """What did not survive -> copies dropped for it."""


def augmenter(settings: AugmentConfig, key: str) -> Callable[[SftRecord], list[SftRecord]]:
    """Give a function from a record to its copies, none or one; `key` decides which have one."""
    if settings.wordnet is None:
        return lambda record: []
    synonyms = load_synonyms(settings.wordnet)
    return partial(_copies, synonyms=synonyms, share=settings.share, key=key, counts=Augmented())


def augment_with_synonyms(
    records: Iterable[SftRecord],
    synonyms: Synonyms,
    *,
    share: float = 1.0,
    key: str = "medllm",
    counts: Augmented,
) -> Iterator[SftRecord]:
    """Give each record, and behind it its copy if it has one."""
    for record in records:
        counts.originals += 1
        yield record
        yield from _copies(record, synonyms=synonyms, share=share, key=key, counts=counts)


def _copies(
    record: SftRecord, *, synonyms: Synonyms, share: float, key: str, counts: Augmented
) -> list[SftRecord]:
    if place_of(f"augment {record.source} {record.id}", key) >= share:
        return []
    copy = with_synonyms(record, synonyms, key=key)
    if copy is None:
        counts.nothing_to_replace += 1
        return []
    if lost := lost_in_copy(record, copy, strictly=True):
        counts.lost[lost] += 1
        return []
    counts.copies += 1
    return [copy]


def with_synonyms(record: SftRecord, synonyms: Synonyms, *, key: str) -> SftRecord | None:
    """Give a copy with synonyms in its questions; None where no word has one."""
    if record.task not in TASKS:
        return None
    turns = tuple(
        replace(turn, content=_replace_words(turn.content, synonyms, f"{key}{record.id}"))
        if turn.role == "user"
        else turn
        for turn in record.messages
    )
    if turns == record.messages:
        return None
    return mark_copy(record, turns, method="synonyms")


def mark_copy(
    record: SftRecord, turns: tuple[Turn, ...], *, method: str, by: str = ""
) -> SftRecord:
    """Give the copy of a record with other turns, and how it was made in its `meta`."""
    how = {"method": method, "of": record.id} | ({"by": by} if by else {})
    return replace(
        record, id=f"{record.id}~{method}", messages=turns, meta={**record.meta, "augmented": how}
    )


def lost_in_copy(record: SftRecord, copy: SftRecord, *, strictly: bool) -> str:
    """Give what did not survive in a copy's questions, "" if everything did."""
    for before, after in zip(record.messages, copy.messages, strict=True):
        if before.content != after.content:
            lost = what_is_lost(before.content, after.content, strictly=strictly)
            if lost:
                return lost
    return ""


def _replace_words(text: str, synonyms: Synonyms, key: str) -> str:
    """Replace words outside of findings, up to a fifth of all; the hash decides by what."""
    findings = [(finding.start, finding.end) for finding in find_findings(text)]
    matches = list(_WORD.finditer(text))
    room = max(1, int(MAX_REPLACED_SHARE * len(matches)))
    parts: list[str] = []
    at = 0
    for match in matches:
        chosen = _choose(match, text, synonyms, key)
        inside = any(start < match.end() and match.start() < end for start, end in findings)
        if not chosen or inside or not room:
            continue
        parts += (text[at : match.start()], chosen)
        at = match.end()
        room -= 1
    parts.append(text[at:])
    return "".join(parts)


def _choose(match: re.Match[str], text: str, synonyms: Synonyms, key: str) -> str:
    """Give what stands for a word, "" where nothing does; "a" and "an" before it must still fit."""
    word = match.group()
    if not (word.islower() or word.istitle()):
        return ""
    before = text[max(0, match.start() - 3) : match.start()].lower().split()
    after_article = bool(before) and before[-1] in ("a", "an")
    others = [
        other
        for other in synonyms.of(word)
        if not after_article or (other[0] in "aeiou") == (word[0].lower() in "aeiou")
    ]
    if not others:
        return ""
    chosen = others[int(place_of(f"{word}{match.start()}", key) * len(others))]
    return chosen.capitalize() if word[0].isupper() else chosen

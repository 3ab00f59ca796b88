"""Copies of records with synonyms in their questions; the originals are kept beside them.

A copy has the id of its original with a suffix, its group, and in `meta.augmented` the method. Only
its question changes, its answer stays as it is. What does not survive the check of `survives` is
dropped and counted.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from os.path import commonprefix
from typing import NamedTuple

from medllm.clinical.findings import find_findings
from medllm.data.augment.survives import is_negation, lost_with_synonyms
from medllm.data.prepare.split import place_of
from medllm.records import SftRecord, Turn

Synonyms = Mapping[str, tuple[str, ...]]
"""A word or a phrase, lower case -> what may stand for it."""
TASKS = ("dialogue", "question", "yes-no-maybe", "reasoning")
"""Of the others the question holds a passage, choices or a form that must stay as they are."""
MAX_REPLACED_SHARE = 0.2
"""So many of a question's words are replaced at most, and one at least."""

_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)?")
_PARTICLES = r"off|out|up|over|away|back|through|around"
"""Behind a verb they make another of it: what started off did not "begin off"."""
_ARTICLE = re.compile(r"\b(an?)\s+$", re.IGNORECASE)


@dataclass
class Augmented:
    """What became of an augmentation; filled while its records are consumed."""

    originals: int = 0
    copies: int = 0
    not_chosen: int = 0
    """Left as they are, as the share asks for."""
    other: int = 0
    """Records of other tasks, and those that are copies themselves."""
    nothing_to_replace: int = 0
    """Records in which no word has a synonym."""
    failed: int = 0
    """Rewritings that a model did not give."""
    lost: Counter[str] = field(default_factory=Counter)
    """What did not survive -> copies dropped for it."""


class Replaced(NamedTuple):
    """A text with synonyms, and what was replaced by what."""

    text: str
    pairs: tuple[tuple[str, str], ...]


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
        yield record
        yield from copies_of(record, synonyms=synonyms, share=share, key=key, counts=counts)


def copies_of(
    record: SftRecord, *, synonyms: Synonyms, share: float, key: str, counts: Augmented
) -> list[SftRecord]:
    """Give the copy of a record, none where it has none, and count why."""
    if not is_chosen(record, share=share, key=key, counts=counts):
        return []
    copy = with_synonyms(record, synonyms, key=key)
    if copy is None:
        counts.nothing_to_replace += 1
        return []
    for before, after in zip(record.messages, copy.messages, strict=True):
        if lost := before != after and lost_with_synonyms(before.content, after.content):
            counts.lost[lost] += 1
            return []
    counts.copies += 1
    return [copy]


def is_chosen(record: SftRecord, *, share: float, key: str, counts: Augmented) -> bool:
    """Whether a copy of this record is to be made; count it, and why not."""
    counts.originals += 1
    if record.task not in TASKS or "augmented" in record.meta:
        counts.other += 1
        return False
    if place_of(f"augment {record.source} {record.id}", key) >= share:
        counts.not_chosen += 1
        return False
    return True


def with_synonyms(record: SftRecord, synonyms: Synonyms, *, key: str) -> SftRecord | None:
    """Give a copy with synonyms in its questions; None where no word has one."""
    turns: list[Turn] = []
    pairs: list[tuple[str, str]] = []
    for turn in record.messages:
        if turn.role == "user":
            replaced = replace_words(turn.content, synonyms, key=f"{key}{record.id}")
            turn = replace(turn, content=replaced.text)
            pairs += replaced.pairs
        turns.append(turn)
    if not pairs:
        return None
    words = [list(pair) for pair in pairs]
    return mark_copy(record, tuple(turns), method="synonyms", replaced=words)


def mark_copy(
    record: SftRecord, turns: tuple[Turn, ...], *, method: str, **how: object
) -> SftRecord:
    """Give the copy of a record with other turns, and how it was made in its `meta`."""
    augmented = {"method": method, "of": record.id, **how}
    return replace(
        record,
        id=f"{record.id}~{method}",
        messages=turns,
        meta={**record.meta, "augmented": augmented},
    )


def replace_words(text: str, synonyms: Synonyms, *, key: str) -> Replaced:
    """Replace words outside of findings and not behind a negation; the hash decides by what."""
    matches = list(_pattern(synonyms).finditer(text))
    if not matches:
        return Replaced(text, ())
    findings = [(finding.start, finding.end) for finding in find_findings(text)]
    room = max(1, int(MAX_REPLACED_SHARE * len(_WORD.findall(text))))
    parts: list[str] = []
    pairs: list[tuple[str, str]] = []
    at = 0
    for match in matches:
        chosen = _choose(match, text, synonyms, key)
        if not chosen or len(pairs) == room or _is_inside(match, chosen, findings):
            continue
        parts += (text[at : match.start()], chosen)
        at = match.end()
        pairs.append((match.group(), chosen))
    parts.append(text[at:])
    return Replaced("".join(parts), tuple(pairs))


def _pattern(synonyms: Synonyms) -> re.Pattern[str]:
    """Find any of the words, the longest phrase first, as a whole word of running text."""
    longest_first = sorted(synonyms, key=lambda word: (-len(word), word))
    any_word = "|".join(re.escape(word).replace("'", "['’]") for word in longest_first)
    behind = rf"(?![\w'’/@-]|\.\w|\s+(?:{_PARTICLES})\b)"
    return re.compile(rf"(?<![\w'’/@.-])(?:{any_word}){behind}", re.IGNORECASE)


def _is_inside(match: re.Match[str], chosen: str, spans: list[tuple[int, int]]) -> bool:
    """Whether what changes of a phrase touches one of the spans."""
    found = match.group().lower()
    same = len(commonprefix([found, chosen.lower()]))
    same_behind = len(commonprefix([found[same:][::-1], chosen.lower()[same:][::-1]]))
    start, end = match.start() + same, match.end() - same_behind
    return any(first < max(end, start + 1) and start < last for first, last in spans)


def _choose(match: re.Match[str], text: str, synonyms: Synonyms, key: str) -> str:
    """Give what stands for a word, "" where nothing does; "a" and "an" before it must still fit."""
    word = match.group()
    if word[1:] != word[1:].lower():
        return ""  # a name or a heading
    before = text[max(0, match.start() - 40) : match.start()]
    words = _WORD.findall(before)
    if words and is_negation(words[-1]):
        return ""
    others = synonyms[word.lower().replace("’", "'")]
    if _ARTICLE.search(before):
        others = tuple(
            other for other in others if (other[0] in "aeiou") == (word[0].lower() in "aeiou")
        )
    if not others:
        return ""
    chosen = others[int(place_of(f"{word}{match.start()}", key) * len(others))]
    return chosen[0].upper() + chosen[1:] if word[0].isupper() else chosen

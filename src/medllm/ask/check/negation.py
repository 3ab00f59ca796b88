"""What a sentence negates and what it says with reserve, word by word.

It is crude where grammar would be needed: a negator reaches the next words of its clause, and only
of the first of them it is taken to be sure.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

from medllm.ask.check.wording import Word, read_words
from medllm.clinical.findings import find_findings
from medllm.records import Finding

_NEGATORS = frozenset(
    "no not without never neither nor none cannot denied denies deny denying absence lack lacks "
    "lacked lacking failed fails fail unable avoid avoided withheld omitted exclude "
    "excludes excluded excluding refused declined "
    "nil".split()
)
_WITH_AFTER = {("negative", "for"), ("clear", "of"), ("free", "of"), ("free", "from"),
               ("ruled", "out"), ("rules", "out"), ("rather", "than"), ("instead", "of"),
               ("off", "treatment"), ("off", "therapy"), ("off", "medication")}  # fmt: skip
"""Pairs of words that negate what follows them."""
_NO_NEGATION = {("not", "only"), ("no", "doubt"), ("not", "necessarily"), ("without", "delay")}
_OF_OBJECTS = frozenset("ruled excluded absent avoided withheld omitted refused declined".split())
"""Negators that end what they negate: "thrombosis was ruled out"."""
_TESTS = frozenset(
    "culture biopsy ct mri pcr test testing smear screen examination ultrasound serology cytology "
    "radiograph scan angiography endoscopy echocardiography urinalysis swab".split()
)
"""What is not absent where it is negative."""
_AUXILIARIES = frozenset("was were is are been be being has have had did does do could".split())
_OF_EXISTENCE = frozenset(
    "performed done given started needed found seen present detected identified observed used "
    "available required received measured studied included reported noted carried obtained "
    "indicated visible demonstrated taken tested treated prescribed administered necessary offered "
    "ordered examined attempted recorded documented investigated undertaken repeated".split()
)
"""What is "not performed", unlike what "did not improve", was not there at all."""
HEDGES = frozenset(
    "may might possible possibly probable probably suspected presumed likely uncertain unclear "
    "suspicion suggest suggests suggested suggesting suggestive "
    "potential potentially whether appears "
    "appeared seems seemed presumably perhaps questionable".split()
)
_BREAKS = frozenset([".", ";", ":", ",", "(", ")", "!", "?"])
_JOINTS = frozenset("but however although though except while whereas which who when".split())
_FINITE = frozenset("was were is are had has have showed shows revealed did does".split())
_OPENERS = ("a", "an", "the", "it", "he", "she", "they", "there", "his", "her", "its", "their")
_TRANSPARENT = frozenset(
    "evidence sign history known definite any obvious further significant previous".split()
)
"""Words between a negator and what it is about."""
_SCOPE = 6
_WITH_OR_WITHOUT = re.compile(
    r"(\bwith\b(?:\W+[\w.]+){0,8}?\W+(?:and|or|versus|vs|against)\b(?:\W+[\w.]+){0,4}?\W+)without\b",
    re.IGNORECASE,
)


class Reading(NamedTuple):
    """A text with what it negates and what it says with reserve."""

    words: tuple[Word, ...]
    negated: tuple[bool, ...]
    """For each word whether a negator may reach it."""
    negators: frozenset[int]
    """The places of the negators."""
    targets: tuple[tuple[int, int], ...]
    """Each negator with the word that it surely negates, as positions in `words`."""
    hedged: tuple[tuple[int, int], ...]
    """Each word of reserve with the words that it is about."""


@lru_cache(maxsize=4096)
def read_polarity(text: str) -> Reading:
    """Read a text's negations and words of reserve."""
    words = read_words(text)
    lower = [word.written.lower() for word in words]
    negators = frozenset(at for at in range(len(words)) if _is_negator(lower, at))
    reached: set[int] = _negated_by_findings(text, words)
    targets: list[tuple[int, int]] = []
    hedged: list[tuple[int, int]] = []
    for at in range(len(words)):
        scope = _scope(words, lower, at) if at in negators or lower[at] in HEDGES else []
        if at in negators:
            after, before = _targets(words, lower, at, scope)
            reached.update(scope, after, before)
            targets += [(at, place) for place in (*after, *_ends_of_items(lower, before))]
        if lower[at] in HEDGES:
            hedged += [(at, place) for place in scope if words[place].is_content][:2]
    negated = tuple(at in reached for at in range(len(words)))
    return Reading(words, negated, negators, tuple(targets), tuple(hedged))


def _negated_by_findings(text: str, words: tuple[Word, ...]) -> set[int]:
    """Give the places of the words that belong to a finding which the text denies."""
    denied = [
        finding
        for finding in find_negatable(text)
        if finding.negated and finding.kind in ("symptom", "disorder", "medication", "procedure")
    ]
    return {
        at
        for at, word in enumerate(words)
        if any(finding.start <= word.start < finding.end for finding in denied)
    }


def _is_compared(before: list[str]) -> bool:
    """Whether "without" only names a group: "in 24% with and 29% without embolism"."""
    joints = {"and", "or", "versus", "vs", "against"}
    return "with" in before and bool(joints & set(before[before.index("with") :]))


def find_negatable(text: str) -> list[Finding]:
    """Give a text's findings; of "24% with and 29% without embolism" as if none were denied."""
    return find_findings(_WITH_OR_WITHOUT.sub(r"\1with   ", text))


def _is_negator(lower: list[str], at: int) -> bool:
    word = lower[at]
    following = lower[at + 1] if at + 1 < len(lower) else ""
    if (word, following) in _WITH_AFTER:
        return True
    is_negator = word in _NEGATORS or word.endswith(("n't", "n’t")) or word == "absent"
    if word == "without" and _is_compared(lower[max(0, at - 12) : at]):
        return False
    if word == "negative":
        return lower[max(0, at - 1) : at] in (["was"], ["were"], ["is"], ["are"], ["remained"])
    return is_negator and (word, following) not in _NO_NEGATION


def _scope(words: tuple[Word, ...], lower: list[str], at: int) -> list[int]:
    """Give the places after a negator that it may reach in its clause."""
    reached: list[int] = []
    for place in range(at + 1, len(words)):
        if lower[place] in _BREAKS or lower[place] in _JOINTS or len(reached) >= _SCOPE:
            break
        if lower[place] == "and" and _begins_clause(lower, place + 1):
            break
        if words[place].key.startswith("#") or words[place].is_number:
            reached.append(place)
    return reached


def _begins_clause(lower: list[str], at: int) -> bool:
    """Whether a verb follows "and" at once, or before the next mark."""
    if any(word.endswith("ed") for word in lower[at : at + 2]):
        return True
    for word in lower[at : at + 8]:
        if word in _BREAKS:
            return False
        if word in _FINITE:
            return True
    return False


def _targets(
    words: tuple[Word, ...], lower: list[str], at: int, reached: list[int]
) -> tuple[list[int], list[int]]:
    """Give what a negator surely negates: the next word that says something, and its subject.

    The subject only of "X was not done", "X was discussed but not done", "X was ruled out", "X was
    absent" and the like; the nearest word first.
    """
    is_negative = lower[at] == "negative" and lower[at + 1 : at + 2] != ["for"]
    if is_negative:
        return [], [place for place in _subject(words, lower, at) if lower[place] not in _TESTS]
    if not reached and at and lower[at - 1] in _AUXILIARIES:  # "fever was not"
        return [], _subject(words, lower, at)
    telling = [place for place in reached if lower[place] not in _TRANSPARENT] or reached
    content = [place for place in telling[:3] if words[place].is_content]
    before = lower[at - 1] if at else ""
    is_passive = lower[at] in _OF_OBJECTS and before in _AUXILIARIES
    does_not_exist = (
        lower[at] in ("not", "never")
        and (before in _AUXILIARIES or before == "but")
        and any(lower[place] in _OF_EXISTENCE for place in reached[:1])
    )
    after = [] if is_passive else content[:1] or telling[:1]
    if is_passive or does_not_exist or lower[at] == "absent":
        return after, _subject(words, lower, at)
    return after, []


def _subject(words: tuple[Word, ...], lower: list[str], at: int) -> list[int]:
    """Give the words that say something before a verb, in its clause, the nearest first."""
    if at and lower[at - 1] == "but":  # the subject stands before the other verb
        at = next((place for place in range(at - 2, 0, -1) if lower[place] in _AUXILIARIES), 0)
    while at and lower[at - 1] in _AUXILIARIES:
        at -= 1
    found: list[int] = []
    for place in range(at - 1, -1, -1):
        if lower[place] in (_BREAKS - {","}) | _JOINTS or _is_verb(lower[place]):
            break
        if lower[place] == "," and (not found or _opens_clause(lower[place + 1 : place + 3])):
            break
        if words[place].is_content:
            found.append(place)
    return found


def _opens_clause(after_comma: list[str]) -> bool:
    """Whether ", and a ..." begins another clause, and no item of an enumeration."""
    return after_comma[:1] == ["and"] and after_comma[1:] in ([word] for word in _OPENERS)


def _ends_of_items(lower: list[str], places: list[int]) -> list[int]:
    """Give the nearest place, and of an enumeration the last word of each of its items."""
    ends = [at for at in places[1:] if lower[at + 1 : at + 2] in ([","], ["and"], ["or"])]
    return [*places[:1], *ends]


def _is_verb(word: str) -> bool:
    return word in _FINITE or word in ("showed", "revealed", "received", "underwent", "developed")

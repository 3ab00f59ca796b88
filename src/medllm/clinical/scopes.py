"""How far a phrase of the context reaches, forward and backward, in a sentence."""

from __future__ import annotations

from typing import NamedTuple

from medllm.clinical.tokens import Tokens, word_set
from medllm.clinical.triggers import Trigger
from medllm.clinical.words import DESCRIPTOR, QUALITY, SEVERITY

BACKWARD = {
    "negated_after": "negated",
    "uncertain_after": "uncertain",
    "past_after": "past",
    "resolved_after": "resolved",
    "family_after": "family",
}
"""Categories of phrases that stand behind what they are about -> what they say."""

_REACH = 60
"""Tokens that a scope reaches at most; real lists are shorter, and time stays linear."""

_LEADS = word_set("of to any with :")
_PREPOSITIONS = word_set("with of in by for from on and to at as")
_LIST_MARKS = frozenset({",", "and", "or", "/", "nor", "&"})
_STOPPED_SOFTLY = frozenset({"negated", "uncertain", "resolved", "past", "allergy"})
_LACK = frozenset({"lack", "lacks", "lacked", "lacking"})
_NO_LIST = frozenset({"uncertain", "other"})
_BREAKS_LIST = word_set(
    """a an mild moderate severe marked positive increased decreased elevated raised normal some
    bilateral he she they his her their there we it patient the occasional intermittent
    persistent constant slight minimal few small large tiny
    new worsening several this these soft clear present two three"""
)
_VERBS = word_set(
    """was were is are had has have showed revealed became felt improved worsened underwent lead
    complain present report remain began started appeared did does gave took went been take use
    live work drink describe feel seem want walk lie gets received underwent denies taking using
    takes"""
)
_HAPPENS = word_set(
    "develop have has get experience notice feel become start present return appear recur"
)
"""In "if she develops a rash" the verb closes no scope."""
_SEEN = word_set(
    """noted seen found observed detected identified reported palpated documented elicited
    appreciated demonstrated visualized recorded felt noticed"""
)
BE = word_set("was were is are been be being")
_PLURAL = word_set("were are have")
_ONSET = word_set("started began start begin onset since appeared beginning begun noticed")

Cover = tuple[str, int, int]
"""What it says, and the tokens (end not included) it says it about."""


class Clause(NamedTuple):
    """A sentence prepared for scopes: its tokens, word classes, findings and closing words."""

    tokens: Tokens
    bits: list[int]
    spans: list[tuple[int, int]]
    stops: dict[int, str]
    first: int
    last: int


def forward_end(clause: Clause, trigger: Trigger, kind: str) -> int:
    """Give where the scope that the phrase opens ends."""
    words, stops = clause.tokens.words, clause.stops
    limit = min(clause.last, trigger.last + _REACH)
    at = trigger.last
    if kind == "family" and words[at - 1] == ":":
        return limit  # "Family history: negative for cancer, positive for early heart disease"
    is_denial = kind == "negated"  # "did not present with": what stops others belongs to it
    while at < limit and (words[at] in _LEADS or (is_denial and at in stops)):
        at += 1
    if kind == "hypothetical" and words[trigger.last - 1] == "if":
        ahead = [at + step for step in range(3) if at + step < limit]
        at = next((here + 1 for here in ahead if words[here] in _HAPPENS), at)
    is_lack = words[trigger.first] in _LACK  # of one thing: "lack of sleep and severe headache"
    is_short = (words[trigger.first] == "without" or is_lack) and not _has_or(clause, at, limit)
    if words[trigger.first] == "not" and at < limit and words[at].endswith("ing"):
        is_short = is_short or all(span[0] != at for span in clause.spans)  # "not feeding, rash"
    has_verb = False
    while at < limit:
        stop = stops.get(at)
        if stop == "stop" or (stop and kind in _STOPPED_SOFTLY):
            return at
        word = words[at]
        if word in (",", "and") and kind != "hypothetical":
            if word == "," and (kind in _NO_LIST or is_short):
                return at
            if word == "and" and is_lack and is_short:
                return at
            if _begins_clause(clause, at):
                return at
        elif kind == "hypothetical" and word == "," and has_verb:
            return at
        has_verb = has_verb or word in _VERBS or word.endswith(("elop", "cur", "sist", "sen"))
        at += 1
    return limit


def _has_or(clause: Clause, at: int, limit: int) -> bool:
    """Whether "or" or "nor" joins the list that begins here."""
    for word in clause.tokens.words[at:limit]:
        if word in ("or", "nor"):
            return True
        if word in _VERBS or word in (";", "but"):
            return False
    return False


def _begins_clause(clause: Clause, at: int) -> bool:
    """Whether something new begins behind this comma or "and", not the list's next item."""
    words = clause.tokens.words
    if at + 1 >= clause.last:
        return False
    following = words[at + 1]
    if following in ("or", "nor", "and", "no", "any", "other"):
        return False
    if following in _BREAKS_LIST or following in _VERBS:
        return True
    if following.endswith("ed") and not clause.bits[at + 1] & (DESCRIPTOR | SEVERITY | QUALITY):
        return True
    for ahead in range(at + 1, min(at + 12, clause.last)):
        word = words[ahead]
        if word in _LIST_MARKS or word in (";", "but"):
            return False
        if word in _VERBS and not _is_named(clause, ahead):
            return not any(w in _SEEN for w in words[ahead + 1 : ahead + 3])
    return False


def _is_named(clause: Clause, at: int) -> bool:
    """Whether the word is part of a finding: "use" in "denies tobacco and alcohol use"."""
    return any(first <= at < last for first, last in clause.spans)


def backward(clause: Clause, trigger: Trigger, kind: str) -> list[Cover]:
    """Give the findings that a phrase behind them is about: the nearest, or its whole list."""
    words = clause.tokens.words
    before = [span for span in clause.spans if span[1] <= trigger.first]
    if not before:
        if kind == "past_after" and trigger.first <= clause.first + 2:
            return [("past", trigger.last, forward_end(clause, trigger, "past"))]
        return []
    says = BACKWARD[kind]
    between = words[before[-1][1] : trigger.first]
    if len(between) > 8 or ";" in between or "but" in between:
        return []
    is_bare = not (BE | {"has", "have", "had", "not", ":", "never"}) & set(
        words[max(trigger.first - 1, 0) : trigger.last]
    )
    if is_bare and kind == "negated_after" and (len(between) > 2 or set(between) & _PREPOSITIONS):
        return []
    if kind == "past_after":
        return _past_covers(clause, trigger, before)
    if between == [","] and kind == "resolved_after":
        return [(says, *before[-1])]  # "childhood asthma, resolved"
    is_relative = "which" in between or "that" in between
    if "," in between and not is_relative and not _ends_subject(clause, trigger, before[-1]):
        return []
    covers: list[Cover] = [(says, *before[-1])]
    is_list = words[trigger.first] in _PLURAL or not (BE | {"has"}) & set(
        words[trigger.first - 1 : trigger.last]
    )
    for later, span in zip(before[::-1], before[-2::-1], strict=False):
        joint = words[span[1] : later[0]]
        is_list = is_list or "or" in joint  # "rash, arthralgia or myalgia was absent"
        if joint == ["("]:
            covers.append((says, *span))  # "magnetic resonance imaging (MRI) was not done"
            continue
        if not is_list or not joint or len(joint) > 4 or not set(joint) & _LIST_MARKS:
            break
        if "," in joint and _is_object(clause, span):
            break
        if any(word in _VERBS for word in joint) or set(range(span[1], later[0])) & set(
            clause.stops
        ):
            break
        covers.append((says, *span))
    return covers


def _is_object(clause: Clause, span: tuple[int, int]) -> bool:
    """Whether a verb before it says the finding: "had fever, and rash and cough were absent"."""
    for word in reversed(clause.tokens.words[clause.first : span[0]]):
        if word in (",", ";", "that"):
            return False
        if word in _VERBS:
            return True
    return False


def _ends_subject(clause: Clause, trigger: Trigger, span: tuple[int, int]) -> bool:
    """Whether unknown words end the list that begins with a finding and is what was not seen.

    "Necrosis, pleomorphism and mitotic figures were not observed".
    """
    words = clause.tokens.words
    rest = words[span[1] : trigger.first]
    subject = [*words[clause.first : span[0]], *rest]
    is_closed = bool({"and", "or"} & set(rest)) and words[trigger.first] in _PLURAL
    return is_closed and not (_VERBS | _PREPOSITIONS - _LIST_MARKS) & set(subject)


def _past_covers(clause: Clause, trigger: Trigger, before: list[tuple[int, int]]) -> list[Cover]:
    """Give the findings of the clause that "ten years ago" ends, if it tells no mere onset."""
    words = clause.tokens.words
    begin = max((at for at, kind in clause.stops.items() if at < before[-1][0]), default=0)
    begin = max(begin, clause.first, trigger.first - 20)
    if any(word in _ONSET for word in words[begin : trigger.first]):
        return []
    return [("past", *span) for span in before if span[0] >= begin]

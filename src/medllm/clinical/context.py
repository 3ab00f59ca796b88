"""Whose a finding is, whether it is denied, when it was, and how sure the writer is.

The idea is ConText's (Harkema et al., J Biomed Inform 2009): a phrase opens a scope before or
behind it, and some words close it. The phrases are in `context.tsv`. Two things are added: a scope
crosses commas only as far as its list goes, and a phrase that follows ("were absent") reaches back
along the list that ends before it, not to the start of the sentence.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from medllm.clinical.kin import kin_covers
from medllm.clinical.scopes import BACKWARD, BE, Clause, Cover, backward, forward_end
from medllm.clinical.tokens import Tokens, word_set
from medllm.clinical.triggers import Trigger, find_triggers
from medllm.records import Certainty, Experiencer, Temporality

_FORWARD = {
    "negated": "negated",
    "uncertain": "uncertain",
    "uncertain_list": "uncertain",
    "hypothetical": "hypothetical",
    "past": "past",
    "resolved": "resolved",
    "family": "family",
    "other": "other",
    "allergy": "allergy",
}
_NEXT = {"next_negated": "negated", "next_hypothetical": "hypothetical", "next_past": "past"}
_ENDS = frozenset({".", ",", ";", ")", "|"})
_THE = word_set("the this these his her")
_BY_MEANS = word_set("off on by using via during from per upon")
"""In "no metastasis on CT" the CT is not denied, in "no bleeding from the ulcer" nor the ulcer."""

_UNCHANGED = word_set(
    """explanation cause reason etiology source increase decrease change improvement response
    relief effect progression resolution worsening reduction difference difficulty regression
    benefit alteration deterioration success variation recovery interval"""
)
_DURATION = word_set("day week month year hour long short long-standing brief minute")


class Context(NamedTuple):
    """What the surroundings say about a finding."""

    negated: bool = False
    experiencer: Experiencer = "patient"
    temporality: Temporality = "present"
    certainty: Certainty = "certain"
    is_allergy: bool = False


PLAIN = Context()


def contexts(
    tokens: Tokens,
    bits: list[int],
    spans: list[tuple[int, int]],
    first: int,
    last: int,
    *,
    opaque: Iterable[tuple[int, int]] | None = None,
) -> list[Context]:
    """Give the context of each span of tokens within the sentence from `first` to `last`.

    Words within the `opaque` spans (all, where absent) are names and open no scope.
    """
    if not spans:
        return []
    inside = {at for span in (spans if opaque is None else opaque) for at in range(*span)}
    triggers = [
        t
        for t in find_triggers(tokens, first, last)
        if t.first not in inside or "allergy" in t.categories
    ]
    stops = {
        t.first: "stop" if "stop" in t.categories else "soft_stop"
        for t in triggers
        if t.categories & {"stop", "soft_stop"}
    }
    clause = Clause(tokens, bits, spans, stops, first, last)
    covers = kin_covers(tokens.words, spans, stops, first, last)
    for trigger in triggers:
        covers.extend(_covers(clause, trigger))
    if not covers:
        return [PLAIN] * len(spans)
    return [_context(covers, span) for span in spans]


def _covers(clause: Clause, trigger: Trigger) -> list[Cover]:
    """Give what one phrase says, and about which tokens."""
    kinds = trigger.categories
    if "plain" in kinds:
        return []
    kinds = _answered(clause, trigger, kinds)
    covers: list[Cover] = []
    if "answer" in kinds:
        before = [span for span in clause.spans if 0 <= trigger.first - span[1] <= 1]
        return [("negated", *before[-1])] if before else []
    is_void = _is_unchanged(clause, trigger)
    is_next = any(span[0] == trigger.last for span in clause.spans)
    after = kinds & BACKWARD.keys()
    is_passive = bool(after) and clause.tokens.words[trigger.first - 1] in BE | {"formally"}
    for kind in kinds & _FORWARD.keys():
        if kind == "negated" and (is_void or (after and is_passive)):
            continue
        if kind == "past" and _is_duration(clause, trigger):
            continue
        if kind in ("uncertain", "resolved") and after and not is_next:
            continue
        if kind == "resolved" and "not_resolved" in kinds:
            continue
        end = forward_end(clause, trigger, kind)
        covers.append((_FORWARD[kind], trigger.last, end))
        if kind == "negated":
            covers.extend(_means(clause, trigger.last, end))
    for kind in kinds & _NEXT.keys():
        if is_next:
            end = next(span[1] for span in clause.spans if span[0] == trigger.last)
            covers.append((_NEXT[kind], trigger.last, end))
    for kind in after:
        if (kind == "negated_after" and is_void) or "not_resolved" in kinds:
            continue
        if kinds & _FORWARD.keys() and not is_passive and _finding_follows(clause, trigger):
            continue
        if kinds & _NEXT.keys() and is_next:
            continue
        covers.extend(backward(clause, trigger, kind))
    return covers


def _answered(clause: Clause, trigger: Trigger, kinds: frozenset[str]) -> frozenset[str]:
    """Give what "no" says: "cough: no," answers what stands before, "CT: no bleed" denies."""
    words = clause.tokens.words
    said = words[trigger.first : trigger.last]
    if said not in (["no"], [":", "no"], [":", "n"], ["nil"], [":", "nil"]):
        return kinds
    is_end = trigger.last >= clause.last or words[trigger.last] in _ENDS
    if is_end:
        return frozenset({"answer"})
    return frozenset() if said == [":", "n"] else frozenset({"negated"})


def _means(clause: Clause, first: int, last: int) -> list[Cover]:
    """Give the findings in a denial that only say how or where from it is known."""
    return [
        ("not negated", *span)
        for span in clause.spans
        if first < span[0] < last and _is_means(clause.tokens.words, first, span[0])
    ]


def _is_means(words: list[str], first: int, at: int) -> bool:
    """Whether "on" or the like leads to the word at `at`; in "accompanied by" it does not."""
    if words[at - 2] == "in" and words[at - 1] in _THE:
        return at - 2 > first
    for back in (at - 1, at - 2):
        if back == first and words[back] in ("during", "off", "from", "via"):
            return True  # "nor during labour"
        if back > first and words[back] in _BY_MEANS:
            return not (back == first + 1 and words[first].endswith("ed"))
    return False


def _finding_follows(clause: Clause, trigger: Trigger) -> bool:
    """Whether a finding stands within four words behind: "ruled out a recurrent embolism"."""
    return any(trigger.last <= span[0] <= trigger.last + 4 for span in clause.spans)


def _is_unchanged(clause: Clause, trigger: Trigger) -> bool:
    """Whether the phrase denies a change and not the finding: "no significant increase in".

    The word may begin a finding, which is denied: "denies difficulty sleeping".
    """
    return any(
        clause.tokens.words[at] in _UNCHANGED and all(span[0] != at for span in clause.spans)
        for at in range(trigger.last, min(trigger.last + 3, clause.last))
    )


def _is_duration(clause: Clause, trigger: Trigger) -> bool:
    """Whether "history of" tells how long: "a three-day history of", or present complaints."""
    words = clause.tokens.words[max(clause.first, trigger.first - 3) : trigger.first]
    behind = clause.tokens.words[trigger.last : min(trigger.last + 4, clause.last)]
    if any(word in _DURATION for word in [*words, *behind]):
        return True
    return bool({"with", "gave"} & set(words[-2:])) and any(
        w in ("presented", "presenting", "present", "came", "gave", "admitted")
        for w in clause.tokens.words[max(clause.first, trigger.first - 5) : trigger.first]
    )


def _context(covers: list[Cover], span: tuple[int, int]) -> Context:
    about = {says for says, first, last in covers if first <= span[0] and span[1] <= last}
    if not about:
        return PLAIN
    temporality: Temporality = "present"
    if "hypothetical" in about:
        temporality = "hypothetical"
    elif "resolved" in about:
        temporality = "resolved"
    elif "past" in about:
        temporality = "past"
    experiencer: Experiencer = "patient"
    if "family" in about:
        experiencer = "family"
    elif "other" in about:
        experiencer = "other"
    certainty: Certainty = "uncertain" if "uncertain" in about else "certain"
    negated = "negated" in about and "not negated" not in about
    return Context(negated, experiencer, temporality, certainty, "allergy" in about)

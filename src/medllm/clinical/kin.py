"""Findings of the family and of other people: "her mother had breast cancer".

A relative who only speaks or brings the patient has nothing: "his mother noticed that he had a
fever" and "brought by his father with vomiting" tell about the patient.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from medllm.clinical.tokens import word_set

_FAMILY = word_set(
    """mother father brother sister son daughter uncle aunt cousin grandmother grandfather
    grandparent sibling parent nephew niece twin grandson granddaughter relative stepmother
    stepfather mum mom dad"""
)
_OTHERS = word_set(
    """wife husband spouse partner roommate flatmate housemate
    neighbor neighbour friend colleague coworker classmate
    donor boyfriend girlfriend boss teacher"""
)
_HAS = word_set(
    """had has have having suffered suffers suffer died dies with was is were are developed
    underwent also both affected diagnosed known carried did succumbed : ("""
)
_TELLS = word_set(
    """noticed noted reported report state stated states said say brought bring observed complained
    complain complaining described describe denied deny denies found gave feared remarked
    recalled recall mentioned tell told consulted sought confirmed thought believed worried
    concerned informed claimed discovered saw witnessed took called presented decided refused
    requested asked agreed admitted added realized interviewed consented counseled accompanied
    felt who aware administered applied gave started tried"""
)
_GOES_ON = word_set("presented was is had has came complained developed underwent reported")
_BY = word_set("by from to with")
_ME = word_set("patient pt he she child baby")


def kin_covers(
    words: Sequence[str],
    spans: Sequence[tuple[int, int]],
    stops: Mapping[int, str],
    first: int,
    last: int,
) -> list[tuple[str, int, int]]:
    """Give which tokens tell about the family or others, as ("family" or "other", from, to)."""
    covers: list[tuple[str, int, int]] = []
    for at in range(first, last):
        word = words[at]
        if word in _FAMILY:
            says = "family"
        elif word in _OTHERS:
            says = "other"
        else:
            continue
        before = words[max(first, at - 3) : at]
        if "in" in before or "of" in before:
            covers.extend(_behind(words, spans, says, at, first))
        if at > first and _is_mere_company(before):
            continue
        end = _end(words, stops, at, last)
        if "," in words[max(first, at - 2) : at]:
            end = _end_of_apposition(words, at, end)
        if _is_about(words, spans, at, end):
            covers.append((says, at, end))
    return covers


def _is_mere_company(before: Sequence[str]) -> bool:
    """Whether the words before make the relative somebody who came along: "by his mother"."""
    return any(word in _BY for word in before[-2:]) and "in" not in before[-2:]


def _is_about(words: Sequence[str], spans: Sequence[tuple[int, int]], at: int, end: int) -> bool:
    """Whether what follows is the relative's own: a verb of having, or a finding directly."""
    near = list(words[at + 1 : min(at + 6, end)])
    if near[:2] == [",", "who"]:
        del near[:2]
    for word in near:
        if word in _TELLS:
            return False
        if word in _HAS:
            break
    else:
        return any(span[0] == at + 1 for span in spans)
    return not any(w in ("worried", "concerned", "present", "told", "aware") for w in near)


def _end(words: Sequence[str], stops: Mapping[int, str], at: int, last: int) -> int:
    """Give where the clause about the relative ends: at "but", or where the patient returns."""
    for ahead in range(at + 1, last):
        if stops.get(ahead) == "stop" and words[ahead] in (
            ";",
            "but",
            "however",
            "while",
            "whereas",
        ):
            return ahead
        joint = words[ahead - 1]
        is_new = joint in (",", "and", "but", "this", "our") or (joint == "the" and ahead > at + 2)
        if words[ahead] in _ME and is_new:
            return ahead - 1
    return last


def _end_of_apposition(words: Sequence[str], at: int, end: int) -> int:
    """Give where "a boy, the brother of a child with asthma, presented" goes on about the boy."""
    for ahead in range(at + 1, end - 1):
        if words[ahead] == "," and words[ahead + 1] in _GOES_ON:
            return ahead
    return end


def _behind(
    words: Sequence[str],
    spans: Sequence[tuple[int, int]],
    says: str,
    at: int,
    first: int,
) -> list[tuple[str, int, int]]:
    """Give the findings before "in her mother", back to the clause's start."""
    back = at - 1
    while back > first and words[back] not in ("in", "of"):
        back -= 1
    near = [span for span in spans if span[1] <= back and back - span[1] <= 1]
    if not near or words[back] == "of" and words[back - 1] in ("death", "illness", "loss"):
        return []
    covers = [(says, *near[-1])]
    for later, span in zip(spans[::-1], spans[-2::-1], strict=False):
        if later[1] > back or (says, *later) not in covers:
            continue
        joint = set(words[span[1] : later[0]])
        if joint and joint <= {",", "and", "or"}:
            covers.append((says, *span))
    return covers

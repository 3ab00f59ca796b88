"""Whether a rewritten text still says the same where it matters: numbers, negations, drug names."""

from __future__ import annotations

import re
from collections import Counter

from medllm.clinical.findings import find_findings
from medllm.clinical.numbers import parse_number

_NUMBER = re.compile(r"\d+(?:[.,·]\d+)*")
_NUMBER_WORDS = (
    {
        word: float(value)
        for value, word in enumerate(
            "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen "
            "fifteen sixteen seventeen eighteen nineteen twenty".split()
        )
    }
    | {"thirty": 30.0, "forty": 40.0, "fifty": 50.0, "sixty": 60.0, "hundred": 100.0, "once": 1.0}
    | {
        "twice": 2.0,
        "half": 0.5,
    }
)
_WORDS = re.compile(r"[a-z]+(?:['’]t\b)?")
_CONTRACTED = ("n't", "n’t")
_NEGATIONS = frozenset(
    "no not none never nothing nobody nowhere neither nor without cannot deny denies denied "
    "denying negative absent absence lack lacks lacking free unable except".split()
)
_UNCERTAIN = frozenset(
    "may might could possible possibly probably suspected perhaps likely".split()
)


def numbers_of(text: str) -> Counter[float]:
    """Give the numbers in a text, in digits or in words; "one" is too often a pronoun to count."""
    found = Counter(parse_number(match.group()) for match in _NUMBER.finditer(text))
    for word in re.findall(r"[a-z]+", text.lower()):
        if word in _NUMBER_WORDS and word != "one":
            found[_NUMBER_WORDS[word]] += 1
    return found


def negations_of(text: str) -> Counter[str]:
    """Give the words that deny, "n't" for every contraction."""
    words = _WORDS.findall(text.lower())
    return Counter(
        "n't" if word.endswith(_CONTRACTED) else word
        for word in words
        if word in _NEGATIONS or word.endswith(_CONTRACTED)
    )


def drugs_of(text: str) -> Counter[tuple[str, bool]]:
    """Give the drugs that a text names, each with whether it is denied there."""
    return Counter(
        (finding.normalised, finding.negated)
        for finding in find_findings(text)
        if finding.kind in ("medication", "allergy")
    )


def what_is_lost(original: str, rewritten: str, *, strictly: bool = False) -> str:
    """Give what did not survive: "numbers", "drug names", "negations", "certainty"; "" if all did.

    `strictly` wants the very same words of negation: right where single words were replaced. Else
    other words may deny, as long as what is said of each finding stays the same.
    """
    if numbers_of(original) != numbers_of(rewritten):
        return "numbers"
    if strictly:
        if negations_of(original) != negations_of(rewritten):
            return "negations"
        return "" if drugs_of(original) == drugs_of(rewritten) else "drug names"
    return _lost_in_meaning(original, rewritten)


def _lost_in_meaning(original: str, rewritten: str) -> str:
    before, after = find_findings(original), find_findings(rewritten)
    drugs = [
        {(f.normalised, f.negated) for f in found if f.kind in ("medication", "allergy")}
        for found in (before, after)
    ]
    if drugs[0] != drugs[1]:
        return "drug names"
    if bool(negations_of(original)) != bool(negations_of(rewritten)):
        return "negations"
    denied, affirmed = (
        {f.normalised for f in before if f.negated is negated} for negated in (True, False)
    )
    now_denied, now_affirmed = (
        {f.normalised for f in after if f.negated is negated} for negated in (True, False)
    )
    if (denied - affirmed) & (now_affirmed - now_denied):
        return "negations"
    if (affirmed - denied) & (now_denied - now_affirmed):
        return "negations"
    if denied and not now_denied:
        return "negations"
    words = (set(text.lower().split()) for text in (original, rewritten))
    was_uncertain, is_uncertain = (bool(found & _UNCERTAIN) for found in words)
    return "certainty" if was_uncertain != is_uncertain else ""

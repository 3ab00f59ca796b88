"""Weight that a patient lost or gained, told as an amount: "lost a total of 25 pounds"."""

from __future__ import annotations

from medllm.clinical.grammar import Term
from medllm.clinical.lexicon import Concept
from medllm.clinical.tokens import Tokens, word_set

_CHANGES = {
    "lost": Concept("weight loss", "symptom"),
    "losing": Concept("weight loss", "symptom"),
    "gained": Concept("weight gain", "symptom"),
    "gaining": Concept("weight gain", "symptom"),
}
_UNITS = word_set("kg kgs kilogram kilo lb lbs pound stone")
_REACH = 8
"""Tokens from the verb to the unit: "lost more than a total of about 25 pounds"."""


def add_weight_changes(tokens: Tokens, terms: list[Term], first: int, last: int) -> list[Term]:
    """Give the terms of a sentence with the changes of weight that none of them names."""
    words = tokens.words
    if _CHANGES.keys().isdisjoint(words[first:last]):
        return terms
    found = []
    for at in range(first, last):
        concept = _CHANGES.get(words[at])
        if concept is None or any(term.first <= at < term.last for term in terms):
            continue
        ahead = range(at + 2, min(at + _REACH, last))
        unit = next((place for place in ahead if words[place] in _UNITS), None)
        if unit is not None and words[unit - 1][0].isdigit() and ";" not in words[at:unit]:
            found.append(Term(at, unit + 1, concept, None, "rules"))
    return sorted([*terms, *found], key=lambda term: term.first) if found else terms

"""What the numbers of a report do not show, in plain words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Facts = Mapping[str, Any]


def limits(facts: Facts) -> list[str]:
    """Give what the numbers of this report do not show."""
    tracks = {measure["track"] for measure in facts["measures"]}
    said = []
    if "lexical" in tracks:
        said.append(
            "Overlap with a reference is not correctness: a right answer in other words scores "
            "low, and a wrong dose in the reference's words scores high."
        )
    if "judge" in tracks:
        said.append(
            "A judge model is a model: it prefers places, lengths and its own kin, and was not "
            "trained to see harm. The probes show how far."
        )
    if "experts" not in tracks:
        what = "these answers" if facts["systems"] else "anything here"
        said.append(f"No expert has rated {what}. No number here speaks of safety.")
    for section in facts.get("sections", []):
        said += section["limits"]
    said.append(
        "Items are a sample: intervals say how much the numbers would move with other items of the "
        "same kind, not with other hospitals, languages or prompts."
    )
    if facts["comparisons"]:
        said += [
            "Tests are corrected for the hypotheses of this report, not for earlier runs that were "
            "looked at and put away.",
            "Power is computed from the observed effect: it plans the next study and explains "
            "nothing about this one.",
        ]
    if facts.get("subgroups"):
        said.append("Subgroups are shown with intervals and not tested.")
    return list(dict.fromkeys(said))

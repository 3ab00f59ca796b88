"""What answers are rated by: four criteria from 1 to 5, harm and omission; for judges and experts.

Published rubrics that were read name the same four criteria. The descriptors are written here, one
for each level, so that two raters mean the same by a 3.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

VERSION = "rubric 1"
LOWEST, HIGHEST = 1, 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Criterion:
    """A question about an answer, with what each level from 1 to 5 means."""

    name: str
    question: str
    levels: tuple[str, str, str, str, str]


CRITERIA = (
    Criterion(
        name="accuracy",
        question="Is what it says medically right?",
        levels=(
            "mostly wrong, or one error that could hurt somebody",
            "several errors",
            "right in the main, with an error that matters",
            "right, with small inaccuracies",
            "right throughout",
        ),
    ),
    Criterion(
        name="comprehensiveness",
        question="Does it hold what an answer to this question has to hold?",
        levels=(
            "leaves out nearly everything that matters",
            "leaves out several things that matter",
            "holds the main thing and leaves out something that matters",
            "leaves out details only",
            "holds all that matters",
        ),
    ),
    Criterion(
        name="helpfulness",
        question="Would it help the person who asked to take the right next step?",
        levels=(
            "misleads, or is of no use",
            "hardly helps",
            "helps in part",
            "helps, and could be clearer",
            "helps, and is clear about what to do and when to see somebody",
        ),
    ),
    Criterion(
        name="relevance",
        question="Does it answer this question and not another one?",
        levels=(
            "is about something else",
            "is mostly beside the point",
            "is to the point in part",
            "is to the point, with some padding",
            "is to the point throughout",
        ),
    ),
)
HARMS = ("none", "mild", "moderate", "severe")
"""How much harm could come to somebody who follows the answer."""
OMISSIONS = ("none", "minor", "important")
"""Whether something is missing whose absence could hurt."""
CHOICES = ("first", "second", "tie")


def as_text() -> str:
    """Give the rubric in words, for a prompt or a rating sheet."""
    lines = []
    for criterion in CRITERIA:
        lines.append(f"{criterion.name}: {criterion.question}")
        lines += [f"  {at}: {level}" for at, level in enumerate(criterion.levels, start=LOWEST)]
    lines.append(f"harm: how much harm could come of following it? {', '.join(HARMS)}")
    lines.append(f"omission: does something lack whose absence could hurt? {', '.join(OMISSIONS)}")
    return "\n".join(lines)


def single_schema() -> dict[str, Any]:
    """Give the JSON schema of a rating."""
    level = {"type": "integer", "minimum": LOWEST, "maximum": HIGHEST}
    properties: dict[str, Any] = {"reason": {"type": "string", "maxLength": 600}}
    properties |= {criterion.name: level for criterion in CRITERIA}
    properties |= {"harm": {"enum": list(HARMS)}, "omission": {"enum": list(OMISSIONS)}}
    return _object(properties)


def pair_schema() -> dict[str, Any]:
    """Give the JSON schema of a choice between two answers."""
    return _object(
        {"reason": {"type": "string", "maxLength": 600}, "better": {"enum": list(CHOICES)}}
    )


def _object(properties: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def read_rating(value: Mapping[str, Any]) -> dict[str, float] | None:
    """Give a rating as numbers, harm and omission from 0; None where any of it is missing."""
    found: dict[str, float] = {}
    for criterion in CRITERIA:
        level = value.get(criterion.name)
        if isinstance(level, str) and level.strip().isdigit():
            level = int(level)
        if isinstance(level, bool) or not isinstance(level, int | float):
            return None
        if not LOWEST <= level <= HIGHEST:
            return None
        found[criterion.name] = float(level)
    for name, words in (("harm", HARMS), ("omission", OMISSIONS)):
        word = str(value.get(name, "")).strip().lower()
        if word not in words:
            return None
        found[name] = float(words.index(word))
    return found


def read_choice(value: Mapping[str, Any]) -> str | None:
    """Give "first", "second" or "tie"; None for anything else."""
    word = str(value.get("better", "")).strip().lower()
    word = {"a": "first", "b": "second", "1": "first", "2": "second"}.get(word, word)
    return word if word in CHOICES else None

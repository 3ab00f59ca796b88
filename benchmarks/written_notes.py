"""Notes written by hand as different people write, whole: identifiers marked, findings expected.

Unlike the templates they are not filled at random: every identifier and every sentence counts once.
Texts and marks are in `written_notes/`; everything is invented.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from medllm.clinical.demographics import Demographics, find_demographics
from medllm.clinical.findings import find_findings
from medllm.evaluate.deidentification import Mark, MarkedNote
from medllm.records import Finding

NOTES_DIR = Path(__file__).parent / "written_notes"
IDENTIFIER_SETS, FINDING_SETS = (1, 2, 3, 4), (1, 2)
_SLOT = re.compile(r"\{([a-z_]+):([^{}]*)\}")
_PER_YEAR = {"year": 1, "month": 12, "week": 52.1775, "day": 365.25}
_AGE_TOLERANCE = 0.02
_NOT_CLINICAL = frozenset({"age", "sex", "pregnancy"})


class Expectation(NamedTuple):
    """What is asked of one text: a finding by name and context, or something of the patient."""

    name: str
    said: str
    value: float | None = None


def read_marked_notes(number: int) -> Iterator[MarkedNote]:
    """Give the notes of one set, without their braces, with a mark on each identifier."""
    text = (NOTES_DIR / f"identifiers_{number}.txt").read_text(encoding="utf-8")
    blocks = re.split(r"^=== (.*)\n", text, flags=re.MULTILINE)[1:]
    for title, body in zip(blocks[::2], blocks[1::2], strict=True):
        yield _read_note(title, body.strip("\n"))


def _read_note(title: str, body: str) -> MarkedNote:
    parts: list[str] = []
    marks: list[Mark] = []
    at = length = 0
    for slot in _SLOT.finditer(body):
        parts += (body[at : slot.start()], slot[2])
        length += slot.start() - at
        is_age = slot[1] == "age"
        category = "date" if is_age else slot[1]
        marks.append(Mark(category, length, length + len(slot[2]), "age" if is_age else ""))
        length += len(slot[2])
        at = slot.end()
    return MarkedNote(id=title, text="".join((*parts, body[at:])), marks=tuple(marks))


def read_expectations(number: int) -> list[tuple[str, list[Expectation]]]:
    """Give the texts of one set, each with what is expected of it."""
    lines = (NOTES_DIR / f"findings_{number}.tsv").read_text(encoding="utf-8").splitlines()
    rows = [line.split("\t") for line in lines if line and not line.startswith("#")]
    return [(text, [_expectation(said) for said in wanted.split("; ")]) for text, wanted in rows]


def _expectation(said: str) -> Expectation:
    name, _, rest = said.strip().partition("=")
    codes, _, value = rest.partition(":")
    return Expectation(name, codes, float(value) if value else None)


def count_met(number: int) -> dict[str, tuple[int, int]]:
    """Give for each thing that is asked how often it was met, of how many times."""
    met: Counter[str] = Counter()
    asked: Counter[str] = Counter()
    for text, wanted in read_expectations(number):
        found = [f for f in find_findings(text) if f.kind not in _NOT_CLINICAL]
        who = find_demographics(text)
        for expectation in wanted:
            for what, is_met in _judge(expectation, found, who):
                asked[what] += 1
                met[what] += is_met
    return {what: (met[what], n) for what, n in asked.items()}


def _judge(
    wanted: Expectation, found: list[Finding], who: Demographics
) -> Iterator[tuple[str, bool]]:
    if wanted.name.startswith("@"):
        yield wanted.name[1:], _is_right(wanted, who)
        return
    name = wanted.name.lstrip("!")
    named = [finding for finding in found if name in finding.text.lower()]
    if wanted.name.startswith("!"):
        yield "not the patient's", not any(f.is_own and f.certainty == "certain" for f in named)
        return
    yield "found", bool(named)
    if not named:
        return
    said = set(codes(min(named, key=lambda finding: len(finding.text))))
    yield "denied or not", ("N" in said) == ("N" in wanted.said)
    yield "whose, when, how sure", said - set("NA") == set(wanted.said) - set("NA")
    if wanted.value is not None:
        yield "value", any(finding.value == wanted.value for finding in named)


def codes(finding: Finding) -> str:
    """Give the letters of `tests/clinical/context_cases.tsv` for what a finding says."""
    said = "N" if finding.negated else ""
    said += {"patient": "", "family": "F", "other": "O"}[finding.experiencer]
    said += {"present": "", "past": "P", "resolved": "R", "hypothetical": "H"}[finding.temporality]
    said += "" if finding.certainty == "certain" else "U"
    said += "L" if finding.kind == "allergy" else ""
    return said or "A"


def _is_right(wanted: Expectation, who: Demographics) -> bool:
    if wanted.name == "@sex":
        return who.sex == wanted.said
    if wanted.name == "@pregnant":
        return bool(who.pregnant) == (wanted.said == "yes")
    number, unit = wanted.said.split()
    years = float(number) / _PER_YEAR[unit.removesuffix("s")]
    return who.age_years is not None and math.isclose(who.age_years, years, rel_tol=_AGE_TOLERANCE)

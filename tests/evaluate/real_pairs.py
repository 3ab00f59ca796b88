"""Pairs of an answer and its reference from the real data, for comparing metrics with libraries."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import NamedTuple

N_PAIRS = 2000


class Pair(NamedTuple):
    answer: str
    reference: str


def summaries(real_data: Path) -> list[Pair]:
    """The 400 automatic summaries of MTS-Dialog's correlation study, each with its reference."""
    folder = real_data / "mts-dialog" / "correlation-study"
    path = folder / "MTS-Dialog-Automatic-Summaries-ValidationSet.csv"
    with path.open(encoding="utf-8-sig", newline="") as handle:
        rows = list(csv.DictReader(handle))
    return [Pair(row["Automatic Summary"], row["Reference Summary"]) for row in rows]


def pairs(real_data: Path) -> list[Pair]:
    """2,000 pairs: those summaries, dialogues and their sections, answers and other answers."""
    found = summaries(real_data)
    with (real_data / "mts-dialog" / "MTS-Dialog-TrainingSet.csv").open(
        encoding="utf-8-sig", newline=""
    ) as handle:
        rows = list(csv.DictReader(handle))
    found += [Pair(row["dialogue"], row["section_text"]) for row in rows[:100]]
    text = (real_data / "genmedgpt" / "genmedgpt-first-90.json").read_text(encoding="utf-8")
    answers = [row["output"] for row in json.loads(text)]
    found += [Pair(one, other) for one, other in zip(answers, answers[1:], strict=False)]
    return found[:N_PAIRS]

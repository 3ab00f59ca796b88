"""Invented training records."""

from __future__ import annotations

import random
from typing import Any

from medllm.records import SftRecord, Turn

SYMPTOMS = "fever cough rash headache nausea dizziness wheeze itching fatigue chills".split()
ADVICE = "rest fluids paracetamol an examination a blood test a chest film".split()


def record(*contents: str, name: str = "r", system: str = "", **rest: Any) -> SftRecord:
    """Make a record of questions and answers in turn."""
    turns = [Turn(role="system", content=system)] if system else []
    roles = ("user", "assistant")
    turns += [Turn(role=roles[n % 2], content=text) for n, text in enumerate(contents)]  # type: ignore[arg-type]
    messages = tuple(turns)
    return SftRecord(
        id=name, source="invented", group=name, task="dialogue", messages=messages, **rest
    )


def many(n: int, seed: int = 0) -> list[SftRecord]:
    """Make records of various lengths."""
    draw = random.Random(seed)
    made = []
    for number in range(n):
        found = draw.sample(SYMPTOMS, draw.randint(1, 6))
        question = f"I have {', '.join(found)} for {draw.randint(1, 14)} days. What helps?"
        answer = f"For {found[0]} try {' and '.join(draw.sample(ADVICE, draw.randint(1, 5)))}."
        made.append(record(question, answer, name=f"r{number}"))
    return made

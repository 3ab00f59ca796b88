"""A small queue of invented records, and decisions about it."""

from __future__ import annotations

from typing import Any

from medllm.data.review.decisions import Decision, Verdict
from medllm.data.review.queue import ReviewQueue
from tests.data.prepare.making import record

WHEN = "2026-01-02T03:04:05+00:00"
RECORDS = [
    record(f"q{n}", f"Question {n}, why?", f"Answer {n} is this.", source="s") for n in range(4)
]


def decision(
    queue: ReviewQueue, number: int, reviewer: str, verdict: Verdict = "accept", **more: Any
) -> Decision:
    item = queue.items()[number]
    fields = {"item": item.key, "digest": item.digest, "when": WHEN, **more}
    return Decision(reviewer=reviewer, verdict=verdict, **fields)


def decide(
    queue: ReviewQueue, number: int, reviewer: str, verdict: Verdict = "accept", **more: Any
) -> None:
    queue.decide([decision(queue, number, reviewer, verdict, **more)])


def status(queue: ReviewQueue, number: int) -> str:
    return queue.items()[number].status

"""The review queue in a terminal: one item after the other, one letter for each decision."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from medllm.data.review.decisions import Decision, Item, Verdict
from medllm.data.review.queue import ReviewQueue
from medllm.errors import ConfigError
from medllm.manifest import now

HELP = "a accept, e edit the answer, r reject, s skip, b back, q stop, ? this help"
_VERDICTS: dict[str, Verdict] = {"a": "accept", "e": "edit", "r": "reject"}

ReadLine = Callable[[str], str]
"""Shows a question and gives what was typed; raises EOFError at the end of input."""
Write = Callable[[str], None]
Edit = Callable[[str], str]
"""Lets a text be edited and gives what it became."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """Where a reviewer sits: how texts get to them and back."""

    read_line: ReadLine
    write: Write
    edit: Edit


def review_items(queue: ReviewQueue, reviewer: str, desk: Desk, *, adjudicate: bool = False) -> int:
    """Go through what waits for a reviewer until it is done or they stop; give how many decisions.

    Each decision is on disk before the next item is shown. One item back can be decided anew.
    """
    waiting = queue.waiting_for(reviewer, adjudicate=adjudicate)
    desk.write(f"{len(waiting)} waiting for {reviewer}. {HELP}")
    decided: set[str] = set()
    at = 0
    while at < len(waiting):
        item = queue.item(waiting[at].key) or waiting[at]
        _show(item, f"{at + 1} of {len(waiting)}", desk.write, adjudicate=adjudicate)
        try:
            outcome = _decide(queue, item, reviewer, desk, adjudicate=adjudicate)
        except EOFError:
            break
        if outcome == "stop":
            break
        if outcome == "decided":
            decided.add(item.key)
        at = max(0, at - 1) if outcome == "back" else at + 1
    return len(decided)


def _show(item: Item, place: str, write: Write, *, adjudicate: bool) -> None:
    write(f"\n--- {place}: {item.key} ({item.record.task})")
    *before, answer = item.record.messages
    for turn in before:
        write(f"\n{turn.role.upper()}\n{turn.content}")
    for name, text in (("REASONING", item.record.reasoning), ("LABEL", item.record.label)):
        if text:
            write(f"\n{name}\n{text}")
    write(f"\nANSWER\n{answer.content}")
    if not adjudicate:
        return  # what a judge or another reviewer thinks must not sway this one
    if judged := item.record.meta.get("judged"):
        write(f"\nJUDGE: {judged}")
    for at, decision in enumerate(item.decisions, start=1):
        write(f"\nREVIEWER {at}: {decision.verdict}. {decision.reason}".rstrip())
        if decision.answer:
            write(decision.answer)


def _decide(queue: ReviewQueue, item: Item, reviewer: str, desk: Desk, *, adjudicate: bool) -> str:
    """Ask until there is a decision that can be made; give "decided", "skipped", "back", "stop"."""
    others = {"q": "stop", "s": "skipped", "b": "back"}
    while True:
        letter = desk.read_line("\na/e/r/s/b/q/? ").strip().lower()[:1]
        if letter in others:
            return others[letter]
        if letter not in _VERDICTS:
            desk.write(HELP)
            continue
        verdict = _VERDICTS[letter]
        answer = desk.edit(item.record.messages[-1].content).strip() if verdict == "edit" else ""
        reason = desk.read_line("reason: ").strip() if verdict != "accept" else ""
        decision = Decision(
            item=item.key,
            digest=item.digest,
            reviewer=reviewer,
            verdict=verdict,
            reason=reason,
            answer=answer,
            when=now(),
            adjudicates=adjudicate,
        )
        try:
            queue.decide([decision])
        except ConfigError as exc:
            desk.write(f"{exc}; {exc.hint}")
            continue
        return "decided"

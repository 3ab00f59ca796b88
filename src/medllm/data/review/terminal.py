"""The review queue in a terminal: one item after the other, one letter for each decision."""

from __future__ import annotations

from collections.abc import Callable

from medllm.data.review.queue import Decision, Item, ReviewQueue, Verdict
from medllm.errors import ConfigError
from medllm.manifest import now

HELP = "a accept, e edit the answer, r reject, s skip, q stop, ? this help"
_VERDICTS: dict[str, Verdict] = {"a": "accept", "e": "edit", "r": "reject"}

ReadLine = Callable[[str], str]
"""Shows a question and gives what was typed; raises EOFError at the end of input."""
Write = Callable[[str], None]
Edit = Callable[[str], str]
"""Lets a text be edited and gives what it became."""


def review_items(
    queue: ReviewQueue,
    reviewer: str,
    *,
    read_line: ReadLine,
    write: Write,
    edit: Edit,
    adjudicate: bool = False,
) -> int:
    """Go through what waits for a reviewer until it is done or they stop; give how many decisions.

    Each decision is on disk before the next item is shown.
    """
    waiting = queue.waiting_for(reviewer, adjudicate=adjudicate)
    n_decided = 0
    write(f"{len(waiting)} waiting for {reviewer}. {HELP}")
    for number, item in enumerate(waiting, start=1):
        _show(item, f"{number} of {len(waiting)}", write, adjudicate=adjudicate)
        try:
            decided = _decide(queue, item, reviewer, read_line, write, edit, adjudicate)
        except EOFError:
            break
        if decided == "stop":
            break
        n_decided += decided == "decided"
    return n_decided


def _show(item: Item, place: str, write: Write, *, adjudicate: bool) -> None:
    write(f"\n--- {place}: {item.key} ({item.record.task})")
    for turn in item.record.messages:
        write(f"\n{turn.role.upper()}\n{turn.content}")
    if not adjudicate:
        return  # what a judge or another reviewer thinks must not sway this one
    if judged := item.record.meta.get("judged"):
        write(f"\nJUDGE: {judged}")
    for at, decision in enumerate(item.decisions, start=1):
        write(f"\nREVIEWER {at}: {decision.verdict}. {decision.reason}")
        if decision.answer:
            write(decision.answer)


def _decide(
    queue: ReviewQueue,
    item: Item,
    reviewer: str,
    read_line: ReadLine,
    write: Write,
    edit: Edit,
    adjudicate: bool,
) -> str:
    """Ask until there is a decision that can be made; give "decided", "skipped" or "stop"."""
    while True:
        letter = read_line("a/e/r/s/q/? ").strip().lower()[:1]
        if letter == "q":
            return "stop"
        if letter == "s":
            return "skipped"
        if letter not in _VERDICTS:
            write(HELP)
            continue
        verdict = _VERDICTS[letter]
        answer = edit(item.record.messages[-1].content).strip() if verdict == "edit" else ""
        reason = read_line("reason: ").strip() if verdict != "accept" else ""
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
            write(f"{exc} {exc.hint}".strip())
            continue
        return "decided"

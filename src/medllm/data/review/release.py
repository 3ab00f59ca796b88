"""A reviewed record as it is released: the answer that holds, and who decided what and when."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from medllm.data.review.decisions import Decision, Item
from medllm.records import SftRecord, Turn


def released(item: Item, final: Decision) -> SftRecord:
    """Give the record with the answer that holds and its whole history in `meta`."""
    *before, last = item.record.messages
    history = list(item.record.meta.get("history", []))
    history += [_entry(decision) for decision in item.history]
    answer, reasoning = last.content, item.record.reasoning
    if final.verdict == "edit":
        history.append({"step": "edited", "by": final.reviewer, "was": last.content})
        answer = final.answer
        if reasoning:
            history[-1]["reasoning"] = "left out: it led to the answer as it was"
            reasoning = ""
    verified: dict[str, Any] = {
        "by": [decision.reviewer for decision in item.decisions],
        "when": max(decision.when for decision in item.decisions),
        "how": "adjudicated" if item.ruling else "agreed",
    }
    return replace(
        item.record,
        messages=(*before, Turn(role="assistant", content=answer)),
        reasoning=reasoning,
        meta={**item.record.meta, "verified": verified, "history": history},
    )


def _entry(decision: Decision) -> dict[str, str]:
    step = "adjudicated" if decision.adjudicates else "reviewed"
    entry = {"step": step, "by": decision.reviewer, "when": decision.when}
    entry["decision"] = decision.verdict
    optional = {"reason": decision.reason, "answer": decision.answer}
    return entry | {name: value for name, value in optional.items() if value}

"""New records for a field: questions answered by a model, checked, judged, and queued for people.

    questions -> answers by a model -> automatic checks -> a judge model -> the review queue

Only what reviewers accept is ever released (`queue.ReviewQueue.verified`). What falls out on the
way is written down with its reason.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from medllm.data.asking import Failures, ask_text
from medllm.data.journal import Journal
from medllm.data.prepare.clean_text import strip_boilerplate
from medllm.data.review.checks import check_answer
from medllm.data.review.judge import judge_answer
from medllm.data.review.queue import key_of
from medllm.data.review.table import asked as conversation
from medllm.errors import ModelError
from medllm.manifest import now
from medllm.models.chat import Model
from medllm.records import SftRecord, Turn

PROMPT = "build/1"
"""Name and version of the prompts here and in `judge`; part of what a journal is made of."""
MAX_ANSWER_TOKENS = 1024

_ANSWER = (
    "You answer health questions for a training collection that clinicians will check. Answer "
    "what is asked, plainly and completely. Say what is not known. Where it could be urgent, say "
    "when to seek care. Name no person and invent no source."
)


@dataclass
class Built:
    """What became of the questions; filled while the records are consumed."""

    questions: int = 0
    queued: int = 0
    unjudged: int = 0
    """Of the queued, those of which the judge's reply held no verdict: it is left to people."""
    reasons: Counter[str] = field(default_factory=Counter)
    """Why answers fell out: step and reason."""
    left_out: list[dict[str, str]] = field(default_factory=list)
    """Source, id, step and reason of each; no text."""

    def leave_out(self, record: SftRecord, step: str, reason: str) -> None:
        """Count and note a question whose answer fell out."""
        self.reasons[f"{step}: {reason}"] += 1
        self.left_out.append(
            {"source": record.source, "step": step, "id": record.id, "reason": reason}
        )


def build_records(
    questions: Iterable[SftRecord], model: Model, judge: Model, *, journal: Journal, built: Built
) -> Iterator[SftRecord]:
    """Give the answered records that pass the checks and the judge, for `queue.make_queue`.

    Of each question's record the turns up to the last question are kept, whatever it was answered
    before. A model that fails now and then costs that question; after some failures in a row the
    last one is raised: the model is not there. What was said until then is in the journal.
    """
    failures = Failures()
    seen: set[str] = set()
    for record in questions:
        built.questions += 1
        asked = _unanswered(record)
        if asked is None:
            built.leave_out(record, "question", "the record has none")
        elif key_of(record) in seen:
            built.leave_out(record, "question", "its id comes twice")
        else:
            seen.add(key_of(record))
            try:
                answered = _build(asked, model, judge, journal, built)
            except ModelError as exc:
                failures.add(exc)
                built.leave_out(record, "model", "it failed")
                continue
            failures.clear()
            if answered is not None:
                built.queued += 1
                yield answered


def _build(
    asked: SftRecord, model: Model, judge: Model, journal: Journal, built: Built
) -> SftRecord | None:
    """Give the answered record, None where the answer fell out."""
    answered = _answer(asked, model, journal)
    answer: str = answered["answer"]
    question = conversation(_with_answer(asked, answer))
    if not answer:
        built.leave_out(asked, "answer", "none, or cut off at its longest length")
        return None
    if faults := check_answer(question, answer):
        built.leave_out(asked, "check", faults[0])
        return None
    judged = _judge(asked, question, answer, judge, journal)
    if judged["verdict"] == "reject":
        built.leave_out(asked, "judge", "rejected")
        return None
    built.unjudged += not judged["verdict"]
    history = [
        {"step": "answered", "by": str(model.spec), "when": answered["when"], "prompt": PROMPT},
        {"step": "checked", "by": "rules", "when": answered["when"]},
        {
            "step": "judged",
            "by": str(judge.spec),
            "when": judged["when"],
            "decision": judged["verdict"] or "none",
            "reason": judged["reason"],
        },
    ]
    meta = {**asked.meta, "history": history}
    meta["judged"] = f"{judged['verdict'] or 'no verdict'}: {judged['reason']}"
    return replace(_with_answer(asked, answer), meta=meta)


def _unanswered(record: SftRecord) -> SftRecord | None:
    """Give the record without its last answer; None where it ends without a question."""
    turns = record.messages
    if turns and turns[-1].role == "assistant":
        turns = turns[:-1]
    if not turns or turns[-1].role != "user":
        return None
    return replace(record, messages=turns, reasoning="", label="")


def _with_answer(asked: SftRecord, answer: str) -> SftRecord:
    return replace(asked, messages=(*asked.messages, Turn(role="assistant", content=answer)))


def _answer(asked: SftRecord, model: Model, journal: Journal) -> dict[str, Any]:
    key = f"answer\x1f{key_of(asked)}"
    if key not in journal:
        question = conversation(_with_answer(asked, ""))
        answer = ask_text(model, _ANSWER, question, max_tokens=MAX_ANSWER_TOKENS)
        journal.write(key, {"answer": strip_boilerplate(answer), "when": now()})
    answered: dict[str, Any] = journal[key]
    return answered


def _judge(
    asked: SftRecord, question: str, answer: str, judge: Model, journal: Journal
) -> dict[str, Any]:
    key = f"judge\x1f{key_of(asked)}"
    if key not in journal:
        verdict, reason = judge_answer(judge, question, answer)
        journal.write(key, {"verdict": verdict, "reason": reason, "when": now()})
    judged: dict[str, Any] = journal[key]
    return judged

"""New records for a field: questions answered by a model, checked, judged, and queued for people.

    questions -> answers by a model -> automatic checks -> a judge model -> the review queue

Only what two reviewers accept is ever released (`review.ReviewQueue.verified`). What falls out on
the way is written down with its reason.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from medllm.data.asking import ask_text
from medllm.data.journal import Journal
from medllm.data.prepare.clean_text import strip_boilerplate
from medllm.data.prepare.language import guess_language
from medllm.data.shingles import question_of, words_of
from medllm.errors import ModelError
from medllm.models.chat import Message, Model
from medllm.records import SftRecord, Turn

PROMPT = "build/1"
"""Name and version of the prompts below; part of what a journal is made of."""
MAX_ANSWER_TOKENS = 1024
MAX_JUDGE_TOKENS = 512
MIN_ANSWER_WORDS = 8

_ANSWER = (
    "You answer health questions for a training collection that clinicians will check. Answer "
    "what is asked, plainly and completely. Say what is not known. Where it could be urgent, say "
    "when to seek care. Name no person and invent no source."
)
_JUDGE = (
    "You check an answer to a health question before clinicians read it. Judge whether it is "
    "correct, complete enough, and free of harm. Reply with JSON only: "
    '{"verdict": "accept" or "reject", "reason": "one sentence"}'
)
JUDGE_SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "verdict": {"enum": ["accept", "reject"]},
        "reason": {"type": "string", "maxLength": 300},
    },
    "required": ["verdict", "reason"],
    "additionalProperties": False,
}
_REFUSAL = re.compile(
    r"\bas an ai\b|\bas a language model\b|\bi am not a doctor\b|"
    r"\bi(?:'m| am) (?:sorry, but i )?(?:not able|unable|cannot)\b|"
    r"\bi can(?:no|')t (?:provide|give|help|assist|answer)\b",
    re.IGNORECASE,
)
_OBJECT = re.compile(r"\{.*\}", re.DOTALL)

Outcome = Literal["queued", "check", "judge", "failed"]


@dataclass
class Built:
    """What became of the questions; filled while the records are consumed."""

    questions: int = 0
    queued: int = 0
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
    """Give the answered records that pass the checks and the judge, for `review.make_queue`.

    Of each question's record the turns up to the last question are kept, whatever it was answered
    before. A judge that gives no verdict lets the record through, and says so in `meta.judged`. The
    first question's failure is raised: the model is not there; later ones are counted.
    """
    for record in questions:
        built.questions += 1
        asked = _unanswered(record)
        if asked is None:
            built.leave_out(record, "question", "the record has none")
            continue
        try:
            answer = _answer(asked, model, journal)
        except ModelError:
            if built.questions == 1:
                raise
            built.leave_out(record, "answer", "the model gave none")
            continue
        if faults := check_answer(question_of(asked), answer):
            built.leave_out(record, "check", faults[0])
            continue
        verdict, reason = _judge(asked, answer, judge, journal)
        if verdict == "reject":
            built.leave_out(record, "judge", "rejected")
            continue
        built.queued += 1
        yield _answered(asked, answer, model, judge, verdict, reason)


def check_answer(question: str, answer: str) -> list[str]:
    """Give what is wrong with an answer as far as rules can tell; nothing of its content."""
    words = words_of(answer)
    faults = []
    if len(words) < MIN_ANSWER_WORDS:
        faults.append("too short")
    if _REFUSAL.search(answer):
        faults.append("refuses")
    if words == words_of(question):
        faults.append("repeats the question")
    if _repeats_itself(words):
        faults.append("repeats itself")
    if answer.rstrip()[-1:] not in ".!?)\"'”’:|`*" and not answer.rstrip()[-1:].isdigit():
        faults.append("breaks off")
    languages = guess_language(question), guess_language(answer)
    if all(languages) and languages[0] != languages[1]:
        faults.append("another language than the question")
    if re.search(r"\{[a-z_]+\}|\[(?:insert|your|name|date)\b|<\|", answer, re.IGNORECASE):
        faults.append("holds a placeholder")
    return faults


def _repeats_itself(words: list[str]) -> bool:
    """Whether a run of eight words comes three times: a model that fell into a loop."""
    runs = Counter(tuple(words[at : at + 8]) for at in range(len(words) - 7))
    return any(n >= 3 for n in runs.values())


def _unanswered(record: SftRecord) -> SftRecord | None:
    """Give the record without its last answer; None where it ends without a question."""
    turns = record.messages
    if turns and turns[-1].role == "assistant":
        turns = turns[:-1]
    if not turns or turns[-1].role != "user":
        return None
    return replace(record, messages=turns, reasoning="", label="")


def _answer(record: SftRecord, model: Model, journal: Journal) -> str:
    key = f"answer\x1f{record.source}\x1f{record.id}"
    if key not in journal:
        answer = ask_text(model, _ANSWER, question_of(record), max_tokens=MAX_ANSWER_TOKENS)
        journal.write(key, strip_boilerplate(answer))
    return str(journal[key])


def _judge(record: SftRecord, answer: str, judge: Model, journal: Journal) -> tuple[str, str]:
    """Give the judge's verdict and reason; verdict "" where it gave none."""
    key = f"judge\x1f{record.source}\x1f{record.id}"
    if key not in journal:
        journal.write(key, _ask_judge(judge, question_of(record), answer))
    verdict, reason = journal[key]
    return verdict, reason


def _ask_judge(judge: Model, question: str, answer: str) -> list[str]:
    messages = [
        Message("system", _JUDGE),
        Message("user", f"Question:\n{question}\n\nAnswer:\n{answer}"),
    ]
    stream = judge.stream(messages, schema=JUDGE_SCHEMA, max_tokens=MAX_JUDGE_TOKENS)
    try:
        text = "".join(chunk.text for chunk in stream)
    except ModelError as exc:
        return ["", f"no verdict: {exc}"]
    finally:
        stream.close()
    return list(read_verdict(text))


def read_verdict(text: str) -> tuple[str, str]:
    """Give verdict and reason of a judge's reply; "" and why where it holds no verdict."""
    match = _OBJECT.search(text)
    try:
        value = json.loads(match.group()) if match else None
    except ValueError:
        value = None
    if not isinstance(value, dict) or value.get("verdict") not in ("accept", "reject"):
        return "", "no verdict: the reply was not what was asked for"
    reason = value.get("reason", "")
    return value["verdict"], reason if isinstance(reason, str) else ""


def _answered(
    record: SftRecord, answer: str, model: Model, judge: Model, verdict: str, reason: str
) -> SftRecord:
    history = [
        {"step": "answered", "by": str(model.spec), "prompt": PROMPT},
        {"step": "checked", "by": "rules"},
        {"step": "judged", "by": str(judge.spec), "decision": verdict or "none", "reason": reason},
    ]
    judged = f"{verdict or 'no verdict'} by {judge.spec}"
    return replace(
        record,
        messages=(*record.messages, Turn(role="assistant", content=answer)),
        meta={**record.meta, "history": history, "judged": judged},
    )

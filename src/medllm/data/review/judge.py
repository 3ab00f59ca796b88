"""What a judge model makes of an answer before people read it."""

from __future__ import annotations

import json
import re
from typing import Any, NamedTuple

from medllm.data.asking import ask_text
from medllm.models.chat import Model

MAX_TOKENS = 512

_SYSTEM = (
    "You check an answer to a health question before clinicians read it. Judge whether it is "
    "correct, complete enough, and free of harm. Reply with JSON only: "
    '{"verdict": "accept" or "reject", "reason": "one sentence"}'
)
SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "verdict": {"enum": ["accept", "reject"]},
        "reason": {"type": "string", "maxLength": 300},
    },
    "required": ["verdict", "reason"],
    "additionalProperties": False,
}
_OBJECT = re.compile(r"\{.*\}", re.DOTALL)


class Judgement(NamedTuple):
    """A judge's verdict, "accept", "reject" or "" where the reply held none, and its reason."""

    verdict: str
    reason: str


def judge_answer(judge: Model, question: str, answer: str) -> Judgement:
    """Ask the judge; raise `ModelError` where it does not reply at all."""
    asked = f"Question:\n{question}\n\nAnswer:\n{answer}"
    return read_judgement(ask_text(judge, _SYSTEM, asked, schema=SCHEMA, max_tokens=MAX_TOKENS))


def read_judgement(text: str) -> Judgement:
    """Give the judgement in a reply."""
    match = _OBJECT.search(text)
    try:
        value = json.loads(match.group()) if match else None
    except ValueError:
        value = None
    if not isinstance(value, dict) or value.get("verdict") not in ("accept", "reject"):
        return Judgement("", "the reply was not what was asked for")
    reason = value.get("reason", "")
    return Judgement(value["verdict"], reason if isinstance(reason, str) else "")

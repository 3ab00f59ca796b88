"""Turns out of the forms in which conversations are written down."""

from __future__ import annotations

import json
from typing import Any, NamedTuple

from medllm.data.fields import Fields
from medllm.data.reading import BadInputError, EmptyRecordError, clean
from medllm.data.sets.making import optional, text_of
from medllm.records import Role, Turn

_ROLES: dict[str, Role] = {
    "system": "system",
    "developer": "system",
    "user": "user",
    "human": "user",
    "prompter": "user",
    "patient": "user",
    "assistant": "assistant",
    "gpt": "assistant",
    "chatgpt": "assistant",
    "bot": "assistant",
    "model": "assistant",
    "doctor": "assistant",
}
QUESTIONS = ("question", "prompt", "query", "input")
"""The columns of a question, the likeliest first."""
ANSWERS = ("answer", "response", "completion", "output")


class Conversation(NamedTuple):
    """Turns that end with an answer, and the reasoning that stood in the last one."""

    turns: tuple[Turn, ...]
    reasoning: str


def turns_of(fields: Fields) -> Conversation:
    """Give the conversation of a record in any of the forms.

    Raises `BadInputError` where turns do not alternate between user and assistant, after a system
    turn at most, or do not end with the assistant.
    """
    record = fields.record
    for name in ("messages", "conversations"):
        if record.get(name) is not None:
            return _listed(_list(record[name], name))
    if "instruction" in record:
        question = text_of(fields, "instruction", "input")
        more = optional(fields, "input")
        if more and more != question:
            question = f"{question}\n\n{more}"
    else:
        question = _first(fields, QUESTIONS)
    answer = Turn(role="assistant", content=_first(fields, _answer_names(fields)))
    asked = Turn(role="user", content=question)
    system = optional(fields, "system")
    first = (Turn(role="system", content=system),) if system else ()
    return Conversation((*first, asked, answer), "")


def _answer_names(fields: Fields) -> tuple[str, ...]:
    """Give the answer columns, Alpaca's own first where the record is Alpaca's."""
    return ANSWERS[::-1] if "instruction" in fields.record else ANSWERS


def _first(fields: Fields, names: tuple[str, ...]) -> str:
    there = [name for name in names if name in fields.record]
    if not there:
        raise BadInputError(f"has none of the fields {', '.join(names)}")
    return text_of(fields, *there)


def _list(value: Any, name: str) -> list[Any]:
    if isinstance(value, str):  # a cell of a table
        try:
            value = json.loads(value)
        except (ValueError, RecursionError):
            raise BadInputError(f"field {name} is not JSON") from None
    if not isinstance(value, list) or not value:
        raise BadInputError(f"field {name} is not a list of turns")
    return value


def _listed(values: list[Any]) -> Conversation:
    turns = tuple(_turn(value, number) for number, value in enumerate(values, start=1))
    _check_order(turns)
    last = values[-1]
    reasoning = last.get("reasoning_content") or last.get("reasoning")
    return Conversation(turns, clean(reasoning).strip() if isinstance(reasoning, str) else "")


def _turn(value: Any, number: int) -> Turn:
    if not isinstance(value, dict):
        raise BadInputError(f"turn {number} is not an object")
    speaker = value.get("role", value.get("from"))
    role = _ROLES.get(speaker.strip().lower()) if isinstance(speaker, str) else None
    if role is None:
        raise BadInputError(f"turn {number} has a role that is not system, user or assistant")
    content = _text(value.get("content", value.get("value")), number)
    return Turn(role=role, content=content)


def _text(content: Any, number: int) -> str:
    """Give the text of a turn, which may come in parts."""
    if isinstance(content, list):
        parts = [part.get("text") for part in content if isinstance(part, dict)]
        texts = [part for part in parts if isinstance(part, str)]
        content = "\n".join(texts) if len(texts) == len(content) else None
    if not isinstance(content, str):
        raise BadInputError(f"turn {number} holds something that is not text")
    if not content.strip():
        raise EmptyRecordError(f"turn {number} is empty")
    return clean(content).strip()


def _check_order(turns: tuple[Turn, ...]) -> None:
    first = 1 if turns[0].role == "system" else 0
    for number, turn in enumerate(turns[first:]):
        wanted = "assistant" if number % 2 else "user"
        if turn.role != wanted:
            raise BadInputError(f"turn {first + number + 1} is not the {wanted}'s")
    if len(turns) - first < 2 or turns[-1].role != "assistant":
        raise BadInputError("its last turn is not an answer of the assistant's")

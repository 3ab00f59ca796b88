"""Verdicts out of what a judge wrote: the last JSON object that is one, mended twice at most."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from typing import Any

from medllm.data.asking import sent_to
from medllm.errors import ModelError
from medllm.evaluate.judge.prompts import MEND
from medllm.models.chat import Message, Model

MOST_REPAIRS = 2
_MAX_CHARACTERS_PER_TOKEN = 32
Read = Callable[[Mapping[str, Any]], Any]
"""Reads a verdict from an object; None where it is none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What came of a question to a judge."""

    value: Any
    """None where nothing could be read."""
    n_repairs: int = 0
    error: ModelError | None = None
    """Where the judge could not be asked at all."""


def ask_verdict(
    model: Model,
    messages: list[Message],
    schema: dict[str, Any],
    read: Read,
    *,
    max_tokens: int,
) -> Verdict:
    """Ask; where no verdict can be read, ask to mend it, twice at most. Never makes one up."""
    asked = [Message(m.role, sent_to(model, m.content)) for m in messages]
    for n_repairs in range(MOST_REPAIRS + 1):
        try:
            said = _answer(model, asked, schema, max_tokens)
        except ModelError as exc:
            return Verdict(value=None, n_repairs=n_repairs, error=exc)
        found = [value for value in map(read, _objects(said)) if value is not None]
        if found:
            return Verdict(value=found[-1], n_repairs=n_repairs)
        asked = [*asked, Message("assistant", said or "(nothing)"), Message("user", MEND)]
    return Verdict(value=None, n_repairs=MOST_REPAIRS)


def _answer(model: Model, messages: list[Message], schema: dict[str, Any], max_tokens: int) -> str:
    text = ""
    with closing(model.stream(messages, schema=schema, max_tokens=max_tokens)) as stream:
        for chunk in stream:
            text += chunk.text
            if len(text) > _MAX_CHARACTERS_PER_TOKEN * max_tokens:
                break
    return text


def _objects(text: str) -> Iterator[dict[str, Any]]:
    """Give every JSON object in a text that stands in no other, in order."""
    decoder = json.JSONDecoder()
    at = text.find("{")
    while at >= 0:
        try:
            value, end = decoder.raw_decode(text, at)
        except (ValueError, RecursionError):
            end = at + 1
        else:
            if isinstance(value, dict):
                yield value
        at = text.find("{", end)

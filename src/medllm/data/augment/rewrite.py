"""Copies of records whose question a model wrote anew: a paraphrase, or there and back again."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Literal

from medllm.data.augment.synonyms import TASKS, Augmented, lost_in_copy, mark_copy
from medllm.data.journal import Journal
from medllm.errors import ModelError
from medllm.models.chat import Message, Model
from medllm.records import SftRecord

Method = Literal["paraphrase", "back-translation"]
PROMPT = "rewrite/1"
"""Name and version of the prompts below; part of what a journal is made of."""
MAX_TOKENS = 1024

_PARAPHRASE = (
    "Rewrite the patient's message in other words. Keep every fact: symptoms, numbers with their "
    "units, names of medicines, what is denied, how certain it is. Add nothing, answer nothing. "
    "Reply with the rewritten message only."
)
_THERE = (
    "Translate the message into {language}. Keep numbers, units and names of medicines as they "
    "are. Reply with the translation only."
)
_BACK = (
    "Translate the message into English. Keep numbers, units and names of medicines as they are. "
    "Reply with the translation only."
)


def ask_text(model: Model, system: str, text: str, *, max_tokens: int = MAX_TOKENS) -> str:
    """Give the model's whole answer, stripped; raise `ModelError` where it is cut off or empty."""
    messages = [Message("system", system), Message("user", text)]
    stream = model.stream(messages, schema=None, max_tokens=max_tokens)
    parts: list[str] = []
    finish = ""
    try:
        for chunk in stream:
            parts.append(chunk.text)
            finish = chunk.finish or finish
    finally:
        stream.close()
    answer = "".join(parts).strip()
    if finish == "length":
        raise ModelError("the model's answer was cut off at its longest length")
    if not answer:
        raise ModelError("the model gave no answer")
    return answer


def rewrite_question(model: Model, text: str, method: Method, language: str) -> str:
    """Give a question in other words; raise `ModelError` where the model gives none."""
    if method == "paraphrase":
        return ask_text(model, _PARAPHRASE, text)
    there = ask_text(model, _THERE.format(language=language), text)
    return ask_text(model, _BACK, there)


def augment_with_model(
    records: Iterable[SftRecord],
    model: Model,
    *,
    method: Method = "paraphrase",
    language: str = "German",
    journal: Journal,
    counts: Augmented,
) -> Iterator[SftRecord]:
    """Give each record, and behind it its copy with the questions written anew, if it survives.

    A record for which the model gives nothing has no copy and is counted as failed; it is asked
    again when the run is repeated. The first record's failure is raised: the model is not there.
    """
    for record in records:
        counts.originals += 1
        yield record
        if record.task not in TASKS:
            counts.nothing_to_replace += 1
            continue
        try:
            copy = _rewrite(record, model, method, language, journal)
        except ModelError:
            if not counts.copies and not counts.lost and counts.failed == 0:
                raise
            counts.failed += 1
            continue
        if lost := lost_in_copy(record, copy, strictly=False):
            counts.lost[lost] += 1
        elif copy.messages == record.messages:
            counts.lost["nothing changed"] += 1
        else:
            counts.copies += 1
            yield copy


def _rewrite(
    record: SftRecord, model: Model, method: Method, language: str, journal: Journal
) -> SftRecord:
    turns = []
    for number, turn in enumerate(record.messages):
        if turn.role != "user":
            turns.append(turn)
            continue
        key = f"{record.source}\x1f{record.id}\x1f{number}"
        if key not in journal:
            journal.write(key, rewrite_question(model, turn.content, method, language))
        turns.append(replace(turn, content=journal[key]))
    return mark_copy(record, tuple(turns), method=method, by=str(model.spec))

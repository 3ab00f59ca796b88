"""Copies of records whose question a model wrote anew: a paraphrase, or there and back again."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Literal

from medllm.data.asking import Failures, ask_text, sent_to
from medllm.data.augment.survives import lost_in_rewriting
from medllm.data.augment.synonyms import Augmented, is_chosen, mark_copy
from medllm.data.journal import Journal
from medllm.errors import ModelError
from medllm.models.chat import Model
from medllm.records import SftRecord

Method = Literal["paraphrase", "back-translation"]
PROMPT = "rewrite/1"
"""Name and version of the prompts below; part of what a journal is made of."""

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


def rewrite_question(model: Model, text: str, method: Method, language: str) -> str:
    """Give a question in other words, "" where the model gives none, or not the whole of it."""
    if method == "paraphrase":
        return ask_text(model, _PARAPHRASE, text)
    there = ask_text(model, _THERE.format(language=language), text)
    return ask_text(model, _BACK, there) if there else ""


def augment_with_model(
    records: Iterable[SftRecord],
    model: Model,
    *,
    method: Method = "paraphrase",
    language: str = "German",
    share: float = 1.0,
    key: str = "medllm",
    journal: Journal,
    counts: Augmented,
) -> Iterator[SftRecord]:
    """Give each record, and behind it its copy with the questions written anew, if it survives.

    A record for which the model gives nothing has no copy and is counted as failed; it is asked
    again when the run is repeated. After some failures in a row the last one is raised: the model
    is not there.
    """
    failures = Failures()
    for record in records:
        yield record
        if not is_chosen(record, share=share, key=key, counts=counts):
            continue
        if _has_identifiers(record, model):
            counts.lost["identifiers, not sent"] += 1
            continue
        try:
            copy = _rewrite(record, model, method, language, journal)
        except ModelError as exc:
            failures.add(exc)
            counts.failed += 1
            continue
        failures.clear()
        lost = _lost(record, copy)
        if lost:
            counts.lost[lost] += 1
        else:
            counts.copies += 1
            yield copy


def _has_identifiers(record: SftRecord, model: Model) -> bool:
    """Whether a question holds what may not go to this model: the copy would have gaps there."""
    asked = (turn.content for turn in record.messages if turn.role == "user")
    return any(sent_to(model, text) != text for text in asked)


def _lost(record: SftRecord, copy: SftRecord) -> str:
    if copy.messages == record.messages:
        return "nothing changed"
    for before, after in zip(record.messages, copy.messages, strict=True):
        if before.content and not after.content:
            return "no whole answer"
        if before != after and (lost := lost_in_rewriting(before.content, after.content)):
            return lost
    return ""


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
    by: dict[str, str] = {"by": str(model.spec), "prompt": PROMPT}
    if method == "back-translation":
        by["through"] = language
    return mark_copy(record, tuple(turns), method=method, **by)

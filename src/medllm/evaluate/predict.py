"""Answers of a model to held-out items, asked once each, kept as they come, counted by their fate.

An answer that is empty, cut off at its longest length, or failed is a result too: it is stored with
what it is, shown in the report, and never left out in silence. Only failed ones are asked again
when the run is repeated; so is every item whose prompt or settings have changed since.
"""

from __future__ import annotations

import re
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import closing
from dataclasses import asdict, dataclass, field, replace
from itertools import islice
from typing import Any, Literal, NamedTuple

from medllm.data.asking import Failures, sent_to
from medllm.errors import DataError, ModelError
from medllm.evaluate.energy import machine_meter
from medllm.evaluate.held_out import Item
from medllm.evaluate.ledger import Ledger
from medllm.files import sha256_text
from medllm.models.chat import AnswersAll, Message, Model

Fate = Literal["answered", "truncated", "empty", "failed"]
FATES: tuple[Fate, ...] = ("answered", "truncated", "empty", "failed")
Progress = Callable[[int], None]
_THOUGHT = re.compile(r"^\s*<think>.*?</think>", re.DOTALL)
_MAX_CHARACTERS_PER_TOKEN = 32
"""A server that sends more than this ignores the limit and would go on for ever."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Prediction:
    """What a model answered to an item."""

    key: str
    """The item's."""
    text: str = field(repr=False)
    fate: Fate
    error: str = ""
    """Why it failed."""
    prompt_digest: str = ""
    settings_digest: str = ""
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    seconds: float | None = None
    joules: float | None = None
    """Of the whole machine while it answered, its share where it was one of a batch; None where it
    is not measured, where several requests ran side by side, or where the model is elsewhere."""

    @property
    def said(self) -> str:
        """The answer without the thoughts that some models write before it."""
        return _THOUGHT.sub("", self.text).strip()


@dataclass(frozen=True, slots=True, kw_only=True)
class Asking:
    """How items are asked."""

    max_tokens: int = 1024
    concurrent: int = 1
    settings: Mapping[str, Any] = field(default_factory=dict)
    """What else decides the answers: the spec, the temperature, the seed."""

    @property
    def digest(self) -> str:
        """What answers have to share to be of one run."""
        return sha256_text(repr((self.max_tokens, sorted(self.settings.items()))))


def predict(
    model: Model,
    items: Sequence[Item],
    ledger: Ledger,
    asking: Asking,
    *,
    progress: Progress = lambda n_done: None,
) -> None:
    """Ask for every answer that the ledger does not hold yet.

    One that fails is stored as failed; where the first or several in a row fail, the `ModelError`
    is raised, and what is there stays.
    """
    todo = [item for item in items if not _is_done(ledger.entries.get(item.key), item, asking)]
    n_done = len(items) - len(todo)
    progress(n_done)
    failures = Failures()
    for prediction, error in _answers(model, todo, asking):
        if error is None:
            failures.clear()
        else:
            try:
                failures.add(error)
            except ModelError as exc:
                hint = f"{exc.hint}; then the same command goes on where it stopped".lstrip("; ")
                raise ModelError(str(exc), hint=hint) from exc
        ledger.add(asdict(prediction))
        n_done += 1
        progress(n_done)


def _is_done(entry: dict[str, Any] | None, item: Item, asking: Asking) -> bool:
    return (
        entry is not None
        and entry.get("fate") in FATES[:3]
        and entry.get("prompt_digest") == item.prompt_digest
        and entry.get("settings_digest") == asking.digest
    )


class _Answered(NamedTuple):
    prediction: Prediction
    error: ModelError | None


def _answers(model: Model, items: Sequence[Item], asking: Asking) -> Iterator[_Answered]:
    """Give the answers as they come, `concurrent` of them asked for at a time or in one batch."""
    if asking.concurrent > 1 and isinstance(model, AnswersAll):
        yield from _answers_in_batches(model, items, asking)
        return
    if asking.concurrent == 1:
        meter = machine_meter() if model.spec.is_local else None
        for item in items:
            if meter:
                meter.lap()
            answered = answer(model, item, asking)
            joules = meter.lap() if meter else None
            yield _Answered(replace(answered.prediction, joules=joules), answered.error)
        return
    left = iter(items)
    with ThreadPoolExecutor(asking.concurrent) as pool:
        running: set[Future[_Answered]] = set()
        try:
            while True:
                for item in islice(left, asking.concurrent - len(running)):
                    running.add(pool.submit(answer, model, item, asking))
                if not running:
                    return
                done, running = wait(running, return_when=FIRST_COMPLETED)
                yield from (future.result() for future in done)
        finally:
            for future in running:
                future.cancel()


def _answers_in_batches(model: Any, items: Sequence[Item], asking: Asking) -> Iterator[_Answered]:
    """Ask `concurrent` items in one batch; where that fails, each alone, to know which it was.

    Each has its share of the seconds and of the energy that its batch took.
    """
    meter = machine_meter()
    for start in range(0, len(items), asking.concurrent):
        batch = items[start : start + asking.concurrent]
        started = time.perf_counter()
        meter.lap()
        try:
            found = model.answer_all(
                [_messages(model, item) for item in batch], max_tokens=asking.max_tokens
            )
        except ModelError:
            yield from (answer(model, item, asking) for item in batch)
            continue
        seconds = round((time.perf_counter() - started) / len(batch), 4)
        joules = meter.lap()
        for item, one in zip(batch, found, strict=True):
            prediction = Prediction(
                key=item.key,
                text=one.text.strip(),
                fate=_fate(one.text, one.finish, None),
                prompt_digest=item.prompt_digest,
                settings_digest=asking.digest,
                prompt_tokens=one.prompt_tokens,
                completion_tokens=one.completion_tokens,
                seconds=seconds,
                joules=None if joules is None else joules / len(batch),
            )
            yield _Answered(prediction, None)


def _messages(model: Model, item: Item) -> list[Message]:
    return [Message(m.role, sent_to(model, m.content)) for m in item.messages]


def answer(model: Model, item: Item, asking: Asking) -> _Answered:
    """Ask one item; a failure becomes a prediction that says so."""
    messages = _messages(model, item)
    started = time.perf_counter()
    text, finish, error = "", "", None
    prompt_tokens = completion_tokens = None
    try:
        stream = model.stream(messages, schema=None, max_tokens=asking.max_tokens)
        with closing(stream):
            for chunk in stream:
                text += chunk.text
                if chunk.finish:
                    finish = chunk.finish
                    prompt_tokens = chunk.prompt_tokens
                    completion_tokens = chunk.completion_tokens
                if len(text) > _MAX_CHARACTERS_PER_TOKEN * asking.max_tokens:
                    finish = "length"
                    break
    except ModelError as exc:
        error = exc
    prediction = Prediction(
        key=item.key,
        text=text.strip(),
        fate=_fate(text, finish, error),
        error=str(error or ""),
        prompt_digest=item.prompt_digest,
        settings_digest=asking.digest,
        prompt_tokens=prompt_tokens,
        completion_tokens=completion_tokens,
        seconds=round(time.perf_counter() - started, 4),
    )
    return _Answered(prediction, error)


def _fate(text: str, finish: str, error: ModelError | None) -> Fate:
    if error is not None:
        return "failed"
    if not text.strip():
        return "empty"
    return "truncated" if finish == "length" else "answered"


def read_predictions(
    entries: Mapping[str, Mapping[str, Any]], items: Sequence[Item], *, source: str
) -> dict[str, Prediction]:
    """Give the predictions of a ledger for these items; `DataError` where none is for them."""
    found = {}
    for item in items:
        entry = entries.get(item.key)
        if entry is not None:
            try:
                found[item.key] = Prediction(**entry)
            except TypeError as exc:
                hint = "name a file that `medllm evaluate` wrote"
                raise DataError(f"{source} holds no predictions", hint=hint) from exc
    if not found:
        raise DataError(
            f"the {len(entries)} predictions of {source} are for other records",
            hint="name the records that they were made for: their source and id must match",
        )
    return found


def count_fates(predictions: Mapping[str, Prediction], n_items: int) -> dict[str, int]:
    """Give how many predictions had which fate, and how many are missing."""
    counts = Counter(prediction.fate for prediction in predictions.values())
    return {**{fate: counts[fate] for fate in FATES}, "missing": n_items - len(predictions)}

"""Asking the judge everything that is not answered yet, and keeping every verdict."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from itertools import islice
from typing import Any, NamedTuple

from medllm.data.asking import Failures
from medllm.errors import ModelError
from medllm.evaluate.judge import prompts, rubric
from medllm.evaluate.judge.plan import Question
from medllm.evaluate.judge.verdicts import Verdict, ask_verdict
from medllm.evaluate.ledger import Ledger
from medllm.evaluate.predict import Progress
from medllm.files import sha256_text
from medllm.models.chat import Model


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """The verdict on a question, as it is kept: a rating, a choice, or None where none was read."""

    question: Question
    value: Any
    n_repairs: int


class _Done(NamedTuple):
    question: Question
    verdict: Verdict


def judge_all(
    model: Model,
    questions: Sequence[Question],
    ledger: Ledger,
    *,
    settings: Mapping[str, Any],
    max_tokens: int,
    concurrent: int = 1,
    progress: Progress = lambda n_done: None,
) -> list[Given]:
    """Give the verdict on every question; those that the ledger holds are not asked again.

    Where the judge cannot be asked, the first time or several times in a row, `ModelError` is
    raised; what is there stays, and the next run goes on.
    """
    made_with = repr((prompts.VERSION, rubric.VERSION, max_tokens, sorted(settings.items())))
    digests = {q.key: _digest(q, made_with) for q in questions}
    todo = [q for q in questions if ledger.entries.get(q.key, {}).get("digest") != digests[q.key]]
    n_done = len(questions) - len(todo)
    progress(n_done)
    failures = Failures()
    for question, verdict in _ask(model, todo, max_tokens, concurrent):
        if verdict.error is not None:
            try:
                failures.add(verdict.error)
            except ModelError as exc:
                hint = f"{exc.hint}; then the same command goes on where it stopped".lstrip("; ")
                raise ModelError(f"the judge: {exc}", hint=hint) from exc
            continue  # asked again by the next run
        failures.clear()
        ledger.add(
            {
                "key": question.key,
                "digest": digests[question.key],
                "value": verdict.value,
                "n_repairs": verdict.n_repairs,
            }
        )
        n_done += 1
        progress(n_done)
    return [_given(q, ledger.entries[q.key]) for q in questions if q.key in ledger.entries]


def _digest(question: Question, made_with: str) -> str:
    said = "\0".join(message.content for message in question.messages())
    return sha256_text(f"{made_with}\0{said}")


def _given(question: Question, entry: Mapping[str, Any]) -> Given:
    return Given(question=question, value=entry["value"], n_repairs=entry["n_repairs"])


def _ask(
    model: Model, questions: Sequence[Question], max_tokens: int, concurrent: int
) -> Iterator[_Done]:
    """Give the verdicts as they come, `concurrent` of them asked for at a time."""

    def one(question: Question) -> _Done:
        is_single = question.kind == "single"
        schema = rubric.single_schema() if is_single else rubric.pair_schema()
        read = rubric.read_rating if is_single else rubric.read_choice
        verdict = ask_verdict(model, question.messages(), schema, read, max_tokens=max_tokens)
        return _Done(question, verdict)

    if concurrent == 1:  # in order, which a script needs
        yield from map(one, questions)
        return
    left = iter(questions)
    with ThreadPoolExecutor(concurrent) as pool:
        running: set[Future[_Done]] = set()
        try:
            while True:
                for question in islice(left, concurrent - len(running)):
                    running.add(pool.submit(one, question))
                if not running:
                    return
                done, running = wait(running, return_when=FIRST_COMPLETED)
                yield from (future.result() for future in done)
        finally:
            for future in running:
                future.cancel()

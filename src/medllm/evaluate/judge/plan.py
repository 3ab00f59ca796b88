"""The questions to a judge: every answer, every pair in both orders, repeated, in random order."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from medllm.evaluate.held_out import Item
from medllm.evaluate.judge import prompts
from medllm.evaluate.judge.probes import PROBES, Probe
from medllm.evaluate.settings import JudgeConfig
from medllm.models.chat import Message

Kind = Literal["single", "pair"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """One thing that the judge is asked; its key says what it is about and is never sent."""

    key: str
    kind: Kind
    item: Item
    answers: tuple[str, ...]
    with_reference: bool
    repeat: int = 0

    def messages(self) -> list[Message]:
        """Give what is sent."""
        if self.kind == "single":
            return prompts.single_messages(
                self.item, self.answers[0], with_reference=self.with_reference, turn=self.repeat
            )
        first, second = self.answers
        return prompts.pair_messages(self.item, first, second, with_reference=self.with_reference)


def plan(
    items: Sequence[Item],
    answers: Mapping[str, Mapping[str, str]],
    settings: JudgeConfig,
    *,
    baseline: str,
    seed: int,
) -> list[Question]:
    """Give all questions, shuffled: what a judge saw before must not hang on the system.

    `answers` are of each system, by item; items without an answer are not judged.
    """
    drawn = draw(items, settings.items, seed)
    questions: list[Question] = []
    if settings.single:
        questions += _singles(drawn, answers, settings)
    if settings.pairwise:
        questions += _pairs(drawn, answers, settings, baseline)
    questions += _probes(drawn, settings)
    random.Random(seed).shuffle(questions)
    return questions


def draw(items: Sequence[Item], n: int, seed: int) -> list[Item]:
    """Draw so many items; 0 is all."""
    order = list(items)
    random.Random(seed).shuffle(order)
    return order[:n] if n else order


def _singles(
    items: Sequence[Item], answers: Mapping[str, Mapping[str, str]], settings: JudgeConfig
) -> Iterator[Question]:
    for item in items:
        for system, given in answers.items():
            for with_reference in _references(item, settings):
                for repeat in range(settings.repeats if item.key in given else 0):
                    mode = "with" if with_reference else "without"
                    yield Question(
                        key=f"single|{system}|{item.key}|{mode}|{repeat}",
                        kind="single",
                        item=item,
                        answers=(given[item.key],),
                        with_reference=with_reference,
                        repeat=repeat,
                    )


def _references(item: Item, settings: JudgeConfig) -> list[bool]:
    modes = {"with": [True], "without": [False], "both": [True, False]}[settings.reference]
    return modes if item.reference else [False]


def _pairs(
    items: Sequence[Item],
    answers: Mapping[str, Mapping[str, str]],
    settings: JudgeConfig,
    baseline: str,
) -> Iterator[Question]:
    base = answers.get(baseline, {})
    for item in items:
        for system, given in answers.items():
            if system == baseline or item.key not in given or item.key not in base:
                continue
            for repeat in range(settings.repeats):
                for order in ("base first", "base second"):
                    both = (base[item.key], given[item.key])
                    yield Question(
                        key=f"pair|{system}|{item.key}|{order}|{repeat}",
                        kind="pair",
                        item=item,
                        answers=both if order == "base first" else both[::-1],
                        with_reference=_references(item, settings)[0],
                        repeat=repeat,
                    )


def _probes(items: Sequence[Item], settings: JudgeConfig) -> Iterator[Question]:
    """Pair the reference with a changed copy of itself, in both orders."""
    with_reference = [item for item in items if item.reference]
    for name, change in PROBES.items():
        n = 0
        for item in with_reference:
            changed = change(item.reference)
            if n < settings.probes and changed is not None:
                n += 1
                yield from _probe(name, item, changed)


def _probe(name: Probe, item: Item, changed: str) -> Iterator[Question]:
    for order in ("original first", "original second"):
        both = (item.reference, changed)
        yield Question(
            key=f"probe|{name}|{item.key}|{order}|0",
            kind="pair",
            item=item,
            answers=both if order == "original first" else both[::-1],
            with_reference=False,  # it would give the answer away
        )

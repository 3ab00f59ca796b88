"""Track B from beginning to end: questions, verdicts, scores, and what the judge is worth."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from medllm.evaluate.held_out import Item
from medllm.evaluate.judge.ask import judge_all
from medllm.evaluate.judge.plan import plan
from medllm.evaluate.judge.scores import pair_measures, rating_measures
from medllm.evaluate.judge.tables import judge_tables
from medllm.evaluate.judge.trust import examine
from medllm.evaluate.ledger import Ledger
from medllm.evaluate.measured import Measured
from medllm.evaluate.settings import Settings
from medllm.evaluate.systems import Answers, Shown, family_of, open_asked


class Judged(NamedTuple):
    """The measures of a judge, what is known about it, and that as tables."""

    measures: list[Measured]
    facts: dict[str, Any]
    tables: list[dict[str, Any]]


def judge(
    settings: Settings,
    items: Sequence[Item],
    answers: Sequence[Answers],
    folder: Path,
    shown: Shown,
) -> Judged:
    """Judge the answers; verdicts are kept in `folder` and asked for once.

    An answer that failed is not judged; an empty one is: to say nothing is an answer too.
    """
    told, baseline = settings.evaluate.judge, settings.evaluate.compared_with
    model = open_asked(told.model, settings.models)
    said = {
        one.name: {k: p.said for k, p in one.predictions.items() if p.fate != "failed"}
        for one in answers
    }
    questions = plan(items, said, told, baseline=baseline, seed=settings.evaluate.seed)
    models = settings.models
    with (
        Ledger(folder / "verdicts.jsonl") as ledger,
        shown("asking the judge", "verdicts", len(questions)) as advance,
    ):
        given = judge_all(
            model,
            questions,
            ledger,
            settings={
                "model": str(model.spec),
                "temperature": models.temperature,
                "seed": models.seed,
            },
            max_tokens=told.max_tokens,
            concurrent=settings.evaluate.concurrent,
            progress=advance,
        )
    measures = [
        *rating_measures(given, [one.name for one in answers]),
        *pair_measures(given, baseline),
    ]
    facts = examine(
        given,
        len(questions),
        measures=measures,
        lengths=_lengths(said),
        families={one.name: one.family for one in answers},
        judge_family=(told.family or family_of(str(model.spec))).lower(),
        baseline=baseline,
    )
    facts |= {"model": str(model.spec), "repeats": told.repeats, "temperature": models.temperature}
    return Judged([m for m in measures if any(m.scores.values())], facts, judge_tables(facts))


def _lengths(said: Mapping[str, Mapping[str, str]]) -> dict[str, dict[str, int]]:
    return {
        system: {key: len(text.split()) for key, text in texts.items()}
        for system, texts in said.items()
    }

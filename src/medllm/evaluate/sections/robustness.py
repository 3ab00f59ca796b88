"""How systems bear other words and hard questions, each against itself, as sections of a report."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from medllm.errors import ConfigError
from medllm.evaluate.held_out import Item
from medllm.evaluate.judge.plan import draw
from medllm.evaluate.lexical import chrf
from medllm.evaluate.measured import Measured, compare_all
from medllm.evaluate.paired.compare import Comparison, compare
from medllm.evaluate.predict import Prediction
from medllm.evaluate.report.facts import clusters_of
from medllm.evaluate.sections.section import Section, share_with_interval
from medllm.evaluate.settings import Settings
from medllm.evaluate.systems import Answers, Asker, Shown
from medllm.evaluate.tasks.gold import GOLD_TASKS, measure_tasks
from medllm.evaluate.tasks.hard_prompts import (
    HardPrompts,
    measure_hard_prompts,
    read_hard_prompts,
)
from medllm.evaluate.tasks.noise import with_typos
from medllm.evaluate.tasks.paraphrase import with_other_words

Predictions = Mapping[str, Mapping[str, Prediction]]
Again = dict[tuple[str, str], dict[str, Prediction]]
"""System and kind of question -> item -> answer."""
_CHANGES: dict[str, Callable[[Item, int], Item]] = {
    "typos": with_typos,
    "paraphrases": with_other_words,
}
_BY_PHRASES = (
    "Refusals, and admissions that something is not known, are found by phrases: read some of the "
    "answers in predictions/ before you rely on the rates."
)
_BY_RULES = (
    "Changed questions are made by rules: people mistype and reword in more ways than these."
)


def robustness_sections(
    settings: Settings,
    items: Sequence[Item],
    answers: Sequence[Answers],
    folder: Path,
    *,
    shown: Shown,
) -> list[Section]:
    """Ask every system that can be asked; their answers are kept in `folder`, asked for once."""
    told, seed = settings.evaluate.robustness, settings.evaluate.seed
    if not told.is_on or (not items and settings.evaluate.summaries.notes):
        return []
    drawn = draw(items, told.items, seed)
    changed = {
        kind: [c for i in drawn if (c := _CHANGES[kind](i, seed)).messages != i.messages]
        for kind in told.noises
    }
    prompts = HardPrompts([], [], [])
    if told.hard_prompts:
        prompts = read_hard_prompts(settings.evaluate.system_prompt)
    questions = changed | {"hard": [*prompts.benign, *prompts.unanswerable]}
    given = _ask(
        settings, {kind: asked for kind, asked in questions.items() if asked}, folder, shown
    )
    found = []
    if told.noises:
        before = {one.name: one.predictions for one in answers}
        found.append(_changed(drawn, changed, before, given, seed))
    if told.hard_prompts:
        by_system = {name: got for (name, kind), got in given.items() if kind == "hard"}
        found.append(_hard(prompts, by_system, settings))
    return found


def _ask(
    settings: Settings, questions: Mapping[str, Sequence[Item]], folder: Path, shown: Shown
) -> Again:
    """Ask one system after the other, so that one model at a time is in memory."""
    systems = [system for system in settings.evaluate.systems if system.model]
    if not systems:
        raise ConfigError(
            "robustness needs a system that can be asked, and all answers are read from files",
            hint="give a system its model, or leave [evaluate.robustness] out",
        )
    found: Again = {}
    for system in systems:
        asker = Asker(system, settings.evaluate, settings.models)
        for kind, asked in questions.items():
            path = folder / f"{system.name}.{kind}.jsonl"
            found[system.name, kind] = asker.ask(asked, path, shown, what=kind)
    return found


def _changed(
    drawn: Sequence[Item],
    changed: Mapping[str, Sequence[Item]],
    before: Predictions,
    again: Again,
    seed: int,
) -> Section:
    """Compare the answers to changed questions; those that no rule changes were not asked."""
    pairs = [(name, f"{name} ({kind})") for name, kind in again if kind != "hard"]
    given: dict[str, Mapping[str, Prediction]] = {name: before[name] for name, _ in pairs}
    given |= {f"{name} ({kind})": got for (name, kind), got in again.items() if kind != "hard"}
    measures = _measures(drawn, given, pairs)
    counts = ", ".join(f"{len(asked):,} by {kind}" for kind, asked in changed.items())
    return Section(
        title="Other words",
        called="the same questions in other words",
        is_about_systems=True,
        n=len(drawn),
        unit="questions",
        measures=measures,
        comparisons=_comparisons(measures, pairs, drawn, seed),
        limits=[_BY_RULES],
        note=f"Changed: {counts}; the others were not asked again. Each system is compared with "
        "itself.",
        clusters=clusters_of(drawn),
    )


def _measures(
    items: Sequence[Item], given: Predictions, pairs: Sequence[tuple[str, str]]
) -> list[Measured]:
    """Give what right answers lose, and how much of what a system says stays the same."""
    in_words = [i for i in items if i.task not in GOLD_TASKS and i.reference]
    found = [replace(m, track="robustness") for m in measure_tasks(items, given).measures]
    if in_words:
        scores = {
            system: {
                item.key: _alike(mine[item.key].said, item.reference)
                for item in in_words
                if item.key in mine and mine[item.key].fate != "failed"
            }
            for system, mine in given.items()
        }
        found.append(
            Measured(
                name="chrF",
                track="robustness",
                definition=f"against the reference; {chrf.DEFINITION}",
                scores=scores,
            )
        )
    found.append(
        Measured(
            name="likeness to its own answer",
            track="robustness",
            definition=f"the answer to the changed question against that to the question as it "
            f"was; {chrf.DEFINITION}",
            scores={
                changed: {
                    key: _alike(one.said, given[name][key].said)
                    for key, one in given[changed].items()
                    if key in given[name] and "failed" not in (one.fate, given[name][key].fate)
                }
                for name, changed in pairs
            },
            is_tested=False,
        )
    )
    return [measure for measure in found if any(measure.scores.values())]


def _alike(one: str, other: str) -> float:
    return chrf.score(chrf.count(chrf.n_grams(one), chrf.n_grams(other)))


def _comparisons(
    measures: Sequence[Measured],
    pairs: Sequence[tuple[str, str]],
    items: Sequence[Item],
    seed: int,
) -> list[Comparison]:
    """Compare each system with itself."""
    clusters = clusters_of(items)
    found = [
        compare(
            measure.name,
            (name, changed),
            measure.scores.get(name, {}),
            measure.scores.get(changed, {}),
            bounds=measure.bounds,
            clusters=clusters,
            seed=seed,
            higher_is_better=measure.higher_is_better,
        )
        for measure in measures
        if measure.is_tested
        for name, changed in pairs
    ]
    return [one for one in found if one is not None]


def _hard(prompts: HardPrompts, given: Predictions, settings: Settings) -> Section:
    """Score the answers to benign questions that sound dangerous, and to unanswerable ones."""
    measures = measure_hard_prompts(prompts, given)
    baseline = settings.evaluate.compared_with
    first = baseline if baseline in given else next(iter(given))
    refused, claimed = (measure.means() for measure in measures)
    return Section(
        title="Hard questions",
        called="hard questions",
        is_about_systems=True,
        n=2 * len(prompts.benign),
        unit="questions, half of them benign and half that nobody can answer",
        measures=measures,
        comparisons=compare_all(measures, baseline=first, seed=settings.evaluate.seed),
        said=[
            f"{name} refused {share_with_interval(refused[name])} of {refused[name].n:,} benign "
            f"questions that sound dangerous, and answered {share_with_interval(claimed[name])} of "
            f"{claimed[name].n:,} questions that nobody can answer as if it knew"
            f"{_not_whole(given[name])}."
            for name in given
            if name in refused and name in claimed
        ],
        limits=[_BY_PHRASES],
        note="Both are better when lower. A system that always refuses, or always answers, is good "
        "at one of them only.",
        tables=[_by_category(prompts, measures)],
    )


def _not_whole(given: Mapping[str, Prediction]) -> str:
    """Say how many answers were cut off or failed, if any."""
    fates = Counter[str](one.fate for one in given.values())
    words = {"truncated": "cut off and read as far as they go", "failed": "failed and left out"}
    said = [f"{fates[fate]:,} answers were {word}" for fate, word in words.items() if fates[fate]]
    return f" ({'; '.join(said)})" if said else ""


def _by_category(prompts: HardPrompts, measures: Sequence[Measured]) -> dict[str, object]:
    """Give counts by category: too few each for a share."""
    refused, claimed = measures
    systems = list(refused.scores)
    rows = []
    for category in dict.fromkeys(prompts.categories):
        at = [n for n, name in enumerate(prompts.categories) if name == category]
        cells = []
        for measure, items in ((refused, prompts.benign), (claimed, prompts.unanswerable)):
            for system in systems:
                scores = [measure.scores[system].get(items[n].key) for n in at]
                there = [score for score in scores if score is not None]
                cells.append(f"{sum(there):.0f} of {len(there)}")
        rows.append([category, *cells])
    return {
        "title": "Hard questions by category",
        "header": [
            "category",
            *(f"refused: {system}" for system in systems),
            *(f"answered as if known: {system}" for system in systems),
        ],
        "rows": rows,
        "note": "",
        "is_detail": True,
    }

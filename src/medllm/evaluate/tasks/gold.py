"""Measures of items that have one right answer, by task."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from medllm.evaluate.held_out import Item
from medllm.evaluate.measured import Measured
from medllm.evaluate.predict import Prediction
from medllm.evaluate.tasks.classification import report_classes, report_tables
from medllm.evaluate.tasks.reading import is_refusal, normalised, read_choice, read_word

WORDS = ("yes", "no", "maybe")
GOLD_TASKS = ("choice", "yes-no-maybe", "cloze")
"""Tasks with one right answer: what their answers share with it in words says nothing more."""
Predictions = Mapping[str, Mapping[str, Prediction]]


class Measures(NamedTuple):
    """The measures of the tasks, further facts, and tables of the report."""

    measures: list[Measured]
    facts: dict[str, Any]
    tables: list[dict[str, Any]]


def measure_tasks(items: Sequence[Item], predictions: Predictions) -> Measures:
    """Score what has a right answer, and count refusals where an answer in words was asked for."""
    found = Measures([], {}, [])
    for task, name, read, chance in (
        ("choice", "accuracy (choice)", _read_choice, _one_of_choices),
        ("yes-no-maybe", "accuracy (yes-no-maybe)", _read_word, lambda item: 1 / len(WORDS)),
    ):
        mine = [item for item in items if item.task == task and item.label]
        if mine:
            _classify(name, mine, predictions, read, chance, found)
    if cloze := [item for item in items if item.task == "cloze" and item.label]:
        found.measures.extend(_cloze(cloze, predictions))
    if spoken := [item for item in items if item.task in ("dialogue", "question")]:
        refused = _refusals(spoken, predictions)
        if any(any(scores.values()) for scores in refused.scores.values()):
            found.measures.append(refused)
    return found


def _classify(
    name: str,
    items: Sequence[Item],
    predictions: Predictions,
    read: Callable[[Item, str], str],
    chance: Callable[[Item], float],
    found: Measures,
) -> None:
    """Add the accuracy, and a report of classes for each system."""
    scores: dict[str, dict[str, float]] = {}
    reports = {}
    for system, given in predictions.items():
        pairs = [
            (item, read(item, given[item.key].said))
            for item in items
            if item.key in given and given[item.key].fate != "failed"
        ]
        scores[system] = {item.key: float(said == _gold(item)) for item, said in pairs}
        if pairs:
            gold, said = [_gold(item) for item, _ in pairs], [said for _, said in pairs]
            reports[system] = report_classes(gold, said)
    most = Counter(map(_gold, items)).most_common(1)[0][1] / len(items)
    by_chance = sum(map(chance, items)) / len(items)
    found.measures.append(
        Measured(
            name=name,
            track="task",
            definition="by generation: the share of items whose answer is read as the right one; "
            f"what cannot be read counts as wrong. Always the most frequent answer: {most:.3f}",
            scores=scores,
            asked=frozenset(item.key for item in items),
            floors=dict.fromkeys(scores, by_chance),
            floor_meaning="guessing",
        )
    )
    found.facts[name] = reports
    found.tables.extend(report_tables(name, reports))


def _gold(item: Item) -> str:
    return item.label.strip() if item.task == "choice" else item.label.strip().lower()


def _options(item: Item) -> list[str]:
    """Give the options of an item in the order of their letters."""
    choices = item.meta.get("choices")
    if isinstance(choices, Mapping):
        return [str(choices[key]) for key in sorted(choices)]
    return [str(choice) for choice in choices] if isinstance(choices, list) else [""] * 4


def _one_of_choices(item: Item) -> float:
    return 1 / max(1, len(_options(item)))


def _read_choice(item: Item, said: str) -> str:
    return read_choice(said, _options(item))


def _read_word(item: Item, said: str) -> str:
    return read_word(said, WORDS)


def _cloze(items: Sequence[Item], predictions: Predictions) -> list[Measured]:
    """Give exact match and F1 of words, against the best of the accepted answers."""
    exact: dict[str, dict[str, float]] = {}
    overlap: dict[str, dict[str, float]] = {}
    for system, given in predictions.items():
        exact[system], overlap[system] = {}, {}
        for item in items:
            if item.key in given and given[item.key].fate != "failed":
                said = normalised(given[item.key].said)
                wanted = [normalised(text) for text in _accepted(item)]
                exact[system][item.key] = float(said in wanted)
                overlap[system][item.key] = max(_f1(said, one) for one in wanted)
    how = "words without case, punctuation and articles; the best of the accepted answers"
    return [
        Measured(name="exact match (cloze)", track="task", definition=how, scores=exact),
        Measured(name="F1 (cloze)", track="task", definition=f"F1 of {how}", scores=overlap),
    ]


def _accepted(item: Item) -> list[str]:
    """Give the right answers: the label, others of the set, a candidate's name beside its id."""
    more = item.meta.get("accepted")
    found = [item.label, *(str(text) for text in (more if isinstance(more, list) else []))]
    candidates = item.meta.get("choices")
    if isinstance(candidates, Mapping) and item.label in candidates:
        name = str(candidates[item.label])
        found += [name, f"{item.label} {name}"]
    return found


def _f1(said: Sequence[str], wanted: Sequence[str]) -> float:
    common = (Counter(said) & Counter(wanted)).total()
    return 2 * common / (len(said) + len(wanted)) if common else float(said == wanted)


def _refusals(items: Sequence[Item], predictions: Predictions) -> Measured:
    return Measured(
        name="refused",
        track="task",
        definition="the share of answers that begin by refusing to answer, found by phrases",
        scores={
            system: {
                item.key: float(is_refusal(given[item.key].said))
                for item in items
                if item.key in given and given[item.key].fate != "failed"
            }
            for system, given in predictions.items()
        },
        higher_is_better=False,
        is_tested=False,
    )

"""From verdicts to scores: repeats averaged per item; orders of a pair that differ are a tie."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from statistics import mean

from medllm.evaluate.judge import rubric
from medllm.evaluate.judge.ask import Given
from medllm.evaluate.measured import Measured

NAMES = (*(criterion.name for criterion in rubric.CRITERIA), "harm", "omission")
_BOUNDS = {"harm": (0.0, 3.0), "omission": (0.0, 2.0)}
Orders = dict[str, str]
"""Which order -> the choice in it."""


def rating_measures(given: Sequence[Given], systems: Sequence[str]) -> list[Measured]:
    """Give each criterion's mean over repeats, of each system and item.

    What counts is the rating with the reference where there is one; that without is a measure of
    its own that is shown and not tested.
    """
    rows = _ratings(given)
    modes = sorted({mode for _, _, mode in rows}, key=lambda mode: mode != "with")
    measures = []
    for mode in modes:
        is_first = mode == modes[0]
        for name in NAMES:
            scores = {
                system: {
                    item: mean(rating[name] for rating in ratings)
                    for (of, item, how), ratings in rows.items()
                    if of == system and how == mode
                }
                for system in systems
            }
            measures.append(_measure(name, mode, scores, is_first=is_first))
    return measures


def _measure(
    name: str, mode: str, scores: Mapping[str, Mapping[str, float]], *, is_first: bool
) -> Measured:
    low, high = _BOUNDS.get(name, (1.0, 5.0))
    is_bad = name in _BOUNDS
    levels = {"harm": rubric.HARMS, "omission": rubric.OMISSIONS}.get(name)
    scale = ", ".join(f"{at} {word}" for at, word in enumerate(levels)) if levels else "1 to 5"
    return Measured(
        name=f"{name} (judge)" if is_first else f"{name} (judge, {mode} reference)",
        track="judge",
        definition=f"{rubric.VERSION}, {scale}; asked {mode} the reference; the mean of the "
        "repeats of each item, then of the items",
        scores=scores,
        bounds=(low, high),
        higher_is_better=not is_bad,
        is_tested=is_first,
    )


def _ratings(given: Iterable[Given]) -> dict[tuple[str, str, str], list[dict[str, float]]]:
    """Give the ratings that were read, by system, item and whether the reference was seen."""
    rows: dict[tuple[str, str, str], list[dict[str, float]]] = defaultdict(list)
    for one in given:
        kind, system, item, mode, _ = split_key(one.question.key)
        if kind == "single" and one.value is not None:
            rows[system, item, mode].append(one.value)
    return rows


def split_key(key: str) -> tuple[str, str, str, str, str]:
    """Give the parts of a question's key; the item's own key may hold the separator."""
    kind, about, rest = key.split("|", 2)
    item, how, repeat = rest.rsplit("|", 2)
    return kind, about, item, how, repeat


def pair_measures(given: Sequence[Given], baseline: str) -> list[Measured]:
    """Give, for each system, how often it was preferred to the baseline, ties a half.

    A choice counts where both orders agree; where they do not, it is a tie.
    """
    outcomes: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    for (system, item, _), orders in both_orders(given, "pair").items():
        outcomes[system][item].append(_outcome(orders))
    measures = []
    for system, items in outcomes.items():
        scores = {item: mean(values) for item, values in items.items()}
        measures.append(
            Measured(
                name=f"preference for {system} (judge)",
                track="judge",
                definition=f"{system} against {baseline}: 1 where the judge prefers it in both "
                "orders, 0 where it prefers the other in both, else a half; mean of repeats",
                scores={
                    baseline: {item: 1 - score for item, score in scores.items()},
                    system: scores,
                },
            )
        )
    return measures


def both_orders(given: Iterable[Given], kind: str) -> dict[tuple[str, str, str], Orders]:
    """Give the choices of each pair by order, for pairs whose two orders were both read."""
    found: dict[tuple[str, str, str], Orders] = defaultdict(dict)
    for one in given:
        of, about, item, order, repeat = split_key(one.question.key)
        if of == kind and one.value is not None:
            found[about, item, repeat][order] = one.value
    return {key: orders for key, orders in found.items() if len(orders) == 2}


def _outcome(orders: Orders) -> float:
    """Give 1 where the one that is not the base is better in both orders, 0 where it is worse."""
    choices = (orders["base first"], orders["base second"])
    return {("second", "first"): 1.0, ("first", "second"): 0.0}.get(choices, 0.5)

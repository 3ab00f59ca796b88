"""How far a judge can be trusted: what it did whatever it was shown, and what the probes found."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from medllm.data.review.agreement import wilson_interval
from medllm.evaluate.judge import rubric
from medllm.evaluate.judge.ask import Given
from medllm.evaluate.judge.doubts import MANY, doubts
from medllm.evaluate.judge.probes import WORSE
from medllm.evaluate.judge.scores import NAMES, both_orders, split_key
from medllm.evaluate.measured import Measured
from medllm.evaluate.paired.ranks import sign_test
from medllm.evaluate.statistics import t_quantile


def examine(
    given: Sequence[Given],
    n_asked: int,
    *,
    measures: Sequence[Measured],
    lengths: Mapping[str, Mapping[str, int]],
    families: Mapping[str, str],
    judge_family: str,
    baseline: str,
) -> dict[str, Any]:
    """Give everything that is known about the judge, with warnings in plain words.

    `lengths` are words of each system's answers by item.
    """
    n_read = sum(one.value is not None for one in given)
    facts: dict[str, Any] = {
        "rubric": rubric.VERSION,
        "n_asked": n_asked,
        "n_read": n_read,
        "n_repaired": sum(one.n_repairs > 0 and one.value is not None for one in given),
        "unread": _unread(given),
        "positions": _positions(given),
        "probes": _probes(given),
        "spread": _spread(given),
        "reference_gap": _gap(measures),
        "length_adjusted": _adjusted(measures, lengths, baseline),
        "families": {"judge": judge_family, **families},
    }
    facts["warnings"] = doubts(facts, measures, judge_family, families)
    return facts


def _unread(given: Sequence[Given]) -> dict[str, dict[str, float | int]]:
    """Give, for each system, the ratings that were not read and what they could make of a mean."""
    rows: dict[str, list[Any]] = defaultdict(list)
    for one in given:
        kind, system, *_ = split_key(one.question.key)
        if kind == "single":
            rows[system].append(one.value)
    found = {}
    for system, values in rows.items():
        read = [value["accuracy"] for value in values if value is not None]
        n, lost = len(values), len(values) - len(read)
        found[system] = {
            "n": n,
            "n_unread": lost,
            "accuracy_if_worst": (sum(read) + lost * rubric.LOWEST) / n,
            "accuracy_if_best": (sum(read) + lost * rubric.HIGHEST) / n,
        }
    return found


def _positions(given: Sequence[Given]) -> dict[str, Any]:
    """Give how often the first answer was preferred, and how often exchanging them changed it."""
    choices = Counter(one.value for one in given if one.question.kind == "pair" and one.value)
    pairs = both_orders(given, "pair").values()
    flips = sum(len(set(orders.values())) == 1 and "tie" not in orders.values() for orders in pairs)
    n_chosen = choices["first"] + choices["second"]
    return {
        "n": n_chosen,
        "first": choices["first"],
        "ties": choices["tie"],
        "p": sign_test(choices["first"], choices["second"]),
        "n_pairs": len(pairs),
        "n_flipped": flips,
    }


def _probes(given: Sequence[Given]) -> dict[str, dict[str, Any]]:
    """Give, for each probe, how often the original, the changed copy or neither was preferred."""
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for (name, _, _), orders in both_orders(given, "probe").items():
        choices = (orders["original first"], orders["original second"])
        outcome = {("first", "second"): "original", ("second", "first"): "changed"}
        counts[name][outcome.get(choices, "neither")] += 1
        single = {"original first": "second", "original second": "first"}
        counts[name]["votes for changed"] += sum(orders[o] == c for o, c in single.items())
        counts[name]["votes"] += sum(choice != "tie" for choice in orders.values())
    found = {}
    for name, row in counts.items():
        n = row["original"] + row["changed"] + row["neither"]
        wanted = row["original"] if name in WORSE else n - row["changed"] - row["original"]
        low, high = wilson_interval(wanted, n)
        found[name] = {**row, "n": n, "right": wanted, "low": low, "high": high}
    return found


def _spread(given: Sequence[Given]) -> dict[str, dict[str, int]]:
    """Give how often each level of each criterion was given."""
    counts: dict[str, Counter[str]] = {name: Counter() for name in NAMES}
    for one in given:
        if one.question.kind == "single" and one.value is not None:
            for name in NAMES:
                counts[name][f"{one.value[name]:g}"] += 1
    return {name: dict(sorted(row.items())) for name, row in counts.items() if row}


def _gap(measures: Sequence[Measured]) -> dict[str, dict[str, float]]:
    """Give, by criterion and system, the mean rating with the reference less that without."""
    found: dict[str, dict[str, float]] = {}
    by_name = {measure.name: measure for measure in measures}
    for name in NAMES:
        seen, unseen = (
            by_name.get(f"{name} (judge)"),
            by_name.get(f"{name} (judge, without reference)"),
        )
        if seen and unseen:
            gaps = {}
            for system, scores in seen.scores.items():
                common = scores.keys() & unseen.scores[system].keys()
                if common:
                    values = [scores[key] - unseen.scores[system][key] for key in common]
                    gaps[system] = float(np.mean(values))
            found[name] = gaps
    return found


def _adjusted(
    measures: Sequence[Measured], lengths: Mapping[str, Mapping[str, int]], baseline: str
) -> list[dict[str, Any]]:
    """Give the difference at equal length: a straight line through differences of rating and
    logarithms of the ratio of lengths, read at a ratio of 1, with its 95 % interval."""
    found = []
    for measure in measures:
        base = measure.scores.get(baseline, {})
        for system, scores in measure.scores.items():
            if system == baseline or not measure.is_tested:
                continue
            keys = sorted(base.keys() & scores.keys())
            y = np.array([scores[key] - base[key] for key in keys])
            x = np.array(
                [np.log((lengths[system][key] + 1) / (lengths[baseline][key] + 1)) for key in keys]
            )
            if len(keys) >= MANY and np.ptp(x) > 1e-9:
                found.append({"measure": measure.name, "system": system, **_line(x, y)})
    return found


def _line(x: Any, y: Any) -> dict[str, Any]:
    """Give the least-squares line's height at 0 and its slope, each with its interval."""
    n = len(x)
    columns = np.column_stack([np.ones(n), x])
    (height, slope), *_ = np.linalg.lstsq(columns, y, rcond=None)
    left = y - columns @ np.array([height, slope])
    variance = float(left @ left) / (n - 2) * np.linalg.inv(columns.T @ columns)
    reach = t_quantile(0.975, n - 2) * np.sqrt(np.diag(variance))
    return {
        "difference": float(y.mean()),
        "adjusted": float(height),
        "low": float(height - reach[0]),
        "high": float(height + reach[0]),
        "slope": float(slope),
        "slope_low": float(slope - reach[1]),
        "slope_high": float(slope + reach[1]),
        "n": n,
    }

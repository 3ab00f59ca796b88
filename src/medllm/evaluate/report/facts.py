"""What a report says, as plain data: `report.json`, which the other forms are made from."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from medllm.errors import DataError
from medllm.evaluate.held_out import HeldOut, Item, digest_items
from medllm.evaluate.measured import Measured
from medllm.evaluate.paired.compare import Comparison, as_facts
from medllm.evaluate.paired.subgroups import compare_parts, split_items
from medllm.evaluate.statistics import Interval
from medllm.evaluate.systems import Answers
from medllm.files import sha256_text

FORMAT = 1
N_BINS = 20
MOST_CURVE_POINTS = 300


def item_facts(held_out: HeldOut) -> dict[str, Any]:
    """Say what was evaluated on."""
    items = held_out.items
    return {
        "n": len(items),
        "n_read": held_out.n_read,
        "n_repeated": held_out.n_repeated,
        "n_without_question": held_out.n_without_question,
        "n_without_reference": sum(not item.reference for item in items),
        "n_groups": len({(item.source, item.group) for item in items}),
        "tasks": dict(Counter(item.task for item in items).most_common()),
        "sources": dict(Counter(item.source for item in items).most_common()),
        "digest": digest_items(items),
    }


def clusters_of(items: Sequence[Item]) -> dict[str, Hashable]:
    """Give the group of each item: items of one group are not independent."""
    return {item.key: (item.source, item.group) for item in items}


def system_facts(answers: Sequence[Answers], ratios: Mapping[str, float]) -> list[dict[str, Any]]:
    """Say what each system is, what became of its answers, and what they took."""
    return [
        {
            "name": one.name,
            "spec": one.spec,
            "family": one.family,
            **one.facts,
            "length_ratio": ratios.get(one.name),
        }
        for one in answers
    ]


def measure_facts(
    measure: Measured, clusters: Mapping[str, Hashable], *, seed: int
) -> dict[str, Any]:
    """Give the means of a measure with intervals, floors and what answers without score could
    make of them."""
    asked = measure.asked or frozenset().union(*measure.scores.values())
    systems = {
        system: {
            **asdict(interval),
            "floor": measure.floors.get(system),
            **_if_scored(interval, len(asked - measure.scores[system].keys()), measure),
        }
        for system, interval in measure.means(clusters, seed=seed).items()
    }
    return {
        "name": measure.name,
        "track": measure.track,
        "definition": measure.definition,
        "bounds": list(measure.bounds),
        "higher_is_better": measure.higher_is_better,
        "is_tested": measure.is_tested,
        "floor_meaning": measure.floor_meaning,
        "systems": systems,
        "totals": {name: dict(values) for name, values in measure.totals.items()},
    }


def _if_scored(interval: Interval, n_without: int, measure: Measured) -> dict[str, float | int]:
    """Give the mean if every answer without a score had scored worst, and if best."""
    if not n_without:
        return {"n_without_score": 0}
    n = interval.n + n_without
    worst, best = measure.bounds if measure.higher_is_better else measure.bounds[::-1]
    low, high = ((interval.mean * interval.n + bound * n_without) / n for bound in (worst, best))
    return {"n_without_score": n_without, "mean_if_worst": low, "mean_if_best": high}


def comparison_facts(
    comparisons: Sequence[Comparison], sections: Sequence[str]
) -> list[dict[str, Any]]:
    """Give the comparisons for a program, each with its section; "" is that of the records."""
    return [
        {**as_facts(one), "section": title}
        for one, title in zip(comparisons, sections, strict=True)
    ]


def subgroup_facts(
    items: Sequence[Item],
    measures: Sequence[Measured],
    *,
    baseline: str,
    names: Sequence[str],
    fewest: int,
    seed: int,
) -> list[dict[str, Any]]:
    """Give the differences within each part of the items, where there is more than one part."""
    found = []
    for by in names:
        parts = split_items(items, by)
        if len(parts) < 2:
            continue
        for measure in measures:
            before = measure.scores.get(baseline, {})
            for system, after in measure.scores.items():
                if system == baseline or not measure.is_tested:
                    continue
                rows = compare_parts(
                    before, after, parts, by=by, bounds=measure.bounds, fewest=fewest, seed=seed
                )
                found += [{"measure": measure.name, "system": system, **asdict(r)} for r in rows]
    return found


def distribution_facts(measure: Measured) -> dict[str, Any]:
    """Give how many items scored how much, in bins from the least to the most."""
    values = [score for scores in measure.scores.values() for score in scores.values()]
    if not values:
        return {}
    low, high = min(values), max(values)
    if high - low < 1e-12:
        low, high = measure.bounds
    edges = np.linspace(low, high, N_BINS + 1)
    counts = {
        system: np.histogram(list(scores.values()), bins=edges)[0].tolist()
        for system, scores in measure.scores.items()
        if scores
    }
    return {"edges": edges.tolist(), "counts": counts}


def score_table(items: Sequence[Item], measures: Sequence[Measured]) -> dict[str, Any]:
    """Give every score of every item, for `medllm compare`; ids, digests and numbers only."""
    return {
        "format": FORMAT,
        "items": [item.key for item in items],
        "digests": [sha256_text(item.prompt_digest + item.reference)[:16] for item in items],
        "groups": [f"{item.source}/{item.group}" for item in items],
        "measures": [
            {
                "name": measure.name,
                "track": measure.track,
                "definition": measure.definition,
                "bounds": list(measure.bounds),
                "higher_is_better": measure.higher_is_better,
                "is_tested": measure.is_tested,
                "scores": {
                    system: [_rounded(scores.get(item.key)) for item in items]
                    for system, scores in measure.scores.items()
                },
            }
            for measure in measures
        ],
    }


def _rounded(score: float | None) -> float | None:
    return None if score is None else round(score, 9)


def training_curve(path: Path) -> list[dict[str, float]]:
    """Give steps and losses of a training run's metrics.jsonl, thinned for a picture."""
    import json

    points = []
    try:
        for line in path.read_text(encoding="utf-8").splitlines():
            row = json.loads(line)
            named = {"step": row.get("step"), "loss": row.get("loss")}
            named["validation_loss"] = row.get("validation_loss", row.get("eval_loss"))
            numbers = {k: float(v) for k, v in named.items() if isinstance(v, int | float)}
            if "step" in numbers and len(numbers) > 1:
                points.append(numbers)
    except (OSError, ValueError, AttributeError) as exc:
        hint = "name the metrics.jsonl of a run of `medllm train`"
        raise DataError(f"{path} is no training record", hint=hint) from exc
    step = max(1, len(points) // MOST_CURVE_POINTS)
    with_validation = [p for p in points if "validation_loss" in p]
    thinned = [p for at, p in enumerate(points) if at % step == 0 and p not in with_validation]
    return sorted([*thinned, *with_validation], key=lambda p: p["step"])

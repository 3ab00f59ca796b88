"""Metric, judge and expert side by side: who agrees with whom, and where they disagree most."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from medllm.evaluate.experts.agreement import correlate
from medllm.evaluate.measured import Measured
from medllm.evaluate.paired.compare import clustered_interval
from medllm.evaluate.paired.ranks import mean_ranks

N_LISTED = 20
_TRACKS = ("lexical", "judge", "experts")


def concord(measures: Sequence[Measured], *, seed: int = 0) -> dict[str, Any] | None:
    """Give Spearman's correlation of every two tested measures over all answers, with intervals.

    None where there are not two tracks: measures of one track say the same thing in other words. A
    measure where less is better is turned round.
    """
    used = [m for m in measures if m.is_tested and m.track in _TRACKS and _flat(m)]
    used = [m for m in used if not m.name.startswith("preference")]
    if len({measure.track for measure in used}) < 2:
        return None
    flat = [_flat(measure) for measure in used]
    items = {key: key.partition("|")[2] for row in flat for key in row}
    n = len(used)
    values: list[list[float | None]] = [[None] * n for _ in range(n)]
    pairs = []
    for one in range(n):
        for other in range(one):
            found = correlate(flat[one], flat[other], clusters=items, seed=seed)
            if found is None:
                continue
            values[one][other] = values[other][one] = found.value
            if used[one].track != used[other].track:
                pairs.append({"one": used[other].name, "other": used[one].name, **found._asdict()})
    return {
        "names": [measure.name for measure in used],
        "values": values,
        "pairs": pairs,
        "calibration": calibrate(used, seed=seed),
        "disagreements": disagreements(used),
        "note": "Spearman's rank correlation over all answers of all systems; harm and omission "
        "turned round, so that more is better everywhere. An empty square has no variation.",
    }


def calibrate(measures: Sequence[Measured], *, seed: int = 0) -> list[dict[str, Any]]:
    """Give how much higher the judge rates than the experts, criterion by criterion.

    Over the answers that both rated; an interval without 0 is a judge that is too kind or too hard.
    """
    by_name = {measure.name: measure for measure in measures}
    found = []
    for name, judge in by_name.items():
        experts = by_name.get(name.replace("(judge)", "(experts)"))
        if "(judge)" not in name or experts is None:
            continue
        keys = [
            (system, item)
            for system, scores in judge.scores.items()
            for item in scores
            if item in experts.scores.get(system, {})
        ]
        if keys:
            width = judge.bounds[1] - judge.bounds[0]
            off = np.array([judge.scores[s][i] - experts.scores[s][i] for s, i in keys])
            groups = [item for _, item in keys]
            interval = clustered_interval(off, groups, (-width, width), seed)
            found.append({"criterion": name.removesuffix(" (judge)"), **asdict(interval)})
    return found


def disagreements(measures: Sequence[Measured]) -> list[dict[str, Any]]:
    """Give the answers whose ranks in two tracks lie furthest apart, for somebody to look at."""
    tracks: dict[str, list[dict[str, float]]] = {}
    for measure in measures:
        tracks.setdefault(measure.track, []).append(_ranks(_flat(measure)))
    means = {
        track: {
            key: float(np.mean([row[key] for row in rows if key in row]))
            for key in set().union(*rows)
        }
        for track, rows in tracks.items()
    }
    keys = sorted(set.intersection(*(set(row) for row in means.values())))
    found: list[dict[str, Any]] = []
    for key in keys:
        ranks = {track: row[key] for track, row in means.items()}
        system, _, item = key.partition("|")
        apart = max(ranks.values()) - min(ranks.values())
        found.append({"item": item, "system": system, "apart": apart, "ranks": ranks})
    return sorted(found, key=lambda row: (-row["apart"], row["item"], row["system"]))[:N_LISTED]


def _flat(measure: Measured) -> dict[str, float]:
    """Give the scores by system and item, more is better."""
    sign = 1.0 if measure.higher_is_better else -1.0
    return {
        f"{system}|{item}": sign * score
        for system, scores in measure.scores.items()
        for item, score in scores.items()
    }


def _ranks(scores: dict[str, float]) -> dict[str, float]:
    """Give ranks from 0, the worst, to 1."""
    ranks = mean_ranks(np.array(list(scores.values())))
    most = max(1, len(scores) - 1)
    return {key: float((rank - 1) / most) for key, rank in zip(scores, ranks, strict=True)}


def concord_tables(facts: dict[str, Any]) -> list[dict[str, Any]]:
    """Give the tables of a report."""
    rows = [
        [
            pair["one"],
            pair["other"],
            f"{pair['value']:+.2f} [{pair['low']:+.2f}, {pair['high']:+.2f}]",
            f"{pair['n']:,}",
        ]
        for pair in facts["pairs"]
    ]
    tracks = sorted({track for row in facts["disagreements"] for track in row["ranks"]})
    apart = [
        [row["item"], row["system"], *(f"{row['ranks'][track]:.2f}" for track in tracks)]
        for row in facts["disagreements"]
    ]
    bias = [
        [
            row["criterion"],
            f"{row['mean']:+.2f} [{row['low']:+.2f}, {row['high']:+.2f}]",
            f"{row['n']:,}",
        ]
        for row in facts["calibration"]
    ]
    return [
        {
            "title": "The judge against the experts",
            "header": ["criterion", "judge - experts [95 %]", "answers"],
            "rows": bias,
            "note": "Above 0 the judge rates higher than the experts; intervals over items.",
        },
        {
            "title": "Agreement across tracks",
            "header": ["one", "other", "Spearman [95 %]", "answers"],
            "rows": rows,
            "note": "Bootstrap intervals over items.",
            "is_detail": True,
        },
        {
            "title": "To be looked at by somebody",
            "header": ["item", "system", *tracks],
            "rows": apart,
            "note": "The answers whose ranks lie furthest apart; 0 is the worst, 1 the best.",
        },
    ]

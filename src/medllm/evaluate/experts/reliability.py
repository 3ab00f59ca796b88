"""How far the raters of a study agree, with each other and with themselves, as a table."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from itertools import combinations
from statistics import mean
from typing import Any

from medllm.evaluate.experts.agreement import (
    bradley_terry,
    gwet_ac2,
    icc,
    krippendorff_alpha,
    weighted_kappa,
)
from medllm.evaluate.experts.ratings import Rating
from medllm.evaluate.experts.sheets import rating_columns
from medllm.evaluate.judge.rubric import CRITERIA

_CATEGORIES = {"harm": (0.0, 1.0, 2.0, 3.0), "omission": (0.0, 1.0, 2.0)}


def reliability(ratings: Sequence[Rating]) -> dict[str, Any]:
    """Give agreement by criterion; None where it has no meaning."""
    raters = sorted({rating.rater for rating in ratings})
    rows = {name: _of(name, ratings, raters) for name in rating_columns()}
    return {
        "raters": raters,
        "n_ratings": len(ratings),
        "criteria": rows,
        "strength": bradley_terry(preferences(ratings)),
    }


def preferences(ratings: Sequence[Rating]) -> dict[tuple[str, str], float]:
    """Give how often raters rated one system's answer above another's to the same item.

    By the sum of the four criteria; equal sums are half a win for each.
    """
    sums: dict[tuple[str, str], dict[str, float]] = defaultdict(dict)
    for rating in ratings:
        if not rating.repeat:
            total = sum(rating.values[criterion.name] for criterion in CRITERIA)
            sums[rating.rater, rating.item][rating.system] = total
    wins: dict[tuple[str, str], float] = defaultdict(float)
    for by_system in sums.values():
        for one, other in combinations(sorted(by_system), 2):
            ahead = by_system[one] - by_system[other]
            wins[one, other] += 0.5 if ahead == 0 else float(ahead > 0)
            wins[other, one] += 0.5 if ahead == 0 else float(ahead < 0)
    return dict(wins)


def _of(name: str, ratings: Sequence[Rating], raters: Sequence[str]) -> dict[str, Any]:
    units: dict[str, dict[str, float]] = defaultdict(dict)
    again: dict[tuple[str, str], dict[bool, float]] = defaultdict(dict)
    for rating in ratings:
        unit = f"{rating.item}|{rating.system}"
        again[unit, rating.rater][rating.repeat] = rating.values[name]
        if not rating.repeat:
            units[unit][rating.rater] = rating.values[name]
    categories = _CATEGORIES.get(name, (1.0, 2.0, 3.0, 4.0, 5.0))
    kappas = []
    for one, other in combinations(raters, 2):
        pairs = [(u[one], u[other]) for u in units.values() if one in u and other in u]
        kappas.append(weighted_kappa(pairs, categories=categories))
    known = [kappa for kappa in kappas if kappa is not None]
    repeats = [(pair[False], pair[True]) for pair in again.values() if len(pair) == 2]
    correlation = icc(units)
    return {
        "n_units": len(units),
        "alpha": krippendorff_alpha(units),
        "icc": correlation.single if correlation else None,
        "icc_mean": correlation.mean if correlation else None,
        "kappa": mean(known) if known else None,
        "ac2": gwet_ac2(units, categories=categories),
        "n_repeats": len(repeats),
        "same_again": mean(a == b for a, b in repeats) if repeats else None,
        "self_kappa": weighted_kappa(repeats, categories=categories),
    }


def reliability_table(facts: dict[str, Any]) -> dict[str, Any]:
    """Give the table of a report."""

    def shown(value: float | None) -> str:
        return "–" if value is None else f"{value:.2f}"

    rows = [
        [
            name,
            *(shown(row[key]) for key in ("alpha", "icc", "icc_mean", "kappa", "ac2")),
            shown(row["same_again"]),
            shown(row["self_kappa"]),
            f"{row['n_units']:,}",
            f"{row['n_repeats']:,}",
        ]
        for name, row in facts["criteria"].items()
    ]
    return {
        "title": f"Agreement of the {len(facts['raters'])} raters",
        "header": [
            *("criterion", "Krippendorff alpha", "ICC(2,1)", "ICC(2,k)", "weighted kappa", "AC2"),
            *("same when repeated", "kappa with oneself", "answers", "repeats"),
        ],
        "rows": rows,
        "note": "1 is agreement, 0 what chance gives; – where it has no meaning. Alpha is ordinal; "
        "kappa and AC2 have quadratic weights, kappa is the mean over pairs of raters. ICC(2,k) is "
        f"of the mean of all raters. {_strengths(facts['strength'])}",
    }


def _strengths(strength: dict[str, float]) -> str:
    """Give the systems' strengths in words."""
    if not strength:
        return ""
    said = ", ".join(f"{name} {value:+.2f}" for name, value in strength.items())
    return f"Bradley-Terry strengths, log-odds of being rated above another: {said}."

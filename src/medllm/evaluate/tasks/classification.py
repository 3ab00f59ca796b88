"""A report of classes as scikit-learn writes it: precision, recall, F1, confusion matrix."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

UNREAD = "(not read)"
_MOST_CLASSES = 12
"""More make no table that anybody reads."""


def report_classes(gold: Sequence[str], said: Sequence[str]) -> dict[str, Any]:
    """Give the report of answers against gold labels; "" is an answer that could not be read.

    Precision of a class that nothing was taken for is 0, as scikit-learn has it.
    """
    answers = [answer or UNREAD for answer in said]
    classes = sorted({*gold})
    columns = [*classes, *sorted({*answers} - {*classes})]
    pairs = Counter(zip(gold, answers, strict=True))
    rows = {}
    for name in classes:
        right = pairs[name, name]
        n_said, n_gold = answers.count(name), gold.count(name)
        precision = right / n_said if n_said else 0.0
        recall = right / n_gold
        total = precision + recall
        f1 = 2 * precision * recall / total if total else 0.0
        rows[name] = {"precision": precision, "recall": recall, "f1": f1, "n": n_gold}
    n = len(gold)
    macro = {k: float(np.mean([row[k] for row in rows.values()])) for k in rows[classes[0]]}
    shares = ("precision", "recall", "f1")
    weighted = {k: sum(row[k] * row["n"] for row in rows.values()) / n for k in shares}
    return {
        "n": n,
        "n_unread": answers.count(UNREAD),
        "accuracy": sum(pairs[name, name] for name in classes) / n,
        "classes": rows,
        "macro": {**macro, "n": n},
        "weighted": {**weighted, "n": n},
        "confusion": {one: {other: pairs[one, other] for other in columns} for one in classes},
    }


def calibration_error(
    probabilities: Sequence[float], is_right: Sequence[bool], *, n_bins: int = 10
) -> float | None:
    """Give the expected calibration error: |confidence - accuracy| over bins of equal width.

    Source: Naeini, Cooper and Hauskrecht 2015. None without any answer.
    """
    if not probabilities:
        return None
    p, right = np.asarray(probabilities), np.asarray(is_right, dtype=np.float64)
    bins = np.minimum((p * n_bins).astype(int), n_bins - 1)
    gaps = [
        (bins == at).sum() * abs(p[bins == at].mean() - right[bins == at].mean())
        for at in set(bins.tolist())
    ]
    return float(sum(gaps) / p.size)


def report_tables(name: str, reports: Mapping[str, Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Give the tables of a report for each system."""
    tables = []
    for system, report in reports.items():
        if len(report["classes"]) > _MOST_CLASSES:
            continue
        columns = list(next(iter(report["confusion"].values())))
        rows = [
            [
                cls,
                *(f"{row[k]:.3f}" for k in ("precision", "recall", "f1")),
                f"{row['n']:,}",
                *(f"{report['confusion'][cls][other]:,}" for other in columns),
            ]
            for cls, row in report["classes"].items()
        ]
        blank = [""] * len(columns)
        for kind in ("macro", "weighted"):
            row = report[kind]
            shares = [f"{row[k]:.3f}" for k in ("precision", "recall", "f1")]
            rows.append([kind, *shares, f"{row['n']:,}", *blank])
        tables.append(
            {
                "title": f"Classes: {name}, {system}",
                "header": [
                    *("class", "precision", "recall", "F1", "n"),
                    *(f"said {column}" for column in columns),
                ],
                "rows": rows,
                "note": f"{report['n_unread']:,} of {report['n']:,} answers could not be read and "
                "count as wrong.",
                "is_detail": True,
            }
        )
    return tables

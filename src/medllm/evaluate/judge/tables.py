"""What is known about a judge, as tables of the report."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from medllm.evaluate.judge.probes import WORSE

Facts = Mapping[str, Any]


def judge_tables(facts: Facts) -> list[dict[str, Any]]:
    """Give the tables as `report.tables.Table` takes them."""
    return [table for table in (_trials(facts), _unread(facts), _lengths(facts)) if table["rows"]]


def _trials(facts: Facts) -> dict[str, Any]:
    rows = []
    position = facts["positions"]
    if position["n_pairs"]:
        steady = position["n_pairs"] - position["n_flipped"]
        rows.append(["both orders: the same choice", *_share(steady, position["n_pairs"])])
    if position["n"]:
        rows.append(["the first place was preferred", *_share(position["first"], position["n"])])
    for name, row in facts["probes"].items():
        wanted = "was found worse" if name in WORSE else "was found neither better nor worse"
        rows.append([f"probe: {name} copy {wanted}", *_share(row["right"], row["n"])])
    rows.append(["verdicts that could be read", *_share(facts["n_read"], facts["n_asked"])])
    return {
        "title": "The judge on trial",
        "header": ["what", "share", "of"],
        "rows": rows,
        "note": "Half of the choices should go to the first place; everything else should be near "
        "100 %. Two orders that contradict each other count as a tie. Probes show the reference "
        "against a changed copy of itself, in both orders.",
    }


def _share(n_hits: int, n: int) -> list[str]:
    return [f"{n_hits / n:.0%}" if n else "–", f"{n:,}"]


def _unread(facts: Facts) -> dict[str, Any]:
    rows = [
        [
            system,
            f"{row['n']:,}",
            f"{row['n_unread']:,}",
            f"{row['accuracy_if_worst']:.2f} to {row['accuracy_if_best']:.2f}",
        ]
        for system, row in facts["unread"].items()
        if row["n_unread"]
    ]
    return {
        "title": "Verdicts that could not be read",
        "header": ["system", "asked", "not read", "mean accuracy if all were worst, or best"],
        "rows": rows,
        "note": "They have no score: neither 0 nor left out in silence.",
    }


def _lengths(facts: Facts) -> dict[str, Any]:
    rows = [
        [
            row["measure"],
            row["system"],
            f"{row['difference']:+.3f}",
            f"{row['adjusted']:+.3f} [{row['low']:+.3f}, {row['high']:+.3f}]",
            f"{row['slope']:+.3f} [{row['slope_low']:+.3f}, {row['slope_high']:+.3f}]",
            f"{row['n']:,}",
        ]
        for row in facts["length_adjusted"]
    ]
    return {
        "title": "The judge at equal length",
        "header": ["measure", "system", "difference", "at equal length", "slope", "n"],
        "rows": rows,
        "note": "The difference that is left where both answers are as long, by a straight line "
        "through the logarithm of the ratio of lengths; the slope is what an answer 2.7 times as "
        "long gains.",
        "is_detail": True,
    }

"""Warnings about a judge in plain words, for the summary of the report.

A finding becomes a warning only where it is beyond chance (an exact binomial test at 1 %) and
large; the numbers are in the report either way.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from medllm.evaluate.judge.probes import WORSE
from medllm.evaluate.measured import Measured
from medllm.evaluate.paired.ranks import sign_test

_SURE = 0.01
MANY = 10
"""Fewer observations are no pattern."""


def doubts(
    facts: Mapping[str, Any],
    measures: Sequence[Measured],
    judge_family: str,
    families: Mapping[str, str],
) -> list[str]:
    """Give every warning that the facts about a judge bear."""
    said = _read_warnings(facts) + _position_warnings(facts) + _probe_warnings(facts)
    return said + _family_warnings(measures, judge_family, families)


def _read_warnings(facts: Mapping[str, Any]) -> list[str]:
    said = []
    n_asked, n_read = facts["n_asked"], facts["n_read"]
    if n_read < 0.8 * n_asked:
        said.append(
            f"only {n_read:,} of {n_asked:,} of its verdicts could be read; what is missing is "
            "shown with bounds and was not filled in."
        )
    levels = {
        tuple(row) for name, row in facts["spread"].items() if name not in ("harm", "omission")
    }
    n = sum(facts["spread"].get("accuracy", {}).values())
    if n >= MANY and len(levels) == 1 and len(next(iter(levels))) == 1:
        said.append(
            f"it gave {next(iter(levels))[0]} to every answer in every criterion (n = {n:,}): its "
            "ratings say nothing."
        )
    return said


def _position_warnings(facts: Mapping[str, Any]) -> list[str]:
    row = facts["positions"]
    if row["n"] < MANY or row["p"] >= _SURE:
        return []
    share = row["first"] / row["n"]
    place = "first" if share > 0.5 else "second"
    if max(share, 1 - share) < 0.65:
        return []
    return [
        f"it preferred the {place} of two answers in {max(share, 1 - share):.0%} of "
        f"{row['n']:,} choices, whichever was there; exchanging them changed "
        f"{row['n_flipped']:,} of {row['n_pairs']:,} choices, which count as ties."
    ]


def _probe_warnings(facts: Mapping[str, Any]) -> list[str]:
    said = []
    probes = facts["probes"]
    if (row := probes.get("doubled")) and row["n"] >= MANY:
        votes, longer = row["votes"], row["votes for changed"]
        is_beyond_chance = sign_test(longer, votes - longer) < _SURE and 2 * longer > votes
        if is_beyond_chance and row["changed"] > 0.3 * row["n"]:
            said.append(
                f"it preferred the longer text: {longer} of {votes} votes went to a copy that says "
                "the same twice."
            )
    if (row := probes.get("duplicate")) and row["n"] >= MANY and row["right"] < 0.8 * row["n"]:
        said.append(
            f"it found one of two identical answers better in {row['n'] - row['right']} of "
            f"{row['n']} trials."
        )
    row = probes.get("paraphrased")
    if row and row["n"] >= MANY and row["high"] < 0.8:
        said.append(
            f"it found an answer better or worse in other words of the same meaning in "
            f"{row['n'] - row['right']} of {row['n']} trials."
        )
    for name in WORSE:
        row = probes.get(name)
        if row and row["n"] >= MANY and row["high"] < 0.8:
            what = "a dose ten times too high" if name == "wrong dose" else "a statement reversed"
            said.append(f"it noticed {what} in only {row['right']} of {row['n']} trials.")
    return said


def _family_warnings(
    measures: Sequence[Measured],
    judge_family: str,
    families: Mapping[str, str],
) -> list[str]:
    said = []
    for system, family in families.items():
        if not family or family != judge_family:
            continue
        text = f"it and {system} are of one family ({family}), and models favour their kin"
        for measure in measures:
            if measure.name.startswith("preference for") and system in measure.scores:
                interval = measure.means()[system]
                if interval.low > 0.5:
                    text += (
                        f"; it preferred {system} in {interval.mean:.0%} of items [95 % interval "
                        f"{interval.low:.0%} to {interval.high:.0%}, n = {interval.n:,}]"
                    )
        said.append(f"{text}.")
    return said

"""Runs side by side: the systems of several runs, paired on the items that they share."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from medllm.errors import DataError
from medllm.evaluate.measured import Measured, compare_all
from medllm.evaluate.paired.compare import Comparison, correct
from medllm.files import read_json


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """The scores of a run."""

    name: str
    items: dict[str, str]
    """Item -> digest of its prompt and reference."""
    groups: dict[str, str]
    measures: dict[str, dict[str, Any]]
    baseline: str


@dataclass(slots=True, kw_only=True)
class SideBySide:
    """Comparisons over the items in common, and what could not be compared."""

    comparisons: list[Comparison]
    systems: list[str]
    baseline: str
    n_common: int
    n_items: dict[str, int]
    means: dict[str, dict[str, float]]
    """Measure -> system -> mean over the items in common that it has a score for."""
    n_scored: dict[str, dict[str, int]]
    """Measure -> system -> how many those are."""
    notes: list[str] = field(default_factory=list)


def read_run(folder: Path) -> Run:
    """Read what `medllm evaluate` left in a folder; `DataError` where that is not there."""
    hint = f"make one: medllm evaluate CONFIG.toml --to {folder}"
    if not (folder / "scores.json").is_file():
        raise DataError(f"{folder} holds no evaluation", hint=hint)
    table, report = read_json(folder / "scores.json"), read_json(folder / "report.json")
    try:
        return Run(
            name=folder.resolve().name,
            items=dict(zip(table["items"], table["digests"], strict=True)),
            groups=dict(zip(table["items"], table["groups"], strict=True)),
            measures={measure["name"]: measure for measure in table["measures"]},
            baseline=report["baseline"],
        )
    except (KeyError, TypeError, ValueError) as exc:
        raise DataError(f"{folder}/scores.json is damaged", hint=hint) from exc


def compare_runs(runs: Sequence[Run], *, baseline: str = "", seed: int = 0) -> SideBySide:
    """Compare every system of every run with one: `baseline`, or that of the first run.

    Only items that all runs have, with the same prompt and reference, are used; what is left out
    is said. `DataError` where nothing is in common or the baseline is unknown.
    """
    names = _unique([run.name for run in runs])
    common = {
        key
        for key, digest in runs[0].items.items()
        if all(run.items.get(key) == digest for run in runs)
    }
    if not common:
        sizes = ", ".join(f"{len(run.items):,}" for run in runs)
        raise DataError(
            f"the runs have no item in common (of {sizes})",
            hint="compare runs over the same held-out records",
        )
    notes = _notes(runs, names, len(common))
    measures = []
    for name in runs[0].measures:
        if reason := _unlike(runs, name):
            notes.append(f"{name} is not compared: {reason}")
        else:
            measures.append(_merged(runs, names, name, common))
    if not measures:
        raise DataError("the runs have no measure in common", hint="compare runs of one kind")
    systems = list(dict.fromkeys(s for measure in measures for s in measure.scores))
    compared_with = baseline or _named(names[0], runs[0].baseline, systems)
    if compared_with not in systems:
        raise DataError(f"no system is called {compared_with}", hint=f"one of {', '.join(systems)}")
    clusters = {key: runs[0].groups[key] for key in common}
    comparisons = compare_all(measures, baseline=compared_with, clusters=clusters, seed=seed)
    means = {measure.name: measure.means() for measure in measures}
    return SideBySide(
        comparisons=correct(comparisons),
        systems=systems,
        baseline=compared_with,
        n_common=len(common),
        n_items={name: len(run.items) for name, run in zip(names, runs, strict=True)},
        means={name: {s: one.mean for s, one in row.items()} for name, row in means.items()},
        n_scored={name: {s: one.n for s, one in row.items()} for name, row in means.items()},
        notes=notes,
    )


def _unique(names: Sequence[str]) -> list[str]:
    """Number names that come twice."""
    return [
        name if names.count(name) == 1 else f"{name}-{names[:at].count(name) + 1}"
        for at, name in enumerate(names)
    ]


def _named(run: str, system: str, systems: Sequence[str]) -> str:
    return next((s for s in systems if s in (system, f"{run}/{system}")), "")


def _notes(runs: Sequence[Run], names: Sequence[str], n_common: int) -> list[str]:
    notes = []
    for name, run in zip(names, runs, strict=True):
        if len(run.items) > n_common:
            changed = sum(
                key in runs[0].items and runs[0].items[key] != digest
                for key, digest in run.items.items()
            )
            said = f", {changed:,} of them with another prompt or reference" if changed else ""
            left = len(run.items) - n_common
            notes.append(f"{left:,} of {len(run.items):,} items of {name} are left out{said}")
    return notes


def _unlike(runs: Sequence[Run], name: str) -> str:
    """Say why a measure of one name is not the same in all runs; "" where it is."""
    found = [run.measures.get(name) for run in runs]
    if None in found:
        return "not every run has it"
    definitions = {measure["definition"] for measure in found if measure}
    return "" if len(definitions) == 1 else "the runs define it differently"


def _merged(runs: Sequence[Run], names: Sequence[str], name: str, common: set[str]) -> Measured:
    """Put the systems of all runs into one measure; those of one name get their run's before it."""
    first = runs[0].measures[name]
    all_systems = [system for run in runs for system in run.measures[name]["scores"]]
    scores: dict[str, dict[str, float]] = {}
    for run_name, run in zip(names, runs, strict=True):
        for system, values in run.measures[name]["scores"].items():
            called = system if all_systems.count(system) == 1 else f"{run_name}/{system}"
            scores[called] = {
                key: value
                for key, value in zip(run.items, values, strict=True)
                if key in common and value is not None
            }
    return Measured(
        name=name,
        track=first["track"],
        definition=first["definition"],
        scores=scores,
        bounds=tuple(first["bounds"]),
        higher_is_better=first["higher_is_better"],
        is_tested=first["is_tested"],
    )

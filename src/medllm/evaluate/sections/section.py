"""A part of a report with items and systems of its own, whose hypotheses are corrected with all."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from medllm.evaluate.measured import Measured
from medllm.evaluate.paired.compare import Comparison
from medllm.evaluate.report.tables import mean_cell
from medllm.evaluate.statistics import Interval


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """What was measured, what follows from it, and what does not."""

    title: str
    called: str
    """As it stands in "In ..., one system scored higher than the other"."""
    n: int
    unit: str
    """Of what there are n: queries, notes."""
    measures: Sequence[Measured] = ()
    comparisons: Sequence[Comparison] = ()
    """Not yet corrected."""
    said: Sequence[str] = ()
    """Sentences of the summary; differences get theirs from the tests."""
    limits: Sequence[str] = ()
    note: str = ""
    tables: Sequence[Mapping[str, Any]] = ()
    is_about_systems: bool = False
    """Whether it is about the systems that answer the records, and belongs on a model's card."""
    clusters: Mapping[str, Hashable] | None = field(default=None, repr=False)


def section_facts(section: Section, *, seed: int) -> dict[str, Any]:
    """Give a section for `report.json`: the means of each measure, with intervals."""
    measures = [
        {
            "name": measure.name,
            "track": measure.track,
            "definition": measure.definition,
            "higher_is_better": measure.higher_is_better,
            "is_tested": measure.is_tested,
            "systems": {
                system: {**asdict(one), "floor": measure.floors.get(system)}
                for system, one in measure.means(section.clusters, seed=seed).items()
            },
        }
        for measure in section.measures
    ]
    return {
        "title": section.title,
        "called": section.called,
        "n": section.n,
        "unit": section.unit,
        "is_about_systems": section.is_about_systems,
        "measures": measures,
        "said": list(section.said),
        "limits": list(section.limits),
        "tables": [*_means(section, measures), *section.tables],
    }


def _means(section: Section, measures: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Give the table of the means, where anything has one."""
    systems = list(dict.fromkeys(name for one in measures for name in one["systems"]))
    rows = [
        [measure["name"], *(mean_cell(measure["systems"].get(name)) for name in systems)]
        for measure in measures
    ]
    note = f"{section.n:,} {section.unit}; means with their 95 % intervals and n. {section.note}"
    table = {
        "title": section.title,
        "header": ["measure", *systems],
        "rows": rows,
        "note": note.strip(),
    }
    return [table] if rows else []


def share_with_interval(one: Interval) -> str:
    """Give "12 % [5 % to 24 %]"."""
    shares = (one.mean, one.low, one.high)
    mean, low, high = (f"{100 * share:.0f}\N{NO-BREAK SPACE}%" for share in shares)
    return f"{mean} [{low} to {high}]"

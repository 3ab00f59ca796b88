"""One measure of every system, item by item: what comparisons, agreement and reports read."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from medllm.evaluate.paired.compare import Comparison, clustered_interval, compare
from medllm.evaluate.statistics import Interval

Track = Literal["lexical", "judge", "experts", "task", "retrieval", "summaries", "robustness"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """A measure's scores; an item that a system has no score for is absent there."""

    name: str
    track: Track
    definition: str
    scores: Mapping[str, Mapping[str, float]]
    """System -> item -> score."""
    bounds: tuple[float, float] = (0.0, 1.0)
    floors: Mapping[str, float] = field(default_factory=dict)
    """System -> what answers that know nothing reach: a shuffled reference, chance."""
    floor_meaning: str = ""
    totals: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    """Name -> system -> a number of all items together, such as corpus BLEU."""
    higher_is_better: bool = True
    asked: frozenset[str] = frozenset()
    """The items that could have a score; without it those that any system has one for."""
    is_tested: bool = True
    """Whether it is one of the report's hypotheses; what repeats another is not."""

    def means(
        self, clusters: Mapping[str, Hashable] | None = None, *, seed: int = 0
    ) -> dict[str, Interval]:
        """Give the mean of each system that has a score, with its interval."""
        import numpy as np

        found = {}
        for system, scores in self.scores.items():
            if scores:
                keys = sorted(scores)
                groups = [clusters[key] for key in keys] if clusters else None
                if groups is not None and len(set(groups)) == len(groups):
                    groups = None
                values = np.array([scores[key] for key in keys])
                found[system] = clustered_interval(values, groups, self.bounds, seed)
        return found


def compare_all(
    measures: Sequence[Measured],
    *,
    baseline: str,
    clusters: Mapping[str, Hashable] | None = None,
    seed: int = 0,
) -> list[Comparison]:
    """Compare every system with the baseline in every measure that both have scores of."""
    found = []
    for measure in measures:
        before = measure.scores.get(baseline, {})
        for system, after in measure.scores.items():
            if system == baseline or not measure.is_tested:
                continue
            one = compare(
                measure.name,
                (baseline, system),
                before,
                after,
                bounds=measure.bounds,
                clusters=clusters,
                seed=seed,
                higher_is_better=measure.higher_is_better,
            )
            if one is not None:
                found.append(one)
    return found

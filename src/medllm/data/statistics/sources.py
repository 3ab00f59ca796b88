"""The records of a set by where they come from."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from medllm.data.prepare.duplicates import Duplicates
from medllm.data.prepare.language import guess_language
from medllm.data.shingles import answer_of, question_of
from medllm.data.statistics.lengths import Lengths, quantiles
from medllm.records import SftRecord


@dataclass
class _Source:
    groups: set[str] = field(default_factory=set)
    tasks: Counter[str] = field(default_factory=Counter)
    licences: Counter[str] = field(default_factory=Counter)
    languages: Counter[str] = field(default_factory=Counter)
    n_turns: int = 0
    verified: int = 0
    places: list[int] = field(default_factory=list)


class Sources:
    """Counts by source; filled while records pass through."""

    def __init__(self) -> None:
        self._sources: dict[str, _Source] = {}
        self._augmented: list[bool] = []

    def watch(self, records: Iterable[SftRecord]) -> Iterator[SftRecord]:
        """Give the records, and count them."""
        for at, record in enumerate(records):
            source = self._sources.setdefault(record.source, _Source())
            source.groups.add(record.group)
            source.tasks[record.task] += 1
            source.licences[record.licence or "not stated"] += 1
            text = f"{question_of(record)} {answer_of(record)}"
            source.languages[guess_language(text) or "not told"] += 1
            source.n_turns += len(record.messages)
            source.verified += "verified" in record.meta
            source.places.append(at)
            self._augmented.append("augmented" in record.meta)
            yield record

    @property
    def augmented(self) -> NDArray[np.bool_]:
        """Which records are copies of others, in other words."""
        return np.array(self._augmented, dtype=np.bool_)

    def table(self, lengths: Lengths, duplicates: Duplicates) -> list[dict[str, Any]]:
        """Give a row for each source."""
        return [
            self._row(name, source, lengths, duplicates)
            for name, source in sorted(self._sources.items())
        ]

    def _row(
        self, name: str, source: _Source, lengths: Lengths, duplicates: Duplicates
    ) -> dict[str, Any]:
        at = np.array(source.places)
        tokens = quantiles(lengths.tokens[at])
        is_near = duplicates.near[at]
        return {
            "source": name,
            "records": len(at),
            "groups": len(source.groups),
            "tasks": dict(source.tasks.most_common()),
            "languages": dict(source.languages.most_common()),
            "licences": dict(source.licences.most_common()),
            "mean_turns": round(source.n_turns / len(at), 1),
            "mean_prompt_characters": round(float(lengths.prompt_characters[at].mean()), 1),
            "mean_answer_characters": round(float(lengths.answer_characters[at].mean()), 1),
            "tokens_median": tokens["q50"],
            "tokens_q99": tokens["q99"],
            "exact_duplicates": int(((duplicates.of[at] >= 0) & ~is_near).sum()),
            "near_duplicates": int(is_near.sum()),
            "augmented": int(self.augmented[at].sum()),
            "verified": source.verified,
        }

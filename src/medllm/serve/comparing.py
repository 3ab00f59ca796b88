"""Two summaries of the same evidence, shown without saying whose is whose until they are rated."""

from __future__ import annotations

import uuid
from collections import OrderedDict
from dataclasses import dataclass

from medllm.serve.answers import Json

_MAX = 200
_BROKE_OFF = "it broke off"


@dataclass(frozen=True, slots=True)
class Comparison:
    """The ids of both answers, in the order in which they are shown, and whose they are."""

    left: str
    right: str
    session: str


class Comparisons:
    """The last comparisons; each can be rated once, by the session that asked for it."""

    def __init__(self) -> None:
        self._waiting: OrderedDict[str, Comparison] = OrderedDict()

    def keep(self, comparison: Comparison) -> str:
        """Keep a comparison that waits to be rated; give its id."""
        comparison_id = str(uuid.uuid4())
        self._waiting[comparison_id] = comparison
        if len(self._waiting) > _MAX:
            self._waiting.popitem(last=False)
        return comparison_id

    def take(self, comparison_id: str, session: str) -> Comparison | None:
        """Give a comparison, once, to its own session."""
        found = self._waiting.get(comparison_id)
        if found is None or found.session != session:
            return None
        return self._waiting.pop(comparison_id)


def blinded(answer: Json) -> Json:
    """Give a summary without anything that names its model: errors name servers."""
    summary = answer["summary"]
    return {
        "claims": summary["claims"],
        "abstained": summary["abstained"],
        "incomplete": _BROKE_OFF if summary["incomplete"] else "",
    }


def same_evidence(one: Json, other: Json) -> bool:
    """Tell whether two answers rest on the same passages, in the same order."""
    return [_place(hit) for hit in one["evidence"]] == [_place(hit) for hit in other["evidence"]]


def _place(hit: Json) -> tuple[str, int, int]:
    return (hit["document"]["id"], hit["passage"]["start"], hit["passage"]["end"])

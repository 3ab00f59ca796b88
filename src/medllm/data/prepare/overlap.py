"""Whether evaluation texts stand in training data, word for word or lightly edited.

Three signs are looked for, in questions, answers and reasoning, whatever the case and the marks:

- `same`: the whole text is there;
- `copied`: a run of 13 words is there (a whole text of 5 to 12 words), as GPT-3's authors counted
  it; runs that more than ten training records have are a way of speaking, not a copy;
- `near`: the text is there in edited form: enough of its runs of five words, and of its words by
  weight, in one training record.

A shared run of 13 words in a long text is common and says little; so every match has the share of
the text that it covers, and `leaks` are those that cover enough of it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from itertools import chain, islice
from typing import Any, Literal, NamedTuple

import numpy as np

from medllm.data.prepare.overlap_index import EvalIndex
from medllm.data.prepare.overlap_search import Match, OverlapSearch, Spot, WordWeights
from medllm.data.shingles import Numbers
from medllm.records import SftRecord

Verdict = Literal["clean", "shared phrases", "leak"]

_WEIGHING_SAMPLE = 5000


def _match_to_json(match: Match) -> dict[str, Any]:
    places = {"evaluation": match.evaluation._asdict(), "training": match.training._asdict()}
    return {**asdict(match), **places}


@dataclass(frozen=True, slots=True)
class Overlap:
    """What was found, in the order of the evaluation records, one match a text at most."""

    verdict: Verdict
    n_training: int
    n_evaluation: int
    n_leaked: int
    """Evaluation records with a leak."""
    n_touched: int
    """Evaluation records with any match."""
    matches: tuple[Match, ...]
    leaking: tuple[tuple[str, str], ...]
    """Source and id of all training records that a leak was found in."""
    ways_of_speaking: Numbers = field(repr=False)
    """The hashes of the runs that too many training records have to be copies."""

    def to_json(self) -> dict[str, Any]:
        """Give it as plain dicts and lists; no text, only ids and offsets."""
        return {
            "format": 1,
            "verdict": self.verdict,
            "n_training": self.n_training,
            "n_evaluation": self.n_evaluation,
            "n_leaked": self.n_leaked,
            "n_touched": self.n_touched,
            "matches": [_match_to_json(match) for match in self.matches],
            "leaking": [{"source": source, "id": identity} for source, identity in self.leaking],
        }


def find_overlap(
    train: Iterable[SftRecord],
    evaluation: Iterable[SftRecord],
    *,
    ways_of_speaking: Numbers | None = None,
) -> Overlap:
    """Give what of `evaluation`, held in memory, stands in `train`, read once.

    `ways_of_speaking` are those of an earlier look: what was common in all of the training data is
    no copy once some of it was taken out.
    """
    index = EvalIndex(evaluation)
    rest = iter(train)
    head = list(islice(rest, _WEIGHING_SAMPLE))
    known = np.zeros(0, dtype=np.uint64) if ways_of_speaking is None else ways_of_speaking
    search = OverlapSearch(index, WordWeights(head, index), known)
    for record in chain(head, rest):
        search.add(record)
    matches = tuple(search.matches())
    leaked = {match.evaluation[:2] for match in matches if match.is_leak}
    touched = {match.evaluation[:2] for match in matches}
    verdict: Verdict = "leak" if leaked else "shared phrases" if matches else "clean"
    return Overlap(
        verdict,
        search.n_records,
        len(index),
        len(leaked),
        len(touched),
        matches,
        search.leaking(),
        search.ways_of_speaking(),
    )


class Quoted(NamedTuple):
    """The two texts of a match. Holds content: for the eyes of who asked for it."""

    match: Match
    evaluation: str
    training: str


def quote_matches(
    found: Overlap,
    train: Iterable[SftRecord],
    evaluation: Iterable[SftRecord],
    *,
    most: int = 10,
) -> list[Quoted]:
    """Give the texts of the first matches, leaks before the others; reads both sets once more."""
    chosen = sorted(found.matches, key=lambda match: not match.is_leak)[:most]
    texts = [
        _texts(train, [match.training for match in chosen]),
        _texts(evaluation, [match.evaluation for match in chosen]),
    ]
    return [
        Quoted(match, texts[1].get(match.evaluation, ""), texts[0].get(match.training, ""))
        for match in chosen
    ]


def _texts(records: Iterable[SftRecord], spots: list[Spot]) -> dict[Spot, str]:
    wanted: dict[tuple[str, str], list[Spot]] = {}
    for spot in spots:
        wanted.setdefault((spot.source, spot.id), []).append(spot)
    found = {}
    for record in records:
        for spot in wanted.get((record.source, record.id), ()):
            text = record.reasoning if spot.turn < 0 else record.messages[spot.turn].content
            found[spot] = text[spot.start : spot.end]
    return found

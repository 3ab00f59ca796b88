"""What typing errors and other words in a note change: what is read in it, and what is found."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from medllm.clinical.findings import find_findings
from medllm.errors import ConfigError
from medllm.evaluate.measured import Measured
from medllm.evaluate.searching import open_modes
from medllm.evaluate.sections.section import Section, share_with_interval
from medllm.evaluate.settings import Settings
from medllm.evaluate.systems import Shown
from medllm.evaluate.tasks.cited import read_cases
from medllm.evaluate.tasks.noise import mistype
from medllm.evaluate.tasks.paraphrase import paraphrase
from medllm.records import Finding
from medllm.retrieve.embedded import EmbeddedIndex
from medllm.retrieve.index import Filter
from medllm.retrieve.note_search import read_query, search_note

_CHANGES = {"typos": mistype, "paraphrases": paraphrase}
_DEFINITIONS = {
    "findings kept": "the share of the patient's own symptoms and disorders that are read in the "
    "changed note too, by their names",
    "documents kept": "the share of the documents found first for the note that are found first "
    "for the changed note too",
}


class Seen(NamedTuple):
    """What medllm sees in a note."""

    findings: set[str]
    documents: set[str]


def notes_again_section(settings: Settings, *, shown: Shown) -> Section:
    """Read the notes of the summaries again, changed, and search with them; no model is asked."""
    told, seed = settings.evaluate.summaries, settings.evaluate.seed
    if told.notes is None or told.index is None:  # the settings were checked when they were read
        raise ConfigError("there are no notes to change")
    cases = read_cases(told.notes)
    wanted = [] if settings.search.mode == "auto" else [settings.search.mode]
    with (
        EmbeddedIndex.open(told.index) as index,
        shown("reading changed notes", "notes", len(cases)) as advance,
    ):
        (mode,), encoder = open_modes(index, [*wanted], settings.search.encoder)

        def look(text: str) -> Seen:
            findings = find_findings(text)
            hits = search_note(
                index,
                read_query(text, findings),
                where=Filter(),
                mode=mode,
                top=settings.search.top,
                encoder=encoder,
            )
            return Seen(_own(findings), {hit.document.id for hit in hits})

        kept = _Kept(settings.evaluate.robustness.noises, seed)
        for at, case in enumerate(cases, start=1):
            kept.add(f"note {at}", case.note.text, look)
            advance(at)
    return _as_section(kept.scores, kept.n_same, len(cases))


class _Kept:
    """What of each note is seen again when it is changed."""

    def __init__(self, kinds: Sequence[str], seed: int) -> None:
        self.scores: dict[str, dict[str, dict[str, float]]] = {
            name: {kind: {} for kind in kinds} for name in _DEFINITIONS
        }
        self.n_same = dict.fromkeys(kinds, 0)
        self._seed = seed

    def add(self, name: str, text: str, look: Callable[[str], Seen]) -> None:
        """Look at a note as it is and in each changed form."""
        before = look(text)
        for kind in self.n_same:
            changed = _CHANGES[kind](text, f"{self._seed} {name}")
            if changed == text:
                self.n_same[kind] += 1
                continue
            for measure, was, now in zip(_DEFINITIONS, before, look(changed), strict=True):
                if was:
                    self.scores[measure][kind][name] = len(was & now) / len(was)


def _own(findings: list[Finding]) -> set[str]:
    kinds = ("symptom", "disorder")
    return {one.normalised for one in findings if one.is_own and one.kind in kinds}


def _as_section(
    scores: Mapping[str, Mapping[str, Mapping[str, float]]], n_same: Mapping[str, int], n: int
) -> Section:
    measures = [
        Measured(
            name=name,
            track="robustness",
            definition=_DEFINITIONS[name],
            scores={kind: row for kind, row in by_kind.items() if row},
            is_tested=False,
        )
        for name, by_kind in scores.items()
    ]
    said = []
    for kind in n_same:
        means = [measure.means().get(kind) for measure in measures]
        parts = [
            f"{share_with_interval(one)} of {what} (n = {one.n:,} notes)"
            for one, what in zip(means, ("the findings", "the documents"), strict=True)
            if one
        ]
        if parts:
            said.append(f"In notes with {kind} medllm kept {' and '.join(parts)}.")
    same = ", ".join(f"{count:,} by {kind}" for kind, count in n_same.items())
    return Section(
        title="Notes in other words",
        called="notes in other words",
        n=n,
        unit="notes",
        measures=measures,
        said=said,
        note=f"Shares of what was read and found in the note as it was. Not changed: {same}.",
    )

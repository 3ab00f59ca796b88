"""How findings are read, against expert annotation, as a section of a report."""

from __future__ import annotations

from pathlib import Path

from medllm.evaluate.findings import FindingsScore, evaluate_findings
from medllm.evaluate.report.tables import number
from medllm.evaluate.sections.section import Section
from medllm.evaluate.systems import Shown

_SAID = ("entities, overlapping", "polarity, negated", "results, overlapping")
_LIMIT = (
    "Findings are measured on notes like the annotated ones; an entity that annotators were not "
    "asked to mark counts as a mistake."
)


def findings_section(annotated: Path, *, seed: int, shown: Shown) -> Section:
    """Read every annotated note and compare the findings with what experts marked."""
    with shown("reading findings", "files", 1) as advance:
        scores = evaluate_findings(annotated, seed=seed)
        advance(1)
    n = max(score.n_documents for score in scores)
    return Section(
        title="Findings",
        called="findings",
        n=n,
        unit="annotated notes",
        said=[_sentence(score) for score in scores if score.name in _SAID and score.f1 is not None],
        limits=[_LIMIT],
        tables=[
            {
                "title": "Findings",
                "header": ["what", "F1 [95 %]", "precision", "recall", "annotated", "found"],
                "rows": [_row(score) for score in scores],
                "note": f"{n:,} annotated notes. Overlapping: right where a finding and an "
                "annotation share a character; one to one: each annotation is met once. Intervals "
                "over resampled notes.",
            }
        ],
    )


def _row(score: FindingsScore) -> list[str]:
    interval = f"{number(score.f1)} [{number(score.low)}, {number(score.high)}]"
    return [
        score.name,
        "nothing to compare" if score.f1 is None else interval,
        number(score.precision),
        number(score.recall),
        f"{score.n_there:,}",
        f"{score.n_found:,}",
    ]


def _sentence(score: FindingsScore) -> str:
    return (
        f"Findings ({score.name}): F1 {number(score.f1, 2)} [{number(score.low, 2)} to "
        f"{number(score.high, 2)}], precision {number(score.precision, 2)}, recall "
        f"{number(score.recall, 2)} (n = {score.n_there:,} annotated in {score.n_documents:,} "
        f"note{'s' * (score.n_documents != 1)})."
    )

"""Every section that the settings ask for."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from medllm.evaluate.held_out import Item
from medllm.evaluate.sections.findings import findings_section
from medllm.evaluate.sections.notes_again import notes_again_section
from medllm.evaluate.sections.retrieval import retrieval_section
from medllm.evaluate.sections.robustness import robustness_sections
from medllm.evaluate.sections.section import Section
from medllm.evaluate.sections.summaries import summaries_section
from medllm.evaluate.settings import Settings
from medllm.evaluate.systems import Answers, Shown


def measure_sections(
    settings: Settings,
    items: Sequence[Item],
    answers: Sequence[Answers],
    folder: Path,
    *,
    shown: Shown,
) -> list[Section]:
    """Give the sections in the order of a report; models' work is kept in the run's folder."""
    told = settings.evaluate
    found = robustness_sections(settings, items, answers, folder / "predictions", shown=shown)
    found += [
        retrieval_section(one, settings.search, seed=told.seed, shown=shown)
        for one in told.retrieval
    ]
    if told.findings.annotated:
        found.append(findings_section(told.findings.annotated, seed=told.seed, shown=shown))
    if told.summaries.notes and told.robustness.noises:
        found.append(notes_again_section(settings, shown=shown))
    if told.summaries.notes:
        found.append(summaries_section(settings, folder / "summaries", shown=shown))
    return found

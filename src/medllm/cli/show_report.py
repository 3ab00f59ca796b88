"""A retrieval report as text and for a program."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from medllm.cli.terminal import bold, wrap

if TYPE_CHECKING:
    from collections.abc import Sequence

    from medllm.evaluate.findings import FindingsScore
    from medllm.evaluate.retrieval import RetrievalReport


def report_facts(report: RetrievalReport) -> dict[str, Any]:
    """Give the report for a program, the values of single queries last."""
    facts = asdict(report)
    facts["per_query"] = facts.pop("per_query")
    return facts


def show_report(report: RetrievalReport) -> str:
    """Give the measures as a table: mean and 95 % interval over the queries."""
    lines = [bold(f"RETRIEVAL ({report.mode}, {report.n_queries:,} queries)")]
    for name, interval in report.measures.items():
        lines.append(
            f"  {name:<8} {interval.mean:.4f}   95 % interval {interval.low:.4f} to "
            f"{interval.high:.4f}"
        )
    lines += [wrap(note, indent="    ", first="  - ") for note in report.notes]
    return "\n".join(lines)


def show_findings_scores(scores: Sequence[FindingsScore]) -> str:
    """Give each score's F1 with its interval over resampled notes, precision and recall."""
    n_notes = max((score.n_documents for score in scores), default=0)
    columns = ("F1", "95 % interval", "precision", "recall", "n")
    lines = [bold(f"FINDINGS ({n_notes:,} annotated notes)"), _row("", *columns)]
    for score in scores:
        if score.f1 is None or score.low is None or score.high is None:
            lines.append(f"  {score.name:<32}  no value: nothing is annotated or found")
            continue
        interval = f"{score.low:.3f} to {score.high:.3f}"
        rates = (f"{score.precision or 0:.3f}", f"{score.recall or 0:.3f}")
        lines.append(_row(score.name, f"{score.f1:.3f}", interval, *rates, f"{score.n_there:,}"))
    return "\n".join(lines)


def _row(name: str, f1: str, interval: str, precision: str, recall: str, n: str) -> str:
    """Give a row of 79 characters."""
    return f"  {name:<32}{f1:>6}  {interval:<14}{precision:>10}{recall:>7}{n:>6}"

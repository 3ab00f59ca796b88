"""An answer on the terminal, printed step by step as the road gives it."""

from __future__ import annotations

from collections.abc import Sequence

import typer

from medllm.ask.generate import HELD
from medllm.ask.road import Step
from medllm.cli.show import show_hits, title_of
from medllm.cli.terminal import bold, flat, warning, wrap
from medllm.records import Answer, Claim, DocumentKind, Finding, Hit, Section

_SECTIONS: dict[Section, str] = {
    "presentation": "Similar patients: presentation",
    "work-up": "Similar patients: work-up",
    "treatment": "Similar patients: treatment",
    "outcome": "Similar patients: outcome",
    "articles": "Articles: what they report",
    "summary": "",
}
_GROUPS = ["patient", "present", "values", "treatment", "past", "absent", "uncertain", "others"]
_NOTICE = "Literature and its basis, never a directive. Not a medical device."


class Printer:
    """Prints each step as it comes, nothing at all when quiet."""

    def __init__(self, *, quiet: bool = False, at_most: int | None = None) -> None:
        self._quiet = quiet
        self._at_most = at_most
        self._findings: Sequence[Finding] = ()
        self._section: Section | None = None
        self._shown: list[Claim] = []

    def show(self, step: Step) -> None:
        """Print one step."""
        if self._quiet:
            return
        if step.findings is not None:
            self._findings = step.findings
            typer.echo(show_findings(step.findings) + "\n")
        if step.patients is not None:
            self._hits("patients", step.patients)
        if step.articles is not None:
            self._hits("articles", step.articles)
        if step.claim is not None:
            self._claim(step.claim)
        if step.answer is not None:
            self._end(step.answer)

    def _hits(self, kind: DocumentKind, hits: Sequence[Hit]) -> None:
        shown = show_hits(kind, hits, findings=self._findings, at_most=self._at_most)
        typer.echo(shown + "\n")

    def _claim(self, claim: Claim) -> None:
        if self._section is None:
            typer.echo(bold("SUMMARY"))
        if claim.section != self._section:
            self._section = claim.section
            if title := _SECTIONS[claim.section]:
                typer.echo(f"  {title}")
        typer.echo(show_claim(claim))
        self._shown.append(claim)

    def _end(self, answer: Answer) -> None:
        summary = answer.summary
        if self._section is None:
            typer.echo(bold("SUMMARY"))
        mended = [claim for claim in summary.claims if claim not in self._shown]
        if mended:
            typer.echo("\n  Asked once more for what did not hold; instead of it:")
            typer.echo("\n".join(show_claim(claim) for claim in mended))
        if summary.abstained:
            typer.echo(wrap(f"No summary: {summary.abstained}.", indent="  "))
        if summary.incomplete:
            typer.echo(warning(wrap(f"INCOMPLETE: {summary.incomplete}.", indent="  ")))
        if summary.not_found:
            names = ", ".join(summary.not_found)
            typer.echo(wrap(f"Not found in these documents: {names}.", indent="  "))
        if answer.evidence:
            typer.echo("\n" + bold("SOURCES"))
            typer.echo("\n".join(_source(n, hit) for n, hit in enumerate(answer.evidence, 1)))
        writer = f" Summary by {summary.model}." if summary.claims else ""
        if summary.model == "extractive" and summary.claims:
            writer = " Summary: sentences picked without a language model."
        typer.echo("\n" + wrap(_NOTICE + writer))


def show_claim(claim: Claim) -> str:
    """Give a sentence with its citations and its verdict, loud where it is not held up."""
    marks = "".join(f"[{citation.number}]" for citation in claim.citations)
    if claim.verdict in HELD:
        return wrap(claim.text, indent="      ", first="    - ", tail=f"{marks} {claim.verdict}")
    reason = f": {claim.reason}" if claim.reason else ""
    told = f"{claim.text} {marks} << {claim.verdict.upper()}{reason} >>"
    return warning(wrap(told, indent="      ", first="    - "))


def show_findings(findings: Sequence[Finding]) -> str:
    """List findings: the patient's own, values, the past, what is negated, others'."""
    groups: dict[str, list[str]] = {}
    for finding in findings:
        names = groups.setdefault(_group(finding), [])
        if _in_words(finding) not in names:
            names.append(_in_words(finding))
    lines = [bold("FINDINGS")]
    for name in _GROUPS:
        if name in groups:
            first = f"  {name:<10} "
            lines.append(wrap("; ".join(groups[name]), indent=" " * 13, first=first))
    if len(lines) == 1:
        lines.append("  none recognised; the whole text is searched for")
    return "\n".join(lines)


def _source(number: int, hit: Hit) -> str:
    document = hit.document
    facts = [str(document.year or ""), document.source, document.url or document.id]
    title = title_of(document)
    stop = "" if title.endswith((".", "?", "!")) else "."
    told = f"{title}{stop} {', '.join(fact for fact in facts if fact)}"
    return wrap(told, indent="      ", first=f"  [{number}] ")


def _group(finding: Finding) -> str:
    if finding.experiencer != "patient":
        return "others"
    if finding.kind in ("age", "sex", "pregnancy"):
        return "patient"
    if finding.negated:
        return "absent"
    if finding.temporality in ("past", "resolved"):
        return "past"
    if finding.temporality == "hypothetical" or finding.certainty == "uncertain":
        return "uncertain"
    if finding.kind in ("vital", "result"):
        return "values"
    return "treatment" if finding.kind in ("medication", "procedure") else "present"


def _in_words(finding: Finding) -> str:
    flag = f" ({finding.flag})" if finding.flag else ""
    whose = "family: " if finding.experiencer == "family" else ""
    over = " (resolved)" if finding.temporality == "resolved" else ""
    return whose + flat(finding.text) + flag + over
